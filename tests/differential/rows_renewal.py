"""B and C: a session has grown old, and something is wrong when it is to be renewed."""

from __future__ import annotations

import threading

from tests.differential.stage import LONG_AGO, LoopbackBrowser, Seen, Stage
from tests.differential.verdicts import Outcome, Rows, Verdict, held, judged, not_held

ROWS = Rows()

NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "text/html",
}
PASSIVE = {
    "C99": ("`fetch()` by a script of the page", {**NAVIGATION, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
    "C99b": ("a prefetch", {**NAVIGATION, "Sec-Purpose": "prefetch"}),
    "F02": ("a frame in another page of the site", {**NAVIGATION, "Sec-Fetch-Dest": "iframe"}),
}


def served_to(alice: int, seen: Seen) -> Outcome:
    """She reads the page she asked for, as herself, and is signed in."""
    good = seen.status == 200 and seen.page_user == alice == seen.user and not seen.problem
    words = "page served" if good else str(seen)
    return Outcome(Verdict.CRASHED, words) if seen.crashed and seen.user == alice else judged(good, words)


def still_signed_in(alice: int, stage: Stage, seen: Seen) -> Outcome:
    """And a second page comes too: no loop, no error that stays."""
    first = served_to(alice, seen)
    if first.verdict is not Verdict.HELD:
        return first
    return served_to(alice, stage.open("/page/b"))


@ROWS.add_renewal("C78a", "nothing is wrong", "the page is served")
def renewed(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    outcome = served_to(alice, stage.open("/page/a"))
    calls = [call.endpoint for call in stage.calls("token", "userinfo", "jwks", "discovery")]
    return outcome if outcome.verdict is not Verdict.HELD else held(f"page served; the site asked {', '.join(calls)}")


@ROWS.add_renewal("N08", "nothing is wrong, and a form is open in another tab", "session key and CSRF token are kept")
def nothing_rotates(stage: Stage) -> Outcome:
    stage.sign_in()
    stage.browser.open(stage.site("/button/"))
    names = ("sessionid", "csrftoken")
    before = [stage.browser.cookies.get(stage.site.origin, name) for name in names]
    stage.site.ask("advance", seconds=16 * 60)
    stage.open("/page/a")
    kept = before == [stage.browser.cookies.get(stage.site.origin, name) for name in names]
    return judged(kept and stage.who() is not None, "kept" if kept else "changed")


@ROWS.add_renewal("U08", "another person is signed in at the OP by now", "she is not signed in here silently")
def another_person(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    stage.provider.switch_user("bob")
    seen = stage.open("/page/a")
    if stage.who() not in (None, alice) or seen.page_user not in (None, alice):
        return not_held("Alice's session has become Bob's, without a word")
    return held(str(seen))


@ROWS.add_renewal("U18", "nothing is wrong", "the renewal says who is meant")
def says_who(stage: Stage) -> Outcome:
    stage.signed_in_and_stale()
    stage.open("/page/a")
    if not stage.calls("authorize"):
        return held("by refresh token")
    hints = [name for name in ("id_token_hint", "login_hint") if stage.asked_with(name)]
    return judged(bool(hints), f"by {hints[0]}" if hints else "asks for whoever is signed in at the OP")


@ROWS.add_renewal("U09", "another person, whose account here is switched off", "nobody or Alice, and no redirect loop")
def inadmissible_person(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    stage.site.ask("add_user", name="bob", active=False)
    stage.provider.switch_user("bob")
    seen = stage.open("/page/a")
    good = seen.user in (None, alice) and not seen.crashed and "loop" not in seen.problem
    return judged(good, str(seen))


@ROWS.add_renewal("S08", "the person has signed out at the OP", "is signed out here, and no redirect loop")
def signed_out_at_op(stage: Stage) -> Outcome:
    stage.signed_in_and_stale()
    stage.provider.sign_out()
    seen = stage.open("/page/a")
    return judged(seen.user is None and not seen.crashed and "loop" not in seen.problem, str(seen))


@ROWS.add_renewal("S09", "the OP answers `temporarily_unavailable`", "still signed in, the page is served")
def unavailable(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    switch = stage.provider.answer_with_error("temporarily_unavailable")
    stage.provider.fail("token", status=503)
    return _fault_of_op(stage, alice, stage.open("/page/a"), bool(switch.hits))


def _fault_of_op(stage: Stage, alice: int, seen: Seen, asked: bool) -> Outcome:
    outcome = still_signed_in(alice, stage, seen)
    return outcome if asked or outcome.verdict is not Verdict.HELD else held("page served, on the token endpoint's no")


@ROWS.add_renewal("C23", "the token endpoint answers 500", "still signed in, the page is served")
def token_500(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    stage.provider.fail("token", status=500)
    return still_signed_in(alice, stage, stage.open("/page/a"))


@ROWS.add_renewal("C48", "UserInfo answers 500", "still signed in, the page is served")
def userinfo_500(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    stage.provider.fail("userinfo", status=500)
    return still_signed_in(alice, stage, stage.open("/page/a"))


@ROWS.add_renewal("C6", "the OP does not listen any more", "still signed in, the page is served")
def op_down(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    stage.provider.stop()
    try:
        return still_signed_in(alice, stage, stage.open("/page/a"))
    finally:
        stage.provider.start()


@ROWS.add_renewal("C78", "two tabs load a page in the same moment", "both pages are served, to her")
def two_tabs(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    seen: dict[str, Seen] = {}

    def load(name: str, tab: LoopbackBrowser) -> None:
        seen[name] = stage_of_a_tab.open(f"/page/{name}", tab)

    stage_of_a_tab = _WithoutAsking(stage)
    tabs = [threading.Thread(target=load, args=(name, stage.browser.another_tab())) for name in ("a", "b")]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(30)
    if len(seen) < 2:
        return not_held("a tab got no answer")
    swapped = [name for name, one in seen.items() if one.page != f"/page/{name}"]
    if swapped:
        failed = any(seen[name].status >= 400 for name in swapped)
        return not_held("a tab ended on an error page" if failed else "a tab ended on another page")
    good = stage.who() == alice and all(one.page_user == alice for one in seen.values())
    return judged(good, "both served" if good else "; ".join(sorted(str(one) for one in seen.values())))


class _WithoutAsking(Stage):
    """Opens pages in several threads at once: the site's process answers wishes one by one."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.candidate, stage.provider, stage.elsewhere, stage.site)

    def who(self, browser: LoopbackBrowser | None = None) -> int | None:
        return None


def _passive(number: str, what: str, headers: dict[str, str]) -> None:
    def play(stage: Stage) -> Outcome:
        stage.signed_in_and_stale()
        answer = stage.request("/page/a", headers)
        location = answer.headers.get("Location", "")
        sent = location.startswith(stage.provider.issuer)
        told = sent or (answer.status_code == 403 and "state=" in answer.text)
        return judged(not told, f"HTTP {answer.status_code}{', sent to the OP' if sent else ''}")

    ROWS.add_renewal(number, f"the stale page is asked for by {what}", "not sent to the OP")(play)


for _number, (_what, _headers) in PASSIVE.items():
    _passive(_number, _what, _headers)


@ROWS.add_renewal("C99d", "a form is sent a minute after the session has become stale", "what was typed arrives")
def form_in_time(stage: Stage) -> Outcome:
    alice = stage.signed_in_and_stale()
    visit = stage.browser.open(stage.site("/post/"), {"text": "typed"}, method="POST", initiator=stage.site.origin)
    arrived = visit.statuses == [200] and visit.json == {"received": "typed", "user": alice}
    return judged(arrived, "arrived" if arrived else f"HTTP {visit.statuses[0]}")


@ROWS.add_renewal("C99e", "a form is sent two hours later, the person has signed out at the OP", "not done in her name")
def form_too_late(stage: Stage) -> Outcome:
    stage.signed_in_and_stale()
    stage.provider.sign_out()
    stage.site.ask("advance", seconds=LONG_AGO)
    visit = stage.browser.open(
        stage.site("/post/"), {"text": "typed"}, method="POST", initiator=stage.site.origin, until="/authorize"
    )
    done = visit.statuses == [200] and visit.json["user"] is not None
    return judged(not done, "done in her name" if done else f"HTTP {visit.statuses[0]}, not done")
