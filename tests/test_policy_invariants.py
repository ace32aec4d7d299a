"""What holds of every decision, whatever the facts and the clocks."""

from __future__ import annotations

import dataclasses
import inspect

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.policy import (
    MAX_HOPS,
    Action,
    Decision,
    Kind,
    Outcome,
    RequestFacts,
    Rules,
    after_failure,
    decide,
    not_refreshed,
    stale_in,
)
from django_silent_sso.protocol.errors import Reason

NOW = 1_800_000_000.0
QUIETLY = settings(database=None, deadline=None, derandomize=True, max_examples=300)
TIMES = st.sampled_from([0.0, NOW, NOW + 1, NOW + 10**9, -1.0]) | st.floats(NOW - 5000, NOW + 5000)
REASONS = st.none() | st.sampled_from(Reason)
BOTH = ("refresh_token", "redirect")
FACTS = st.builds(
    RequestFacts,
    kind=st.sampled_from(Kind),
    **{name: st.booleans() for name in ("signed_in", "exempt", "robot", "privacy_signal", "known", "cookies_blocked")},
    **{name: st.booleans() for name in ("unsafe", "refreshable")},
    **dict.fromkeys(("verified_at", "signed_in_at", "refused_until", "unanswered_since"), TIMES),
    **dict.fromkeys(("confirmed_at", "seen_at"), TIMES),
    **dict.fromkeys(("silence", "blocked_by"), REASONS),
    recent_hops=st.integers(0, 9),
)
RULES = st.builds(
    Rules,
    visitors=st.sampled_from(["off", "frame", "redirect"]),
    renew_with=st.sampled_from([(), ("redirect",), ("refresh_token",), BOTH, BOTH[::-1]]),
    renew_after=st.integers(0, 3000),
    grace=st.integers(0, 3000),
    ask_op_after=st.none() | st.integers(1, 10**4),
    session_max=st.none() | st.integers(1, 10**5),
    session_idle=st.none() | st.integers(1, 10**5),
)


@pytest.mark.parametrize("kind", [RequestFacts, Rules, Decision, Outcome])
def test_nobody_changes_a_fact_or_a_decision_or_puts_something_beside_it(kind: type) -> None:
    value = object.__new__(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, dataclasses.fields(kind)[0].name, "changed")
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("kind", [RequestFacts, Rules])
def test_long_rows_of_facts_are_given_by_name(kind: type) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(kind).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


def test_what_nobody_knows_is_not_so_and_never_was() -> None:
    facts = dataclasses.asdict(RequestFacts(kind=Kind.DOCUMENT))
    assert [name for name, value in facts.items() if value] == ["kind"]


@QUIETLY
@given(FACTS, RULES)
def test_only_page_loads_are_redirected_and_only_where_nothing_stands_in_the_way(
    facts: RequestFacts, rules: Rules
) -> None:
    decision = decide(facts, rules, NOW)
    if decision.action is Action.REDIRECT:
        assert facts.kind is Kind.DOCUMENT
        assert facts.blocked_by is None
        assert facts.recent_hops < MAX_HOPS
        assert not facts.exempt
        assert not facts.cookies_blocked


@QUIETLY
@given(FACTS, RULES)
def test_a_visitor_is_never_refused_anything(facts: RequestFacts, rules: Rules) -> None:
    if not facts.signed_in:
        assert decide(facts, rules, NOW).action in (Action.SERVE, Action.REDIRECT)


@QUIETLY
@given(FACTS, RULES)
def test_within_its_grace_time_a_session_is_never_refused_hidden_or_ended(facts: RequestFacts, rules: Rules) -> None:
    if (
        facts.signed_in
        and rules.session_max is None
        and rules.session_idle is None
        and -stale_in(facts.verified_at, rules.renew_after, NOW) < rules.grace
    ):
        assert decide(facts, rules, NOW).action in (Action.SERVE, Action.REDIRECT, Action.RENEW)


@QUIETLY
@given(FACTS, RULES)
def test_a_refresh_token_renews_only_what_is_stale_and_only_where_the_site_and_the_op_have_one(
    facts: RequestFacts, rules: Rules
) -> None:
    if decide(facts, rules, NOW).action is Action.RENEW:
        assert facts.signed_in
        assert facts.refreshable
        assert not facts.exempt
        assert "refresh_token" in rules.renew_with
        assert facts.kind is not Kind.PASSIVE
        assert facts.unsafe or facts.kind in (Kind.DOCUMENT, Kind.FORM)
        assert stale_in(facts.verified_at, rules.renew_after, NOW) <= 0


@QUIETLY
@given(FACTS, RULES)
def test_a_session_that_the_op_did_not_confirm_for_long_is_not_renewed_by_a_refresh_token(
    facts: RequestFacts, rules: Rules
) -> None:
    """However the ways are ordered and whatever stands in a redirect's way."""
    if decide(facts, rules, NOW).action is Action.RENEW and "redirect" in rules.renew_with:
        assert rules.ask_op_after is None or NOW - facts.confirmed_at < rules.ask_op_after + rules.grace


@QUIETLY
@given(FACTS, RULES, REASONS.filter(bool))
def test_what_was_tried_in_vain_is_not_tried_again(facts: RequestFacts, rules: Rules, reason: Reason) -> None:
    assert decide(not_refreshed(facts, reason), rules, NOW).action is not Action.RENEW


@QUIETLY
@given(FACTS, RULES)
def test_past_its_grace_time_nobody_is_served_as_signed_in(facts: RequestFacts, rules: Rules) -> None:
    overdue = stale_in(facts.verified_at, rules.renew_after, NOW) <= -max(rules.grace, 1)
    if facts.signed_in and not facts.exempt and overdue:
        assert decide(facts, rules, NOW).action is not Action.SERVE


@QUIETLY
@given(FACTS, RULES)
def test_a_session_is_ended_by_its_greatest_age_or_by_lying_idle_alone(facts: RequestFacts, rules: Rules) -> None:
    decision = decide(facts, rules, NOW)
    too_old = rules.session_max is not None and NOW - facts.signed_in_at >= rules.session_max
    idle = rules.session_idle is not None and NOW - facts.seen_at >= rules.session_idle
    assert (decision.action is Action.END_SESSION) is (facts.signed_in and not facts.exempt and (too_old or idle))
    if decision.action is Action.END_SESSION:
        assert decision.reason is (Reason.SESSION_MAX if too_old else Reason.SESSION_IDLE)


@QUIETLY
@given(st.sampled_from(Reason), st.sampled_from(["anonymous", "interactive", "keep"]), st.booleans(), st.booleans())
def test_what_proves_nothing_ends_nothing(reason: Reason, reaction: str, signed_in: bool, frame: bool) -> None:
    outcome = after_failure(reason, reaction=reaction, signed_in=signed_in, frame=frame, proven=False)
    assert not outcome.end_session


@QUIETLY
@given(st.sampled_from(Reason), st.sampled_from(["anonymous", "interactive", "keep"]), st.booleans())
def test_a_frame_never_leads_to_an_interactive_login(reason: Reason, reaction: str, proven: bool) -> None:
    assert not after_failure(reason, reaction=reaction, signed_in=True, frame=True, proven=proven).interactive
