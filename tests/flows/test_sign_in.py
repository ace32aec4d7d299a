"""From an answer of the OP to a signed-in user, or to the reason why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.models import Identity
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.signals import silent_sign_in_succeeded
from django_silent_sso.storage.rp_session import RPSession, Tokens
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock, told

if TYPE_CHECKING:
    from pytest_django import Settings

START = "/oidc/authenticate/?next=/page/"


class StrictBackend(SilentSSOBackend):
    """A site's own: it admits nobody."""

    def get_or_create_user(self, *args: Any) -> Any:
        return None


class CarelessBackend(SilentSSOBackend):
    """A site's own: it does not look whether the account is active."""

    def get_or_create_user(self, *args: Any) -> Any:
        return get_user_model()(username="gone", is_active=False)


def no_backend() -> None:
    """Something else that a site may name among its backends."""


def signed_in_here(browser: Browser) -> RPSession:
    found = RPSession.read(browser.session)
    assert found is not None
    return found


def tokens_of(browser: Browser) -> Tokens:
    return signed_in_here(browser).tokens(browser.provider.now())


def refusal(browser: Browser, *calls: str) -> tuple[int, str]:
    """What a person is told whose interactive sign-in fails; nobody is signed in, and only `calls` were made."""
    browser.provider.sign_in("alice")
    leaving = browser.get(START)
    browser.provider.forget_calls()
    answer = told(browser.follow(leaving))
    made = [call.endpoint for call in browser.provider.calls if call.endpoint != "authorize"]
    assert made == list(calls)
    assert not Session.objects.exists()
    assert not get_user_model().objects.exists()
    return answer


def test_a1_a_sign_in_calls_token_keys_and_userinfo_once_and_opens_a_session(browser: Browser) -> None:
    browser.provider.refresh_tokens = "always"
    browser.provider.sign_in("alice")
    leaving = browser.get(START)
    browser.provider.forget_calls()
    assert browser.follow(leaving)["Location"] == "/page/"
    assert [call.endpoint for call in browser.provider.calls] == ["authorize", "token", "jwks", "userinfo"]
    found = signed_in_here(browser)
    assert (found.issuer, found.subject, found.select_by) == (browser.provider.issuer, "alice", "user")
    assert found.op_sid == browser.provider.sessions[0].sid
    assert found.claims["email"] == "alice@example.org"
    assert "nonce" not in found.claims
    assert Identity.objects.get().subject == "alice"
    assert tokens_of(browser).refresh_token


def test_s21_the_session_key_changes_at_sign_in_and_a_planted_one_is_worthless(browser: Browser) -> None:
    session = browser.session  # an anonymous one, known to somebody else
    session["basket"] = "anonymous"
    session.save()
    planted = session.session_key
    browser.sign_in("alice")
    assert browser.session.session_key != planted
    assert browser.session["basket"] == "anonymous", "what a visitor collected is kept (N07)"
    assert not Session.objects.filter(session_key=planted).exists()


REFUSED = (
    "id_token_issuer_mismatch",
    "id_token_without_issuer",
    "id_token_without_subject",
    "id_token_audience_mismatch",
    "id_token_without_audience",
    "id_token_second_audience",
    "id_token_without_issued_at",
    "id_token_issued_long_ago",
    "id_token_without_expiry",
    "id_token_expired",
    "id_token_nonce_mismatch",
    "id_token_without_nonce",
    "id_token_access_token_hash_mismatch",
    "id_token_bad_signature",
    "id_token_changed_after_signing",
)
REFUSED_UNSEEN = ("id_token_unsigned", "token_answer_without_id_token")
HARMLESS = (
    "id_token_without_access_token_hash",
    "id_token_without_key_id",
    "keys_rotated_before_signing",
    "token_type_in_odd_case",
)


@pytest.mark.parametrize("name", REFUSED + REFUSED_UNSEEN)
def test_a2_to_a67_a_defective_id_token_is_refused_without_userinfo(browser: Browser, name: str) -> None:
    switch = browser.provider.switch_on(name)
    status, reason = refusal(browser, *(("token",) if name in REFUSED_UNSEEN else ("token", "jwks")))
    assert (status, reason.split("_")[:2]) == (400, ["id", "token"])
    assert switch.hits


@pytest.mark.parametrize("name", HARMLESS)
def test_a6_a23_a70_a73_a_harmless_oddity_is_accepted(browser: Browser, name: str) -> None:
    browser.provider.switch_on(name, times=1)
    browser.sign_in("alice")
    assert browser.user() != "nobody"


TOKEN_ANSWERS: dict[str, tuple[dict[str, Any], Reason]] = {
    "t29_another_token_type": ({"token_type": "mac"}, Reason.TOKEN_TYPE_INVALID),
    "t29_c35_no_token_type": ({"token_type": None}, Reason.TOKEN_TYPE_INVALID),
    "t30_c36_id_token_null": ({"id_token": None}, Reason.ID_TOKEN_MISSING),
    "t30_id_token_list": ({"id_token": ["a.b.c"]}, Reason.TOKEN_ANSWER_INVALID),
    "t30_access_token_missing": ({"access_token": None}, Reason.TOKEN_ANSWER_INVALID),
    "t30_access_token_empty": ({"access_token": ""}, Reason.TOKEN_ANSWER_INVALID),
    "t30_access_token_list": ({"access_token": [1]}, Reason.TOKEN_ANSWER_INVALID),
    "t24_id_token_of_two_parts": ({"id_token": "a.b"}, Reason.ID_TOKEN_MALFORMED),
    "t25_id_token_of_100_kb": ({"id_token": "a." + "b" * 100_000 + ".c"}, Reason.ID_TOKEN_MALFORMED),
}


@pytest.mark.parametrize(("members", "reason"), TOKEN_ANSWERS.values(), ids=TOKEN_ANSWERS)
def test_a_token_answer_with(browser: Browser, members: dict[str, Any], reason: Reason) -> None:
    browser.provider.token_answer.update(members)
    assert refusal(browser, "token") == (400, reason)


@pytest.mark.parametrize(
    ("told_by_op", "left"),
    [
        (600, 600),
        ("600", 600),
        (0, 0),
        (1.5, 1.5),
        (True, None),
        ("soon", None),
        (-1, None),
        (10**10, None),
        ("9" * 20, None),
        (None, None),
        ([600], None),
    ],
)
def test_c35_a72_expires_in_is_read_as_far_as_it_makes_sense(
    browser: Browser, clock: Clock, told_by_op: object, left: float | None
) -> None:
    now = clock.stop()
    browser.provider.token_answer.replace(expires_in=told_by_op)
    browser.sign_in("alice")
    assert tokens_of(browser).expires_at == (None if left is None else now + left)


@pytest.mark.parametrize("refresh_token", [None, 5, ["a"]])
def test_a_refresh_token_that_is_no_text_is_as_if_there_were_none(browser: Browser, refresh_token: object) -> None:
    browser.provider.token_answer.replace(refresh_token=refresh_token)
    browser.sign_in("alice")
    assert tokens_of(browser).refresh_token == ""


# -- what the answer must fit ----------------------------------------------------------------------------------------


def test_i05_an_attempt_begun_at_another_op_is_refused_without_a_call(browser: Browser, settings: Settings) -> None:
    browser.provider.sign_in("alice")
    callback = browser.at_op(browser.get(START)["Location"])
    browser.provider.forget_calls()
    settings.SILENT_SSO_ISSUER = "https://other.example.org"
    assert told(browser.get(callback)) == (400, "issuer_mismatch")
    assert browser.provider.calls == []


@pytest.mark.parametrize(
    ("defect", "reason"),
    [("response_issuer_mismatch", "issuer_mismatch"), ("response_without_issuer", "issuer_missing")],
    ids=["i01_a76", "i02_a77"],
)
def test_an_answer_that_does_not_name_our_op_is_refused_without_a_call(
    browser: Browser, defect: str, reason: str
) -> None:
    browser.provider.switch_on(defect)
    assert refusal(browser) == (400, reason)


def test_s23_a_stolen_code_with_another_attempt_s_state_fails_on_pkce(
    browser: Browser, make_browser: Any, caplog: pytest.LogCaptureFixture
) -> None:
    browser.provider.sign_in("alice")
    victim = make_browser()
    stolen = browser.provider.answer(victim.get(START)["Location"]).parameters["code"]
    own = browser.provider.answer(browser.get(START)["Location"]).parameters
    answer = browser.client.get("/oidc/callback/", {**own, "code": stolen})
    assert told(answer) == (400, "invalid_grant")
    assert not Session.objects.exists()


def test_s24_a_code_that_somebody_else_has_used_is_a_clear_error(browser: Browser) -> None:
    browser.sign_in("alice")
    before = browser.session.session_key, dict(browser.session)
    leaving = browser.get(START)
    browser.provider.fail("token", status=400, body={"error": "invalid_grant"}, times=1)
    assert told(browser.follow(leaving)) == (400, "invalid_grant")
    assert (browser.session.session_key, dict(browser.session)) == before
    assert len(browser.provider.calls_to("token")) == 1


# -- the site's own word ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "reason"), [("StrictBackend", "user_unknown"), ("CarelessBackend", "user_inactive")]
)
def test_a_user_the_site_s_backend_does_not_give_is_not_signed_in(
    browser: Browser, settings: Settings, backend: str, reason: str
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"tests.flows.test_sign_in.{backend}"]
    assert refusal(browser, "token", "jwks") == (400, reason)


def test_g04_the_first_backend_of_ours_opens_the_session(browser: Browser, settings: Settings) -> None:
    ours = "django_silent_sso.backends.SilentSSOBackend"
    settings.AUTHENTICATION_BACKENDS = ["tests.flows.test_sign_in.no_backend", ours]
    browser.provider.sign_in("alice")
    browser.follow(browser.get(START))
    assert browser.session["_auth_user_backend"] == ours


def test_a_site_without_our_backend_is_told_so_and_not_a_500(browser: Browser, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert refusal(browser, "token", "jwks") == (503, "not_configured")


def test_c64_c74_a_database_that_fails_is_not_a_500_and_leaves_nothing(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    leaving = browser.get(START)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_silent_sso_identity RENAME TO gone")
    answer = browser.follow(leaving)
    assert told(answer) == (503, "storage_unavailable")
    assert answer["Retry-After"]
    assert not Session.objects.exists()


def test_tokens_are_kept_under_upstream_s_names_where_its_settings_ask(browser: Browser, settings: Settings) -> None:
    settings.OIDC_STORE_ACCESS_TOKEN = settings.OIDC_STORE_ID_TOKEN = True
    browser.sign_in("alice")
    first = browser.session["oidc_access_token"]
    assert browser.session["oidc_id_token"].count(".") == 2
    make_stale(browser.session)
    browser.follow(browser.get("/page/"))
    assert browser.session["oidc_access_token"] != first


def test_the_signal_tells_of_silent_sign_ins_only(browser: Browser, settings: Settings) -> None:
    heard: list[tuple[str, str]] = []

    def listen(sender: Any, user: Any, reason: Any, **_: Any) -> None:
        heard.append((user.get_username(), str(reason)))

    silent_sign_in_succeeded.connect(listen)
    try:
        settings.SILENT_SSO_VISITORS = "redirect"
        browser.provider.sign_in("alice")
        browser.surf("/page/")
        make_stale(browser.session)
        browser.surf("/page/")
        browser.follow(browser.get(START))
    finally:
        silent_sign_in_succeeded.disconnect(listen)
    name = browser.user()
    assert heard == [(name, "signed_in"), (name, "renewed")]
