"""A refresh token for new tokens (Core 12): the request, and the checks of its answer."""

from __future__ import annotations

import json
import time
from base64 import urlsafe_b64decode
from dataclasses import replace

from django_silent_sso.conf import conf
from django_silent_sso.flows.redemption import read_tokens
from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import OPUnavailable, Reason, TokenError
from django_silent_sso.protocol.id_token import Expected, IDToken, validate_id_token
from django_silent_sso.storage.rp_session import RPSession, Tokens

__all__ = ["Unchecked", "refreshed"]


class Unchecked(OPUnavailable):
    """There are new tokens, and the key to check them with cannot be had. `tokens`: the old ones, and what must not be
    lost: the refresh token that the OP takes from now on."""

    def __init__(self, error: OPUnavailable, tokens: Tokens) -> None:
        super().__init__(error.reason, error.detail, retry_after=error.retry_after)
        self.tokens = tokens


def refreshed(before: RPSession, tokens: Tokens) -> tuple[Tokens, IDToken | None]:
    """New tokens for the sign-in `before`, in the place of `tokens`; what the OP does not send anew stays (H02).

    An ID Token is not always sent again (Core 12.2); one that is must be about the same subject at the same issuer.
    Raises `TokenError`, `OPRefused`, `OPUnavailable` and `ConfigurationError`.
    """
    answer = provider.token_request({"grant_type": "refresh_token", "refresh_token": tokens.refresh_token})
    now = time.time()
    sent = answer.get("id_token") is not None
    new = read_tokens(answer if sent else {**answer, "id_token": ""}, now)
    try:
        id_token = _validated(before, tokens, new, now) if sent else None
    except OPUnavailable as error:
        raise Unchecked(error, replace(tokens, refresh_token=new.refresh_token or tokens.refresh_token)) from None
    kept = replace(
        new,
        id_token=new.id_token or tokens.id_token,
        refresh_token=new.refresh_token or tokens.refresh_token,
    )
    return kept, id_token


def _validated(before: RPSession, old: Tokens, new: Tokens, now: float) -> IDToken:
    nonce = _nonce_of(old.id_token)
    expected = Expected(
        issuer=before.issuer,
        client_id=conf.client_id or "",
        algorithm=conf.sign_algorithm,
        nonce=nonce,
        nonce_optional=True,  # Core 12.2: rather none than another
        leeway=conf.leeway,
        trusted_audiences=conf.trusted_audiences,
        access_token=new.access_token,
        subject=before.subject,
    )
    found = validate_id_token(new.id_token, keys=provider.signing_key, expected=expected, now=now)
    # Core 12.2: the time of the original authentication. A refresh is none; but the session may know of a later one.
    if found.auth_time is not None and before.auth_time is not None and found.auth_time > before.auth_time:
        raise TokenError(Reason.ID_TOKEN_AUTH_TIME, "auth_time moved on with a refresh")
    return found


def _nonce_of(id_token: str) -> str:
    """The nonce of the ID Token before: it was validated when it came."""
    try:
        payload = id_token.split(".")[1]
        nonce = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))).get("nonce")
    except (IndexError, ValueError, AttributeError):
        return ""
    return nonce if isinstance(nonce, str) else ""
