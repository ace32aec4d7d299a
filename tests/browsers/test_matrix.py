"""In every browser, with the OP on the same site and on another one: who is signed in there is signed in here, nobody
else notices anything, and no session is ended that should go on."""

from __future__ import annotations

import pytest

from django_silent_sso.conf import conf
from tests.browsers.matrix import CASES, Case
from tests.browsers.measured import Measured
from tests.browsers.page import published, without_time
from tests.browsers.scenarios import (
    ARRIVALS,
    RETURNS,
    UNANSWERED,
    Outcome,
    new_visitor,
    nobody,
    second_visit,
    signed_out_at_op,
    silence,
)
from tests.browsers.world import World


def cases(*scenarios: object) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [case for case in CASES if case.scenario in scenarios], ids=str)


@cases(*ARRIVALS, second_visit)
def test_who_is_signed_in_there_is_signed_in_here(new_world: World, case: Case, measured: Measured | None) -> None:
    outcome = case.scenario(new_world)
    # A frame that is told nothing may be followed by a round trip where the site said so, or knows the browser.
    allowed = case.frame_sees or case.table.hop == "always" or case.scenario is not new_visitor
    signed_in = allowed and case.scenario is not nobody
    assert outcome.words.startswith("signed in" if signed_in else "visitor"), outcome
    assert (new_world.session_user is not None) == signed_in
    assert outcome.loads <= 2, "the page, and once more for whom it has signed in, or back from the round trip"
    again = new_world.reload()
    assert [report.user for report in again if report.name == "page"] == ["alice" if signed_in else "nobody"]
    assert new_world.asked == 0, "once is enough"
    _conclude(case, outcome, measured)


@cases(*UNANSWERED)
def test_who_hears_nothing_waits_no_longer_than_the_limit(
    new_world: World, case: Case, measured: Measured | None
) -> None:
    outcome = case.scenario(new_world)
    assert outcome.words == "visitor (frame: op_timeout)"
    # What has loaded and says nothing is given up early; a busy machine is given two seconds.
    assert outcome.longest < (conf.frame_timeout * 1000 + 2000 if case.scenario is silence else 5000)
    again = new_world.reload()
    assert "before-sign-in" not in {report.name for report in again}
    assert new_world.asked == 0, "left in peace"
    _conclude(case, outcome, measured)


@cases(*RETURNS)
def test_who_comes_back_finds_the_truth(new_world: World, case: Case, measured: Measured | None) -> None:
    outcome = case.scenario(new_world)
    ended = case.scenario is signed_out_at_op
    assert outcome.words.startswith(("signed out", "asked to sign in") if ended else "still signed in"), outcome
    assert (new_world.session_user is None) == ended
    assert ended or new_world.basket == "a pear", "the session was ended in between"
    assert outcome.loads <= 1
    _conclude(case, outcome, measured)


def _conclude(case: Case, outcome: Outcome, measured: Measured | None) -> None:
    if measured is None:
        assert without_time(str(outcome)) == without_time(published().get(case, "nothing")), "python3 -m tests.browsers"
    else:
        measured.outcomes[case] = outcome
