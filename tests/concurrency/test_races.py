"""A renewal by refresh token beside whatever else happens to the session at the same moment."""

from __future__ import annotations

from collections.abc import Callable

from tests.concurrency.conftest import Scene
from tests.concurrency.running_site import FETCH, NAVIGATION, Answer, Ask
from tests.interop.scripted_browser import ScriptedBrowser

FEW = 10
PAGES = [Ask()] * 7


def complaints(number: int, answers: list[Answer], *, signed_in: bool) -> list[str]:
    """Every answer is a page; with `signed_in`, Alice's."""
    return [f"round {number}: {a}" for a in answers if a.status != 200 or (signed_in and not a.json["user"])]


def test_c80_c87_views_that_write_the_session_while_it_is_renewed(
    scene: Scene, store: str, rounds: Callable[[int], int]
) -> None:
    """Django saves a session as a whole, so the later one wins: what the view wrote, or what the renewal brought.

    The renewal is in the table too, so that it is not lost: nothing is ever refreshed with a used token. And a session
    that is a row is locked while it is renewed, so that what the view wrote is not lost either.
    """
    wrong: list[str] = []
    lost = 0
    for number in range(rounds(FEW)):
        scene.make("stale")
        writer = Ask(f"/page/?put={number}", "POST")
        answers = scene.site.at_once([*PAGES, writer], scene.alice)
        wrong += complaints(number, answers, signed_in=True)
        if scene.refreshes() != [200]:
            wrong.append(f"round {number}: refreshes {scene.refreshes()}")
        after = scene.site.send(Ask(), scene.alice)
        wrong += complaints(number, [after], signed_in=True)
        if scene.refreshes() != [200]:
            wrong.append(f"round {number}, the next page: refreshes {scene.refreshes()}")
        lost += after.json["basket"] != str(number)
    assert wrong == []
    assert lost == 0 or store == "redis", (
        "a session in a cache cannot be locked: there the later one wins, as Django has it"
    )


def test_c81_whoever_signs_out_while_the_session_is_renewed_is_signed_out(
    scene: Scene, rounds: Callable[[int], int]
) -> None:
    wrong: list[str] = []
    for number in range(rounds(FEW)):
        token = scene.alice.open(scene.site("/form/")).json["csrf_token"]
        scene.make(("stale", "overdue")[number % 2])
        asks = [*PAGES]
        headers = {**FETCH, "Sec-Fetch-Mode": "navigate", "X-CSRFToken": token}
        asks.insert(number % (len(PAGES) + 1), Ask("/oidc/logout/", "POST", headers))
        before = scene.alice.cookies.copy()
        answers = scene.site.at_once(asks, scene.alice)
        left = [answer for answer in answers if answer.status == 302]
        if not left or len(scene.refreshes()) > 1:
            wrong.append(f"round {number}: {[a.status for a in answers]}, refreshes {scene.refreshes()}")
        wrong += complaints(number, [a for a in answers if a not in left], signed_in=False)
        for answer in left:  # a page load that was sent to the OP meanwhile brings nobody back either
            if "prompt=none" in answer.location:
                scene.alice.open(answer.location)
        for cookies in (before, scene.alice.cookies):
            scene.alice.cookies = cookies
            for headers in (NAVIGATION, FETCH):
                after = scene.site.send(Ask(headers=headers), scene.alice)
                if after.status != 200 or after.json["user"]:
                    wrong.append(f"round {number}, afterwards: {after}")
        scene.site.sign_in(scene.alice)
    assert wrong == []


def test_page_loads_one_after_the_other_and_at_once_renew_by_turns(scene: Scene, rounds: Callable[[int], int]) -> None:
    """Two browsers of the same person: each session has its own tokens, and neither waits for the other's."""
    other = ScriptedBrowser()
    scene.site.sign_in(other)
    wrong: list[str] = []
    for number in range(rounds(FEW)):
        scene.site.make("stale", other)
        scene.make("stale")
        answers = scene.site.at_once(PAGES, scene.alice) + scene.site.at_once(PAGES, other)
        wrong += complaints(number, answers, signed_in=True)
        if scene.refreshes() != [200, 200]:
            wrong.append(f"round {number}: refreshes {scene.refreshes()}")
    other.close()
    assert wrong == []
