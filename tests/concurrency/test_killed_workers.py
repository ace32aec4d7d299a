"""The server's processes die while one of them renews a session: nobody is signed out, and the claim ends itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.concurrency.conftest import Scene, on_stage
from tests.concurrency.running_site import Ask, running_site, site_settings
from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser

TIMEOUT = 1  # seconds; a claim holds twice as long and three seconds more
FEW = 1


@pytest.fixture(params=["sqlite"])
def scene(request: pytest.FixtureRequest, stores: Callable[[str], Any], op_process: OIDCProvider) -> Iterator[Scene]:
    """Two processes that nobody else uses."""
    settings = site_settings(op_process.issuer, stores(request.param), OIDC_TIMEOUT=TIMEOUT)
    with running_site(settings) as site, on_stage(site, op_process) as scene:
        scene.make("stale")
        scene.site.send(Ask(), scene.alice)  # metadata and keys are fetched
        yield scene


def kill_during_renewal(scene: Scene, **fault: Any) -> None:
    """With a session that is stale, and a renewal that the OP has heard of."""
    scene.make("stale")
    scene.provider.fail("/token", times=1, **fault)
    renewing = scene.site.begin(Ask(), scene.alice)
    while not scene.refreshes() or ("late" in fault and scene.refreshes() != [200]):
        assert not renewing.done(), str(renewing.result())
    scene.site.kill_workers()
    assert renewing.result().lost


def test_the_claim_of_a_killed_process_ends_by_itself(scene: Scene, rounds: Callable[[int], int]) -> None:
    for _ in range(rounds(FEW)):
        kill_during_renewal(scene, hang=True)
        scene.provider.mend()
        scene.provider.forget_calls()

        meanwhile = scene.site.send(Ask(), scene.alice)
        assert (meanwhile.json["user"] is not None, meanwhile.json["reason"]) == (True, "attempt_under_way")
        assert scene.refreshes() == []

        scene.make("overdue")  # from now on no page is served without a renewal
        answers = scene.site.at_once([Ask()] * 10, scene.alice)
        assert any(answer.json.get("reason") == "renewed" for answer in answers)
        # They wait no longer than a claim holds: some may go by the OP, in the moment in which it ends.
        lost = [answer for answer in answers if not answer.json.get("user") and "prompt=none" not in answer.location]
        assert list(map(str, lost)) == []
        assert scene.refreshes() == [200], "the refresh token is as good as before"


def test_new_tokens_that_died_with_the_process_cost_a_round_trip(scene: Scene, rounds: Callable[[int], int]) -> None:
    """The OP has rotated the refresh token, and nobody knows the new one.

    The old one is refused, with the whole family (RFC 9700 4.14.2): the session is then renewed by redirect, and that
    brings a new family.
    """
    for _ in range(rounds(FEW)):
        kill_during_renewal(scene, late=5000)
        scene.make("overdue")

        visit = open_page(scene.site("/page/"), scene.alice)
        assert (visit.json["user"] is not None, visit.statuses) == (True, [302, 303, 302, 200]), str(visit)
        assert scene.refreshes() == [400, 200], "one refused refresh, one code"

        scene.make("stale")
        assert scene.site.send(Ask(), scene.alice).json["reason"] == "renewed"
        assert scene.refreshes() == [200]


def open_page(url: str, browser: ScriptedBrowser) -> Any:
    browser.cookies.discard(url, "silent_sso_marks")  # round trips again and again would be taken for a loop
    return browser.open(url)
