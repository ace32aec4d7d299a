"""What follows an attempt that brought no sign-in."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, replace

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import Begun, begin
from django_silent_sso.flows.sign_in import SubjectChanged
from django_silent_sso.flows.sign_out import end_session
from django_silent_sso.policy import Outcome, after_failure
from django_silent_sso.protocol.errors import OPRefused, Reason, SilentSSOError, UserNotAdmitted
from django_silent_sso.signals import silent_sign_in_failed, subject_changed
from django_silent_sso.storage.marks import Marks, read_marks
from django_silent_sso.storage.pending import FRAME, TOP, PendingAuthentication, digest
from django_silent_sso.storage.rp_session import RPSession

__all__ = ["Failed", "fail"]

logger = logging.getLogger("django_silent_sso.sign_in")

HINTLESS = 24 * 3600  # seconds without an id_token_hint after the OP refused one


@dataclass(frozen=True, slots=True)
class Failed:
    """A refusal and what it led to: `begun` is the attempt to go on with, if any."""

    reason: Reason
    marks: Marks
    begun: Begun | None = None
    session_ended: bool = False
    signed_in: bool = False  # still, here
    retry_after: int | None = None


def fail(request: HttpRequest, pending: PendingAuthentication, error: SilentSSOError, *, proven: bool) -> Failed:
    """Carry out the reaction to `error`, after the response was matched to this browser's own attempt.

    `proven`: the OP's cookies took part (see `policy.after_failure`).
    """
    now = time.time()
    marks = read_marks(request)
    if pending.hinted and isinstance(error, OPRefused) and error.reason is Reason.INVALID_REQUEST:
        # It may be about the hint (a withdrawn key, an older token): once more, and from now on, without.
        marks = replace(marks, no_hint_until=int(now) + HINTLESS)
        again = _without_hint(request, pending, error, marks)
        if again is not None:
            return again
    if not pending.silent and not isinstance(error, SubjectChanged):
        logger.info("%s: %s", error.reason, pending)
        return Failed(error.reason, marks)
    readable = has_session_cookie(request) and RPSession.is_readable(request.session)
    before = RPSession.read(request.session) if readable else None
    outcome = _outcome(error, pending, before, proven)
    logger.info("%s: %s", outcome.reason, pending)
    retry_after = getattr(error, "retry_after", None)
    marks = marks.refused(now, retry_after, frame=pending.transport == FRAME)
    if proven:
        marks = marks.answered(outcome.reason)
    if error.reason is Reason.VOIDED_BY_SIGN_OUT and marks.silence is None:
        # The sign-out was in another tab, and these marks are from before it (C81, P03).
        marks = marks.silenced(Reason.SIGNED_OUT_BY_USER, now)
    user = getattr(request, "user", None) if before is not None else None
    if isinstance(error, SubjectChanged):
        subject_changed.send_robust(
            sender=get_user_model(),
            request=request,
            user=user,
            reaction=conf.subject_changed,
            reason=error.reason,
        )
        if outcome.end_session or before is None:
            marks = marks.silenced(Reason.SUBJECT_CHANGED, now)
    silent_sign_in_failed.send_robust(sender=get_user_model(), request=request, user=user, reason=outcome.reason)
    if outcome.end_session and before is not None:
        # To a request with a hint, login_required may also mean that somebody else is signed in there: a visitor's
        # attempt, which has no hint, would bring that person.
        marks = replace(marks, was=digest(before.subject))
        end_session(request, outcome.reason)
    begun = _interactive(request, pending, before, marks) if outcome.interactive else None
    return Failed(
        outcome.reason,
        begun.marks if begun is not None else marks,
        begun,
        session_ended=outcome.end_session,
        signed_in=before is not None and not outcome.end_session,
        retry_after=_wait(marks, pending, now),
    )


def _outcome(error: SilentSSOError, pending: PendingAuthentication, before: RPSession | None, proven: bool) -> Outcome:
    signed_in = before is not None
    if isinstance(error, SubjectChanged):
        ends = signed_in and conf.subject_changed != "refuse" and not _somebody_new(before, pending)
        return Outcome(end_session=ends, interactive=False, reason=error.reason)
    if isinstance(error, UserNotAdmitted):  # the site's own word
        return Outcome(end_session=signed_in, interactive=False, reason=error.reason)
    code = error.error if isinstance(error, OPRefused) else ""
    return after_failure(
        error.reason,
        reaction=conf.reaction(code, signed_in=signed_in),
        signed_in=signed_in,
        frame=pending.transport != TOP,
        proven=proven,
    )


def _somebody_new(before: RPSession | None, pending: PendingAuthentication) -> bool:
    """Another user signed in here, in another tab, since this attempt began: that sign-in stays (C82)."""
    return before is not None and before.signed_in_at > pending.created


def _without_hint(
    request: HttpRequest, pending: PendingAuthentication, error: SilentSSOError, marks: Marks
) -> Failed | None:
    """The same attempt again, for the same subject."""
    if pending.transport != TOP:  # a frame's next attempt will do
        return None
    try:
        begun = begin(
            request,
            silent=pending.silent,
            transport=TOP,
            return_to=pending.return_to,
            marks=marks,
            hinted=False,
            automatic=pending.automatic,
            subject=pending.subject,
            max_age=pending.max_age,
            acr_values=pending.acr_values,
        )
    except SilentSSOError:
        return None
    return Failed(error.reason, begun.marks, begun)


def _interactive(
    request: HttpRequest, pending: PendingAuthentication, before: RPSession | None, marks: Marks
) -> Begun | None:
    """The same request without `prompt=none`; it ends on the page first asked for."""
    try:
        return begin(
            request,
            silent=False,
            transport=TOP,
            return_to=pending.return_to,
            marks=marks,
            automatic=True,
            before=before,
        )
    except SilentSSOError as error:
        logger.warning("%s: no interactive login now", error.reason)
        return None


def _wait(marks: Marks, pending: PendingAuthentication, now: float) -> int:
    until = marks.frame_refused_until if pending.transport == FRAME else marks.refused_until
    return max(0, math.ceil(until - now))
