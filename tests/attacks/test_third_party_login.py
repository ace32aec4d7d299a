"""A link or form on any page may begin a sign-in at our OP (Core 4), and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.conftest import Browser, told
from tests.views.answers import nothing_changes

INITIATE = "/oidc/initiate/"
CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def link(browser: Browser, **more: str) -> str:
    return f"{INITIATE}?{urlencode({'iss': browser.provider.issuer, **more})}"


def wish(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 302, answer.content
    return parse_qs(urlsplit(answer["Location"]).query)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="3P1 missing"),
        pytest.param("iss=", id="3P1 empty"),
        pytest.param("iss=https%3A%2F%2Fevil.example", id="3P1 unknown"),
        pytest.param("iss=http%3A%2F%2Fid.example.org", id="3P1 http"),
        pytest.param("iss=ISSUER%2F", id="3P1 a slash behind it"),
        pytest.param("iss=ISSUER&iss=https%3A%2F%2Fevil.example", id="3P1 twice"),
        pytest.param("iss=ISSUER&iss=ISSUER", id="3P1 twice the same"),
        pytest.param("ISS=ISSUER", id="3P1 another case of the name"),
    ],
)
def test_3p1_an_issuer_that_is_not_ours_starts_nothing(browser: Browser, query: str) -> None:
    with nothing_changes(browser):
        page = browser.get(f"{INITIATE}?{query.replace('ISSUER', quote(browser.provider.issuer))}", **CROSS_SITE)
    assert told(page) == (400, "issuer_mismatch")
    assert "evil" not in page.content.decode()


def test_3p3_other_parameters_are_ignored(browser: Browser) -> None:
    plain = wish(browser.get(link(browser), **CROSS_SITE))
    names = "scope prompt redirect_uri acr_values state nonce response_type response_mode client_id code_challenge"
    names += " id_token_hint max_age claims request request_uri next"
    more = dict.fromkeys(names.split(), "evil")
    asked = wish(browser.get(link(browser, **more), **CROSS_SITE))
    fresh = ("state", "nonce", "code_challenge")
    assert {k: v for k, v in asked.items() if k not in fresh} == {k: v for k, v in plain.items() if k not in fresh}
    assert "evil" not in str(asked)


@pytest.mark.parametrize(
    ("hint", "sent"),
    [
        pytest.param("alice@example.org", True, id="3P4 an address"),
        pytest.param("<script>&state=x#", True, id="3P4 markup is encoded"),
        pytest.param("x" * 10_000, False, id="3P4 long"),
        pytest.param("a\x00b", False, id="3P4 NUL"),
        pytest.param("a\r\nLocation: https://evil.example", False, id="3P4 a line break"),
        pytest.param("", False, id="3P4 empty"),
    ],
)
def test_3p4_a_hint_is_short_plain_and_encoded(browser: Browser, hint: str, sent: bool) -> None:
    answer = browser.get(link(browser, login_hint=hint), **CROSS_SITE)
    assert wish(answer).get("login_hint") == ([hint] if sent else None)
    assert len(wish(answer)["state"]) == 1
    assert "<" not in answer["Location"]


@pytest.mark.parametrize("dest", ["iframe", "frame", "embed", "object", "image", "script", "empty"])
def test_3p5_in_a_frame_or_as_an_image_it_starts_nothing(browser: Browser, dest: str) -> None:
    mode = "navigate" if dest in ("iframe", "frame", "embed", "object") else "no-cors"
    with nothing_changes(browser):
        page = browser.get(link(browser), **{**CROSS_SITE, "Sec-Fetch-Dest": dest, "Sec-Fetch-Mode": mode})
    assert told(page) == (403, "cross_site_request")
    assert page["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("name", ["Sec-Purpose", "Purpose", "X-Moz"])
def test_3p5_a_prefetch_starts_nothing(browser: Browser, name: str) -> None:
    with nothing_changes(browser):
        assert browser.get(link(browser), **{**CROSS_SITE, name: "prefetch"}).status_code == 204


@pytest.mark.parametrize("method", ["get", "post"])
def test_3p7_get_and_post_start_a_sign_in_that_a_person_sees(browser: Browser, method: str) -> None:
    """POST without a CSRF token: it comes from another site, and does what a link does."""
    browser.client.handler.enforce_csrf_checks = True
    fields = {"iss": browser.provider.issuer, "target_link_uri": "/page/7"}
    if method == "get":
        answer = browser.get(f"{INITIATE}?{urlencode(fields)}", **CROSS_SITE)
    else:
        answer = browser.post(INITIATE, fields, Origin="https://portal.example", **CROSS_SITE)
    assert "prompt" not in wish(answer)
    browser.provider.sign_in("alice")
    assert browser.follow(answer)["Location"] == "/page/7"


def test_3p7_parameters_are_read_in_one_place(browser: Browser) -> None:
    with nothing_changes(browser):
        assert browser.post(link(browser), {}, **CROSS_SITE).status_code == 400
