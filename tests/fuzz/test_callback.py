"""Parameters at the callback, by query, form and the page's script; with and without an attempt under way."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import NAVIGATION, Browser
from tests.fuzz.invariants import Watch
from tests.fuzz.strategies import examples, few, texts

CALLBACK = "/oidc/callback/"
FORM = "application/x-www-form-urlencoded"
NAMES = (
    "state",
    "code",
    "iss",
    "error",
    "error_description",
    "id_token",
    "access_token",
    "token_type",
    "expires_in",
    "session_state",
    "response",
    "form_post",
    "silent_sso_hop",
    "silent_sso_fragment",
)
values = texts | st.sampled_from(
    ["login_required", "server_error", "interaction_required", "http://127.0.0.1", "t.", "f.x"]
)
pairs = st.lists(st.tuples(st.sampled_from(NAMES) | texts, values), max_size=8)


def send(browser: Browser, how: str, query: str) -> Any:
    if how == "get":
        return browser.get(f"{CALLBACK}?{query}")
    if how == "relayed":
        return browser.relay(CALLBACK, query)
    return browser.client.post(
        CALLBACK, query, content_type=FORM, headers={**NAVIGATION, "Sec-Fetch-Site": "cross-site"}
    )


def state_of(browser: Browser, how: str) -> str:
    """An attempt that may end this way."""
    if how == "relayed":
        return str(browser.start(trigger="call").json()["attempt"])
    return parse_qs(urlsplit(browser.get("/page/")["Location"]).query)["state"][0]


def near_misses(state: str) -> list[str]:
    return [state + "x", state[:-1], state.swapcase(), state[2:], f"f{state[1:]}", f"t{state[1:]}x", f" {state}"]


@pytest.fixture
def redirected(browser: Browser, settings: Any) -> Browser:
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.SILENT_SSO_BACK_OFF_SECONDS = (0,)
    return browser


@pytest.mark.parametrize("how", ["get", "form_post", "relayed"])
@pytest.mark.parametrize("who", ["visitor", "member"])
def test_parameters_that_answer_no_attempt_change_nothing(redirected: Browser, how: str, who: str) -> None:
    if who == "member":
        redirected.sign_in("alice")
    state = redirected.start(trigger="call").json()["attempt"]
    watch = Watch(redirected)

    @examples
    @given(pairs, st.none() | st.sampled_from(near_misses(state)))
    def check(given_pairs: list[tuple[str, str]], near: str | None) -> None:
        watch.rewind()
        query = urlencode([*given_pairs, *([("state", near)] if near else [])])
        before = len(redirected.provider.calls)
        watch.holds(send(redirected, how, query))
        assert len(redirected.provider.calls) == before

    check()


@pytest.mark.parametrize("how", ["get", "relayed"])
def test_parameters_that_answer_an_attempt_sign_nobody_in(redirected: Browser, how: str) -> None:
    redirected.provider.sign_in("alice")
    watch = Watch(redirected)

    @few
    @given(st.dictionaries(st.sampled_from(NAMES), values, max_size=5))
    def check(parameters: dict[str, str]) -> None:
        watch.rewind()
        parameters["state"] = state_of(redirected, how)
        watch.holds(send(redirected, how, urlencode(parameters)), op=True)

    check()


@examples
@given(raw=st.binary(max_size=200), content_type=st.sampled_from([FORM, "application/json", "multipart/form-data", ""]))
def test_bytes_that_are_no_form_are_no_error(browser: Browser, raw: bytes, content_type: str) -> None:
    response = browser.client.post(CALLBACK, raw, content_type=content_type, headers=NAVIGATION)
    assert response.status_code < 500
    assert "sessionid" not in response.cookies


@examples
@given(st.text(st.characters(max_codepoint=255, exclude_characters="#"), max_size=80))
def test_a_query_that_is_none_is_no_error(browser: Browser, query: str) -> None:
    response = browser.client.get(CALLBACK, QUERY_STRING=query, headers=NAVIGATION)
    assert response.status_code in (200, 400)
    assert "sessionid" not in response.cookies
