"""What renewal and the limits of a session keep in it: read from what older versions wrote, and never a 500."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from django_silent_sso.storage.rp_session import KEY, LATER, RPSession, noting_every

NOW = 1_800_000_000.0
SIGN_IN = RPSession(
    issuer="https://id.example.org",
    subject="alice",
    verified_at=NOW,
    signed_in_at=NOW - 60,
    handle="handle",
    generation=3,
    confirmed_at=NOW - 30,
    noted_at=NOW - 20,
    seen_at=NOW - 10,
)
STORED: dict[str, Any] = {"v": 1, **asdict(SIGN_IN)}
ADDED = ("handle", "generation", *LATER)


def session(data: object) -> SessionBase:
    made = SessionBase()
    made.update({SESSION_KEY: "7", KEY: data})
    return made


def test_what_was_written_is_read() -> None:
    made = session(None)
    SIGN_IN.write(made)
    assert RPSession.read(made) == SIGN_IN


@pytest.mark.parametrize("left_out", [*[(name,) for name in ADDED], ADDED], ids=" ".join)
def test_c120_an_older_version_wrote_none_of_them(left_out: tuple[str, ...]) -> None:
    found = RPSession.read(session({name: value for name, value in STORED.items() if name not in left_out}))
    nothing = {"handle": "", "generation": 0, "confirmed_at": 0.0, "noted_at": 0.0, "seen_at": 0.0}
    assert found == replace(SIGN_IN, **{name: nothing[name] for name in left_out})


GARBAGE: list[dict[str, Any]] = [{"handle": value} for value in (None, 7, ["handle"], {})]
GARBAGE += [{"generation": value} for value in (None, "3", 1.5, [], {})]
GARBAGE += [
    {name: value}
    for name in LATER
    for value in (None, "soon", True, [], float("nan"), float("inf"), -float("inf"), 10**400, 10**11)
]


@pytest.mark.parametrize("change", GARBAGE, ids=lambda change: str(change)[:40])
def test_c72_garbage_in_them_counts_as_no_sign_in(change: dict[str, Any]) -> None:
    made = session({**STORED, **change})
    assert RPSession.read(made) is None
    assert RPSession.is_outdated(made)
    assert not RPSession.is_fresh(made, NOW, 900, None, 600)


@pytest.mark.parametrize("name", LATER)
def test_whole_seconds_are_times_too(name: str) -> None:
    found = RPSession.read(session({**STORED, name: int(NOW)}))
    assert found is not None
    assert getattr(found, name) == NOW


# -- idle ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("idle", "every"), [(10, 1.0), (300, 30.0), (600, 60.0), (601, 60.0), (10**6, 60.0), (1, 0.1)])
def test_use_is_written_down_once_a_minute_and_ten_times_within_a_short_limit(idle: int, every: float) -> None:
    assert noting_every(idle) == every


@pytest.mark.parametrize(
    ("seen", "to_be_noted"),
    [(0, False), (59.9, False), (60, True), (5000, True), (-1, True)],
    ids=["now", "within a minute", "a minute ago", "long ago", "a clock that was wrong"],
)
def test_n09_when_use_is_to_be_written_down(seen: float, to_be_noted: bool) -> None:
    found = replace(SIGN_IN, seen_at=NOW - seen)
    assert found.is_to_be_noted(NOW, 600) is to_be_noted
    assert not found.is_to_be_noted(NOW, None)
    made = session({"v": 1, **asdict(found)})
    assert RPSession.is_fresh(made, NOW, 900, None, 600) is not to_be_noted, "the quick way out is not taken then"
    assert RPSession.is_fresh(made, NOW, 900, None)


# -- older, for tests ----------------------------------------------------------------------------------------------


def test_a_session_that_is_made_older_was_confirmed_no_later_than_it_was_verified() -> None:
    made = session(STORED)
    RPSession.backdate(made, 10)
    found = RPSession.read(made)
    assert found is not None
    assert (found.verified_at, found.confirmed_at) == (NOW - 10, NOW - 30)
    RPSession.backdate(made, 1000)
    found = RPSession.read(made)
    assert found is not None
    assert (found.verified_at, found.confirmed_at, found.signed_in_at) == (NOW - 1010,) * 3
