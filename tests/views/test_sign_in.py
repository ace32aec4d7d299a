"""`authenticate/`: interactive sign-in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.sessions.models import Session

from django_silent_sso.testing import make_stale
from tests.broken_cache import BROKEN
from tests.conftest import Browser, told
from tests.views.answers import SESSION, assert_private, cookies_of, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

START = "/oidc/authenticate/"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


def asked(response: Any) -> dict[str, str]:
    assert response.status_code == 302, response.content
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def test_to_the_op_without_prompt(browser: Browser) -> None:
    response = browser.get(f"{START}?next=/page/7")
    wish = asked(response)
    assert response["Location"].startswith(browser.provider.url_of("authorize"))
    assert "prompt" not in wish
    assert wish["state"].startswith("i.")
    assert_private(response)
    assert not Session.objects.exists()


def test_c104_a_visitor_signs_in_on_the_op_s_own_page(browser: Browser) -> None:
    response = browser.get(f"{START}?next=/page/7")
    answer = browser.provider.answer(response["Location"], sign_in_as="alice")
    back = urlsplit(answer.location)
    assert browser.get(f"{back.path}?{back.query}")["Location"] == "/page/7"
    assert browser.fetch("/oidc/session/").json()["user"] == {"name": "alice@example.org"}


def test_the_site_s_own_name_for_next(browser: Browser, settings: Settings) -> None:
    settings.OIDC_REDIRECT_FIELD_NAME = "go"
    browser.provider.sign_in("alice")
    assert browser.follow(browser.get(f"{START}?next=/other/&go=/page/7"))["Location"] == "/page/7"


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
        {"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "websocket"},
    ],
)
def test_s20_f03_what_is_no_page_load_begins_nothing(browser: Browser, headers: dict[str, str]) -> None:
    for site in ("cross-site", "same-origin"):
        with nothing_changes(browser):
            answer = browser.get(START, **{**headers, "Sec-Fetch-Site": site})
        assert told(answer) == (403, "cross_site_request")
        assert_private(answer)
        assert not answer.cookies


def test_a_link_on_another_site_may_lead_here(browser: Browser) -> None:
    asked(browser.get(START, **{"Sec-Fetch-Site": "cross-site"}))


def test_a_browser_without_fetch_metadata_may_sign_in(browser: Browser) -> None:
    asked(browser.client.get(START))


def test_c88_the_start_url_twice_is_two_attempts(browser: Browser) -> None:
    states = {asked(browser.get(START))["state"] for _ in range(2)}
    assert len(states) == 2


def test_s19_an_honest_attempt_survives_a_flood(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    honest = browser.at_op(browser.get(f"{START}?next=/page/7")["Location"])
    for _ in range(30):
        browser.start(trigger="call")
    assert len(cookies_of(browser)) <= 9
    assert browser.get(honest)["Location"] == "/page/7"


def test_a_signed_in_user_who_comes_again_keeps_the_session(browser: Browser) -> None:
    browser.sign_in("alice")
    key = browser.session.session_key
    assert browser.follow(browser.get(f"{START}?next=/page/"))["Location"] == "/page/"
    assert browser.session.session_key == key


@pytest.mark.parametrize("save_every_request", [False, True])
def test_c77_an_old_session_cookie_is_left_alone(
    browser: Browser, settings: Settings, save_every_request: bool
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    browser.client.cookies[SESSION] = "an-old-key-that-is-gone-by-now-abc"
    answer = browser.get(START)
    assert answer.status_code == 302
    assert SESSION not in answer.cookies


# -- the OP fails --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 500}, "op_status"),
        ({"status": 503, "headers": {"Retry-After": "99"}}, "op_status"),
        ({"status": 200, "body": "<html>"}, "op_answer_invalid"),
        ({"status": 200, "body": [1]}, "metadata_invalid"),
        ({"status": 200, "body": {"issuer": "https://elsewhere.example"}}, "metadata_issuer_mismatch"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:9/"}}, "op_redirected"),
    ],
)
def test_c2_without_metadata_a_clear_page_and_a_way_to_try_again(
    browser: Browser, fault: dict[str, Any], reason: str
) -> None:
    browser.provider.fail("discovery", **fault)
    page = browser.get(f"{START}?next=/page/7%3Fx=1")
    assert told(page) == (503, reason)
    assert page["Retry-After"] == ("99" if "Retry-After" in fault.get("headers", {}) else "30")
    assert_private(page)
    assert f'href="{START}?next=%2Fpage%2F7%3Fx%3D1"' in page.content.decode()
    assert not page.cookies


def test_c1_an_op_that_is_not_there(browser: Browser) -> None:
    browser.provider.stop()
    assert told(browser.get(START)) == (503, "op_unreachable")
    assert browser.get("/page/").status_code == 200


def test_c69_our_own_cache_is_not_needed(browser: Browser, settings: Settings) -> None:
    settings.CACHES = BROKEN
    asked(browser.get(f"{START}?next=/page/"))


# -- after another person --------------------------------------------------------------------------------------------


@pytest.fixture
def another(browser: Browser) -> Browser:
    """Alice was signed in here; then the OP vouched for Bob."""
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.id_token.replace(sub="bob"):
        back = browser.follow(browser.get("/page/"))
    assert back["Location"] == "/page/"
    assert browser.user() == "nobody"
    browser.provider.switch_user("bob")
    browser.provider.forget_calls()
    return browser


def test_u08_a_page_of_ours_asks_first(another: Browser) -> None:
    with nothing_changes(another):
        page = another.get(f"{START}?next=/page/%3Fa=1%26b=2")
    assert page.status_code == 200
    assert_private(page)
    form = f'method="post" action="{START}?next=%2Fpage%2F%3Fa%3D1%26b%3D2"'
    assert form in page.content.decode()


@pytest.mark.parametrize("origin", ["http://testserver", "null"])
def test_u08_who_continues_is_signed_in(another: Browser, origin: str) -> None:
    """The page says `Referrer-Policy: no-referrer`, and so browsers send `Origin: null` with its form."""
    again = f"{START}?{urlencode({'next': '/page/7'})}"
    back = another.follow(another.post(again, Origin=origin, **SAME_ORIGIN))
    assert back["Location"] == "/page/7"
    assert another.fetch("/oidc/session/").json()["user"] == {"name": "bob@example.org"}
    asked(another.get(START))


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://sub.testserver", "Sec-Fetch-Site": "same-site"},
    ],
)
def test_u08_no_other_site_continues_for_the_person(another: Browser, headers: dict[str, str]) -> None:
    with nothing_changes(another):
        assert told(another.post(START, **headers)) == (403, "cross_site_request")


def test_u08_nor_does_a_browser_that_says_nothing(another: Browser) -> None:
    with nothing_changes(another):
        assert told(another.client.post(START)) == (403, "cross_site_request")


def test_a_form_of_this_site_may_begin_a_sign_in(browser: Browser) -> None:
    asked(browser.post(START, **SAME_ORIGIN))


def test_s19_a_flood_from_another_site_does_not_push_out_a_person_s_own_attempt(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    own = browser.get("/oidc/authenticate/?next=/page/", **{"Sec-Fetch-Site": "same-origin"})
    for _ in range(20):
        browser.get("/oidc/authenticate/?next=/danger/", **{"Sec-Fetch-Site": "cross-site"})

    answer = browser.follow(own)

    assert (answer.status_code, answer["Location"]) == (302, "/page/")
