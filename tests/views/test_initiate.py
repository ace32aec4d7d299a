"""Login begun by a third party (Core 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from django_silent_sso.testing import make_stale
from tests.conftest import NAVIGATION, Browser, told
from tests.views.answers import SESSION, answer_to, assert_private, cookies_of, nothing_changes, with_cookies

if TYPE_CHECKING:
    from pytest_django import Settings

START = "/oidc/initiate/"
CROSS_SITE = {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}


def link(browser: Browser, **parameters: str) -> str:
    return f"{START}?{urlencode({'iss': browser.provider.issuer, **parameters})}"


def asked(response: Any) -> dict[str, str]:
    assert response.status_code == 302, response.content
    return dict(parse_qsl(urlsplit(response["Location"]).query, keep_blank_values=True))


def test_3p7_a_link_begins_an_ordinary_sign_in(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    leaving = browser.client.get(link(browser, target_link_uri="http://testserver/page/7"), headers=CROSS_SITE)
    assert_private(leaving)
    wish = asked(leaving)
    assert wish["state"].startswith("i.")
    assert {"prompt", "login_hint", "id_token_hint"} & wish.keys() == set()
    assert browser.follow(leaving)["Location"] == "http://testserver/page/7"
    assert browser.user() != "nobody"


def test_3p7_a_form_of_another_site_does_too(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    given = {"iss": browser.provider.issuer, "target_link_uri": "/page/7"}
    leaving = browser.client.post(START, given, headers={**CROSS_SITE, "Origin": "https://portal.example"})
    assert browser.follow(leaving)["Location"] == "/page/7"


def test_3p7_the_query_of_a_form_does_not_count(browser: Browser) -> None:
    """Parameters in two places could be read as two different wishes."""
    answer = browser.client.post(link(browser), {"login_hint": "alice"}, headers=CROSS_SITE)
    assert told(answer) == (400, "issuer_mismatch")


@pytest.mark.parametrize(
    "issuer",
    [
        pytest.param([], id="missing"),
        pytest.param([""], id="empty"),
        pytest.param(["https://elsewhere.example"], id="unknown"),
        pytest.param(["{issuer}/"], id="slash"),
        pytest.param(["{issuer}1"], id="near miss"),
        pytest.param(["{ISSUER}"], id="case"),
        pytest.param(["{issuer}", "{issuer}"], id="twice"),
        pytest.param(["https://elsewhere.example", "{issuer}"], id="two"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_3p1_for_our_op_alone(browser: Browser, issuer: list[str], method: str) -> None:
    ours = browser.provider.issuer
    values = [value.replace("{issuer}", ours).replace("{ISSUER}", ours.upper()) for value in issuer]
    query = urlencode([("iss", value) for value in values])
    with nothing_changes(browser):
        if method == "get":
            answer = browser.get(f"{START}?{query}")
        else:
            form = "application/x-www-form-urlencoded"
            answer = browser.client.post(START, query, content_type=form, headers=CROSS_SITE)
    assert told(answer) == (400, "issuer_mismatch")
    assert_private(answer)
    assert not answer.cookies


def test_3p3_nothing_else_of_the_link_reaches_the_op(browser: Browser) -> None:
    plain = asked(browser.get(link(browser)))
    more = {
        "scope": "openid offline_access",
        "prompt": "none",
        "redirect_uri": "https://attacker.example/",
        "acr_values": "weak",
        "state": "theirs",
        "max_age": "0",
        "client_id": "theirs",
        "next": "/page/9",
    }
    answer = asked(browser.get(link(browser, **more)))
    assert answer.keys() == plain.keys()
    for name in ("scope", "redirect_uri", "client_id"):
        assert answer[name] == plain[name]
    assert answer["state"] != "theirs"


@pytest.mark.parametrize(
    ("hint", "sent"),
    [
        ("alice@example.org", True),
        ("Ünal <b>&\"'", True),
        ("h" * 255, True),
        ("h" * 256, False),
        ("h" * 10_000, False),
        ("", False),
        ("a\x00b", False),
        ("a\r\nb", False),
        ("\x7f", False),
    ],
)
def test_3p4_a_hint_is_capped_and_encoded(browser: Browser, hint: str, sent: bool) -> None:
    response = browser.get(link(browser, login_hint=hint))
    assert asked(response).get("login_hint") == (hint if sent else None)
    assert not set("<>\"' \r\n") & set(response["Location"])


@pytest.mark.parametrize(
    "target",
    ["https://attacker.example/", "//attacker.example/", "javascript:alert(1)", "/oidc/logout/", "/oidc/initiate/", ""],
)
def test_a_target_that_is_not_ours_ends_on_the_site_s_own_page(
    browser: Browser, settings: Settings, target: str
) -> None:
    settings.LOGIN_REDIRECT_URL = "/page/home"
    browser.provider.sign_in("alice")
    assert browser.follow(browser.get(link(browser, target_link_uri=target)))["Location"] == "/page/home"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Dest": "iframe"}, 403),
        ({"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}, 403),
        ({"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}, 403),
        ({"Sec-Purpose": "prefetch;prerender"}, 204),
    ],
)
def test_3p5_framed_or_prefetched(browser: Browser, headers: dict[str, str], status: int) -> None:
    with nothing_changes(browser):
        answer = browser.get(link(browser), **{**headers, "Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == status
    assert not answer.cookies


@pytest.mark.parametrize("method", ["head", "options", "put", "delete"])
def test_other_methods(browser: Browser, method: str) -> None:
    answer = getattr(browser.client, method)(link(browser))
    assert (answer.status_code, answer["Allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("method", ["get", "post"])
def test_u08_it_is_no_way_round_our_question(browser: Browser, method: str) -> None:
    """After the OP has vouched for somebody else, that person is not signed in without a visible step."""
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.id_token.replace(sub="bob"):
        browser.follow(browser.get("/page/"))
    assert browser.user() == "nobody"
    with nothing_changes(browser):
        given = {"iss": browser.provider.issuer, "target_link_uri": "/page/7"}
        page = getattr(browser.client, method)(START, given, headers=CROSS_SITE)
    assert page.status_code == 200
    assert 'action="/oidc/authenticate/?next=%2Fpage%2F7"' in page.content.decode()


@pytest.mark.parametrize("save_every_request", [False, True])
def test_c77_an_old_session_cookie_does_not_delete_the_fresh_one(
    browser: Browser, settings: Settings, save_every_request: bool
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    session = browser.client.session
    session["basket"] = "full"
    session.save()
    browser.provider.sign_in("alice")
    first = answer_to(browser)
    old = cookies_of(browser)
    browser.get(first)
    with with_cookies(browser, old):
        answer = browser.get(link(browser))
    assert answer.status_code == 302
    assert SESSION not in answer.cookies


def test_an_op_that_is_down(browser: Browser) -> None:
    browser.provider.fail("discovery")
    page = browser.get(link(browser, target_link_uri="/page/7"))
    assert told(page) == (503, "op_status")
    assert "next=%2Fpage%2F7" in page.content.decode()
    assert not page.cookies


def test_a_site_without_an_op(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_ISSUER = None
    assert told(browser.get(START)) == (400, "issuer_mismatch")
