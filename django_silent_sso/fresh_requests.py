"""Requests of a signed-in user while nothing is due: nearly all there are, so each look that can be spared is.

`settled()` knows them by what they surely are and takes no pains with any other. Where it says no, or somebody has
touched the session meanwhile (`is_untouched()`), the middleware goes the long way, which comes to the same answer.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any, Final, NamedTuple

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.urls import URLPattern, URLResolver, get_resolver

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.begin import own_names
from django_silent_sso.flows.sign_out_return import NAMES as SIGNED_OUT
from django_silent_sso.flows.written_down import check_what_was_saved, stay_ended
from django_silent_sso.policy import Action, Decision, stale_in
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.setting_values import Watch
from django_silent_sso.storage.fresh_session import Wanted, is_surely_fresh
from django_silent_sso.storage.rp_session import KEY, RPSession, log_unreadable, noting_every
from django_silent_sso.storage.session_store import SIGNED_COOKIES, bear

__all__ = ["asettled", "is_settled", "is_stale", "is_untouched", "settled", "withhold"]

FRESH: Final = Decision(Action.SERVE, Reason.FRESH)
UNREADABLE: Final = Decision(Action.SERVE, Reason.STORAGE_UNAVAILABLE)


class Quick(NamedTuple):
    """What the settings come to, for as long as they stay what they are."""

    cookie: str
    wanted: Wanted
    endings: tuple[str, ...]  # of the paths of our own endpoints


_READ: Final = (
    "SILENT_SSO_ISSUER",
    "OIDC_RP_CLIENT_ID",
    "SILENT_SSO_RENEW_AFTER_SECONDS",
    "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS",
    "SILENT_SSO_SESSION_MAX_SECONDS",
    "SILENT_SSO_SESSION_IDLE_SECONDS",
    "OIDC_AUTHENTICATION_CALLBACK_URL",
    "SESSION_ENGINE",
    "SESSION_COOKIE_NAME",
    "SESSION_SAVE_EVERY_REQUEST",
    "ROOT_URLCONF",
)
_last: tuple[Watch | None, Quick | None] = (None, None)


def settled(request: HttpRequest, details: SilentSSO) -> SessionBase | None:
    """The session, if the request surely is one of a signed-in user while nothing is due; decided, then."""
    quick = _expected(request)
    if quick is None:
        return None
    session: SessionBase = request.session
    try:
        return _fresh(session, quick, details)
    except Exception as error:  # any engine's own
        withhold(details, error)
        return None


async def asettled(request: HttpRequest, details: SilentSSO) -> SessionBase | None:
    quick = _expected(request)
    if quick is None:
        return None
    session: SessionBase = request.session
    try:
        await session.aget(KEY)
        return _fresh(session, quick, details)
    except Exception as error:  # any engine's own
        withhold(details, error)
        return None


def _expected(request: HttpRequest) -> Quick | None:
    """What to measure the session by, if there is one to be looked at."""
    watch, quick = _last
    if watch is None or not watch.is_up_to_date():
        quick = _learn()
    state = request.__dict__
    if (
        quick is None
        or quick.cookie not in request.COOKIES
        or request.path.endswith(quick.endings)
        or "session" not in state
        or "urlconf" in state  # our endpoints may lie anywhere
    ):
        return None
    return quick


def _fresh(session: SessionBase, quick: Quick, details: SilentSSO) -> SessionBase | None:
    if not is_surely_fresh(session, time.time(), quick.wanted):
        return None
    details.decision = FRESH
    bear(session, check_what_was_saved)
    return session


def is_untouched(request: HttpRequest, details: SilentSSO, session: SessionBase) -> bool:
    """Whether nothing has come up while the page was made that would have to be seen to on the way out."""
    return not (
        session.modified
        or details.begun
        or details.decision is not FRESH
        or request.session is not session
        or session.is_empty()
        or not SIGNED_OUT.isdisjoint(request.COOKIES)
    )


def is_settled(request: HttpRequest, details: SilentSSO) -> bool:
    """The same question at length, for sessions of every kind: what `policy.decide()` would say first."""
    if not has_session_cookie(request):
        return False
    if not RPSession.is_fresh(request.session, time.time(), conf.renew_after, conf.session_max, conf.session_idle):
        return False
    details.decision = FRESH
    stay_ended(request.session)
    return True


def is_stale(session: RPSession) -> bool:
    return stale_in(session.verified_at, conf.renew_after, time.time()) <= 0


def withhold(details: SilentSSO, error: Exception | None = None) -> None:
    """The session cannot be read: the page is served, and sees nobody (C62, C65)."""
    if error is not None:
        log_unreadable(error)
    details.decision = UNREADABLE
    details.hide_user()


def _learn() -> Quick | None:
    global _last
    watch = Watch(_READ)
    quick = _quick(watch)
    if not watch.is_up_to_date():  # changed at this moment, by another thread
        return None
    _last = (watch, quick)
    return quick


def _quick(watch: Watch) -> Quick | None:
    """None where the long way is the only one: sessions whose end has to be asked for, or settings of an odd kind."""
    values: list[Any] = [*watch.values]
    *_, engine, cookie, every, urlconf = values
    if not conf.configured or engine == SIGNED_COOKIES or every:
        return None
    usual = all(type(value) in (str, int, float, type(None)) for value in values if value is not every)
    if not usual or type(cookie) is not str or type(urlconf) is not str:
        return None
    idle = conf.session_idle
    return Quick(
        cookie=cookie,
        wanted=Wanted(
            issuer=conf.issuer or "",
            renew_after=conf.renew_after,
            longest=conf.session_max,
            noting=None if idle is None else noting_every(idle),
        ),
        endings=_endings(urlconf, frozenset(own_names())),
    )


@lru_cache(maxsize=64)
def _endings(urlconf: str, names: frozenset[str]) -> tuple[str, ...]:
    """How the paths of our endpoints end, under whatever prefix and in whatever language they lie.

    An ending that is not the same always (a parameter, an expression, a translation) is "", and so that of every path.
    """
    found: set[str] = set()
    resolvers: list[Any] = [get_resolver(urlconf)]
    for resolver in resolvers:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                resolvers.append(entry)
            elif not isinstance(entry, URLPattern):
                found.add("")
            elif entry.name in names:
                route = vars(entry.pattern).get("_route", "")
                found.add(route if type(route) is str and "<" not in route else "")
    return tuple(found)
