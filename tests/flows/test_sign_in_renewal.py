"""Who may be signed in where somebody is, or was, signed in already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model, login
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.conf import conf
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock, told
from tests.flows.conftest import here

if TYPE_CHECKING:
    from pytest_django import Settings


class RefusingBackend(SilentSSOBackend):
    """A site's own, written for upstream."""

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        return False


class LosingBackend(SilentSSOBackend):
    """Between load and save the session's row goes, as another process may delete it."""

    def store_tokens(self, access_token: str, id_token: str) -> None:
        if conf.store_access_token:
            Session.objects.all().delete()


class RaisingBackend(SilentSSOBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        raise PermissionDenied(claims["email"])


def renew(browser: Browser) -> Any:
    """One silent round trip at top level; the callback's answer."""
    make_stale(browser.session)
    return browser.follow(browser.get("/page/"))


def test_d51_n08_the_same_subject_keeps_session_key_token_and_data_with_one_write_and_one_call(
    browser: Browser,
) -> None:
    browser.sign_in("alice")
    session = browser.session
    session["draft"] = "half written"
    session.save()
    browser.client.cookies["csrftoken"] = "x" * 32
    make_stale(browser.session)
    before = here(browser)
    key, cookies = browser.session.session_key, set(browser.client.cookies)
    callback = browser.at_op(browser.get("/page/")["Location"])
    browser.provider.forget_calls()
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(callback)["Location"] == "/page/"
    assert [call.endpoint for call in browser.provider.calls] == ["token"]
    writes = [q["sql"] for q in queries if not q["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))]
    assert len(writes) == 1
    assert "django_session" in writes[0]
    after = here(browser)
    assert before is not None
    assert after is not None
    assert after.verified_at > before.verified_at
    assert after.signed_in_at == before.signed_in_at
    assert (browser.session.session_key, browser.session["draft"]) == (key, "half written")
    assert browser.client.cookies["csrftoken"].value == "x" * 32
    assert set(browser.client.cookies) == cookies
    assert Session.objects.count() == 1


@pytest.mark.parametrize("silent", [True, False], ids=["silently", "by_hand"])
def test_the_session_remembers_whether_a_person_signed_in(browser: Browser, settings: Settings, silent: bool) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    browser.surf("/page/")
    assert browser.fetch("/oidc/session/").json()["select_by"] == "auto"
    if silent:
        renew(browser)
    else:
        browser.follow(browser.get("/oidc/authenticate/"))
    assert browser.fetch("/oidc/session/").json()["select_by"] == ("auto" if silent else "user")


def test_u16_auth_time_and_acr_are_the_id_token_s_and_outlive_a_token_without_them(browser: Browser) -> None:
    browser.provider.always_auth_time = True
    browser.provider.sign_in("alice", acr="high", auth_time=1_700_000_000)
    browser.follow(browser.get("/oidc/authenticate/"))
    browser.provider.id_token.drop("auth_time", "acr", "sid")
    renew(browser)
    found = here(browser)
    assert found is not None
    assert (found.auth_time, found.acr) == (1_700_000_000, "high")
    assert found.op_sid == browser.provider.sessions[0].sid


def test_a_renewal_without_a_new_refresh_token_keeps_the_old_one(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("redirect",)
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    found = here(browser)
    assert found is not None
    old = found.tokens(browser.provider.now()).refresh_token
    browser.provider.refresh_tokens = "never"
    renew(browser)
    found = here(browser)
    assert found is not None
    assert old
    assert found.tokens(browser.provider.now()).refresh_token == old


# -- other doors -----------------------------------------------------------------------------------------------------


def sign_in_by_password(browser: Browser) -> None:
    user = get_user_model().objects.create_user("mallory", password="secret")
    browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")


def test_u12_a_session_opened_by_other_means_is_not_taken_over(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    attempt = browser.answered()
    sign_in_by_password(browser)
    key = browser.session.session_key
    assert told(browser.relay("/oidc/callback/", attempt)) == (200, "not_our_session")
    assert (browser.user(), browser.session.session_key) == ("mallory", key)


def test_u12_an_administrator_who_became_somebody_else_is_left_alone(browser: Browser) -> None:
    """Impersonation signs in by Django's own `login()`; the session is nobody's that the OP knows."""
    browser.sign_in("alice")
    target = get_user_model().objects.create_user("target")

    session = browser.session
    request = RequestFactory().get("/")
    request.session = session
    login(request, target, backend="django.contrib.auth.backends.ModelBackend")
    session.save()
    browser.client.cookies["sessionid"] = session.session_key
    assert browser.get("/page/").status_code == 200
    assert browser.user() == "target"
    assert told(browser.start()) == (200, "not_our_session")


@pytest.mark.parametrize("how", ["inactive", "deleted"])
def test_u10_a_user_who_may_not_sign_in_any_more_is_not_renewed(browser: Browser, how: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    if how == "inactive":
        get_user_model().objects.update(is_active=False)
    else:
        get_user_model().objects.all().delete()
    assert browser.get(callback)["Location"] == "/page/"
    assert here(browser) is None
    assert not Session.objects.exists()
    assert browser.get("/page/").status_code == 200


def test_u10_nor_by_hand(browser: Browser) -> None:
    browser.sign_in("alice")
    get_user_model().objects.update(is_active=False)
    answer = browser.follow(browser.get("/oidc/authenticate/?next=/page/"))
    assert told(answer) == (400, "user_inactive")


@pytest.mark.parametrize("backend", ["RefusingBackend", "RaisingBackend"])
def test_a_hook_written_for_upstream_may_refuse(browser: Browser, settings: Settings, backend: str) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"tests.flows.test_sign_in_renewal.{backend}"]
    browser.provider.sign_in("alice")
    answer = browser.follow(browser.get("/oidc/authenticate/"))
    assert told(answer) == (400, "claims_refused")


# -- signed out meanwhile --------------------------------------------------------------------------------------------


def test_p07_an_attempt_begun_before_the_sign_out_is_void(browser: Browser, clock: Clock) -> None:
    """Even one that the sign-out did not see, and in the very same second."""
    clock.stop(1_800_000_000.2)
    browser.sign_in("alice")
    stale_response = browser.answered()
    attempts = {n: m.value for n, m in browser.client.cookies.items() if n.startswith("silent_sso_")}
    clock.advance(0.5)
    browser.post("/oidc/logout/")
    for name, value in attempts.items():
        if name not in browser.client.cookies:
            browser.client.cookies[name] = value
    browser.provider.forget_calls()
    assert told(browser.relay("/oidc/callback/", stale_response)) == (200, "voided_by_sign_out")
    assert browser.provider.calls == []
    assert here(browser) is None
    assert told(browser.start()) == (200, "signed_out_by_user")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("signs_out", [True, False])
def test_c81_c66_a_sign_out_during_the_renewal_s_token_call_wins(browser: Browser, signs_out: bool) -> None:
    """The tab that renews still has the cookies from before: its answer must not open a session again.

    A session that the store has lost is another matter: nobody signed out.
    """
    browser.sign_in("alice")
    make_stale(browser.session)
    callback = browser.at_op(browser.get("/page/")["Location"])
    other_tab = Browser(browser.provider)
    other_tab.client.cookies.load(browser.client.cookies.output(header="", sep=""))

    def meanwhile(answer: dict[str, Any]) -> dict[str, Any]:
        if signs_out:
            other_tab.post("/oidc/logout/")
        else:
            Session.objects.all().delete()
        connection.close()
        return answer

    browser.provider.token_answer.change(meanwhile)
    assert browser.get(callback)["Location"] == "/page/"
    browser.provider.behave()
    if signs_out:
        assert browser.user() == "nobody"
        assert told(browser.start()) == (200, "signed_out_by_user")
    else:
        assert browser.user() != "nobody"


def test_c68_a_session_that_is_gone_when_it_is_to_be_saved_costs_no_page(
    browser: Browser, settings: Settings, heard: list[str]
) -> None:
    settings.AUTHENTICATION_BACKENDS = ["tests.flows.test_sign_in_renewal.LosingBackend"]
    browser.sign_in("alice")
    settings.OIDC_STORE_ACCESS_TOKEN = True
    assert renew(browser)["Location"] == "/page/"
    assert heard == ["voided_by_sign_out"]
    assert browser.get("/page/").status_code == 200


def test_m05_session_state_is_kept_with_the_sign_in_and_renewed_by_the_op_s_own_answers_only(browser: Browser) -> None:
    browser.provider.session_management = True
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    first = here(browser)
    assert first is not None
    assert first.session_state is not None
    make_stale(browser.session)
    browser.get("/page/")
    refreshed = here(browser)
    assert refreshed is not None
    assert (refreshed.verified_at > first.verified_at, refreshed.session_state) == (True, first.session_state)
    browser.relay("/oidc/callback/", browser.answered())
    renewed = here(browser)
    assert renewed is not None
    assert renewed.session_state not in (None, first.session_state)
    browser.provider.session_management = False
    browser.relay("/oidc/callback/", browser.answered())
    last = here(browser)
    assert last is not None
    assert last.session_state is None, "the newest answer has none"
