"""The short way through the middleware and the long one come to the same end, whatever the session and settings."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory, override_settings
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from django_silent_sso.conf import conf
from django_silent_sso.fresh_requests import settled
from django_silent_sso.middleware import Details, SilentSSOMiddleware
from django_silent_sso.models import SignedInSession
from django_silent_sso.policy import Action, Decision
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.logout_index import open_row
from django_silent_sso.storage.rp_session import KEY, RPSession
from tests.conftest import NAVIGATION

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]

NOW = 1_800_000_000.0
COOKIE = "sessionid"
ENGINE = "django.contrib.sessions.backends."


def request_of(data: object = None, url: str = "/decided/", method: str = "GET", **cookies: str) -> HttpRequest:
    """One whose session lies in the cache and is not loaded yet."""
    saved = SessionStore()
    saved.update({SESSION_KEY: "1", **({} if data is None else {KEY: data})})
    saved.save()
    request = RequestFactory().generic(method, url, headers=NAVIGATION)
    request.session = SessionStore(saved.session_key)
    request.user = AnonymousUser()  # with whom nobody is sent to the OP
    request.auser = auser
    request.COOKIES.update({COOKIE: str(saved.session_key)} | cookies)
    return request


async def auser() -> AnonymousUser:
    return AnonymousUser()


def written(**changes: Any) -> dict[str, Any]:
    store = SessionStore()
    now = changes.get("verified_at", time.time())
    known = {"issuer": conf.issuer, "subject": "alice", "verified_at": now, "signed_in_at": now, "handle": ""}
    RPSession(**{**known, **changes}).write(store)
    data: dict[str, Any] = store[KEY]
    return data


# -- what views do -----------------------------------------------------------------------------------------------------


def nothing(request: HttpRequest) -> None:
    pass


def looks(request: HttpRequest) -> None:
    assert isinstance(request.silent_sso.claims, dict)  # type: ignore[attr-defined]


def writes(request: HttpRequest) -> None:
    request.session["basket"] = 7


def signs_out(request: HttpRequest) -> None:
    request.session.flush()


def moves(request: HttpRequest) -> None:
    request.session.cycle_key()


def saves(request: HttpRequest) -> None:
    request.session["basket"] = 8
    request.session.save()


def saves_a_session_that_is_gone(request: HttpRequest) -> None:
    SessionStore(request.session.session_key).delete()
    request.session["basket"] = 9
    request.session.save()


def replaces_it(request: HttpRequest) -> None:
    request.session = SessionStore()


def empties_it_quietly(request: HttpRequest) -> None:
    request.session.flush()
    request.session.modified = False


def decides(request: HttpRequest) -> None:
    request.silent_sso.decision = Decision(Action.END_SESSION, Reason.SESSION_MAX)  # type: ignore[attr-defined]


def drops_the_cookie(request: HttpRequest) -> None:
    request.COOKIES.clear()


class Begun:
    def remember(self, request: HttpRequest, response: HttpResponse) -> None:
        response.set_cookie("an-attempt", "x")


def begins(request: HttpRequest) -> None:
    request.silent_sso.begun.append(Begun())  # type: ignore[attr-defined]


VIEWS = [nothing, looks, writes, signs_out, moves, saves, saves_a_session_that_is_gone, replaces_it]
VIEWS += [empties_it_quietly, decides, drops_the_cookie, begins]


# -- both ways ---------------------------------------------------------------------------------------------------------

Way = Callable[[SilentSSOMiddleware, HttpRequest], Any]


def short(middleware: SilentSSOMiddleware, request: HttpRequest) -> Any:
    return middleware(request)


def long(middleware: SilentSSOMiddleware, request: HttpRequest) -> Any:
    request.silent_sso = Details(request)  # type: ignore[attr-defined]
    return middleware._at_length(request, request.silent_sso)  # type: ignore[attr-defined]


def ashort(middleware: SilentSSOMiddleware, request: HttpRequest) -> Any:
    async def view(inner: HttpRequest) -> HttpResponse:
        answer = await sync_to_async(middleware.get_response)(inner)
        assert isinstance(answer, HttpResponse)
        return answer

    return async_to_sync(SilentSSOMiddleware(view))(request)  # type: ignore[arg-type]


def outcome(way: Way, request: HttpRequest, does: Callable[[HttpRequest], None]) -> dict[str, Any]:
    """All that anybody could see of it."""
    seen: dict[str, Any] = {}
    first = request.session
    name = str(request.COOKIES.get(COOKIE))

    def view(inner: HttpRequest) -> HttpResponse:
        details: Any = inner.silent_sso  # type: ignore[attr-defined]
        seen["decided"] = (details.action, details.reason, details.hidden, details.signed_in, details.subject)
        seen["bears its end"] = "save" in vars(inner.session)
        seen["accessed"] = inner.session.accessed
        try:
            does(inner)
        except UpdateError:  # Django would answer 400
            seen["gone"] = True
        return HttpResponse("the page")

    response = way(SilentSSOMiddleware(view), request)
    after: Any = request.session
    details: Any = request.silent_sso  # type: ignore[attr-defined]
    keys = {"first": first.session_key == name, "now": after.session_key == name}
    return seen | {
        "response": (response.status_code, sorted(response.headers), response.get("Vary"), "gone" in seen),
        "cookies": sorted((name, morsel["max-age"]) for name, morsel in response.cookies.items()),
        "left": sorted(request.COOKIES),
        "session": (first.modified, first.accessed, after.modified, dict(after._session), keys),
        "finally": (details.action, details.reason),
        "stored": SessionStore(name).load(),
    }


TIMES = st.sampled_from([NOW, NOW - 1, NOW - 899, NOW - 900, NOW - 1199, NOW - 1200, NOW - 4000, NOW + 5, 0.0])
DATA = st.fixed_dictionaries(
    {},
    optional={
        "verified_at": TIMES,
        "signed_in_at": TIMES,
        "confirmed_at": TIMES,
        "seen_at": TIMES,
        "issuer": st.just("https://another.example.org"),
        "auth_time": st.sampled_from([7, None, "x"]),
        "acr": st.sampled_from(["gold", 7]),
        "claims": st.sampled_from([{"name": "Alice"}, [], None]),
    },
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "SILENT_SSO_ISSUER": st.sampled_from(["https://another.example.org", None, ""]),
        "OIDC_RP_CLIENT_ID": st.none(),
        "SILENT_SSO_VISITORS": st.just("off"),
        "SILENT_SSO_RENEW_AFTER_SECONDS": st.sampled_from([1, 900, 5000, True, "x", 0]),
        "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS": st.sampled_from([1, 5000]),
        "SILENT_SSO_RENEW_WITH": st.just(("refresh_token",)),
        "SILENT_SSO_SESSION_MAX_SECONDS": st.sampled_from([1, 5000, True]),
        "SILENT_SSO_SESSION_IDLE_SECONDS": st.sampled_from([100, 1000, 1]),
        "SESSION_SAVE_EVERY_REQUEST": st.booleans(),
        "SESSION_COOKIE_NAME": st.just("another"),
        "OIDC_EXEMPT_URLS": st.just(["/decided/"]),
        "LOGOUT_REDIRECT_URL": st.just("/decided/"),
    },
)
URLS = st.sampled_from(["/decided/", "/decided/", "/oidc/session/", "/session/", "/oidc/callback/?x", "/exempt/"])
METHODS = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS"])
COOKIES = st.sampled_from([{}, {}, {}, {"silent_sso_signed_out": "x"}, {"__Host-silent_sso_signed_out": "x"}])


@how(
    database=None,
    deadline=None,
    derandomize=True,
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(DATA, SETTINGS, URLS, METHODS, COOKIES, st.sampled_from(VIEWS))
def test_both_ways_come_to_the_same_end(
    monkeypatch: pytest.MonkeyPatch, changes: Any, chosen: Any, url: str, method: str, cookies: Any, view: Any
) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)
    data = {**written(), **changes}
    with override_settings(**chosen):
        ends = [outcome(way, request_of(data, url, method, **cookies), view) for way in (short, long, ashort)]
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("cookies", [{}, {"silent_sso_signed_out": "x"}], ids=["", "back from the OP"])
@pytest.mark.parametrize("view", VIEWS)
def test_whatever_a_view_does_is_seen_to(settings: Settings, view: Any, cookies: dict[str, str]) -> None:
    """On a fresh request, where the short way is the one that is taken."""
    settings.LOGOUT_REDIRECT_URL = "/decided/"
    ends = []
    for number, way in enumerate((short, long, ashort)):
        handle = f"name {number}"
        open_row(handle, issuer=str(conf.issuer), subject="alice", op_sid=None, expires_at=time.time() + 900)
        request = request_of(written(handle=handle), **cookies)
        assert settled(request, Details(request)) is not None
        del request.session.save
        end = outcome(way, request, view)
        found = SignedInSession.objects.get(handle=handle).session_key
        for data in (end["session"][3], end["stored"]):
            data.pop(KEY, None)  # which holds the name, and the time
        ends.append(end | {"found": found == request.session.session_key != ""})
    assert ends[0] == ends[1] == ends[2]
