"""Why the page's script may not begin a silent attempt now, and until when."""

from __future__ import annotations

from django.http import HttpRequest

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.policy import MAX_HOPS
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.marks import Marks
from django_silent_sso.storage.pending import TOP
from django_silent_sso.storage.rp_session import RPSession

__all__ = ["LOAD", "RETURN", "obstacle"]

LOAD, RETURN = "load", "return"  # what led to the attempt
TAB_RETURN = 15  # seconds between two attempts of a tab's return


def obstacle(
    request: HttpRequest, marks: Marks, now: float, *, transport: str, trigger: str, always: bool = False
) -> tuple[Reason | None, float]:
    """The reason, if there is one, and the time it ends (seconds since 1970; 0: nobody knows).

    `always`: the page itself wants to leave for the OP wherever a frame cannot know (`itp_support`).
    """
    signed_in = False
    if has_session_cookie(request):
        if not RPSession.is_readable(request.session):
            return Reason.STORAGE_UNAVAILABLE, 0
        if RPSession.is_foreign(request.session):
            return Reason.NOT_OUR_SESSION, 0
        signed_in = RPSession.read(request.session) is not None
    reason = None if signed_in else _why_not_visitors(request, marks)
    if reason is not None:
        return reason, 0
    if transport == TOP:
        return _obstacle_to_hop(marks, now, wanted="always" if always else conf.top_level_hop, signed_in=signed_in)
    if trigger == LOAD and now < marks.frame_refused_until:
        return Reason.BACKED_OFF, marks.frame_refused_until
    if trigger == RETURN and 0 <= now - marks.frame_asked_at < TAB_RETURN:
        return Reason.BACKED_OFF, marks.frame_asked_at + TAB_RETURN
    return None, 0


def _why_not_visitors(request: HttpRequest, marks: Marks) -> Reason | None:
    if conf.visitors == "off":
        return Reason.VISITORS_OFF
    if marks.silence is not None:
        return marks.silence
    return Reason.PRIVACY_SIGNAL if request.headers.get("Sec-GPC") == "1" and not marks.known else None


def _obstacle_to_hop(marks: Marks, now: float, *, wanted: str, signed_in: bool) -> tuple[Reason | None, float]:
    if wanted == "never" or (wanted == "known" and not (marks.known or signed_in)):
        return Reason.WRONG_TRANSPORT, 0
    if marks.recent_hops(now) >= MAX_HOPS:
        return Reason.LOOP_STOPPED, 0
    if now < marks.refused_until:
        return Reason.BACKED_OFF, marks.refused_until
    return None, 0
