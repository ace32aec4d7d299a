"""C.10, as far as the provider ends sessions: calls that come twice, late or early, and a database in trouble."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_silent_sso.models import LogoutRecord, SignedInSession
from django_silent_sso.storage.logout_index import open_row
from django_silent_sso.storage.rp_session import KEY
from tests.conftest import Browser, Clock
from tests.faults.conftest import use_engine
from tests.faults.database import TROUBLE
from tests.faults.test_concurrency import at_once
from tests.op_logout import back_channel, front_channel, is_signed_in, refused, sid_of
from tests.storage.sessions import FAR, lives, opened, store
from tests.views.answers import answer_to

if TYPE_CHECKING:
    from pytest_django import Settings

MANY = 10_000


@pytest.fixture
def db(database_file: Path) -> None:
    """In place of pytest-django's: a file, that threads can share and that can be in trouble."""


@pytest.fixture
def alice(browser: Browser) -> Browser:
    browser.sign_in("alice")
    return browser


def test_c111_a_call_that_comes_twice(alice: Browser) -> None:
    token = alice.provider.logout_token("alice")
    assert back_channel(token).status_code == 200
    alice.sign_in("alice")
    assert refused(back_channel(token)) == "logout_token_replayed"
    assert is_signed_in(alice)


def test_c111_a_call_that_comes_eight_times_at_once(alice: Browser) -> None:
    token = alice.provider.logout_token("alice")
    answers = at_once([partial(back_channel, token)] * 8)
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert not is_signed_in(alice)


def test_c111_eight_calls_for_one_user_at_once(alice: Browser) -> None:
    """The provider has ended eight sessions, and tells of each."""
    tokens = [alice.provider.logout_token("alice") for _ in range(8)]
    answers = at_once([partial(back_channel, token) for token in tokens])
    assert [answer.status_code for answer in answers] == [200] * 8
    assert not is_signed_in(alice)


def test_c111_a_call_that_comes_an_hour_late(alice: Browser, clock: Clock) -> None:
    tokens = [alice.provider.logout_token("alice", exp=exp) for exp in (None, 4_000_000_000)]
    clock.advance(3600)
    assert [refused(back_channel(token)) for token in tokens] == ["logout_token_issued_at"] * 2
    assert SignedInSession.objects.exists()


@pytest.mark.parametrize("engine_name", ["db", "signed_cookies"])
@pytest.mark.parametrize("whom", ["sub", "sid"])
def test_c111_a_call_that_comes_before_the_answer_to_a_login(
    browser: Browser, settings: Settings, tmp_path: Path, whom: str, engine_name: str
) -> None:
    """The callback waits for the provider's token endpoint; meanwhile the person has signed out there."""
    use_engine(settings, engine_name, tmp_path)
    session = browser.provider.sign_in("alice")
    answer = answer_to(browser)
    names: dict[str, Any] = {"subject": "alice"} if whom == "sub" else {"sid": session.sid}
    with browser.provider.hang("token", after_work=True) as hang, ThreadPoolExecutor(1) as pool:
        callback = pool.submit(partial(_get, browser, answer))
        hang.wait_until_reached()
        assert back_channel(browser.provider.logout_token(**names)).status_code == 200
        hang.release()
        callback.result(30)
    assert not is_signed_in(browser)
    assert not SignedInSession.objects.exists()


def _get(browser: Browser, address: str) -> Any:
    try:
        return browser.get(address)
    finally:
        connections.close_all()


@pytest.mark.parametrize("engine_name", ["db", "signed_cookies"])
def test_c111_a_call_that_comes_together_with_the_answer_to_a_login(
    browser: Browser, settings: Settings, tmp_path: Path, engine_name: str
) -> None:
    """Whichever of the two is faster at which step: no login outlives the logout."""
    use_engine(settings, engine_name, tmp_path)
    for n in range(10):
        browser.provider.sign_out()
        session = browser.provider.sign_in("alice")
        names: dict[str, Any] = {"subject": "alice"} if n % 2 else {"sid": session.sid}
        visitor = Browser(browser.provider)
        callback = partial(visitor.get, answer_to(visitor))
        told = partial(back_channel, browser.provider.logout_token(**names))
        assert at_once([callback, told])[1].status_code == 200
        assert not is_signed_in(visitor)
    assert not SignedInSession.objects.exists()


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
def test_c112_a_call_while_the_database_is_in_trouble(alice: Browser, database_file: Path, trouble: Any) -> None:
    """The provider is asked to try again, and then all is done: nothing was done by halves."""
    sid = sid_of(alice)
    token = alice.provider.logout_token("alice", sid=sid)
    with trouble(database_file):
        answers = [back_channel(token), front_channel(alice.provider.issuer, sid)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert all("Retry-After" in answer and "no-store" in answer["Cache-Control"] for answer in answers)
    assert is_signed_in(alice)
    assert not LogoutRecord.objects.exists()
    assert back_channel(token).status_code == 200
    assert not is_signed_in(alice)


@pytest.mark.parametrize("engine_name", ["db", "cached_db", "cache"])
def test_c113_a_user_with_ten_thousand_sessions(
    browser: Browser, settings: Settings, tmp_path: Path, engine_name: str
) -> None:
    """In one call, by some twenty rounds of a handful of queries: no limit of time here, but one of work."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "OPTIONS": {"MAX_ENTRIES": 2 * MANY}}}
    use_engine(settings, engine_name, tmp_path)
    browser.sign_in("alice")
    bystander = opened("bob", "bob", issuer=browser.provider.issuer)
    keys = many_sessions(engine_name, browser.provider.issuer)
    assert SignedInSession.objects.count() == MANY + 2
    assert lives(keys[7])
    token = browser.provider.logout_token("alice")
    with CaptureQueriesContext(connection) as queries:
        assert back_channel(token).status_code == 200
    assert len(queries) < 250
    assert [row.handle for row in SignedInSession.objects.all()] == ["bob"]
    assert not is_signed_in(browser)
    assert not any(lives(key) for key in keys[::100])
    assert lives(bystander)


def many_sessions(engine_name: str, issuer: str) -> list[str]:
    """Sessions of alice's, written down as the engine does it, but all at once."""
    engine = store()
    keys = [f"{n:032}" for n in range(MANY)]
    contents = {key: {SESSION_KEY: "1", KEY: {"handle": key}} for key in keys}
    if engine_name.endswith("db"):
        ends = timezone.now() + timedelta(days=1)
        Session.objects.bulk_create(
            Session(session_key=key, session_data=engine.encode(data), expire_date=ends)
            for key, data in contents.items()
        )
    if engine_name.startswith("cache"):
        cache.set_many({engine.cache_key_prefix + key: data for key, data in contents.items()})
    open_row("first", issuer=issuer, subject="alice", op_sid=None, expires_at=FAR)
    like = SignedInSession.objects.get(handle="first")
    like.delete()
    SignedInSession.objects.bulk_create(
        SignedInSession(handle=key, session_key=key, subject_key=like.subject_key, expires_at=like.expires_at)
        for key in keys
    )
    return keys


def test_c114_a_frame_that_loads_after_the_session_has_ended(alice: Browser) -> None:
    sid = sid_of(alice)
    first = front_channel(alice.provider.issuer, sid, client=alice.client)
    again = front_channel(alice.provider.issuer, sid, client=alice.client)
    alice.post("/oidc/logout/")
    later = front_channel(alice.provider.issuer, sid, client=alice.client)
    assert [answer.status_code for answer in (first, again, later)] == [200] * 3
    assert first.content == again.content == later.content
