"""What `policy.decide()` needs to know about a request, and which requests it is not asked about."""

from __future__ import annotations

import re
import time
from functools import lru_cache

from django.http import HttpRequest
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, get_urlconf, resolve, reverse
from django.utils.translation import get_language

from django_silent_sso.browser import has_session_cookie, is_robot, kind_of
from django_silent_sso.conf import conf
from django_silent_sso.decorators import EXEMPT_MARK
from django_silent_sso.flows.begin import own_paths
from django_silent_sso.flows.renewal import may_be_refreshed
from django_silent_sso.policy import Kind, RequestFacts, Rules
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.hops import COOKIES_BLOCKED

__all__ = ["concerns_us", "facts_of", "is_exempt", "rules"]

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def concerns_us(request: HttpRequest) -> bool:
    """Quick no's: nothing configured, no session where none could be, one of our own endpoints."""
    if not conf.configured or not hasattr(request, "session"):
        return False
    if not has_session_cookie(request) and conf.visitors != "redirect":
        return False
    urlconf = get_urlconf() or conf.root_urlconf
    return request.path not in _own_paths(get_script_prefix(), urlconf, get_language(), conf.callback_url_name)


@lru_cache(maxsize=256)
def _own_paths(script_prefix: str, urlconf: str, language: str | None, callback: str) -> frozenset[str]:
    """Reversed once per prefix, URLconf and language: each of them may change where our endpoints are."""
    try:
        return own_paths()
    except NoReverseMatch:  # a check says so
        return frozenset()


def rules() -> Rules:
    return Rules(
        visitors=conf.visitors,
        renew_with=conf.renew_with,
        renew_after=conf.renew_after,
        grace=conf.grace,
        ask_op_after=conf.ask_op_after,
        session_max=conf.session_max,
        session_idle=conf.session_idle,
    )


def facts_of(request: HttpRequest) -> RequestFacts:
    kind = kind_of(request)
    found, outdated = None, False
    if has_session_cookie(request):
        found = RPSession.read(request.session)
        if found is None and RPSession.is_foreign(request.session):
            return RequestFacts(kind=kind, exempt=True)  # a password session is none of our business
        outdated = found is None and RPSession.is_outdated(request.session)
    if found is None and not outdated and (conf.visitors != "redirect" or kind is not Kind.DOCUMENT):
        return RequestFacts(kind=kind)
    now = time.time()
    marks = read_marks(request)
    return RequestFacts(
        kind=kind,
        unsafe=request.method not in SAFE,
        signed_in=found is not None or outdated,
        verified_at=0.0 if found is None else found.verified_at,
        confirmed_at=0.0 if found is None else (found.confirmed_at or found.signed_in_at),
        signed_in_at=now if found is None else found.signed_in_at,
        seen_at=now if found is None else max(found.seen_at, found.verified_at),  # a renewal is use, too
        refreshable=may_be_refreshed(found, now),
        robot=is_robot(request),
        privacy_signal=request.headers.get("Sec-GPC") == "1",
        known=marks.known,
        silence=marks.silence,
        refused_until=marks.refused_until,
        unanswered_since=marks.asked_at,
        recent_hops=marks.recent_hops(now),
        cookies_blocked=COOKIES_BLOCKED in request.GET,
    )


def is_exempt(request: HttpRequest) -> bool:
    """`OIDC_EXEMPT_URLS` (names, paths, patterns) and views marked `silent_sso_exempt`. Asked only where it matters."""
    path = request.path
    for item in conf.exempt_urls:
        if isinstance(item, re.Pattern):
            if item.match(path):
                return True
        elif path == (item if item.startswith("/") else _reversed(item)):
            return True
    try:
        match = resolve(request.path_info, getattr(request, "urlconf", None))
    except Resolver404:
        return False
    return bool(getattr(match.func, EXEMPT_MARK, False))


def _reversed(name: str) -> str | None:
    try:
        return reverse(name)
    except NoReverseMatch:
        return None
