"""From an Authentication Response to validated tokens (Core 3.1.3, 3.2.2, 3.3.2, 3.3.3).

What came through the browser is checked first: a code is not redeemed unless the ID Token beside it holds (R12).
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from django_silent_sso.conf import conf
from django_silent_sso.op import provider
from django_silent_sso.protocol.authentication_response import CodeResponse, TokenResponse
from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.protocol.id_token import Expected, IDToken, validate_id_token
from django_silent_sso.storage.pending import PendingAuthentication
from django_silent_sso.storage.rp_session import Tokens

__all__ = ["redeem"]

logger = logging.getLogger("django_silent_sso.sign_in")


def redeem(pending: PendingAuthentication, response: CodeResponse | TokenResponse) -> tuple[Tokens, IDToken]:
    """The tokens that `response` stands for, validated.

    Raises `TokenError`, `OPRefused` and `OPUnavailable`.
    """
    if isinstance(response, CodeResponse):
        return _by_code(pending, response.code)
    front = _front_channel(pending, response)
    if response.code is None:
        if front is None:
            raise TokenError(Reason.ID_TOKEN_MISSING, "a response without code and ID Token")
        expires_in = response.expires_in
        return Tokens(
            id_token=front.raw,
            access_token=response.access_token or "",
            expires_at=None if expires_in is None else time.time() + expires_in,
        ), front
    tokens, back = _by_code(pending, response.code, front)
    if response.access_token and response.access_token != tokens.access_token:
        logger.info("the front channel's access token is another one; the token endpoint's is kept")  # R10
    return tokens, back


def _expected(pending: PendingAuthentication) -> Expected:
    return Expected(
        issuer=pending.issuer,
        client_id=conf.client_id or "",
        algorithm=conf.sign_algorithm,
        nonce=pending.nonce,
        leeway=conf.leeway,
        trusted_audiences=conf.trusted_audiences,
        subject=pending.only_subject,
        max_age=pending.max_age,
        acr_values=tuple((pending.acr_values or "").split()),
    )


def _front_channel(pending: PendingAuthentication, response: TokenResponse) -> IDToken | None:
    """The ID Token that came through the browser, with the hashes that bind code and access token to it."""
    if response.access_token is not None and (response.token_type or "").lower() != "bearer":
        raise TokenError(Reason.TOKEN_TYPE_INVALID, "token_type is not Bearer")
    if response.id_token is None:
        return None
    expected = replace(
        _expected(pending),
        access_token=response.access_token,
        at_hash_required=response.access_token is not None,
        code=response.code,
        c_hash_required=response.code is not None,
        state=pending.state,
    )
    return validate_id_token(response.id_token, keys=provider.signing_key, expected=expected, now=time.time())


def _by_code(pending: PendingAuthentication, code: str, front: IDToken | None = None) -> tuple[Tokens, IDToken]:
    """The code for tokens (Core 3.1.3.1), and the ID Token validated (Core 3.1.3.7)."""
    answer = provider.token_request(
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": pending.redirect_uri,
            "code_verifier": pending.code_verifier,
        }
    )
    now = time.time()
    tokens = read_tokens(answer, now)
    expected = replace(
        _expected(pending),
        access_token=tokens.access_token,
        # Core 3.3.3.6: the same issuer and subject as in the front channel (R11).
        subject=pending.only_subject if front is None else front.subject,
    )
    return tokens, validate_id_token(tokens.id_token, keys=provider.signing_key, expected=expected, now=now)


def read_tokens(answer: dict[str, Any], now: float) -> Tokens:
    """The token answer's members (RFC 6749 5.1, Core 3.1.3.3), each of the right type."""
    token_type = answer.get("token_type")
    if not isinstance(token_type, str) or token_type.lower() != "bearer":
        raise TokenError(Reason.TOKEN_TYPE_INVALID, "token_type is not Bearer")
    access_token, id_token = answer.get("access_token"), answer.get("id_token")
    if not isinstance(access_token, str) or not access_token:
        raise TokenError(Reason.TOKEN_ANSWER_INVALID, "no access_token")
    if id_token is None:
        raise TokenError(Reason.ID_TOKEN_MISSING, "was `openid` left out of the scope?")
    if not isinstance(id_token, str):
        raise TokenError(Reason.TOKEN_ANSWER_INVALID, "id_token is not a string")
    refresh_token = answer.get("refresh_token")
    return Tokens(
        id_token=id_token,
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else "",
        expires_at=_expiry(answer.get("expires_in"), now),
    )


def _expiry(value: object, now: float) -> float | None:
    """`expires_in` in seconds, also as text (C35); anything else is as if it were absent."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**10:
        return now + value
    return None
