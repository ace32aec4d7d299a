"""Ending a sign-in: here first and always, then at the OP (RP-Initiated Logout 1.0)."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib import auth
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils.module_loading import import_string

from django_silent_sso.browser import origin_of
from django_silent_sso.conf import conf
from django_silent_sso.op import health, provider
from django_silent_sso.protocol.authentication_request import new_secret
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage.logout_index import close_row
from django_silent_sso.storage.pending import void
from django_silent_sso.storage.rp_session import RPSession

__all__ = ["end_session", "sign_out"]

logger = logging.getLogger("django_silent_sso.sign_out")

LONGEST_HINT = 4096  # characters; a longer hint makes URLs that proxies refuse (P05)


def end_session(request: HttpRequest, reason: Reason) -> None:
    """End this session here: user, tokens and data go."""
    user = getattr(request, "user", None)
    before = RPSession.read(request.session)
    auth.logout(request)
    if before is not None and before.handle:
        with suppress(DatabaseError):  # it names a session that is gone
            close_row(before.handle)
    logger.info("%s: session ended", reason)
    session_terminated.send_robust(
        sender=user.__class__ if user is not None else get_user_model(),
        request=request,
        user=user,
        reason=reason,
    )


def sign_out(request: HttpRequest) -> str:
    """Sign the user out here and return where to go: the OP's end-session endpoint if it has one, else our own page."""
    here = resolve_url(settings.LOGOUT_REDIRECT_URL or "/")
    before = RPSession.read(request.session)
    custom = _custom_url(request)
    hint = before.tokens(time.time()).id_token if before is not None else ""
    if before is not None:
        void(request.session.session_key)
        end_session(request, Reason.SIGNED_OUT_BY_USER)
    elif request.user.is_authenticated:  # opened by other means: no session of ours, no signal of ours
        auth.logout(request)
    if custom is not None:
        return custom
    return here if before is None else (_end_session_url(request, here, hint) or here)


def _end_session_url(request: HttpRequest, here: str, hint: str) -> str | None:
    """The OP's logout URL (RP-Initiated Logout 1.0, 2); None where it has none or nobody is at home there (C108)."""
    try:
        endpoint = provider.metadata().end_session_endpoint
    except SilentSSOError as error:
        logger.warning("%s: signed out here only", error.reason)
        return None
    if endpoint is None or not health.reachable(endpoint):
        return None
    back = here if urlsplit(here).netloc else origin_of(request) + here
    parameters = {
        "client_id": conf.client_id or "",
        "post_logout_redirect_uri": back,
        "state": new_secret(16),
    }
    if hint and len(hint) <= LONGEST_HINT:
        parameters = {"id_token_hint": hint, **parameters}
    parts = urlsplit(endpoint)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return urlunsplit(parts._replace(query=query, fragment=""))


def _custom_url(request: HttpRequest) -> str | None:
    """What the site's own `OIDC_OP_LOGOUT_URL_METHOD` says, asked while the session still lives.

    It may fail: the user is signed out all the same (D61).
    """
    path = conf.logout_url_method
    if path is None:
        return None
    try:
        url = import_string(path)(request)
    except Exception as error:  # the site's own code
        logger.warning("OIDC_OP_LOGOUT_URL_METHOD failed (%s)", type(error).__name__)
        return None
    return str(url) if url else None
