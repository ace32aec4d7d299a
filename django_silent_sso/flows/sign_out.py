"""Ending a sign-in: here first and always, then at the OP (RP-Initiated Logout 1.0)."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib import auth
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils.module_loading import import_string

from django_silent_sso.browser import origin_of
from django_silent_sso.conf import conf
from django_silent_sso.flows.sign_out_return import way_back
from django_silent_sso.op import health, provider, revocation
from django_silent_sso.protocol.authentication_request import new_secret
from django_silent_sso.protocol.ended_by import ended_by
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.protocol.provider_metadata import ProviderMetadata
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage.logout_index import close_row
from django_silent_sso.storage.pending import void
from django_silent_sso.storage.rp_session import RPSession, Tokens

__all__ = ["SignedOut", "end_session", "sign_out"]

logger = logging.getLogger("django_silent_sso.sign_out")

LONGEST_HINT = 4096  # characters; a longer hint makes URLs that proxies refuse (P05)


def end_session(request: HttpRequest, reason: Reason) -> None:
    """End this session here: user, tokens and data go."""
    user = getattr(request, "user", None)
    before = RPSession.read(request.session)
    if before is not None and before.handle:
        with suppress(DatabaseError):  # it names a session that is about to go
            close_row(before.handle)  # first: what renews it meanwhile looks for it last
    auth.logout(request)
    logger.info("%s: session ended", reason)
    session_terminated.send_robust(
        sender=user.__class__ if user is not None else get_user_model(),
        request=request,
        user=user,
        reason=reason,
        cause=ended_by(reason),
    )


@dataclass(frozen=True, slots=True)
class SignedOut:
    """Where to go now. `state`: what the OP was given to bring back; "" where it is not asked."""

    url: str
    state: str = ""
    was_signed_in: bool = True


def sign_out(request: HttpRequest) -> SignedOut:
    """Sign the user out here, then go on to the OP's end-session endpoint if it has one, else to our own page."""
    here = way_back()
    before = RPSession.read(request.session)
    custom = _custom_url(request)
    if before is None:
        was_signed_in = request.user.is_authenticated
        if was_signed_in:  # opened by other means: no session of ours, no signal of ours
            auth.logout(request)
        return SignedOut(custom or here, was_signed_in=was_signed_in)
    tokens = before.tokens(time.time())
    void(request.session.session_key)
    end_session(request, Reason.SIGNED_OUT_BY_USER)
    # From here on nobody is signed in any more, whatever the OP does.
    found = _metadata() if custom is None or conf.revoke_tokens else None
    if found is not None and conf.revoke_tokens:
        _revoke(found, tokens)
    if custom is not None:
        return SignedOut(custom)
    return (None if found is None else _at_the_op(request, found, here, tokens.id_token)) or SignedOut(here)


def _metadata() -> ProviderMetadata | None:
    try:
        return provider.metadata()
    except SilentSSOError as error:
        logger.warning("%s: signed out here only", error.reason)
        return None


def _revoke(found: ProviderMetadata, tokens: Tokens) -> None:
    """`SILENT_SSO_REVOKE_TOKENS`: where the OP takes revocations, and somebody is at home there (C110)."""
    endpoint = found.revocation_endpoint
    if endpoint is not None and health.reachable(endpoint):
        revocation.revoke(endpoint, refresh_token=tokens.refresh_token, access_token=tokens.access_token)


def _at_the_op(request: HttpRequest, found: ProviderMetadata, here: str, hint: str) -> SignedOut | None:
    """The OP's logout URL (RP-Initiated Logout 1.0, 2); None where it has none or nobody is at home there (C108)."""
    endpoint = found.end_session_endpoint
    if endpoint is None or not health.reachable(endpoint):
        return None
    back = here if urlsplit(here).netloc else origin_of(request) + here
    state = new_secret(16)
    parameters = {"client_id": conf.client_id or "", "post_logout_redirect_uri": back, "state": state}
    if hint and len(hint) <= LONGEST_HINT:
        parameters = {"id_token_hint": hint, **parameters}
    parts = urlsplit(endpoint)
    query = "&".join(part for part in (parts.query, urlencode(parameters)) if part)
    return SignedOut(urlunsplit(parts._replace(query=query, fragment="")), state)


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
