"""The callback: what the page's own script sends on from a frame or popup."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

import pytest

from django_silent_sso.testing import make_stale
from tests.conftest import FETCH, Browser, Clock, told
from tests.views.answers import SESSION, assert_private, cookies_of, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

CALLBACK = "/oidc/callback/"
SAME_SITE = {"Silent-SSO-Site": "same-site"}


@pytest.mark.parametrize("transport", ["frame", "popup"])
def test_a_visitor_is_signed_in_and_no_token_is_told(browser: Browser, transport: str) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered(transport=transport)
    answer = browser.relay(CALLBACK, query, **{"Silent-SSO-Site": "cross-site"})
    assert_private(answer)
    assert answer.json() == {
        "status": "signed_in",
        "reason": "signed_in",
        "user": {"name": "alice@example.org"},
        "select_by": "auto",
        "expires_in": 900,
        "changed": True,
    }
    assert browser.user() != "nobody"
    names = {name.partition("_marks_")[0] for name in cookies_of(browser)}
    assert names == {SESSION, "silent_sso", "csrftoken"}, "the attempt's own is gone"
    assert len(browser.provider.calls_to("token")) == 1


def test_a_renewal_changes_nothing_for_the_page(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    key = browser.session.session_key
    facts = browser.relay(CALLBACK, browser.answered()).json()
    assert (facts["status"], facts["reason"], facts["changed"]) == ("signed_in", "renewed", False)
    assert facts["select_by"] == "user"
    assert browser.session.session_key == key
    assert browser.fetch("/oidc/session/").json()["stale"] is False


def test_a_user_without_a_name_has_the_account_s(browser: Browser) -> None:
    browser.provider.claims_in_id_token = True
    for message in (browser.provider.id_token, browser.provider.userinfo):
        message.drop("name", "preferred_username", "email", "email_verified")
    browser.provider.sign_in("alice")
    name = browser.relay(CALLBACK, browser.answered()).json()["user"]["name"]
    assert name == browser.user() != ""


def test_s10_a_relayed_answer_is_used_once(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered()
    cookies = cookies_of(browser)
    assert told(browser.relay(CALLBACK, query)) == (200, "signed_in")
    with nothing_changes(browser):
        assert told(browser.relay(CALLBACK, query)) == (200, "state_unknown")
    browser.client.cookies.load({**cookies, **cookies_of(browser)})
    with nothing_changes(browser):
        assert told(browser.relay(CALLBACK, query)) == (200, "state_used")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("theirs=x", "state_missing"),
        ("code=x", "state_missing"),
        ("code=x&state=f.made-up", "state_unknown"),
        ("error=login_required&state=f.made-up", "state_unknown"),
        ("code=x&state=a&state=b", "repeated_parameter"),
        ("state=%00", "malformed_response"),
    ],
)
@pytest.mark.parametrize("signed_in", [False, True])
def test_s01_s06_a_forged_answer_changes_nothing(browser: Browser, signed_in: bool, query: str, reason: str) -> None:
    if signed_in:
        browser.sign_in("alice")
    browser.start()
    with nothing_changes(browser):
        answer = browser.relay(CALLBACK, query)
    assert_private(answer)
    assert answer.json() == {"status": "failed", "reason": reason}
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://sub.testserver", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null"},
        {"Origin": "https://testserver"},
        {"Origin": "http://testserver:8000"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_r06_only_a_page_of_this_origin_may_send_an_answer_on(browser: Browser, headers: dict[str, str]) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered()
    with nothing_changes(browser):
        answer = browser.client.post(
            CALLBACK,
            query,
            content_type="application/x-www-form-urlencoded",
            headers={"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "application/json", **headers},
        )
        assert told(answer) == (403, "cross_site_request")
    assert told(browser.relay(CALLBACK, query)) == (200, "signed_in")


@pytest.mark.parametrize("path", ["/oidc/authenticate/", "/page/"])
def test_s17_an_answer_made_for_top_level_is_not_taken_from_a_script(
    browser: Browser, settings: Settings, path: str
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    back = browser.at_op(browser.get(path)["Location"])
    with nothing_changes(browser):
        assert told(browser.relay(CALLBACK, back.partition("?")[2])) == (200, "wrong_transport")
    assert browser.get(back).status_code == 302
    assert browser.user() != "nobody"


def test_s11_late(browser: Browser, clock: Clock) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered()
    clock.advance(121)
    with nothing_changes(browser):
        assert told(browser.relay(CALLBACK, query)) == (200, "state_unknown")


# -- a "no" --------------------------------------------------------------------------------------------------------


def test_a_visitor_s_no_is_remembered(browser: Browser, clock: Clock) -> None:
    clock.stop()
    answer = browser.relay(CALLBACK, browser.answered(), **SAME_SITE)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "failed",
        "reason": "login_required",
        "signed_in": False,
        "confirm": False,
        "retry_after": 60,
    }
    assert SESSION not in cookies_of(browser)
    assert told(browser.start()) == (200, "backed_off")


@pytest.mark.parametrize(
    ("hop", "known", "site", "confirm"),
    [
        ("known", False, "cross-site", False),
        ("known", True, "cross-site", True),
        ("known", True, "same-site", False),
        ("known", True, "same-origin", False),
        ("known", True, None, True),
        ("never", True, "cross-site", False),
        ("always", False, "cross-site", True),
        ("always", False, "same-site", False),
    ],
)
def test_c91_a_doubtful_no_may_be_worth_a_hop(
    browser: Browser, settings: Settings, hop: str, known: bool, site: str | None, confirm: bool
) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = hop
    if known:
        browser.sign_in("alice")
        browser.client.session.delete()
        browser.provider.sign_out()
    headers = {} if site is None else {"Silent-SSO-Site": site}
    answer = browser.relay(CALLBACK, browser.answered(), **headers).json()
    assert (answer["reason"], answer["confirm"]) == ("login_required", confirm)


def test_c91_a_cross_site_frame_s_no_never_ends_a_session(browser: Browser, clock: Clock) -> None:
    clock.stop()
    browser.sign_in("alice")
    make_stale(browser.session)
    browser.provider.sign_out()
    query = browser.answered()
    key = browser.session.session_key
    answer = browser.relay(CALLBACK, query, **{"Silent-SSO-Site": "cross-site"}).json()
    assert answer == {
        "status": "failed",
        "reason": "inconclusive_frame",
        "signed_in": True,
        "confirm": True,
        "retry_after": 60,
    }
    assert browser.session.session_key == key
    assert browser.user() != "nobody"


def test_m06_a_same_site_frame_s_no_ends_it(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    browser.provider.sign_out()
    answer = browser.relay(CALLBACK, browser.answered(), **SAME_SITE).json()
    assert (answer["reason"], answer["signed_in"], answer["confirm"]) == ("login_required", False, False)
    assert browser.user() == "nobody"
    assert SESSION not in cookies_of(browser)


@pytest.mark.parametrize("error", ["consent_required", "interaction_required", "server_error", "a_new_error"])
def test_s09_another_no_in_a_frame_keeps_the_session(browser: Browser, error: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.answer_with_error(error):
        query = browser.answered()
    rows = browser.snapshot()[0]
    answer = browser.relay(CALLBACK, query, **SAME_SITE).json()
    assert (answer["status"], answer["signed_in"], answer["confirm"]) == ("failed", True, False)
    assert answer["reason"] == ("op_error" if error == "a_new_error" else error)
    assert browser.snapshot()[0] == rows


def test_c77_a_no_with_an_old_session_cookie_does_not_delete_the_fresh_one(browser: Browser) -> None:
    browser.client.cookies[SESSION] = "an-old-key-that-is-gone-by-now-abc"
    query = browser.answered()
    answer = browser.relay(CALLBACK, query)
    assert answer.json()["reason"] == "login_required"
    assert SESSION not in answer.cookies


def test_u08_another_subject_in_a_frame_signs_nobody_in(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    browser.provider.id_token.replace(sub="bob")
    answer = browser.relay(CALLBACK, browser.answered(), **SAME_SITE).json()
    assert (answer["reason"], answer["signed_in"], answer["confirm"]) == ("subject_changed", False, False)
    assert browser.user() == "nobody"
    assert told(browser.start(trigger="call")) == (200, "subject_changed")


def test_c23_a_token_endpoint_that_fails_is_a_no_and_not_a_500(browser: Browser, clock: Clock) -> None:
    clock.stop()
    browser.provider.sign_in("alice")
    query = browser.answered()
    browser.provider.fail("token", status=503, headers={"Retry-After": "77"})
    answer = browser.relay(CALLBACK, query)
    assert answer.json() == {
        "status": "failed",
        "reason": "op_status",
        "signed_in": False,
        "confirm": False,
        "retry_after": 77,
    }
    assert len(browser.provider.calls_to("token")) == 1


def test_c69_a_memory_of_used_states_that_is_down_fails_closed(browser: Browser, settings: Settings) -> None:
    browser.provider.sign_in("alice")
    query = browser.answered()
    settings.CACHES = {"default": {"BACKEND": "tests.broken_cache.BrokenCache"}}
    with nothing_changes(browser):
        assert told(browser.relay(CALLBACK, query)) == (200, "storage_unavailable")


def test_the_whole_answer_is_read_as_it_was_sent(browser: Browser) -> None:
    """Unknown parameters are dropped, and a plus is a space."""
    browser.provider.sign_in("alice")
    pairs = [*parse_qsl(browser.answered()), ("theirs", "a b"), ("theirs", "again")]
    answer = browser.client.post(
        CALLBACK,
        urlencode(pairs),
        content_type="application/x-www-form-urlencoded; charset=utf-8",
        headers={**FETCH, "Origin": "http://testserver"},
    )
    assert told(answer) == (200, "signed_in")


@pytest.mark.parametrize(("monitor", "told"), [(("visible",), False), (("check_session",), True)])
def test_m05_the_new_session_state_is_told_where_the_page_watches(
    browser: Browser, settings: Settings, monitor: tuple[str, ...], told: bool
) -> None:
    settings.SILENT_SSO_MONITOR = monitor
    browser.provider.session_management = True
    browser.sign_in("alice")
    facts = browser.relay(CALLBACK, browser.answered()).json()
    assert facts["reason"] == "renewed"
    assert facts.get("session_state") == (browser.session["silent_sso"]["session_state"] if told else None)
