"""`request.silent_sso`: what was decided, and who the OP says is here."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.details import SilentSSO, display_name
from django_silent_sso.policy import Action, Decision
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.rp_session import RPSession, Tokens

NOW = 1_800_000_000.0
SIGN_IN = RPSession(
    issuer="https://id.example.org",
    subject="alice",
    verified_at=NOW - 100,
    signed_in_at=NOW - 100,
    select_by="auto",
    claims={"name": "Alice Ash", "groups": ["staff"]},
)
NOBODY = {"signed_in": False, "claims": {}, "subject": None, "select_by": None, "expires_at": None, "expires_in": None}
NOBODY |= {"access_token": None, "user_name": None, "rp_session": None}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def details(sign_in: RPSession | None = SIGN_IN, *, cookie: bool = True, modified: bool = False) -> SilentSSO:
    request: HttpRequest = RequestFactory().get("/")
    request.session = SessionBase()
    if sign_in is not None:
        request.session[SESSION_KEY] = "1"
        sign_in.write(request.session)
    request.session.modified = modified
    if cookie:
        request.COOKIES["sessionid"] = "x"
    return SilentSSO(request)


def seen(found: SilentSSO) -> dict[str, Any]:
    return {name: getattr(found, name) for name in NOBODY}


# -- who is here -------------------------------------------------------------------------------------------------------


def test_a_signed_in_user() -> None:
    assert seen(details()) == {
        "signed_in": True,
        "claims": {"name": "Alice Ash", "groups": ["staff"]},
        "subject": "alice",
        "select_by": "auto",
        "expires_at": NOW + 800,
        "expires_in": 800,
        "access_token": None,
        "user_name": "Alice Ash",
        "rp_session": SIGN_IN,
    }


def test_a_visitor() -> None:
    assert seen(details(None)) == NOBODY


def test_an_overdue_page_sees_nobody() -> None:
    found = details()
    found.hidden = True
    assert seen(found) == NOBODY


def test_without_sessions_there_is_nobody() -> None:
    assert seen(SilentSSO(RequestFactory().get("/"))) == NOBODY


def test_a_request_without_a_session_cookie_does_not_even_look() -> None:
    """So that a public page stays cacheable: a look would make Django vary on the cookie."""
    found = details(cookie=False)
    found._request.session.accessed = False
    assert seen(found) == NOBODY
    assert not found._request.session.accessed


def test_a_session_that_this_very_request_opened_is_seen() -> None:
    assert details(cookie=False, modified=True).subject == "alice"


def test_looking_changes_nothing() -> None:
    found = details()
    seen(found)
    found.claims["name"] = "Mallory"  # type: ignore[index]
    assert found.user_name == "Alice Ash"
    assert not found._request.session.modified


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verified", "left"),
    [(0, 900), (-899.5, 0), (-900, 0), (-5000, 0), (500, 900)],
    ids=["just now", "half a second left", "stale", "long stale", "a clock that was wrong"],
)
def test_the_time_left_is_never_negative_nor_longer_than_from_now(verified: float, left: int) -> None:
    assert details(replace(SIGN_IN, verified_at=NOW + verified)).expires_in == left


def test_it_goes_by_the_setting(settings: Any) -> None:
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = 150
    assert (details().expires_at, details().expires_in) == (NOW + 50, 50)


# -- the access token --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "given"),
    [
        pytest.param(Tokens(access_token="token", expires_at=NOW + 1), "token", id="while it lasts"),
        pytest.param(Tokens(access_token="token"), "token", id="of unknown length"),
        pytest.param(Tokens(access_token="token", expires_at=NOW), None, id="at its end"),
        pytest.param(Tokens(id_token="x", expires_at=NOW + 1), None, id="none was given"),
        pytest.param(Tokens(), None, id="none at all"),
    ],
)
def test_the_access_token(tokens: Tokens, given: str | None) -> None:
    assert details(SIGN_IN.with_tokens(tokens, NOW)).access_token == given


# -- the decision ------------------------------------------------------------------------------------------------------


def test_before_anything_was_decided_the_request_is_served() -> None:
    found = details()
    assert (found.action, found.reason) == ("serve", "not_signed_in")


def test_the_decision_is_told_in_words() -> None:
    found = details()
    found.decision = Decision(Action.REDIRECT, Reason.STALE)
    assert (found.action, found.reason, repr(found)) == ("redirect", "stale", "<SilentSSO redirect: stale>")
    assert type(found.action) is type(found.reason) is str


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Alice Ash", "preferred_username": "al", "email": "a@x.org"}, "Alice Ash"),
        ({"preferred_username": "al", "nickname": "Ally"}, "al"),
        ({"nickname": "Ally", "given_name": "Alice"}, "Ally"),
        ({"given_name": "Alice", "email": "a@x.org"}, "Alice"),
        ({"email": "a@x.org"}, "a@x.org"),
        ({"name": "  ", "preferred_username": None, "nickname": ["x"], "email": " a@x.org "}, "a@x.org"),
        ({"name": "x" * 500}, "x" * 200),
        ({"sub": "alice"}, ""),
        ({}, ""),
    ],
)
def test_the_best_name_the_claims_have(claims: dict[str, Any], name: str) -> None:
    assert display_name(claims) == name


def test_a_page_that_must_see_nobody_sees_nobody() -> None:
    found = details()
    found.hide_user()
    request: Any = found._request
    assert request.user.is_anonymous
    assert async_to_sync(request.auser)() is request.user
    assert seen(found) == NOBODY
    assert not request.session.modified, "the session stays as it is"
