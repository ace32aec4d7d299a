"""The end of a sign-in in a window of its own, while the page that needs it waits in another."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.responses import SignedInPage
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import endpoint, leave_session_alone

__all__ = ["signed_in"]


@endpoint("GET")
def signed_in(request: HttpRequest) -> HttpResponse:
    """Say so, tell the page that waits, and close the window."""
    readable = has_session_cookie(request) and RPSession.is_readable(request.session)
    now = time.time()
    fresh = readable and RPSession.is_fresh(request.session, now, conf.renew_after, conf.session_max, conf.session_idle)
    leave_session_alone(request)
    return SignedInPage(request, signed_in=fresh)
