"""Sign-outs that the OP begins: what is done in which order, what is remembered, who is told."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from django_silent_sso.flows.op_sign_out import back_channel, front_channel
from django_silent_sso.models import LogoutRecord, SignedInSession
from django_silent_sso.protocol.ended_by import EndedBy
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    Reason,
    ResponseError,
    SilentSSOError,
    StorageUnavailable,
    TokenError,
)
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage.logout_memory import was_ended
from tests.conftest import Browser, Clock
from tests.op_logout import is_signed_in, sid_of

if TYPE_CHECKING:
    from pytest_django import Settings

User = get_user_model()


@pytest.fixture
def alice(browser: Browser) -> Browser:
    browser.sign_in("alice")
    return browser


@pytest.fixture
def ended() -> Iterator[list[dict[str, Any]]]:
    """What `session_terminated` told."""
    told: list[dict[str, Any]] = []

    def listen(**facts: Any) -> None:
        told.append({name: fact for name, fact in facts.items() if name != "signal"})

    session_terminated.connect(listen)
    yield told
    session_terminated.disconnect(listen)


def refused(kind: type[SilentSSOError], work: Callable[[], None]) -> Reason:
    with pytest.raises(kind) as caught:
        work()
    assert type(caught.value) is kind
    return caught.value.reason


def was(browser: Browser, subject: str, op_sid: str | None, since: float = 0) -> bool:
    return was_ended(browser.provider.issuer, subject=subject, op_sid=op_sid, since=since)


# -- back-channel --------------------------------------------------------------------------------------------------


def test_the_user_is_signed_out_and_the_site_is_told_once(
    alice: Browser, make_browser: Callable[[], Browser], ended: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django_silent_sso")
    for _ in range(2):
        make_browser().sign_in("alice")
    back_channel(alice.provider.logout_token("alice"))
    assert ended == [
        {
            "sender": User,
            "request": None,
            "user": User.objects.get(),
            "reason": "op_back_channel",
            "cause": "op_back_channel",
        }
    ]
    assert type(ended[0]["cause"]) is EndedBy
    assert "op_back_channel: 3 session(s) ended" in caplog.text
    assert not is_signed_in(alice)


def test_nobody_to_sign_out_is_told_to_nobody(alice: Browser, ended: list[dict[str, Any]]) -> None:
    back_channel(alice.provider.logout_token("nobody", sid="none"))
    assert ended == []
    assert was(alice, "nobody", "none"), "the sign-in may be under way"


def test_a_user_whose_account_is_gone_is_nobody(alice: Browser, ended: list[dict[str, Any]]) -> None:
    User.objects.all().delete()
    back_channel(alice.provider.logout_token("alice"))
    assert ended == [
        {"sender": User, "request": None, "user": None, "reason": "op_back_channel", "cause": "op_back_channel"}
    ]


def test_a_receiver_that_fails_costs_nothing(alice: Browser) -> None:
    def broken(**facts: Any) -> None:
        raise ValueError("broken")

    session_terminated.connect(broken)
    try:
        back_channel(alice.provider.logout_token("alice"))
    finally:
        session_terminated.disconnect(broken)
    assert not SignedInSession.objects.exists()


def test_bc25_what_has_ended_is_remembered_from_now_on(alice: Browser, clock: Clock) -> None:
    now = clock.stop()
    back_channel(alice.provider.logout_token("alice", sid="s", iat=int(now) - 300, exp=None))
    assert was(alice, "alice", "s", now)
    assert not was(alice, "alice", "s", now + 1)
    assert not was(alice, "alice", "t", now)


def test_bc25_it_is_remembered_before_the_sessions_are_looked_for(alice: Browser) -> None:
    """A sign-in is entered first and asks last: whichever order the two meet in, one of them sees the other."""
    with CaptureQueriesContext(connection) as queries:
        back_channel(alice.provider.logout_token(sid="unknown"))
    words = [query["sql"] for query in queries]
    remembered = max(n for n, sql in enumerate(words) if sql.startswith("INSERT") and "logoutrecord" in sql)
    looked = [n for n, sql in enumerate(words) if sql.startswith("SELECT") and "signedinsession" in sql]
    assert min(looked) > remembered


def test_bc22_nothing_is_remembered_of_a_token_that_contradicts_itself(alice: Browser) -> None:
    token = alice.provider.logout_token("bob", sid=sid_of(alice))
    assert refused(TokenError, lambda: back_channel(token)) is Reason.LOGOUT_TOKEN_SUBJECT
    assert not LogoutRecord.objects.exists()
    assert is_signed_in(alice)


def test_bc10_a_replay_renews_no_memory(alice: Browser, clock: Clock) -> None:
    now = clock.stop()
    token = alice.provider.logout_token("alice", exp=None)
    back_channel(token)
    clock.advance(10)
    assert refused(TokenError, lambda: back_channel(token)) is Reason.LOGOUT_TOKEN_REPLAYED
    assert not was(alice, "alice", None, now + 10)


def test_a_used_token_is_remembered_until_it_is_too_old(alice: Browser, clock: Clock) -> None:
    now = int(clock.stop(2_000_000_000))
    back_channel(alice.provider.logout_token("nobody", iat=now - 100, exp=None))
    ends = sorted(LogoutRecord.objects.values_list("expires_at", flat=True))
    assert [end.timestamp() for end in ends] == [now - 100 + 600 + 60, now + 900]


@pytest.mark.parametrize("missing", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_a_site_without_an_op(alice: Browser, settings: Settings, missing: str) -> None:
    token = alice.provider.logout_token("alice")
    setattr(settings, missing, None)
    assert refused(ConfigurationError, lambda: back_channel(token)) is Reason.NOT_CONFIGURED


def test_the_site_s_own_leeway_holds(alice: Browser, settings: Settings, clock: Clock) -> None:
    now = int(clock.stop())
    settings.SILENT_SSO_LEEWAY_SECONDS = 0
    token = alice.provider.logout_token("alice", iat=now + 2)
    assert refused(TokenError, lambda: back_channel(token)) is Reason.LOGOUT_TOKEN_ISSUED_AT
    settings.SILENT_SSO_LEEWAY_SECONDS = 3
    back_channel(token)


def failing_at(word: str) -> Any:
    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if word in sql:
            raise DatabaseError
        return execute(sql, *rest)

    return connection.execute_wrapper(fail)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "word",
    [
        'INSERT INTO "django_silent_sso_logoutrecord"',
        'UPDATE "django_silent_sso_logoutrecord"',
        'DELETE FROM "django_silent_sso_signedinsession"',
        'FROM "django_silent_sso_signedinsession"',
        "logoutrecord",
        "",
    ],
)
def test_c112_a_database_that_fails_at_any_step_leaves_a_token_that_can_come_again(
    alice: Browser, word: str, clock: Clock
) -> None:
    token = alice.provider.logout_token("alice", exp=None)
    with failing_at(word), pytest.raises(DatabaseError):
        back_channel(token)
    if word.startswith("UPDATE"):
        clock.advance(60)  # all was done but the last step: the token is free again a minute later
    back_channel(token)
    assert not is_signed_in(alice)
    assert refused(TokenError, lambda: back_channel(token)) is Reason.LOGOUT_TOKEN_REPLAYED


@pytest.mark.django_db(transaction=True)
def test_bc29_a_token_is_given_back_where_not_all_was_done(alice: Browser, ended: list[dict[str, Any]]) -> None:
    token = alice.provider.logout_token("alice")
    with failing_at('DELETE FROM "django_session"'):
        assert refused(StorageUnavailable, lambda: back_channel(token)) is Reason.LOGOUT_INCOMPLETE
    assert is_signed_in(alice)
    assert ended == []
    back_channel(token)
    assert not is_signed_in(alice)
    assert len(ended) == 1


@pytest.mark.django_db(transaction=True)
def test_a_token_that_cannot_be_given_back_comes_free_by_itself(alice: Browser, clock: Clock) -> None:
    token = alice.provider.logout_token("alice", exp=None)
    giving_back = 'DELETE FROM "django_silent_sso_logoutrecord" WHERE "'  # taking asks for a time, too
    with failing_at('DELETE FROM "django_session"'), failing_at(giving_back):
        assert refused(StorageUnavailable, lambda: back_channel(token)) is Reason.LOGOUT_INCOMPLETE
    assert refused(TokenError, lambda: back_channel(token)) is Reason.LOGOUT_TOKEN_REPLAYED
    clock.advance(61)
    back_channel(token)
    assert not is_signed_in(alice)


# -- front-channel -------------------------------------------------------------------------------------------------


def test_the_session_of_this_sid_ends_and_the_site_is_told(alice: Browser, ended: list[dict[str, Any]]) -> None:
    op_sid, now = sid_of(alice), time.time()
    front_channel(alice.provider.issuer, op_sid)
    assert ended == [
        {
            "sender": User,
            "request": None,
            "user": User.objects.get(),
            "reason": "op_front_channel",
            "cause": "op_front_channel",
        }
    ]
    assert not is_signed_in(alice)
    assert was(alice, "alice", op_sid, now), "a renewal may be under way"
    front_channel(alice.provider.issuer, op_sid)
    assert len(ended) == 1


def test_fc05_what_somebody_makes_up_is_not_remembered(alice: Browser) -> None:
    front_channel(alice.provider.issuer, "made up")
    assert not LogoutRecord.objects.exists()
    assert is_signed_in(alice)


@pytest.mark.parametrize(("name", "value"), [("SILENT_SSO_ISSUER", "https://x"), ("OIDC_RP_CLIENT_ID", None)])
def test_fc03_another_issuer_or_none(alice: Browser, settings: Settings, name: str, value: str | None) -> None:
    op_sid = sid_of(alice)
    setattr(settings, name, value)
    assert refused(ResponseError, lambda: front_channel(alice.provider.issuer, op_sid)) is Reason.ISSUER_MISMATCH
    assert SignedInSession.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_ended_is_told(alice: Browser, ended: list[dict[str, Any]]) -> None:
    op_sid = sid_of(alice)
    with failing_at('DELETE FROM "django_session"'):
        work = lambda: front_channel(alice.provider.issuer, op_sid)  # noqa: E731
        assert refused(StorageUnavailable, work) is Reason.LOGOUT_INCOMPLETE
    assert is_signed_in(alice)
    front_channel(alice.provider.issuer, op_sid)
    assert not is_signed_in(alice)
