"""The tables of the reference documentation ("Responses"), row by row: who asks for what, and what is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from django_silent_sso.policy import (
    MAX_HOPS,
    Action,
    Decision,
    Kind,
    Outcome,
    RequestFacts,
    Rules,
    after_failure,
    blocked,
    decide,
    next_wait,
    stale_in,
)
from django_silent_sso.protocol.errors import Reason

NOW = 1_800_000_000.0
REDIRECT_VISITORS = Rules(visitors="redirect")  # else the defaults: stale after 900 s, 300 s of grace

FRESH = {"signed_in": True, "verified_at": NOW - 899, "signed_in_at": NOW - 899}
STALE = {"signed_in": True, "verified_at": NOW - 900, "signed_in_at": NOW - 900}
OVERDUE = {"signed_in": True, "verified_at": NOW - 1200, "signed_in_at": NOW - 1200}

KINDS = pytest.mark.parametrize("kind", list(Kind), ids=str)
NOT_DOCUMENTS = pytest.mark.parametrize("kind", [Kind.FORM, Kind.SCRIPT, Kind.PASSIVE], ids=str)


def answer(kind: Kind, rules: Rules = REDIRECT_VISITORS, **facts: Any) -> tuple[Action, Reason]:
    decision = decide(RequestFacts(kind=kind, **facts), rules, NOW)
    return decision.action, decision.reason


def document(rules: Rules = REDIRECT_VISITORS, **facts: Any) -> tuple[Action, Reason]:
    return answer(Kind.DOCUMENT, rules, **facts)


# -- a visitor ---------------------------------------------------------------------------------------------------------


def test_a_visitors_page_load_goes_through_the_op() -> None:
    assert document() == (Action.REDIRECT, Reason.NOT_SIGNED_IN)


@NOT_DOCUMENTS
def test_anything_else_of_a_visitor_is_served(kind: Kind) -> None:
    assert answer(kind) == (Action.SERVE, Reason.NOT_A_DOCUMENT)


@KINDS
@pytest.mark.parametrize(("visitors", "reason"), [("off", Reason.VISITORS_OFF), ("frame", Reason.NOT_SIGNED_IN)])
def test_no_visitor_is_redirected_unless_the_site_says_so(kind: Kind, visitors: str, reason: Reason) -> None:
    assert answer(kind, Rules(visitors=visitors)) == (Action.SERVE, reason)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"robot": True}, Reason.ROBOT, id="a crawler"),
        pytest.param({"privacy_signal": True}, Reason.PRIVACY_SIGNAL, id="a browser that asks for privacy"),
        pytest.param({"silence": Reason.SIGNED_OUT_BY_USER}, Reason.SIGNED_OUT_BY_USER, id="after a sign-out"),
        pytest.param({"silence": Reason.SUBJECT_CHANGED}, Reason.SUBJECT_CHANGED, id="after another user was met"),
        pytest.param({"silence": Reason.SESSION_MAX}, Reason.SESSION_MAX, id="after the longest session"),
        pytest.param({"cookies_blocked": True}, Reason.COOKIES_BLOCKED, id="a browser that keeps no cookies"),
        pytest.param({"recent_hops": 3}, Reason.LOOP_STOPPED, id="after three round trips in half a minute"),
        pytest.param({"recent_hops": 4}, Reason.LOOP_STOPPED, id="and after one more, begun at the same time"),
        pytest.param({"refused_until": NOW + 1}, Reason.BACKED_OFF, id="within the back-off"),
        pytest.param({"blocked_by": Reason.OP_UNREACHABLE}, Reason.OP_UNREACHABLE, id="while the OP is down"),
        pytest.param({"blocked_by": Reason.METADATA_INVALID}, Reason.METADATA_INVALID, id="while it talks nonsense"),
    ],
)
def test_a_visitors_page_load_is_served(facts: dict[str, Any], reason: Reason) -> None:
    assert document(**facts) == (Action.SERVE, reason)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"privacy_signal": True, "known": True}, id="who asks for privacy, but was signed in here before"),
        pytest.param({"recent_hops": 2}, id="after two round trips in half a minute"),
        pytest.param({"refused_until": NOW}, id="when the back-off ends"),
        pytest.param({"refused_until": 0.0}, id="who was never refused"),
    ],
)
def test_a_visitors_page_load_is_redirected(facts: dict[str, Any]) -> None:
    assert document(**facts) == (Action.REDIRECT, Reason.NOT_SIGNED_IN)


def test_a_visitor_who_reloads_within_the_back_off_is_served() -> None:
    """Patience is for signed-in users: a visitor has a page to see."""
    waiting = document(refused_until=NOW + 60, unanswered_since=NOW - 1)
    assert waiting == (Action.SERVE, Reason.BACKED_OFF)


# -- a session ---------------------------------------------------------------------------------------------------------


@KINDS
def test_a_fresh_session_is_served(kind: Kind) -> None:
    assert answer(kind, **FRESH) == (Action.SERVE, Reason.FRESH)


@pytest.mark.parametrize(
    ("kind", "in_grace", "overdue"),
    [
        (Kind.DOCUMENT, (Action.REDIRECT, Reason.STALE), (Action.REDIRECT, Reason.OVERDUE)),
        (Kind.FORM, (Action.SERVE, Reason.NOT_A_DOCUMENT), (Action.REFUSE, Reason.GRACE_ENDED)),
        (Kind.SCRIPT, (Action.SERVE, Reason.NOT_A_DOCUMENT), (Action.REFUSE, Reason.GRACE_ENDED)),
        (Kind.PASSIVE, (Action.SERVE, Reason.NOT_A_DOCUMENT), (Action.REFUSE, Reason.GRACE_ENDED)),
    ],
    ids=lambda value: value if isinstance(value, Kind) else str(value[0]),
)
def test_a_stale_session_is_renewed_by_page_loads_and_served_to_others_in_its_grace_time(
    kind: Kind, in_grace: tuple[Action, Reason], overdue: tuple[Action, Reason]
) -> None:
    assert answer(kind, **STALE) == in_grace
    assert answer(kind, **{**OVERDUE, "verified_at": NOW - 1199}) == in_grace
    assert answer(kind, **OVERDUE) == overdue


OBSTACLES: dict[str, tuple[dict[str, Any], Reason]] = {
    "a browser that keeps no cookies": ({"cookies_blocked": True}, Reason.COOKIES_BLOCKED),
    "three round trips in half a minute": ({"recent_hops": MAX_HOPS}, Reason.LOOP_STOPPED),
    "the back-off": ({"refused_until": NOW + 1}, Reason.BACKED_OFF),
    "an OP that is down": ({"blocked_by": Reason.OP_UNREACHABLE}, Reason.OP_UNREACHABLE),
    "another tab's attempt": ({"blocked_by": Reason.ATTEMPT_UNDER_WAY}, Reason.ATTEMPT_UNDER_WAY),
    "an account that was closed": ({"blocked_by": Reason.USER_INACTIVE}, Reason.USER_INACTIVE),
}


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_a_page_load_is_served_in_the_grace_time_and_anonymously_after_it_where_it_meets(obstacle: str) -> None:
    facts, reason = OBSTACLES[obstacle]
    assert document(**STALE, **facts) == (Action.SERVE, reason)
    assert document(**OVERDUE, **facts) == (Action.SERVE_ANONYMOUSLY, Reason.GRACE_ENDED)


@pytest.mark.parametrize(
    "facts",
    [{"robot": True}, {"privacy_signal": True}, {"silence": Reason.SIGNED_OUT_BY_USER}],
    ids=["a robot's name", "a wish for privacy", "an earlier sign-out"],
)
def test_what_keeps_visitors_from_the_op_does_not_keep_sessions_from_it(facts: dict[str, Any]) -> None:
    assert document(**STALE, **facts) == (Action.REDIRECT, Reason.STALE)


@pytest.mark.parametrize("visitors", ["off", "frame", "redirect"])
def test_sessions_are_renewed_whatever_is_done_for_visitors(visitors: str) -> None:
    assert document(Rules(visitors=visitors), **STALE) == (Action.REDIRECT, Reason.STALE)


def test_without_redirects_a_page_load_is_served_and_then_anonymous() -> None:
    rules = Rules(renew_with=("refresh_token",))
    assert document(rules, **STALE) == (Action.SERVE, Reason.STALE)
    assert document(rules, **OVERDUE) == (Action.SERVE_ANONYMOUSLY, Reason.GRACE_ENDED)


@pytest.mark.parametrize(
    ("asked", "action"),
    [(0, Action.REDIRECT), (9, Action.REDIRECT), (10, Action.SERVE_ANONYMOUSLY), (-1, Action.SERVE_ANONYMOUSLY)],
    ids=["at once", "after 9 s", "after 10 s", "of a clock that was wrong"],
)
def test_who_reloads_an_overdue_page_is_sent_round_again(asked: int, action: Action) -> None:
    facts = {"refused_until": NOW + 60, "unanswered_since": NOW - asked}
    assert document(**OVERDUE, **facts)[0] is action
    assert document(**STALE, **facts) == (Action.SERVE, Reason.BACKED_OFF), "in the grace time there is a page to see"


# -- the longest session, exemptions, other rules ----------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("state", [FRESH, STALE, OVERDUE], ids=["fresh", "stale", "overdue"])
def test_a_session_ends_at_its_longest_however_often_it_was_renewed(kind: Kind, state: dict[str, Any]) -> None:
    rules, facts = Rules(session_max=3600), {**state, "signed_in_at": NOW - 3600}
    assert answer(kind, rules, **facts) == (Action.END_SESSION, Reason.SESSION_MAX)
    facts["signed_in_at"] = NOW - 3599
    assert answer(kind, rules, **facts) == answer(kind, Rules(), **facts)


@KINDS
@pytest.mark.parametrize("state", [{}, FRESH, STALE, OVERDUE], ids=["visitor", "fresh", "stale", "overdue"])
def test_what_is_exempt_is_served_as_if_the_app_were_not_there(kind: Kind, state: dict[str, Any]) -> None:
    rules = Rules(visitors="redirect", session_max=1)
    assert answer(kind, rules, exempt=True, **state) == (Action.SERVE, Reason.EXEMPT)


@pytest.mark.parametrize(
    ("rules", "age", "action"),
    [
        (Rules(renew_after=0), 0, Action.REDIRECT),
        (Rules(renew_after=0, grace=0), 0, Action.REDIRECT),
        (Rules(renew_after=60), 59, Action.SERVE),
        (Rules(renew_after=60), 60, Action.REDIRECT),
    ],
)
def test_the_site_sets_the_times(rules: Rules, age: int, action: Action) -> None:
    assert document(rules, signed_in=True, verified_at=NOW - age, signed_in_at=NOW - age)[0] is action


def test_without_grace_a_stale_session_is_overdue_at_once() -> None:
    assert answer(Kind.SCRIPT, Rules(grace=0), **STALE) == (Action.REFUSE, Reason.GRACE_ENDED)


def test_a_round_trip_that_cannot_be_begun_is_decided_again_without_it() -> None:
    facts = RequestFacts(kind=Kind.DOCUMENT, **STALE)
    again = blocked(facts, Reason.OP_TIMEOUT)
    assert again == replace(facts, blocked_by=Reason.OP_TIMEOUT)
    assert decide(again, Rules(), NOW) == Decision(Action.SERVE, Reason.OP_TIMEOUT)


@pytest.mark.parametrize(
    ("verified", "left"),
    [(NOW - 900, 0), (NOW - 901, -1), (NOW, 900), (NOW + 60, 900), (NOW + 10**9, 900), (0.0, 900 - NOW)],
    ids=["stale now", "since a second", "just now", "a minute ahead", "far ahead: counts as now", "never"],
)
def test_a_clock_that_jumps_makes_no_session_last_longer_than_from_now(verified: float, left: float) -> None:
    """C54, C55."""
    assert stale_in(verified, 900, NOW) == left


# -- after a refusal ---------------------------------------------------------------------------------------------------

LOGIN, CONSENT, SERVER = Reason.LOGIN_REQUIRED, Reason.CONSENT_REQUIRED, Reason.SERVER_ERROR


@pytest.mark.parametrize(
    ("reaction", "reason", "ends", "interactive"),
    [
        ("anonymous", LOGIN, True, False),
        ("anonymous", SERVER, True, False),
        ("interactive", LOGIN, True, True),
        ("interactive", CONSENT, False, True),
        ("interactive", SERVER, False, True),
        ("keep", LOGIN, False, False),
        ("keep", SERVER, False, False),
    ],
)
@pytest.mark.parametrize("signed_in", [True, False], ids=["signed in", "visitor"])
@pytest.mark.parametrize("where", ["top level", "frame, same site", "frame, cross-site"])
def test_the_reaction_is_the_settings(
    reaction: str, reason: Reason, ends: bool, interactive: bool, signed_in: bool, where: str
) -> None:
    """No session to end for a visitor, no interactive login in a frame, and a cross-site frame proves nothing."""
    frame, proven = where != "top level", where != "frame, cross-site"
    expected = Outcome(ends and signed_in, interactive and not frame, reason)
    if ends and signed_in and not proven:
        expected = Outcome(False, False, Reason.INCONCLUSIVE_FRAME)
    outcome = after_failure(reason, reaction=reaction, signed_in=signed_in, frame=frame, proven=proven)
    assert outcome == expected


@pytest.mark.parametrize(
    ("refusals", "retry_after", "wait"),
    [
        *[(0, None, 60), (1, None, 60), (2, None, 600), (3, None, 3600), (4, None, 3600), (99, None, 3600)],
        *[(1, 30, 60), (1, 90, 90), (3, 7200, 7200), (1, 10**9, 86400), (1, 0, 60), (1, -5, 60)],
    ],
)
def test_waits_grow_and_the_op_may_ask_for_more_up_to_a_day(refusals: int, retry_after: int | None, wait: int) -> None:
    assert next_wait(refusals, (60, 600, 3600), retry_after) == wait


@pytest.mark.parametrize("retry_after", [None, 0])
def test_a_site_may_wait_for_nothing(retry_after: int | None) -> None:
    assert next_wait(1, (0, 60), retry_after) == 0
