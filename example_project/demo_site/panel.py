"""The panel "What just happened": what `request.silent_sso` knows, in plain words.

`static/demo/panel.js` adds what only the browser knows: how long it took, and what the page's script met.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from django.http import HttpRequest

# Reason code -> one sentence for a visitor. The package's reference lists every code; these can be met here.
EXPLANATIONS = {
    "login_required": "Nobody is signed in at Demo ID in this browser.",
    "consent_required": "Demo ID wants to ask the user first, and a silent attempt must not ask.",
    "interaction_required": "Demo ID needs to show something to the user, and a silent attempt must not.",
    "not_signed_in": "Nobody is signed in here. The page's script asks Demo ID in a hidden frame.",
    "backed_off": "Demo ID has just said no and is left in peace for a minute. Leave this tab, come back: it is asked.",
    "signed_out_by_user": "You signed out here. Nothing is tried until you sign in yourself.",
    "attempt_under_way": "Demo ID is being asked right now; this page did not wait for the answer.",
    "subject_changed": "Somebody else is signed in at Demo ID now, and nobody becomes somebody else unasked.",
    "fresh": "Demo ID vouched for this session a short while ago; it is not asked for every page.",
    "stale": "The session is due for renewal and is served until that has happened.",
    "overdue": "The renewal is overdue.",
    "renewed": "The session was renewed, without a word to the user.",
    "signed_in": "Demo ID vouched for the user.",
    "grace_ended": "The session could not be renewed in time.",
    "inconclusive_frame": "A hidden frame proves nothing here: the browser may have kept cookies back.",
    "op_timeout": "Demo ID did not answer in time. Nobody is signed out for that.",
    "op_unreachable": "Demo ID cannot be reached. Nobody is signed out for that.",
    "temporarily_unavailable": "Demo ID asks for patience. Nobody is signed out for that.",
    "loop_stopped": "The browser went back and forth too often, so the site stopped asking.",
    "cookies_blocked": "The browser does not keep this site's cookies, so no answer could be matched.",
    "privacy_signal": "The browser asks not to be tracked (Sec-GPC), so a visitor is not sent to Demo ID.",
    "robot": "Robots are not sent to Demo ID.",
    "not_a_document": "This was not a page being opened, so nobody was sent anywhere.",
    "not_our_session": "This session was not opened by Demo ID.",
}


@dataclass(frozen=True)
class Panel:
    signed_in: bool
    name: str  # "" for a visitor
    how: str
    reason: str  # a reason code, or ""
    explanation: str
    renewal_due: datetime | None
    silently: bool


def what_happened(request: HttpRequest) -> Panel:
    # A page that was answered without the middleware, such as an error page, has no `silent_sso`.
    sso = getattr(request, "silent_sso", None)
    user = getattr(request, "user", None)
    signed_in = bool(getattr(user, "is_authenticated", False))
    select_by = getattr(sso, "select_by", None)
    expires_at = getattr(sso, "expires_at", None)
    reason = str(getattr(sso, "reason", None) or "")
    return Panel(
        signed_in=signed_in,
        name=(getattr(sso, "user_name", None) or user.get_username()) if signed_in else "",
        how=_how(select_by) if signed_in else "",
        reason=reason,
        explanation=EXPLANATIONS.get(reason, ""),
        renewal_due=datetime.fromtimestamp(expires_at, UTC) if signed_in and expires_at else None,
        silently=signed_in and select_by == "auto",
    )


def _how(select_by: str | None) -> str:
    if select_by == "auto":
        return f"Silently, {settings.SITE.way}"
    if select_by == "user":
        return "By going to Demo ID, which asks for a password if need be"
    return "Not by Demo ID"
