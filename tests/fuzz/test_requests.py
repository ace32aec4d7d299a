"""What a browser, or somebody who pretends to be one, may send: addresses, cookies, headers, fields."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import NAVIGATION, Browser, Clock
from tests.fuzz.invariants import Watch, leads_to
from tests.fuzz.strategies import examples, few, header_texts, json_values, mapping, texts

PATHS = (
    "/page/",
    "/private/",
    "/oidc/authenticate/",
    "/oidc/callback/",
    "/oidc/silent/",
    "/oidc/session/",
    "/oidc/initiate/",
)
SLASHES = st.text(st.sampled_from("/\\@:?#.%;\t\r\n \x00ahttps2f5cevil.example"), max_size=30)
targets = texts | SLASHES | SLASHES.map(lambda text: f"/{text}") | SLASHES.map(lambda text: f"//{text}")
SESSION = ("v", "issuer", "subject", "verified_at", "signed_in_at", "op_sid", "auth_time", "claims", "sealed_tokens")
FETCH_HEADERS = ("Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Purpose", "Origin")
OTHERS = ("Accept", "HX-Request", "X-Requested-With", "Range", "Sec-GPC", "User-Agent", "Silent-SSO-Site", "Referer")
WORDS = (
    "same-origin",
    "cross-site",
    "none",
    "navigate",
    "cors",
    "document",
    "iframe",
    "empty",
    "prefetch",
    "null",
    "1",
    "bot",
)
headers = st.dictionaries(
    st.sampled_from(FETCH_HEADERS + OTHERS), st.sampled_from([*WORDS, "http://testserver"]) | header_texts, max_size=6
)


@pytest.fixture
def redirected(browser: Browser, settings: Any) -> Browser:
    settings.SILENT_SSO_VISITORS = "redirect"
    return browser


def test_next_never_leads_off_the_site(browser: Browser) -> None:
    browser.provider.sign_in("alice")

    @few
    @given(targets)
    @example("/\\evil.example")
    @example("/%09/evil.example")
    @example("/oidc/logout/")
    @example("https:evil.example")
    def check(target: str) -> None:
        browser.client.cookies.clear()
        begun = browser.get(f"/oidc/authenticate/?{urlencode({'next': target})}")
        assert begun.status_code == 302
        back = browser.follow(begun)
        assert leads_to(back["Location"]) == "testserver", back["Location"]

    check()


def test_fields_of_a_silent_start_lead_nowhere_else(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    watch = Watch(browser)
    fields = st.fixed_dictionaries(
        {},
        optional={
            "transport": st.sampled_from(["top", "frame", "popup"]) | texts,
            "trigger": st.sampled_from(["load", "return", "call"]) | texts,
            "return_to": targets,
            "itp_support": st.sampled_from(["1", "0"]) | texts,
        },
    )

    @few
    @given(fields | st.dictionaries(texts, texts, max_size=4))
    def check(given_fields: dict[str, str]) -> None:
        watch.rewind()
        response = browser.start() if not given_fields else browser.relay("/oidc/silent/", urlencode(given_fields))
        watch.holds(response)
        answer = response.json()
        if "authorization_url" in answer:
            parts = urlsplit(answer["authorization_url"])
            assert f"{parts.scheme}://{parts.netloc}" == browser.provider.issuer
            assert parse_qs(parts.query)["prompt"] == ["none"]
            if given_fields.get("transport") == "top":
                assert leads_to(browser.get(browser.at_op(answer["authorization_url"]))["Location"]) == "testserver"
                watch.look_again()  # it was renewed

    check()


@pytest.mark.parametrize("who", ["visitor", "member"])
def test_no_header_is_an_error_or_a_sign_in(redirected: Browser, who: str) -> None:
    redirected.provider.sign_in("alice")
    if who == "member":
        redirected.sign_in("alice")
    watch = Watch(redirected)

    @examples
    @given(st.sampled_from(PATHS), st.sampled_from(["GET", "POST", "HEAD", "OPTIONS"]), headers)
    def check(path: str, method: str, given_headers: dict[str, str]) -> None:
        watch.rewind()
        response = redirected.client.generic(method, path, headers=given_headers)
        if path == "/private/" and response.status_code == 302 and "/accounts/login" in response["Location"]:
            return
        watch.holds(response, op=True)

    check()


def test_a_logout_without_its_token_signs_nobody_out(make_browser: Any) -> None:
    browser = make_browser(enforce_csrf_checks=True)
    browser.sign_in("alice")
    watch = Watch(browser)

    @examples
    @given(st.sampled_from(["GET", "POST", "HEAD", "PUT"]), headers, st.dictionaries(texts, texts, max_size=3))
    def check(method: str, given_headers: dict[str, str], fields: dict[str, str]) -> None:
        watch.rewind()
        form = "application/x-www-form-urlencoded"
        data = urlencode({**fields, "csrfmiddlewaretoken": "x"})
        watch.holds(browser.client.generic(method, "/oidc/logout/", data, content_type=form, headers=given_headers))

    check()


def test_cookies_that_are_not_ours_open_nothing(redirected: Browser) -> None:
    redirected.provider.sign_in("alice")
    callback = redirected.at_op(redirected.get("/page/")["Location"])
    names = sorted(redirected.client.cookies)
    assert len(names) == 2
    good = {name: redirected.client.cookies[name].value for name in names}
    flips = st.tuples(st.sampled_from(names), st.integers(0, 10_000), st.sampled_from('Ax0-_=:."; '))

    def flipped(flip: tuple[str, int, str]) -> dict[str, str]:
        name, place, letter = flip
        value = good[name]
        place %= len(value)
        return {**good, name: value[:place] + letter + value[place + 1 :]}

    def cut(place: int) -> dict[str, str]:
        return {name: value[: place % len(value)] for name, value in good.items()}

    made = flips.map(flipped) | st.integers(0, 10_000).map(cut) | st.dictionaries(st.sampled_from(names), header_texts)
    sessions = header_texts | st.none()

    @examples
    @given(made.filter(lambda cookies: cookies != good), sessions)
    def check(cookies: dict[str, str], session: str | None) -> None:
        redirected.client.cookies.clear()
        pending = next(name for name in names if "marks" not in name)
        if cookies.get(pending) == good[pending]:
            cookies = {**cookies, pending: good[pending][:-1]}
        for name, value in {**cookies, **({} if session is None else {"sessionid": session})}.items():
            redirected.client.cookies[name] = value
        response = redirected.client.get(callback, headers={**NAVIGATION, "Sec-Fetch-Site": "cross-site"})
        assert response.status_code in (302, 400)
        assert response.get("Location", "/page/").startswith("/page/")
        for path in ("/page/", "/oidc/session/"):
            response = redirected.get(path)
            assert response.status_code in (200, 302)
            assert not (response.cookies.get("sessionid") and response.cookies["sessionid"].value)
        assert redirected.user() == "nobody"

    check()


@pytest.mark.parametrize("age", [0, 901, 5000], ids=["fresh", "stale", "overdue"])
def test_what_lies_under_our_key_in_the_session_is_no_error(redirected: Browser, clock: Clock, age: int) -> None:
    redirected.sign_in("alice")
    good = dict(redirected.session["silent_sso"])
    name = redirected.user()
    clock.advance(age)

    @few
    @given(json_values | mapping(SESSION))
    def check(value: Any) -> None:
        session = redirected.session
        session["silent_sso"] = {**good, **value} if isinstance(value, dict) else value
        session.save()
        for path in ("/page/", "/oidc/session/", "/private/"):
            response = redirected.get(path)
            assert response.status_code < 500
            redirected.client.cookies.pop("silent_sso_marks", None)
        assert redirected.start(trigger="call").status_code == 200
        answer = redirected.fetch("/page/")
        assert answer.status_code == 401 or name in answer.content.decode(), "nobody is signed out by it"

    check()
