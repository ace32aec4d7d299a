"""The OP is away for the whole grace time: every page is served, and it is asked rarely; then all heals by itself."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_under_test import Site
from tests.interop.test_oidc_provider_faults import served_to_alice

if TYPE_CHECKING:
    from pytest_django import Settings

GRACE = 300  # seconds
STILL = 60  # seconds without a sign of life: then the OP is asked for one before anybody is sent there
STEP = 10  # seconds between two pages

OUTAGES: dict[str, Callable[[OIDCProvider], None]] = {
    "killed": OIDCProvider.go_down,
    "hung": lambda provider: provider.fail("/", hang=True),
    "500": lambda provider: provider.fail("/", status=500),
}


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("outage", OUTAGES)
def test_every_page_of_the_grace_time_is_served_and_all_heals_by_itself(
    site: Site,
    oidc_provider: OIDCProvider,
    alice: ScriptedBrowser,
    settings: Settings,
    later: Callable[[float], None],
    outage: str,
) -> None:
    settings.OIDC_TIMEOUT = 0.5
    site.make_stale(alice)
    later(STILL)
    OUTAGES[outage](oidc_provider)
    asked = []
    for passed in range(0, GRACE - STILL - 2 * STEP, STEP):
        oidc_provider.forget_calls()
        visit = alice.open(site(f"/page/{passed}"))
        assert served_to_alice(visit, f"/page/{passed}"), f"after {passed} seconds: {visit}"
        asked.append(len(oidc_provider.calls_by_server()))
        later(STEP)
    # Where connections are refused nobody waits, and nobody counts.
    occasions = [calls > 0 for calls in asked]
    assert outage == "killed" or 1 <= sum(occasions) <= 6, asked
    # An error is answered at once, and perhaps about that one document only: its keys are a second opinion.
    assert max(asked) <= (2 if outage == "500" else 1), "one bounded wait, never two in a row"
    assert all(sum(pair) <= 1 for pair in pairwise(occasions)), asked

    settings.OIDC_TIMEOUT = 20
    oidc_provider.mend()
    oidc_provider.come_up()
    later(STILL)  # the last wait is over; the OP's own clock is behind, and its tokens last 300 seconds
    healed = alice.open(site("/page/healed"))
    assert served_to_alice(healed, "/page/healed"), str(healed)
    oidc_provider.forget_calls()
    assert alice.open(site("/page/next")).statuses == [200]
    assert oidc_provider.calls() == [], "it is fresh"
