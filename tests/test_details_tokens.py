"""`request.silent_sso.access_token`: renewed before it ends, replaced once it is refused, and never in a loop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.details import LEEWAY, SHORTEST_LIFE, SilentSSO
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.protocol.step_up import Authentication
from django_silent_sso.storage.rp_session import RPSession, Tokens

NOW = 1_800_000_000.0
OLD = Tokens(access_token="old", refresh_token="r", expires_at=NOW + 20)
SIGN_IN = RPSession(
    issuer="https://id.example.org",
    subject="alice",
    verified_at=NOW - 100,
    signed_in_at=NOW - 100,
    auth_time=int(NOW) - 500,
    acr="gold",
)
NEW = Tokens(access_token="new", refresh_token="r2", expires_at=NOW + 3600)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


@dataclass
class Renewals:
    """In place of `flows.renewal`: a session that needs it gets `tokens`, or nothing."""

    tokens: Tokens | None = NEW
    asked: list[bool] = field(default_factory=list)  # patient or not
    done: int = 0

    def renew(self, request: HttpRequest, needed: Callable[[RPSession], bool], *, patient: bool) -> Reason:
        self.asked.append(patient)
        before = RPSession.read(request.session)
        assert before is not None
        if not needed(before):
            return Reason.RENEWED
        self.done += 1
        if self.tokens is None:
            return Reason.OP_TIMEOUT
        before.with_tokens(self.tokens, NOW).write(request.session)
        return Reason.RENEWED

    async def arenew(self, request: HttpRequest, needed: Callable[[RPSession], bool], *, patient: bool) -> Reason:
        return self.renew(request, needed, patient=patient)


def details(
    renewals: Renewals | None, tokens: Tokens = OLD, *, sign_in: RPSession | None = SIGN_IN, **change: Any
) -> SilentSSO:
    request: HttpRequest = RequestFactory().get("/")
    request.session = SessionBase()
    request.COOKIES["sessionid"] = "x"
    if sign_in is not None:
        request.session[SESSION_KEY] = "1"
        replace(sign_in, **change).with_tokens(tokens, NOW).write(request.session)
    if renewals is None:
        return SilentSSO(request)
    details = SilentSSO(request)
    details._renew, details._arenew = renewals.renew, renewals.arenew
    return details


COLOURS: dict[str, tuple[Callable[[SilentSSO], str | None], Callable[[SilentSSO, str], str | None]]] = {
    "sync": (lambda found: found.access_token, lambda found, token: found.replace_access_token(token)),
    "async": (
        lambda found: async_to_sync(found.aaccess_token)(),
        lambda found, token: async_to_sync(found.areplace_access_token)(token),
    ),
}
BOTH = pytest.mark.parametrize("colour", COLOURS)


def get(found: SilentSSO, colour: str) -> str | None:
    return COLOURS[colour][0](found)


def replaced(found: SilentSSO, colour: str, refused: str) -> str | None:
    return COLOURS[colour][1](found, refused)


# -- before it ends ------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("left", "given"),
    [(LEEWAY + 1, "old"), (LEEWAY, "old"), (LEEWAY - 0.1, "new"), (0, "new"), (-3600, "new"), (None, "old")],
    ids=["lasts", "lasts just long enough", "ends soon", "ends now", "has ended", "opaque: nobody said"],
)
def test_one_that_is_about_to_end_is_renewed(colour: str, left: float | None, given: str) -> None:
    renewals = Renewals()
    tokens = replace(OLD, expires_at=None if left is None else NOW + left)
    found = details(renewals, tokens)
    assert get(found, colour) == given
    assert get(found, colour) == given
    assert renewals.asked == ([True] if given == "new" else []), "once, waiting for whoever is at it"


@BOTH
def test_an_access_token_is_not_looked_into(colour: str) -> None:
    """It may look like a JWT: what it says is for the API alone."""
    ended = "eyJhbGciOiJub25lIn0.eyJleHAiOjF9."
    renewals = Renewals()
    assert get(details(renewals, replace(OLD, access_token=ended, expires_at=None)), colour) == ended
    assert renewals.asked == []


@BOTH
@pytest.mark.parametrize(("left", "given"), [(20, "old"), (0, None)], ids=["while it lasts", "after its end"])
def test_c116_c117_what_cannot_be_renewed_is_given_while_it_lasts(colour: str, left: int, given: str | None) -> None:
    renewals = Renewals(tokens=None)
    assert get(details(renewals, replace(OLD, expires_at=NOW + left)), colour) == given
    assert renewals.done == 1


@BOTH
@pytest.mark.parametrize(
    ("age", "renewed"),
    [(0, False), (SHORTEST_LIFE - 0.1, False), (SHORTEST_LIFE, True), (-5, True)],
    ids=["just now", "seconds ago", "long enough ago", "a clock that was wrong"],
)
def test_c119_tokens_that_end_as_they_come_are_not_asked_for_with_every_request(
    colour: str, age: float, renewed: bool
) -> None:
    renewals = Renewals(tokens=replace(NEW, expires_at=NOW + 1))
    found = details(renewals, replace(OLD, expires_at=NOW + 1), verified_at=NOW - age)
    assert get(found, colour) == ("new" if renewed else "old")
    assert renewals.done == renewed


def test_another_request_may_have_renewed_it() -> None:
    """What is needed is asked of the session as it is then, not as it was here."""
    found = details(Renewals())
    needed = found._ends_soon
    assert needed(SIGN_IN.with_tokens(OLD, NOW))
    assert not needed(SIGN_IN.with_tokens(NEW, NOW))


@BOTH
def test_nobody_has_none(colour: str) -> None:
    renewals = Renewals()
    assert get(details(renewals, sign_in=None), colour) is None
    assert replaced(details(renewals, sign_in=None), colour, "old") is None
    hidden = details(renewals)
    hidden.hidden = True
    assert get(hidden, colour) is None
    assert renewals.asked == []


@BOTH
def test_where_nothing_renews_it_is_as_it_is(colour: str) -> None:
    assert get(details(None), colour) == "old"
    assert replaced(details(None), colour, "old") is None


def test_on_the_event_loop_the_property_does_not_wait() -> None:
    renewals = Renewals()
    found = details(renewals)

    async def view() -> tuple[str | None, str | None]:
        return found.access_token, await found.aaccess_token()

    assert async_to_sync(view)() == ("old", "new")
    assert renewals.done == 1


# -- refused by an API ---------------------------------------------------------------------------------------------


@BOTH
def test_a87_a_refused_one_is_replaced_however_long_it_was_to_last(colour: str) -> None:
    renewals = Renewals()
    assert replaced(details(renewals, replace(OLD, expires_at=NOW + 3600)), colour, "old") == "new"
    assert renewals.asked == [True]


@BOTH
def test_one_that_was_replaced_already_is_not_replaced_again(colour: str) -> None:
    renewals = Renewals()
    assert replaced(details(renewals, NEW), colour, "old") == "new"
    assert renewals.done == 0


@BOTH
@pytest.mark.parametrize("tokens", [None, OLD], ids=["no new ones", "the same again"])
def test_none_is_given_where_there_is_no_other(colour: str, tokens: Tokens | None) -> None:
    renewals = Renewals(tokens=tokens)
    assert replaced(details(renewals), colour, "old") is None
    assert renewals.done == 1


# -- the sign-in at the OP -----------------------------------------------------------------------------------------


def test_when_and_how_the_user_signed_in_there() -> None:
    found = details(None)
    known = Authentication(found.auth_time, found.acr)
    assert known == Authentication(int(NOW) - 500, "gold")
    assert found.is_recent(500)
    assert found.is_recent(440), "60 s of leeway"
    assert not found.is_recent(439)
    assert found.is_recent(500, "gold")
    assert found.is_recent(500, ["silver", "gold"])
    assert not found.is_recent(500, "silver")


def test_of_nobody_nothing_is_known() -> None:
    found = details(None, sign_in=None)
    assert (found.auth_time, found.acr) == (None, None)
    assert not found.is_recent(10**6)


@BOTH
def test_an_api_that_refuses_every_token_does_not_make_us_ask_for_one_after_the_other(colour: str) -> None:
    renewals = Renewals()
    found = details(renewals)
    assert replaced(found, colour, "old") == "new"
    renewals.tokens = replace(NEW, access_token="newer")
    assert replaced(found, colour, "new") is None
    assert replaced(found, colour, "old") == "new", "what there is by now"
    assert renewals.done == 1
