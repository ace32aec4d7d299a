"""H03: fifty requests at once on one stale session are one refresh, and everybody gets the page.

The OP rotates refresh tokens and revokes the whole family when one comes twice (RFC 9700 4.14.2): a second refresh
would be the end of the session's tokens, and the next round's renewal would show it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.concurrency.conftest import Scene
from tests.concurrency.running_site import Ask

MANY = 50
CROWD = [Ask()] * 40 + [Ask(method="POST")] * 10
FEW = {"sqlite": 20, "postgresql": 10, "redis": 10}


def test_h03_of_fifty_requests_on_two_processes_one_refreshes_and_all_are_answered(
    scene: Scene, store: str, rounds: Callable[[int], int]
) -> None:
    wrong: list[str] = []
    processes: Counter[int] = Counter()
    for number in range(rounds(FEW[store])):
        age = ("stale", "overdue")[number % 2]
        scene.make(age)
        answers = scene.site.at_once(CROWD, scene.alice)
        refreshes = scene.refreshes()
        if refreshes != [200]:
            wrong.append(f"round {number}, {age}: refreshes {refreshes}")
        wrong += [f"round {number}, {age}: {a}" for a in answers if not a.json.get("user")]
        if not any(answer.json.get("reason") == "renewed" for answer in answers):
            wrong.append(f"round {number}, {age}: nobody renewed")
        processes.update(answer.json.get("process", 0) for answer in answers)
    assert len(CROWD) == MANY
    assert wrong == []
    assert set(processes) == set(scene.site.workers()), "both processes took part"

    scene.make("stale")
    assert scene.site.send(Ask(), scene.alice).json["reason"] == "renewed"
    assert scene.refreshes() == [200], "the family of tokens is not revoked"
