"""What a page may know about the sign-in, as JSON. Reading it never extends anything."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse, JsonResponse

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.details import display_name
from django_silent_sso.policy import stale_in
from django_silent_sso.responses import private
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import endpoint, leave_session_alone

__all__ = ["session"]


@endpoint("GET")
def session(request: HttpRequest) -> HttpResponse:
    readable = has_session_cookie(request) and RPSession.is_readable(request.session)
    found = RPSession.read(request.session) if readable else None
    user = request.user if found is not None else None
    if found is None or user is None or not user.is_authenticated:
        leave_session_alone(request)
        return private(JsonResponse({"signed_in": False}))
    now = time.time()
    left = stale_in(found.verified_at, conf.renew_after, now)
    ended = conf.session_max is not None and now - found.signed_in_at >= conf.session_max
    if ended or left + conf.grace <= 0:  # overdue: the page itself would not be served to this user
        return private(JsonResponse({"signed_in": False}))
    facts = {
        "signed_in": True,
        "user": {"name": display_name(found.claims) or user.get_username()},
        "stale": left <= 0,
        "expires_in": max(0, int(left)),
        "select_by": found.select_by,
        **found.for_watching(),
    }
    if conf.credential_in_page:
        facts["credential"] = found.tokens(now).id_token or None
    return private(JsonResponse(facts))
