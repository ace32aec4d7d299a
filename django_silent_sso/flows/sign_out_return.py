"""Coming back from the OP after a sign-out (RP-Initiated Logout 1.0, 3).

The page one comes back to is the site's own, and anybody can link to it. So the `state` is compared and the result
logged, for whoever wants to know whether the OP sends people back; nothing else depends on it (A44, A45, P02).
"""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils.crypto import constant_time_compare

from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.cookies import delete_cookie, read_cookie, set_cookie
from django_silent_sso.storage.pending import digest

__all__ = ["NAMES", "expect", "note", "way_back"]

logger = logging.getLogger("django_silent_sso.sign_out")

NAME: Final = "silent_sso_signed_out"
NAMES: Final = frozenset({NAME, f"__Host-{NAME}"})  # as they may come, see `cookie_name`
LIFETIME: Final = 600  # seconds; who takes longer on the OP's page is not looked for


def way_back() -> str:
    """The page after a sign-out: a path of this site, or a URL elsewhere."""
    return resolve_url(settings.LOGOUT_REDIRECT_URL or "/")


def expect(request: HttpRequest, response: HttpResponse, state: str) -> None:
    """Remember, for a few minutes, which `state` the OP was given; not for a page of another host."""
    if state and not urlsplit(way_back()).netloc:
        set_cookie(request, response, NAME, digest(state), LIFETIME)


def note(request: HttpRequest, response: HttpResponse) -> None:
    """Log how a browser came back, once. Nearly always there is no cookie of ours, and nothing to do."""
    expected = read_cookie(request, NAME)
    if expected is None or request.method != "GET" or request.path != urlsplit(way_back()).path:
        return
    delete_cookie(request, response, NAME)
    state = request.GET.get("state", "")
    if not state:
        logger.info("%s: back after a sign-out, but not by the OP", Reason.STATE_MISSING)
    elif constant_time_compare(digest(state), expected):
        logger.info("%s: the OP has sent the browser back", Reason.SIGNED_OUT_BY_USER)
    else:
        logger.info("%s: back after a sign-out, with another state", Reason.STATE_UNKNOWN)
