"""A session and its row: none begins without one, none goes on under a name that no logout would find."""

from __future__ import annotations

import time

import pytest
from django.contrib.sessions.models import Session
from django.db import DatabaseError
from django.db.models import QuerySet

from django_silent_sso.models import SignedInSession
from django_silent_sso.storage import logout_memory
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock, told
from tests.flows.conftest import here

pytestmark = pytest.mark.django_db

START = "/oidc/authenticate/?next=/page/"


def renew(browser: Browser) -> None:
    make_stale(browser.session)
    browser.follow(browser.get("/page/"))


def test_a_sign_in_is_written_down_with_the_key_it_ends_up_with(browser: Browser) -> None:
    browser.sign_in("alice")
    row, found = SignedInSession.objects.get(), here(browser)
    assert found is not None
    assert (row.handle, row.session_key) == (found.handle, browser.session.session_key)
    assert row.subject_key == SignedInSession.key_of(found.issuer, "alice")
    assert row.sid_key == SignedInSession.key_of(found.issuer, found.op_sid or "")
    assert row.expires_at.timestamp() == pytest.approx(time.time() + 14 * 24 * 3600, abs=60)
    assert str(row) == f"session {row.pk}"


def test_an_op_that_tells_no_sid_gets_a_row_all_the_same(browser: Browser) -> None:
    browser.provider.id_token.drop("sid")
    browser.sign_in("alice")
    assert SignedInSession.objects.get().sid_key == ""


def test_another_sign_in_takes_the_place_of_the_one_before(browser: Browser) -> None:
    browser.sign_in("alice")
    old = SignedInSession.objects.get().handle
    browser.provider.sign_in("bob")
    browser.follow(browser.get(START))
    assert SignedInSession.objects.get(ended=False).handle != old


@pytest.mark.parametrize("method", ["create", "update"])
def test_a_session_that_cannot_be_written_down_does_not_begin(
    browser: Browser, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    works = getattr(QuerySet, method)

    def fails(rows: QuerySet[SignedInSession], **values: object) -> object:
        if rows.model is SignedInSession:
            raise DatabaseError("gone")
        return works(rows, **values)

    browser.provider.sign_in("alice")
    leaving = browser.get(START)
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, method, fails)
        assert told(browser.follow(leaving)) == (503, "storage_unavailable")
    assert here(browser) is None
    assert browser.user() == "nobody"


def test_bc25_a_logout_that_came_first_keeps_the_session_from_beginning(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    leaving = browser.get(START)
    logout_memory.remember(browser.provider.issuer, subject="alice", op_sid=None, now=time.time())
    assert told(browser.follow(leaving)) == (400, "voided_by_sign_out")
    assert not SignedInSession.objects.exists()
    assert browser.user() == "nobody"


def test_a_logout_of_long_ago_keeps_nobody_out(browser: Browser) -> None:
    logout_memory.remember(browser.provider.issuer, subject="alice", op_sid=None, now=time.time() - 60)
    browser.sign_in("alice")
    assert SignedInSession.objects.count() == Session.objects.count() == 1


def test_a_renewal_costs_no_query_on_the_row_but_every_few_hours(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    ends = SignedInSession.objects.get().expires_at
    clock.advance(3600)
    renew(browser)
    assert SignedInSession.objects.get().expires_at == ends
    clock.advance(6 * 3600)
    renew(browser)
    assert SignedInSession.objects.get().expires_at > ends


def test_the_row_follows_the_user_to_another_session_at_the_op(browser: Browser) -> None:
    browser.sign_in("alice")
    browser.provider.sign_out()
    browser.provider.sign_in("alice")
    renew(browser)
    found = here(browser)
    assert found is not None
    assert SignedInSession.objects.get().sid_key == SignedInSession.key_of(found.issuer, found.op_sid or "")


def test_bc25_a_renewal_into_a_session_that_has_ended_renews_nothing(browser: Browser) -> None:
    browser.sign_in("alice")
    before = here(browser)
    browser.provider.sign_out()
    sid = browser.provider.sign_in("alice").sid
    make_stale(browser.session)
    leaving = browser.get("/page/")
    logout_memory.remember(browser.provider.issuer, subject=None, op_sid=sid, now=time.time())
    browser.follow(leaving)
    after = here(browser)
    assert before is not None
    assert after is not None
    assert (after.op_sid, after.verified_at < before.verified_at) == (before.op_sid, True)
