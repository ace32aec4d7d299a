"""What this app decides, as pure functions of facts: no Django, no I/O, no clock.

`decide()` answers for a request, `after_failure()` for a refused attempt, `next_wait()` for the back-off. Together
with the settings they are the tables of the reference documentation ("Responses").
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from django_silent_sso.protocol.errors import Reason

__all__ = [
    "MAX_HOPS",
    "Action",
    "Decision",
    "Kind",
    "Outcome",
    "RequestFacts",
    "Rules",
    "after_failure",
    "decide",
    "next_wait",
    "not_refreshed",
    "stale_in",
]

# Top-level round trips of one browser, within half a minute, before they are taken for a loop.
MAX_HOPS: Final = 3

# How long (seconds) a person who reloads an overdue page is sent round again, in place of being shown it anonymously.
IMPATIENCE: Final = 10


class Kind(StrEnum):
    """What kind of request it is, told by Fetch Metadata or, without it, by older headers."""

    DOCUMENT = "document"  # GET, top level, a person is looking
    FORM = "form"  # an unsafe method, the answer will be shown as a page
    SCRIPT = "script"  # fetch, XHR, htmx, Turbo, an image, a frame, a worker
    PASSIVE = "passive"  # prefetch, prerender, HEAD, OPTIONS, or no browser at all


class Action(StrEnum):
    SERVE = "serve"
    SERVE_ANONYMOUSLY = "serve_anonymously"  # the session is left alone, the page sees nobody
    REDIRECT = "redirect"  # to the OP with prompt=none, and back
    RENEW = "renew"  # on the server, by refresh token; what follows a failure is decided anew
    REFUSE = "refuse"  # 401
    END_SESSION = "end_session"  # then serve anonymously


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFacts:
    """What is known when a request arrives. Times are seconds since the epoch."""

    kind: Kind
    unsafe: bool = False  # a method that changes something (RFC 9110 9.2.1)
    signed_in: bool = False  # by a session that this app opened
    verified_at: float = 0.0  # when the OP last vouched for the user
    confirmed_at: float = 0.0  # when it last did so for the user's own session there
    signed_in_at: float = 0.0
    seen_at: float = 0.0  # the session's last request, as far as it is written down
    refreshable: bool = False  # there is a refresh token, and the OP is not known to fail
    exempt: bool = False
    robot: bool = False
    privacy_signal: bool = False  # Sec-GPC: 1
    known: bool = False  # this browser was signed in here before
    silence: Reason | None = None  # why nothing silent is tried until the user signs in
    refused_until: float = 0.0
    unanswered_since: float = 0.0  # a round trip was begun then and has not come back
    recent_hops: int = 0
    cookies_blocked: bool = False  # the last answer came back without its cookie
    blocked_by: Reason | None = None  # a round trip was wanted and could not be begun


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that decide, in seconds where they are times."""

    visitors: str = "frame"
    renew_with: tuple[str, ...] = ("refresh_token", "redirect")
    renew_after: int = 900
    grace: int = 300
    ask_op_after: int | None = 3600  # None: never, while refresh tokens do
    session_max: int | None = None
    session_idle: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    action: Action
    reason: Reason


def decide(facts: RequestFacts, rules: Rules, now: float) -> Decision:
    """The answer to one request: contract, table 4."""
    if facts.exempt:
        return Decision(Action.SERVE, Reason.EXEMPT)
    if not facts.signed_in:
        return _for_visitor(facts, rules, now)
    if rules.session_max is not None and now - facts.signed_in_at >= rules.session_max:
        return Decision(Action.END_SESSION, Reason.SESSION_MAX)
    if rules.session_idle is not None and now - facts.seen_at >= rules.session_idle:
        return Decision(Action.END_SESSION, Reason.SESSION_IDLE)
    return _for_session(facts, rules, now)


def _for_visitor(facts: RequestFacts, rules: Rules, now: float) -> Decision:
    reason = None
    if rules.visitors != "redirect":
        reason = Reason.VISITORS_OFF if rules.visitors == "off" else Reason.NOT_SIGNED_IN
    elif facts.kind is not Kind.DOCUMENT:
        reason = Reason.NOT_A_DOCUMENT
    elif facts.robot:
        reason = Reason.ROBOT
    elif facts.privacy_signal and not facts.known:
        reason = Reason.PRIVACY_SIGNAL
    else:
        reason = _obstacle(facts, now)
    if reason is not None:
        return Decision(Action.SERVE, reason)
    return Decision(Action.REDIRECT, Reason.NOT_SIGNED_IN)


def _for_session(facts: RequestFacts, rules: Rules, now: float) -> Decision:
    left = stale_in(facts.verified_at, rules.renew_after, now)
    if left > 0:
        return Decision(Action.SERVE, Reason.FRESH)
    overdue = -left >= rules.grace
    why = Reason.OVERDUE if overdue else Reason.STALE
    reason = Reason.STALE if facts.kind is Kind.DOCUMENT else Reason.NOT_A_DOCUMENT
    obstacle = None
    for way in rules.renew_with:
        if way == "refresh_token":
            if _may_refresh(facts, rules, now):
                return Decision(Action.RENEW, why)
        elif facts.kind is Kind.DOCUMENT:
            obstacle = _obstacle(facts, now, insist=overdue)
            if obstacle is None:
                return Decision(Action.REDIRECT, why)
            reason = obstacle
    if obstacle is not None and _may_refresh(facts, rules, now, more=rules.grace):
        return Decision(Action.RENEW, why)
    if not overdue:
        return Decision(Action.SERVE, reason)
    if facts.kind is Kind.DOCUMENT:
        return Decision(Action.SERVE_ANONYMOUSLY, Reason.GRACE_ENDED)
    return Decision(Action.REFUSE, Reason.GRACE_ENDED)


def _may_refresh(facts: RequestFacts, rules: Rules, now: float, *, more: int = 0) -> bool:
    """Whether a refresh token may renew the session on the server, without any browser hop.

    At some OPs refresh tokens outlive the user's sign-out there: so the OP's session itself is asked now and then, by
    a page load. What cannot be sent there (a form) gets the grace time on top, and so does a page load that an
    obstacle keeps from leaving (`more`, seconds).
    """
    asking = facts.kind in (Kind.DOCUMENT, Kind.FORM) or (facts.kind is Kind.SCRIPT and facts.unsafe)
    if not (asking and facts.refreshable and "refresh_token" in rules.renew_with):
        return False
    if rules.ask_op_after is None or "redirect" not in rules.renew_with:
        return True
    longest = rules.ask_op_after + (more if facts.kind is Kind.DOCUMENT else rules.grace)
    return now - min(facts.confirmed_at, now) < longest


def _obstacle(facts: RequestFacts, now: float, *, insist: bool = False) -> Reason | None:
    """Why no round trip is begun although one is due."""
    if facts.blocked_by is not None:
        return facts.blocked_by
    if facts.silence is not None and not facts.signed_in:
        return facts.silence
    if facts.cookies_blocked:
        return Reason.COOKIES_BLOCKED
    if facts.recent_hops >= MAX_HOPS:
        return Reason.LOOP_STOPPED
    if now < facts.refused_until and not (insist and 0 <= now - facts.unanswered_since < IMPATIENCE):
        return Reason.BACKED_OFF
    return None


def blocked(facts: RequestFacts, reason: Reason) -> RequestFacts:
    """The same facts where a round trip turned out to be impossible for `reason`."""
    return replace(facts, blocked_by=reason)


def not_refreshed(facts: RequestFacts, reason: Reason) -> RequestFacts:
    """The same facts where the refresh token did not renew the session, for `reason`.

    A round trip may do what the token could not; but not beside another request that is renewing this session.
    """
    blocked_by = reason if reason is Reason.ATTEMPT_UNDER_WAY else facts.blocked_by
    return replace(facts, refreshable=False, blocked_by=blocked_by)


def stale_in(verified_at: float, renew_after: int, now: float) -> float:
    """Seconds until a session is stale; negative: since when it is. A stamp from the future counts as now."""
    return min(verified_at, now) + renew_after - now


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refused silent attempt leads to."""

    end_session: bool
    interactive: bool
    reason: Reason


def after_failure(reason: Reason, *, reaction: str, signed_in: bool, frame: bool, proven: bool) -> Outcome:
    """What follows a silent attempt that brought no sign-in (contract 4).

    `reaction` is the setting's word for this error. `frame`: there is no interactive login in a hidden frame. `proven`:
    the OP's own cookies took part (always at top level; in a frame only where OP and site are on the same site):
    without it a "no" may only mean that the browser held a cookie back, and never ends a session.
    """
    ends = reaction == "anonymous" or (reaction == "interactive" and reason is Reason.LOGIN_REQUIRED)
    if signed_in and ends and not proven:
        return Outcome(end_session=False, interactive=False, reason=Reason.INCONCLUSIVE_FRAME)
    return Outcome(
        end_session=signed_in and ends,
        interactive=reaction == "interactive" and not frame,
        reason=reason,
    )


def next_wait(refusals: int, waits: tuple[int, ...], retry_after: int | None = None) -> int:
    """Seconds to wait after the `refusals`-th refusal in a row (from 1); the OP's `Retry-After` lengthens it."""
    wait = waits[min(max(refusals, 1), len(waits)) - 1]
    return max(wait, min(retry_after or 0, 24 * 3600))
