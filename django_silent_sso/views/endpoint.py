"""What all our endpoints share."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt

from django_silent_sso.browser import has_session_cookie, is_prefetch
from django_silent_sso.conf import conf
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPRefused,
    OPUnavailable,
    Reason,
    SilentSSOError,
    StorageUnavailable,
)
from django_silent_sso.responses import Page, nothing, private
from django_silent_sso.storage.rp_session import KEY

__all__ = ["endpoint", "error_page", "keep_session_cookie", "leave_session_alone"]

logger = logging.getLogger("django_silent_sso.views")

RETRY_AFTER = 30  # seconds, where the OP did not say
OP_FAILURES = frozenset({Reason.SERVER_ERROR, Reason.TEMPORARILY_UNAVAILABLE})


def endpoint(*methods: str, csrf: bool = False) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Mark a view as one of ours.

    Open to visitors under `LoginRequiredMiddleware` (G01), outside `ATOMIC_REQUESTS` (a rolled-back transaction must
    not give a used state back: G03), without CSRF token unless asked for, deaf to prefetches and to other methods
    (S26).
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if request.method not in methods:
                return private(HttpResponseNotAllowed(methods))
            if is_prefetch(request):
                return nothing()
            try:
                return view(request, *args, **kwargs)
            except DatabaseError as error:
                logger.error("storage_unavailable: the database failed (%s)", type(error).__name__)
                return error_page(request, StorageUnavailable(Reason.STORAGE_UNAVAILABLE))

        answer = transaction.non_atomic_requests(answer)
        return login_not_required(answer if csrf else csrf_exempt(answer))

    return decorate


def error_page(request: HttpRequest, error: SilentSSOError, return_to: str | None = None) -> HttpResponse:
    """400 for an answer that is refused, 503 with `Retry-After` for an OP (or a storage) that failed; never a 500.

    Metadata that cannot be used, and settings of ours, are a failure too: nobody who signs in can mend them (C2).
    """
    failing = isinstance(error, ConfigurationError | OPUnavailable | StorageUnavailable) or (
        isinstance(error, OPRefused) and error.reason in OP_FAILURES
    )
    retry_after = getattr(error, "retry_after", None) or RETRY_AFTER
    return Page(
        request,
        "error.html",
        status=503 if failing else 400,
        reason=error.reason,
        retry_after=retry_after if failing else None,
        return_to=return_to,
        failing=failing,
    )


def leave_session_alone(request: HttpRequest) -> None:
    """Keep Django from deleting the browser's session cookie because this request carried an old one.

    Another tab's sign-in may have replaced the session meanwhile: the cookie to delete would be the new one (C77).
    """
    if not has_session_cookie(request) or request.session.modified:
        return
    if settings.SESSION_SAVE_EVERY_REQUEST:
        request.session.get(KEY)  # loads it, as Django will: it would put a new one in the place of one that is gone
    if request.session.is_empty():
        del request.COOKIES[conf.session_cookie_name]  # what Django does not see it neither deletes nor renews


def keep_session_cookie(request: HttpRequest, response: HttpResponse) -> None:
    """The session cookie of a session that we have saved, as Django sets it where it saves one itself."""
    session = request.session
    if session.modified:
        return  # Django will
    closing = session.get_expire_at_browser_close()
    response.set_cookie(
        conf.session_cookie_name,
        session.session_key or "",
        max_age=None if closing else session.get_expiry_age(),
        domain=settings.SESSION_COOKIE_DOMAIN,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=settings.SESSION_COOKIE_HTTPONLY,
        samesite=settings.SESSION_COOKIE_SAMESITE,
    )
