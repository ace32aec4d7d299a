"""The quick look says "fresh" only where the careful one does, whatever lies in the session and in the settings."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.cache import SessionStore
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.conf import conf
from django_silent_sso.storage.fresh_session import MEMBERS, Wanted, is_surely_fresh
from django_silent_sso.storage.rp_session import KEY, VERSION, RPSession, noting_every

NOW = 1_800_000_000.0
QUIETLY = settings(database=None, deadline=None, derandomize=True, max_examples=1000)
TIMES = st.floats(NOW - 2000, NOW + 2000) | st.sampled_from([0.0, NOW, NOW - 900, NOW - 899.5])
SESSIONS = st.builds(
    RPSession,
    issuer=st.sampled_from([conf.issuer, conf.issuer, "https://another.example.org"]),
    subject=st.text(max_size=3),
    op_sid=st.none() | st.text(max_size=3),
    acr=st.none() | st.text(max_size=3),
    auth_time=st.none() | st.integers(),
    claims=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    sealed_tokens=st.text(max_size=3),
    handle=st.text(max_size=3),
    generation=st.integers(0, 9),
    **dict.fromkeys(("verified_at", "signed_in_at", "confirmed_at", "noted_at", "seen_at"), TIMES),
)
ODD: Any = st.sampled_from([None, True, False, 0, 1, 2, -1, 10**11, NOW, float("nan"), float("inf"), -1e12, "", "x"])
ODD |= st.sampled_from([[], {}, ["x"], conf.issuer, VERSION])
GONE = object()
WANTED = st.tuples(st.sampled_from([0, 1, 900, 3000]), *[st.sampled_from([None, 1, 1000])] * 2)


def session(data: object, user: bool = True) -> SessionStore:
    made = SessionStore()
    made._session_cache = {KEY: data, **({SESSION_KEY: "1"} if user else {})}
    return made


def both(made: SessionStore, now: float, limits: tuple[int, int | None, int | None]) -> tuple[bool, bool]:
    """What the quick look says, and what the careful one does."""
    renew_after, longest, idle = limits
    noting = None if idle is None else noting_every(idle)
    quick = is_surely_fresh(made, now, Wanted(conf.issuer or "", renew_after, longest, noting))
    return quick, RPSession.is_fresh(made, now, renew_after, longest, idle)


def test_it_looks_at_all_there_is() -> None:
    assert set(MEMBERS) == {"v", *(field.name for field in fields(RPSession))}


@QUIETLY
@given(SESSIONS, WANTED, st.dictionaries(st.sampled_from(MEMBERS), ODD | st.just(GONE), max_size=2), st.booleans())
def test_fresh_is_what_the_careful_look_calls_fresh(
    found: RPSession, limits: Any, odd: dict[str, Any], user: bool
) -> None:
    made = session(None, user)
    found.write(made)
    data = json.loads(json.dumps(made[KEY])) | odd
    quick, careful = both(
        session({name: value for name, value in data.items() if value is not GONE}, user), NOW, limits
    )
    assert careful or not quick


@QUIETLY
@given(SESSIONS, WANTED)
def test_and_what_this_version_wrote_it_knows(found: RPSession, limits: Any) -> None:
    made = session(None)
    found.write(made)
    quick, careful = both(session(json.loads(json.dumps(made[KEY]))), NOW, limits)
    in_order = max(found.signed_in_at, found.confirmed_at) <= found.verified_at
    assert quick == (careful and in_order)


@pytest.mark.parametrize("data", [None, "silent_sso", 7, [], {}, {"v": VERSION}], ids=repr)
def test_what_is_no_session_of_ours_is_not_fresh(data: object) -> None:
    assert both(session(data), NOW, (900, None, None)) == (False, False)


@pytest.mark.parametrize("name", MEMBERS)
def test_every_member_is_looked_at(name: str) -> None:
    whole = RPSession(issuer=conf.issuer or "", subject="alice", verified_at=NOW, signed_in_at=NOW)
    made = session(None)
    whole.write(made)
    assert both(made, NOW, (900, None, None)) == (True, True)
    made[KEY][name] = object()
    assert both(made, NOW, (900, None, None)) == (False, False)
    del made[KEY][name]
    assert both(made, NOW, (900, None, None))[0] is False


def test_a_store_that_fails_is_heard_of() -> None:
    class Failing(SessionStore):
        def load(self) -> Any:
            raise OSError("down")

    with pytest.raises(OSError, match="down"):
        is_surely_fresh(Failing("some key"), NOW, Wanted("", 900, None, None))
