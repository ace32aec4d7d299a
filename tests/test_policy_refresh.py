"""The truth table of renewal: by refresh token, by redirect, or not at all; and the longest a session may lie idle."""

from __future__ import annotations

from typing import Any

import pytest

from django_silent_sso.policy import (
    Action,
    Decision,
    Kind,
    RequestFacts,
    Rules,
    blocked,
    decide,
    not_refreshed,
)
from django_silent_sso.protocol.errors import Reason

NOW = 1_800_000_000.0
BOTH, TURNED = ("refresh_token", "redirect"), ("redirect", "refresh_token")
REFRESH, REDIRECT = ("refresh_token",), ("redirect",)

# Who asks: a kind, and whether its method changes something.
DOCUMENT, FORM = (Kind.DOCUMENT, False), (Kind.FORM, True)
READS, WRITES = (Kind.SCRIPT, False), (Kind.SCRIPT, True)
PASSIVE, PROGRAM = (Kind.PASSIVE, False), (Kind.PASSIVE, True)  # a prefetch; a form sent by no browser
ALL = {"document": DOCUMENT, "form": FORM, "reads": READS, "writes": WRITES, "passive": PASSIVE, "program": PROGRAM}

AGES = {"stale": 900, "overdue": 1200}  # seconds since the OP vouched for the user
# Seconds since the OP vouched for its own session, which is asked again after 3600; a form has 300 more.
CONFIRMED = {"lately": 3599, "long_ago": 3600, "longer_ago": 3900}

RENEW, LEAVE, SERVE, REFUSE, HIDE = "renew", "redirect", "serve", "refuse", "serve_anonymously"


def answer(who: tuple[Kind, bool], rules: Rules, age: int, confirmed: int, **facts: Any) -> Decision:
    kind, unsafe = who
    known = {"verified_at": NOW - age, "signed_in_at": NOW - 9999, "confirmed_at": NOW - confirmed, "refreshable": True}
    return decide(RequestFacts(kind=kind, unsafe=unsafe, signed_in=True, **{**known, **facts}), rules, NOW)


# With a refresh token and no obstacle: ways, who, confirmed -> what happens to a stale and to an overdue session.
TABLE: list[tuple[tuple[str, ...], str, str, str, str]] = [
    (BOTH, "document", "lately", RENEW, RENEW),
    (BOTH, "document", "long_ago", LEAVE, LEAVE),
    (BOTH, "document", "longer_ago", LEAVE, LEAVE),
    (BOTH, "form", "lately", RENEW, RENEW),
    (BOTH, "form", "long_ago", RENEW, RENEW),
    (BOTH, "form", "longer_ago", SERVE, REFUSE),
    (BOTH, "writes", "lately", RENEW, RENEW),
    (BOTH, "writes", "long_ago", RENEW, RENEW),
    (BOTH, "writes", "longer_ago", SERVE, REFUSE),
    *[(BOTH, who, confirmed, SERVE, REFUSE) for who in ("reads", "passive", "program") for confirmed in CONFIRMED],
    *[(TURNED, "document", confirmed, LEAVE, LEAVE) for confirmed in CONFIRMED],
    (TURNED, "form", "lately", RENEW, RENEW),
    (TURNED, "form", "long_ago", RENEW, RENEW),
    (TURNED, "form", "longer_ago", SERVE, REFUSE),
    *[(TURNED, who, confirmed, SERVE, REFUSE) for who in ("reads", "passive", "program") for confirmed in CONFIRMED],
    # Without a redirect there is nothing to ask the OP's session by.
    *[(REFRESH, who, when, RENEW, RENEW) for who in ("document", "form", "writes") for when in CONFIRMED],
    *[(REFRESH, who, confirmed, SERVE, REFUSE) for who in ("reads", "passive", "program") for confirmed in CONFIRMED],
    *[(REDIRECT, "document", confirmed, LEAVE, LEAVE) for confirmed in CONFIRMED],
    *[(REDIRECT, who, when, SERVE, REFUSE) for who in ("form", "writes", "reads", "passive") for when in CONFIRMED],
    *[((), "document", confirmed, SERVE, HIDE) for confirmed in CONFIRMED],
    *[((), who, confirmed, SERVE, REFUSE) for who in ("form", "reads") for confirmed in CONFIRMED],
]


@pytest.mark.parametrize(
    ("ways", "who", "confirmed", "stale", "overdue"),
    TABLE,
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else str(value),
)
def test_with_a_refresh_token(ways: tuple[str, ...], who: str, confirmed: str, stale: str, overdue: str) -> None:
    for age, action in (("stale", stale), ("overdue", overdue)):
        decision = answer(ALL[who], Rules(renew_with=ways), AGES[age], CONFIRMED[confirmed])
        assert decision.action == action
        if action in (RENEW, LEAVE):
            assert decision.reason == age


@pytest.mark.parametrize("confirmed", CONFIRMED)
@pytest.mark.parametrize("who", ALL)
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("ways", [BOTH, TURNED, REFRESH, REDIRECT, ()], ids="-".join)
def test_without_one_it_is_as_if_there_were_no_such_way(
    ways: tuple[str, ...], who: str, age: str, confirmed: str
) -> None:
    others = tuple(way for way in ways if way != "refresh_token")
    found = answer(ALL[who], Rules(renew_with=ways), AGES[age], CONFIRMED[confirmed], refreshable=False)
    assert found == answer(ALL[who], Rules(renew_with=others), AGES[age], CONFIRMED[confirmed])
    assert found.action is not Action.RENEW


@pytest.mark.parametrize("who", ALL)
@pytest.mark.parametrize("ways", [BOTH, TURNED, REFRESH], ids="-".join)
def test_a_fresh_session_is_renewed_by_nothing(ways: tuple[str, ...], who: str) -> None:
    decision = answer(ALL[who], Rules(renew_with=ways), 899, 10**6)
    assert decision == Decision(Action.SERVE, Reason.FRESH)


@pytest.mark.parametrize("who", ["document", "form", "writes"])
def test_a_site_may_never_ask_the_op_s_session(who: str) -> None:
    assert answer(ALL[who], Rules(ask_op_after=None), 900, 10**8).action is Action.RENEW


@pytest.mark.parametrize(("who", "longest"), [("document", 100), ("form", 400), ("writes", 400)])
def test_how_long_refresh_tokens_do_is_the_setting_s_word(who: str, longest: int) -> None:
    rules = Rules(ask_op_after=100)
    assert answer(ALL[who], rules, 900, longest - 1).action is Action.RENEW
    assert answer(ALL[who], rules, 900, longest).action is not Action.RENEW


def test_a_session_whose_own_one_at_the_op_was_never_confirmed_is_asked_about() -> None:
    assert answer(DOCUMENT, Rules(), 900, 0, confirmed_at=0.0).action is Action.REDIRECT


def test_c54_a_confirmation_from_the_future_counts_as_now() -> None:
    assert answer(DOCUMENT, Rules(), 900, -(10**6)).action is Action.RENEW


# -- a round trip is due, and something keeps it from beginning ----------------------------------------------------

OBSTACLES: list[dict[str, Any]] = [
    {"blocked_by": Reason.OP_UNREACHABLE},
    {"cookies_blocked": True},
    {"recent_hops": 3},
    {"refused_until": NOW + 1},
]


@pytest.mark.parametrize("facts", OBSTACLES, ids=lambda facts: next(iter(facts)))
@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("ways", [BOTH, TURNED], ids="-".join)
def test_then_a_refresh_token_may_do_a_grace_time_longer(
    ways: tuple[str, ...], age: str, facts: dict[str, Any]
) -> None:
    rules = Rules(renew_with=ways)
    assert answer(DOCUMENT, rules, AGES[age], 3899, **facts) == Decision(Action.RENEW, Reason(age))
    late = answer(DOCUMENT, rules, AGES[age], 3900, **facts)
    assert late.action is (Action.SERVE if age == "stale" else Action.SERVE_ANONYMOUSLY)


@pytest.mark.parametrize("facts", OBSTACLES, ids=lambda facts: next(iter(facts)))
def test_without_that_way_it_does_not(facts: dict[str, Any]) -> None:
    assert answer(DOCUMENT, Rules(renew_with=REDIRECT), 900, 3600, **facts).action is Action.SERVE


def test_an_obstacle_to_redirects_is_none_to_a_refresh_token() -> None:
    for facts in OBSTACLES:
        assert answer(DOCUMENT, Rules(), 900, 0, **facts).action is Action.RENEW


# -- a refresh token was tried in vain -----------------------------------------------------------------------------


def facts(**more: Any) -> RequestFacts:
    known = {"verified_at": NOW - 900, "signed_in_at": NOW - 900, "confirmed_at": NOW - 900, "refreshable": True}
    return RequestFacts(kind=Kind.DOCUMENT, signed_in=True, **{**known, **more})


@pytest.mark.parametrize(
    "reason", [Reason.ACCESS_DENIED, Reason.INVALID_GRANT, Reason.OP_STATUS, Reason.STORAGE_UNAVAILABLE]
)
def test_a_round_trip_may_do_what_the_token_could_not(reason: Reason) -> None:
    again = not_refreshed(facts(), reason)
    assert not again.refreshable
    assert decide(again, Rules(), NOW) == Decision(Action.REDIRECT, Reason.STALE)
    assert decide(again, Rules(renew_with=REFRESH), NOW) == Decision(Action.SERVE, Reason.STALE)


def test_but_not_beside_another_request_that_is_renewing_this_session() -> None:
    again = not_refreshed(facts(), Reason.ATTEMPT_UNDER_WAY)
    assert decide(again, Rules(), NOW) == Decision(Action.SERVE, Reason.ATTEMPT_UNDER_WAY)
    assert decide(again, Rules(renew_with=REFRESH), NOW) == Decision(Action.SERVE, Reason.STALE)


def test_an_obstacle_known_before_stays_one() -> None:
    again = not_refreshed(blocked(facts(), Reason.OP_UNREACHABLE), Reason.INVALID_GRANT)
    assert decide(again, Rules(), NOW) == Decision(Action.SERVE, Reason.OP_UNREACHABLE)


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("who", ALL)
@pytest.mark.parametrize("reason", [Reason.INVALID_GRANT, Reason.OP_TIMEOUT, Reason.ATTEMPT_UNDER_WAY], ids=str)
def test_it_is_never_tried_twice_for_one_request(reason: Reason, who: str, age: str) -> None:
    kind, unsafe = ALL[who]
    tried = not_refreshed(facts(verified_at=NOW - AGES[age], unsafe=unsafe), reason)
    again = RequestFacts(**{**{name: getattr(tried, name) for name in tried.__slots__}, "kind": kind})
    assert decide(again, Rules(), NOW).action is not Action.RENEW


# -- idle ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ALL)
@pytest.mark.parametrize("age", [0, *AGES.values()])
def test_n09_an_idle_session_ends_however_fresh_it_is_and_whatever_could_renew_it(who: str, age: int) -> None:
    rules = Rules(session_idle=1800)
    ended = Decision(Action.END_SESSION, Reason.SESSION_IDLE)
    assert answer(ALL[who], rules, age, 0, seen_at=NOW - 1800) == ended
    assert answer(ALL[who], rules, age, 0, seen_at=NOW - 1799) == answer(ALL[who], Rules(), age, 0)
    assert answer(ALL[who], rules, age, 0, seen_at=NOW + 99) == answer(ALL[who], Rules(), age, 0)


def test_n09_without_a_limit_a_session_may_lie_for_ever() -> None:
    assert answer(DOCUMENT, Rules(), 0, 0, seen_at=0.0).action is Action.SERVE


def test_n09_the_longest_session_goes_before_the_idle_one() -> None:
    rules = Rules(session_idle=10, session_max=10)
    assert answer(DOCUMENT, rules, 0, 0).reason is Reason.SESSION_MAX


def test_n09_a_visitor_and_what_is_exempt_cannot_be_idle() -> None:
    rules = Rules(session_idle=10)
    assert decide(RequestFacts(kind=Kind.DOCUMENT), rules, NOW).action is Action.SERVE
    assert answer(DOCUMENT, rules, 0, 0, exempt=True).reason is Reason.EXEMPT
