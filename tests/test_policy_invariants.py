"""What holds of every decision, whatever the facts and the clocks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.policy import MAX_HOPS, Action, Kind, RequestFacts, Rules, after_failure, decide, stale_in
from django_silent_sso.protocol.errors import Reason

NOW = 1_800_000_000.0
QUIETLY = settings(database=None, deadline=None, derandomize=True, max_examples=300)
TIMES = st.sampled_from([0.0, NOW, NOW + 1, NOW + 10**9, -1.0]) | st.floats(NOW - 5000, NOW + 5000)
REASONS = st.none() | st.sampled_from(Reason)
FACTS = st.builds(
    RequestFacts,
    kind=st.sampled_from(Kind),
    **{name: st.booleans() for name in ("signed_in", "exempt", "robot", "privacy_signal", "known", "cookies_blocked")},
    **dict.fromkeys(("verified_at", "signed_in_at", "refused_until", "unanswered_since"), TIMES),
    **dict.fromkeys(("silence", "blocked_by"), REASONS),
    recent_hops=st.integers(0, 9),
)
RULES = st.builds(
    Rules,
    visitors=st.sampled_from(["off", "frame", "redirect"]),
    renew_with=st.sampled_from([(), ("redirect",), ("refresh_token",), ("refresh_token", "redirect")]),
    renew_after=st.integers(0, 3000),
    grace=st.integers(0, 3000),
    session_max=st.none() | st.integers(1, 10**5),
)


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
        and -stale_in(facts.verified_at, rules.renew_after, NOW) < rules.grace
    ):
        assert decide(facts, rules, NOW).action in (Action.SERVE, Action.REDIRECT)


@QUIETLY
@given(FACTS, RULES)
def test_past_its_grace_time_nobody_is_served_as_signed_in(facts: RequestFacts, rules: Rules) -> None:
    overdue = stale_in(facts.verified_at, rules.renew_after, NOW) <= -max(rules.grace, 1)
    if facts.signed_in and not facts.exempt and overdue:
        assert decide(facts, rules, NOW).action is not Action.SERVE


@QUIETLY
@given(FACTS, RULES)
def test_a_session_is_ended_by_its_greatest_age_alone(facts: RequestFacts, rules: Rules) -> None:
    decision = decide(facts, rules, NOW)
    assert (decision.action is Action.END_SESSION) is (decision.reason is Reason.SESSION_MAX and facts.signed_in)
    if decision.action is Action.END_SESSION:
        assert rules.session_max is not None
        assert NOW - facts.signed_in_at >= rules.session_max


@QUIETLY
@given(st.sampled_from(Reason), st.sampled_from(["anonymous", "interactive", "keep"]), st.booleans(), st.booleans())
def test_what_proves_nothing_ends_nothing(reason: Reason, reaction: str, signed_in: bool, frame: bool) -> None:
    outcome = after_failure(reason, reaction=reaction, signed_in=signed_in, frame=frame, proven=False)
    assert not outcome.end_session


@QUIETLY
@given(st.sampled_from(Reason), st.sampled_from(["anonymous", "interactive", "keep"]), st.booleans())
def test_a_frame_never_leads_to_an_interactive_login(reason: Reason, reaction: str, proven: bool) -> None:
    assert not after_failure(reason, reaction=reaction, signed_in=True, frame=True, proven=proven).interactive
