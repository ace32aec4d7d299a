"""Renewal by refresh token, through the middleware and a real OP over loopback HTTP."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError
from django.db.models import QuerySet

from django_silent_sso.models import SignedInSession
from django_silent_sso.signals import silent_sign_in_succeeded
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser, Clock
from tests.flows.conftest import here, refreshes, tokens
from tests.middleware_site import FORMS, PASSIVE, SCRIPTS, ask, goes_silently_to_op

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]


def test_a_stale_page_load_is_renewed_within_the_request_by_one_call(alice: Browser) -> None:
    before = tokens(alice)
    make_stale(alice.session)
    response = alice.get("/decided/")
    assert (response.status_code, response.json()["reason"]) == (200, "renewed")
    assert [call.endpoint for call in alice.provider.calls] == ["token"]
    after = tokens(alice)
    assert {before.refresh_token, before.access_token, before.id_token}.isdisjoint(
        {after.refresh_token, after.access_token, after.id_token}
    )
    assert alice.get("/decided/").json()["reason"] == "fresh"
    assert "sessionid" in response.cookies, "the cookie lives on with the session"


def test_the_signal_says_so(alice: Browser) -> None:
    heard: list[tuple[str, str]] = []

    def listen(user: Any, reason: Any, **_: Any) -> None:
        heard.append((user.get_username(), str(reason)))

    silent_sign_in_succeeded.connect(listen)
    make_stale(alice.session)
    name = alice.get("/decided/").json()["user"]
    silent_sign_in_succeeded.disconnect(listen)
    assert heard == [(name, "renewed")]


@pytest.mark.parametrize("method", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("age", [make_stale, make_overdue])
def test_a_form_and_a_writing_script_are_renewed_too(alice: Browser, method: str, age: Any) -> None:
    age(alice.session)
    response = alice.client.generic(method, "/decided/", headers=SCRIPTS["fetch"])
    assert (response.status_code, response.json()["reason"]) == (200, "renewed")
    assert refreshes(alice) == 1


@pytest.mark.parametrize("headers", SCRIPTS.values(), ids=SCRIPTS)
def test_what_only_reads_beside_a_page_is_served_and_then_refused(alice: Browser, headers: dict[str, str]) -> None:
    make_stale(alice.session)
    assert ask(alice, headers).status_code == 200
    make_overdue(alice.session)
    assert ask(alice, headers).status_code == 401
    assert alice.provider.calls == []


@pytest.mark.parametrize(("method", "headers"), PASSIVE.values(), ids=PASSIVE)
def test_what_nobody_looks_at_renews_nothing(alice: Browser, method: str, headers: dict[str, str]) -> None:
    make_stale(alice.session)
    assert ask(alice, headers, method).status_code == 200
    assert alice.provider.calls == []


def test_an_overdue_page_load_is_renewed_where_the_token_allows_it(alice: Browser) -> None:
    make_overdue(alice.session)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_h05_a_refused_token_is_given_up_and_the_round_trip_asks(alice: Browser) -> None:
    alice.provider.grants.revoke_all()
    make_stale(alice.session)
    assert goes_silently_to_op(alice, alice.get("/decided/"))
    assert refreshes(alice) == 1
    assert tokens(alice).refresh_token == ""
    assert alice.get("/decided/").status_code == 200
    assert refreshes(alice) == 1, "asked once, not again and again"


def test_h05_a_refused_token_never_signs_anybody_out(alice: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("refresh_token",)
    alice.provider.grants.revoke_all()
    make_stale(alice.session)
    assert (alice.get("/decided/").json()["reason"], alice.get("/decided/").json()["user"] != "") == ("stale", True)


def test_h02_what_the_op_does_not_send_anew_is_kept(alice: Browser) -> None:
    before = tokens(alice)
    alice.provider.token_answer.drop("refresh_token", "id_token")
    alice.provider.rotate_refresh_tokens = False
    make_stale(alice.session)
    assert alice.get("/decided/").json()["reason"] == "renewed"
    after = tokens(alice)
    assert (after.id_token, after.refresh_token) == (before.id_token, before.refresh_token)
    assert after.access_token != before.access_token


@pytest.mark.parametrize(
    "claims",
    [{"sub": "somebody"}, {"iss": "https://other.example"}, {"aud": "stranger"}, {"nonce": "other"}, {"exp": 1}],
    ids=["sub", "iss", "aud", "nonce", "exp"],
)
def test_a48_a49_an_answer_that_does_not_hold_renews_nothing(alice: Browser, claims: dict[str, Any]) -> None:
    before = tokens(alice)
    alice.provider.id_token.replace(**claims)
    make_stale(alice.session)
    assert goes_silently_to_op(alice, alice.get("/decided/"))
    assert [call.endpoint for call in alice.provider.calls] == ["token"], "no UserInfo call"
    assert tokens(alice) == replace(before, refresh_token="")


@pytest.mark.parametrize("fault", [503, 500, 429])
def test_c116_an_op_that_fails_costs_one_call_and_the_page_is_served(alice: Browser, fault: int) -> None:
    before = tokens(alice)
    alice.provider.fail("token", status=fault)
    make_stale(alice.session)
    first = alice.get("/decided/")
    assert first.status_code in (200, 302)
    assert tokens(alice) == before, "the token may still be good"
    calls = refreshes(alice)
    for _ in range(5):
        assert alice.client.post("/decided/", headers=SCRIPTS["fetch"]).json()["user"]
    assert refreshes(alice) == calls == 1


def test_c116_it_heals_by_itself(alice: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("refresh_token",)
    alice.provider.fail("token", status=503)
    make_stale(alice.session)
    assert alice.get("/decided/").json()["reason"] == "stale"
    alice.provider.behave()
    assert alice.get("/decided/").json()["reason"] == "stale"
    clock.advance(16)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_a_session_whose_row_was_lost_goes_round_once_and_is_written_down_again(alice: Browser) -> None:
    SignedInSession.objects.all().delete()
    make_stale(alice.session)
    response = alice.get("/decided/")
    assert goes_silently_to_op(alice, response)
    assert refreshes(alice) == 0
    alice.follow(response)
    row = SignedInSession.objects.get()
    assert row.session_key == alice.session.session_key
    make_stale(alice.session)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_a_session_of_an_older_version_is_written_down_with_its_next_round_trip(alice: Browser) -> None:
    SignedInSession.objects.all().delete()
    session = alice.session
    for name in ("handle", "generation", "confirmed_at", "noted_at", "seen_at"):
        del session["silent_sso"][name]
    session.modified = True
    session.save()
    make_stale(alice.session)
    alice.follow(alice.get("/decided/"))
    assert SignedInSession.objects.get().handle == alice.session["silent_sso"]["handle"]


def test_a_database_that_fails_renews_nothing_and_serves_the_page(
    alice: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_stale(alice.session)

    def broken(*_: Any, **__: Any) -> int:
        raise DatabaseError("gone")

    monkeypatch.setattr(QuerySet, "update", broken)
    with caplog.at_level(logging.ERROR):
        assert goes_silently_to_op(alice, alice.get("/decided/"))
    assert any("storage_unavailable" in message for message in caplog.messages)
    assert alice.provider.calls == []


def test_the_op_itself_is_asked_now_and_then(alice: Browser, clock: Clock) -> None:
    """At some OPs refresh tokens outlive the user's sign-out there."""
    for _ in range(3):
        clock.advance(901)
        assert alice.get("/decided/").json()["reason"] == "renewed"
    clock.advance(901)
    response = alice.get("/decided/")
    assert goes_silently_to_op(alice, response)
    alice.follow(response)
    clock.advance(901)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_an_op_that_says_no_ends_the_session_whatever_the_refresh_token_can(alice: Browser, clock: Clock) -> None:
    alice.provider.grants.outlive_session = True
    alice.provider.sign_out()
    clock.advance(901)
    assert alice.get("/decided/").json()["reason"] == "renewed"
    clock.advance(2701)
    alice.follow(alice.get("/decided/"))
    assert here(alice) is None


def test_tokens_in_a_signed_cookie_are_renewed_as_well(browser: Browser, settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    found = RPSession.read(browser.client.session)
    assert found is not None
    session = browser.client.session
    replace(found, verified_at=found.verified_at - 901).write(session)
    session.save()
    browser.client.cookies["sessionid"] = session.session_key
    assert browser.get("/decided/").json()["reason"] == "renewed"
    assert browser.get("/decided/").json()["reason"] == "fresh"
