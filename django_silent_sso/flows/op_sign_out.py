"""Sign-outs that the OP begins: by a call of its server (Back-Channel Logout 1.0, BCL), or by a frame in its own
sign-out page (Front-Channel Logout 1.0, FCL).

No browser of the user's is needed for either: what is ended is found in the index, and not by a cookie.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from django.contrib.auth import get_user_model
from django.db import Error as AnyDatabaseError

from django_silent_sso.conf import conf
from django_silent_sso.op import provider
from django_silent_sso.protocol.ended_by import ended_by
from django_silent_sso.protocol.errors import ConfigurationError, Reason, ResponseError, StorageUnavailable, TokenError
from django_silent_sso.protocol.logout_token import LogoutToken, validate_logout_token
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage import logout_index, logout_memory
from django_silent_sso.storage.logout_index import Ended

__all__ = ["back_channel", "front_channel"]

logger = logging.getLogger("django_silent_sso.sign_out")


def back_channel(text: str) -> None:
    """Do what a logout token says, once (BCL 2.6, 2.7).

    Raises `TokenError` (the token does not hold), `OPUnavailable` (its keys cannot be had), `ConfigurationError`,
    `DatabaseError`, and `StorageUnavailable` (logout_incomplete) where some sessions may live on. After all but the
    first the OP may send the token again.
    """
    token = _validated(text)
    _check_that_they_belong_together(token)
    _take(token)
    try:
        logout_memory.remember(token.issuer, subject=token.subject, op_sid=token.sid, now=time.time())
        ended = logout_index.end(token.issuer, subject=token.subject, op_sid=token.sid)
    except BaseException:
        _give_back(token)
        raise
    _tell(ended, Reason.OP_BACK_CHANNEL)
    if ended.failed:
        _give_back(token)
        raise _incomplete(ended)
    logout_memory.keep_token(token.issuer, token.jti, token.expires)


def front_channel(issuer: str, op_sid: str) -> None:
    """End the session here that belongs to this one at the OP (FCL 2).

    Whoever knows its `sid` may say so: nothing is ended but this session, and nothing revoked at the OP (FC05).
    Raises `ResponseError` (issuer_mismatch), `StorageUnavailable` (logout_incomplete) and `DatabaseError`.
    """
    if not conf.configured or issuer != conf.issuer:
        raise ResponseError(Reason.ISSUER_MISMATCH, "a logout at another OP")
    ended = logout_index.end(issuer, subject=None, op_sid=op_sid)
    if ended.count:
        # Not for any `sid` that somebody makes up: this request has no signature, and would fill the table.
        logout_memory.remember(issuer, subject=None, op_sid=op_sid, now=time.time())
    _tell(ended, Reason.OP_FRONT_CHANNEL)
    if ended.failed:
        raise _incomplete(ended)


def _validated(text: str) -> LogoutToken:
    """Signature and claims. It asks the OP at most, and no database: a flood of bad tokens is cheap (BC30)."""
    if conf.issuer is None or conf.client_id is None:
        raise ConfigurationError(Reason.NOT_CONFIGURED, "SILENT_SSO_ISSUER and OIDC_RP_CLIENT_ID are needed")
    return validate_logout_token(
        text,
        keys=provider.signing_key,
        issuer=conf.issuer,
        client_id=conf.client_id,
        algorithm=conf.sign_algorithm,
        leeway=conf.leeway,
        now=time.time(),
    )


def _check_that_they_belong_together(token: LogoutToken) -> None:
    """Rules 10 and 11: the session named is not another user's (BC22)."""
    if token.subject is None or token.sid is None:
        return
    if not logout_index.belong_together(token.issuer, subject=token.subject, op_sid=token.sid):
        raise TokenError(Reason.LOGOUT_TOKEN_SUBJECT, "sid is a session of another sub")


def _take(token: LogoutToken) -> None:
    """Rule 8: a token counts once (BC10)."""
    if not logout_memory.take_token(token.issuer, token.jti, time.time()):
        raise TokenError(Reason.LOGOUT_TOKEN_REPLAYED)


def _give_back(token: LogoutToken) -> None:
    with suppress(AnyDatabaseError):  # it comes back by itself, a minute later
        logout_memory.forget_token(token.issuer, token.jti)


def _incomplete(ended: Ended) -> StorageUnavailable:
    return StorageUnavailable(Reason.LOGOUT_INCOMPLETE, f"{ended.failed} session(s) may live on")


def _tell(ended: Ended, reason: Reason) -> None:
    """The signal, once for each user, however many sessions that were."""
    if not ended.count:
        return
    logger.info("%s: %d session(s) ended", reason, ended.count)
    for user in logout_index.users_of(ended.subject_keys) or (None,):  # the account may be gone
        sender = get_user_model() if user is None else user.__class__
        session_terminated.send_robust(sender=sender, request=None, user=user, reason=reason, cause=ended_by(reason))
