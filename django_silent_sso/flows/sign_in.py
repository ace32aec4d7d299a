"""Completing an attempt: from an Authentication Response to a signed-in user, or to what follows a refusal.

Nothing here builds an HTTP response; the views translate `Completed` and `Failed`.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, get_user_model, login
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DatabaseError
from django.http import HttpRequest

from django_silent_sso.conf import conf
from django_silent_sso.flows.redemption import redeem
from django_silent_sso.flows.site_backend import site_backend
from django_silent_sso.flows.written_down import check_it_lives, noted, written_down
from django_silent_sso.op import provider
from django_silent_sso.protocol.authentication_response import (
    ErrorResponse,
    ResponseParameters,
    parse_authentication_response,
)
from django_silent_sso.protocol.errors import (
    OPRefused,
    Reason,
    ResponseError,
    StorageUnavailable,
    TokenError,
    UserNotAdmitted,
)
from django_silent_sso.protocol.id_token import IDToken
from django_silent_sso.protocol.step_up import Authentication, latest
from django_silent_sso.signals import silent_sign_in_succeeded, subject_changed
from django_silent_sso.storage.logout_index import is_open, set_session_key
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.pending import PendingAuthentication, digest, is_void, mark_done
from django_silent_sso.storage.rp_session import RPSession, Tokens, claims_to_keep
from django_silent_sso.storage.session_store import SIGNED_COOKIES, alone, reload, save_now

__all__ = ["Completed", "SubjectChanged", "complete"]

logger = logging.getLogger("django_silent_sso.sign_in")


class SubjectChanged(TokenError):
    """The OP vouches for somebody else than the user who is, or was, signed in here (Core 3.1.2.1)."""


@dataclass(frozen=True, slots=True)
class Completed:
    """A sign-in. `changed`: the page that asked shows another user, or none, until it is loaded again."""

    user: AbstractBaseUser
    rp_session: RPSession
    changed: bool
    reason: Reason


def complete(request: HttpRequest, pending: PendingAuthentication, parameters: ResponseParameters) -> Completed:
    """Sign in, or renew, the user that the OP's answer to `pending` vouches for (Core 3.1.3).

    Raises any `SilentSSOError`; the session is as it was then.
    """
    if pending.issuer != conf.issuer:
        raise ResponseError(Reason.ISSUER_MISMATCH, "the attempt was begun at another OP")
    asked_for = not (pending.silent or pending.automatic)
    if not asked_for and int(pending.created) <= read_marks(request).silent_since:  # marks know whole seconds
        raise ResponseError(Reason.VOIDED_BY_SIGN_OUT, "begun before the user signed out")
    response = parse_authentication_response(
        parameters,
        state=pending.state,
        issuer=pending.issuer,
        iss_required=provider.metadata().iss_parameter_supported,
        response_type=pending.response_type,
    )
    if isinstance(response, ErrorResponse):
        raise OPRefused.at_authorization(response.error)
    tokens, id_token = redeem(pending, response)
    try:
        return _admit(request, pending, tokens, id_token, response.session_state)
    except DatabaseError as error:
        logger.error("storage_unavailable: the database failed at sign-in (%s)", type(error).__name__)
        raise StorageUnavailable(Reason.STORAGE_UNAVAILABLE, "the database failed") from None


def _admit(
    request: HttpRequest,
    pending: PendingAuthentication,
    tokens: Tokens,
    id_token: IDToken,
    session_state: str | None,
) -> Completed:
    """From here on the OP has spoken; who is signed in here is looked up only now, after the slow calls (D47)."""
    before = RPSession.read(request.session)
    if _must_not_take_over(request, pending, before, id_token.subject):
        raise SubjectChanged(Reason.SUBJECT_CHANGED, "the OP vouches for another subject")
    if before is not None and before.subject == id_token.subject and request.user.is_authenticated:
        return _renew(request, pending, before, tokens, id_token, session_state)
    if before is not None and pending.silent and before.subject == id_token.subject:
        raise UserNotAdmitted(Reason.USER_INACTIVE)
    if before is None and pending.silent and _is_over(request, pending):
        # Another tab signed out: during the slow calls, or while this one was on its way to the OP (C81).
        raise ResponseError(Reason.VOIDED_BY_SIGN_OUT, "the session to be renewed has ended meanwhile")
    backend, path = site_backend()
    backend.request = request
    try:
        user = backend.get_or_create_user(tokens.access_token, tokens.id_token, dict(id_token.claims))
    except (SuspiciousOperation, PermissionDenied):  # how hooks written for upstream say no
        raise UserNotAdmitted(Reason.CLAIMS_REFUSED, "the site's backend refused") from None
    if user is None:
        raise UserNotAdmitted(Reason.USER_UNKNOWN)
    if not user.is_active:
        raise UserNotAdmitted(Reason.USER_INACTIVE)
    unasked = pending.silent or pending.automatic
    if unasked and RPSession.is_outdated(request.session) and request.session[SESSION_KEY] != str(user.pk):
        raise SubjectChanged(Reason.SUBJECT_CHANGED, "a session that cannot be read is another user's")
    if before is not None and pending.silent:
        _tell_of_switch(request)
    claims = {**claims_to_keep(backend.last_claims), **claims_to_keep(id_token.claims)}
    with written_down(request, id_token, before, pending.created) as handle:
        login(request, user, backend=path)  # type: ignore[arg-type]  # the stubs know one user model only
    now = time.time()
    rp_session = RPSession(
        issuer=id_token.issuer,
        subject=id_token.subject,
        verified_at=now,
        confirmed_at=now,
        signed_in_at=now,
        noted_at=now,
        seen_at=now,
        op_sid=id_token.sid,
        auth_time=id_token.auth_time,
        acr=id_token.acr,
        session_state=session_state,
        select_by="auto" if pending.silent else "user",
        claims=claims,
        handle=handle,
    ).with_tokens(tokens, now)
    rp_session.write(request.session)
    backend.store_tokens(tokens.access_token, tokens.id_token)
    return _done(request, pending, Completed(user, rp_session, changed=True, reason=Reason.SIGNED_IN))


def _is_over(request: HttpRequest, pending: PendingAuthentication) -> bool:
    """Whether the session that was to be renewed has been signed out; one that the store has lost has not."""
    if pending.session and not is_open(pending.session):
        return True
    return is_void(request.COOKIES.get(conf.session_cookie_name))


def _must_not_take_over(
    request: HttpRequest, pending: PendingAuthentication, before: RPSession | None, subject: str
) -> bool:
    """Whether signing `subject` in would silently replace somebody (U08, U09, C82).

    A sign-in that the user asked for may replace anybody; one that we began on our own may not.
    """
    if pending.only_subject is not None and before is not None and before.subject != subject:
        raise TokenError(Reason.SUBJECT_CHANGED, "somebody else signed in here since")  # whose session stays
    if not pending.silent and not pending.automatic:
        return False
    if RPSession.is_foreign(request.session):
        raise ResponseError(Reason.NOT_OUR_SESSION, "signed in here by other means")
    was = read_marks(request).was
    if before is None and was and was != digest(subject) and conf.subject_changed != "switch":
        return True  # the OP's no to the one before may have meant just this
    others = {pending.subject, before.subject if before is not None else None} - {None, subject}
    if not others:
        return False
    newer = before is not None and before.subject in others and before.signed_in_at > pending.created
    return newer or not (conf.subject_changed == "switch" and pending.silent)


def _tell_of_switch(request: HttpRequest) -> None:
    """`SILENT_SSO_SUBJECT_CHANGED = "switch"`: whose session it was hears of it, as with the other reactions."""
    subject_changed.send_robust(
        sender=get_user_model(),
        request=request,
        user=request.user,
        reaction=conf.subject_changed,
        reason=Reason.SUBJECT_CHANGED,
    )


def _renew(
    request: HttpRequest,
    pending: PendingAuthentication,
    before: RPSession,
    tokens: Tokens,
    id_token: IDToken,
    session_state: str | None,
) -> Completed:
    """The same subject: session key, CSRF token and data stay; one write (D51, N08)."""
    with alone(request.session):
        rp_session = _rewritten(request, pending, before, tokens, id_token, session_state)
    user: Any = request.user
    return _done(request, pending, Completed(user, rp_session, changed=False, reason=Reason.RENEWED))


def _rewritten(
    request: HttpRequest,
    pending: PendingAuthentication,
    before: RPSession,
    tokens: Tokens,
    id_token: IDToken,
    session_state: str | None,
) -> RPSession:
    current = RPSession.read(request.session) if reload(request.session) else None
    if current is None or current.subject != id_token.subject:
        raise StorageUnavailable(Reason.STORAGE_UNAVAILABLE, "the session is gone")
    before = current  # as other requests have left it during the slow calls
    now = time.time()
    before = noted(request, before, id_token, pending.created)
    old = before.tokens(now)
    kept = Tokens(
        id_token=tokens.id_token,
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token or old.refresh_token,
        expires_at=tokens.expires_at,
    )
    told = Authentication(id_token.auth_time, id_token.acr)
    known = latest(Authentication(before.auth_time, before.acr), told, now, conf.leeway)
    rp_session = replace(
        before,
        verified_at=now,
        confirmed_at=now,
        seen_at=now,
        op_sid=id_token.sid or before.op_sid,
        auth_time=None if known.auth_time is None else int(known.auth_time),
        acr=known.acr,
        session_state=session_state,
        select_by=before.select_by if pending.silent else "user",
        claims={**before.claims, **claims_to_keep(id_token.claims)},
    ).with_tokens(kept, now)
    rp_session.write(request.session)
    backend, _ = site_backend()
    backend.request = request
    backend.store_tokens(tokens.access_token, tokens.id_token)
    if pending.is_step_up and settings.SESSION_ENGINE != SIGNED_COOKIES:
        # It may do more from now on: a key that was stolen before must not (ASVS 7.2.4).
        request.session.cycle_key()
        set_session_key(rp_session.handle, request.session.session_key or "")
    save_now(request.session)
    check_it_lives(request.session, rp_session)
    return rp_session


def _done(request: HttpRequest, pending: PendingAuthentication, completed: Completed) -> Completed:
    mark_done(pending, completed.rp_session.subject)
    logger.info("%s: %s", completed.reason, pending)
    if pending.silent:
        silent_sign_in_succeeded.send_robust(
            sender=get_user_model(), request=request, user=completed.user, reason=completed.reason
        )
    return completed
