"""Token revocation (RFC 7009): a session that has ended leaves nothing behind that works at the OP."""

from __future__ import annotations

import logging
import time
from typing import Final

from django_silent_sso.op.client_auth import authenticated
from django_silent_sso.op.http import fetch
from django_silent_sso.op.provider import token_error
from django_silent_sso.protocol.errors import OPRefused, OPUnavailable, Reason, SilentSSOError

__all__ = ["revoke"]

logger = logging.getLogger("django_silent_sso.op")

PATIENCE: Final = 2.0  # seconds in all: somebody waits for the sign-out


def revoke(endpoint: str, *, refresh_token: str, access_token: str) -> None:
    """Tell the OP that these are not used any more; "" where there is none. One try each, and no failure is raised.

    The refresh token first: it is worth more, and many OPs end the access tokens with it (RFC 7009 2.1).
    """
    until = time.monotonic() + PATIENCE
    for kind, token in (("refresh_token", refresh_token), ("access_token", access_token)):
        if not token:
            continue
        try:
            _revoke(endpoint, kind, token, until - time.monotonic())
        except OPRefused as error:  # this kind, perhaps (unsupported_token_type), and not the other
            logger.warning("%s: the OP did not revoke the %s (%s)", error.reason, kind, error.error)
        except SilentSSOError as error:
            logger.warning("%s: the %s was not revoked", error.reason, kind)
            return


def _revoke(endpoint: str, kind: str, token: str, seconds: float) -> None:
    if seconds <= 0:
        raise OPUnavailable(Reason.OP_TIMEOUT, "no time left")
    data, auth = authenticated({"token": token, "token_type_hint": kind}, endpoint)
    answer = fetch("POST", endpoint, data=data, auth=auth, longest=seconds)
    if answer.status != 200:  # a token that the OP does not know is a 200 too (RFC 7009 2.2)
        raise token_error(answer, "revocation endpoint")
