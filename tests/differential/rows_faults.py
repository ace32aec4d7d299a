"""C: the OP fails while somebody signs in, or several tabs do so at once."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import urlsplit

from tests.differential.rows_tokens import accepted, refused
from tests.differential.stage import LoopbackBrowser, Seen, Stage
from tests.differential.verdicts import Outcome, Rows, Verdict, held, judged, not_applicable, not_held
from tests.interop.scripted_browser import CookieJar

ROWS = Rows()

PATIENCE = 9.0  # seconds; a person has gone away by then, and so has a proxy's worker
CLEAN = "nobody is signed in, no server error"


def _fails(number: str, done: str, endpoint: str, **answer: Any) -> None:
    def play(stage: Stage) -> Outcome:
        switch = stage.provider.fail(endpoint, **answer)
        seen = stage.try_to_sign_in()
        if not switch.hits:
            return not_applicable("the site never asked for it")
        return refused(seen)

    ROWS.add(number, done, CLEAN)(play)


_fails("C23b", "the token endpoint answers 500", "token", status=500)
_fails("C24", "the token endpoint answers `invalid_grant`", "token", status=400, body={"error": "invalid_grant"})
_fails("C27", "the token endpoint answers with a page", "token", status=200, body="<html>Welcome!</html>")
_fails("C38b", "the JWK Set cannot be had", "jwks", status=500)
_fails("C2", "the discovery document cannot be had", "discovery", status=500)


@ROWS.add("C48b", "UserInfo answers 500", "signed in or refused, but no server error")
def userinfo_500(stage: Stage) -> Outcome:
    stage.provider.fail("userinfo", status=500)
    seen = stage.try_to_sign_in()
    return Outcome(Verdict.CRASHED, str(seen)) if seen.crashed else held(str(seen))


@ROWS.add("C20", "the token endpoint never answers", f"the person reads a page within {PATIENCE:g} seconds")
def hanging(stage: Stage) -> Outcome:
    attempt = stage.begin()
    hang = stage.provider.hang("token")
    end = threading.Timer(PATIENCE, hang.release)
    end.start()
    try:
        seen = stage.finish(attempt)
    finally:
        end.cancel()
        hang.release()
    return not_held("no answer by then") if seen.seconds > PATIENCE - 0.5 else refused(seen)


@ROWS.add("C12", "the OP answers `temporarily_unavailable`", CLEAN)
def unavailable(stage: Stage) -> Outcome:
    stage.provider.answer_with_error("temporarily_unavailable")
    return refused(stage.try_to_sign_in())


@ROWS.add("C23c", "the token endpoint has failed, and works again", "the next sign-in works")
def works_again(stage: Stage) -> Outcome:
    stage.provider.fail("token", status=503)
    stage.try_to_sign_in()
    stage.provider.behave()
    return accepted(stage.try_to_sign_in())


@ROWS.add("C37", "the JWK Set cannot be had, but could a minute ago", "the next person gets in")
def keys_known(stage: Stage) -> Outcome:
    stage.sign_in()
    stage.provider.fail("jwks", status=500)
    return accepted(stage.sign_in("bob", LoopbackBrowser()))


@ROWS.add("C76", "two tabs sign in, each to a page of its own", "each ends on its page")
def two_tabs(stage: Stage) -> Outcome:
    first, second = stage.begin("/page/a"), stage.begin("/page/b", stage.browser.another_tab())
    pages = [stage.finish(first).page, stage.finish(second).page]
    good = pages == ["/page/a", "/page/b"] and stage.who() is not None
    return judged(good, "each on its page" if good else f"on {' and '.join(_short(page) for page in pages)}")


@ROWS.add("C77", "the second tab's answer leaves before the first has signed in", "signed in afterwards")
def second_answer_with_old_cookies(stage: Stage) -> Outcome:
    first = stage.begin("/page/a")
    second = stage.begin("/page/b", stage.browser.another_tab())
    before = stage.browser.cookies.copy()
    late = LoopbackBrowser(stage.browser.cookies.copy())
    second.browser = late
    stage.finish(first)
    seen = stage.finish(second)
    _bring_home(stage.browser.cookies, before, late.cookies)
    signed_in = stage.who() is not None
    words = "still signed in" if signed_in else "signed out by the second tab"
    if signed_in and seen.crashed:
        return Outcome(Verdict.CRASHED, f"{words}, HTTP 500 in the second tab")
    return judged(signed_in, words)


def _bring_home(jar: CookieJar, before: CookieJar, after: CookieJar) -> None:
    """What an answer to a request with the cookies of `before` has set and deleted."""
    for key in before._cookies.keys() - after._cookies.keys():
        jar._cookies.pop(key, None)
    jar._cookies |= {key: value for key, value in after._cookies.items() if before._cookies.get(key) != value}


@ROWS.add("C85", "a proxy sends the callback twice in the same moment", "the code is used once, she is signed in")
def callback_twice(stage: Stage) -> Outcome:
    attempt = stage.begin()
    before = stage.browser.cookies.copy()
    other = LoopbackBrowser(stage.browser.cookies.copy())
    parts = urlsplit(attempt.answer)
    seen: list[Seen] = []
    with stage.provider.hang("token") as hang:
        first = threading.Thread(target=lambda: seen.append(_Quiet(stage).finish(attempt)))
        first.start()
        hang.wait_until_reached(10)
        second = threading.Thread(target=lambda: seen.append(_Quiet(stage).open(f"{parts.path}?{parts.query}", other)))
        second.start()
        second.join(2)  # refused at once, or waiting at the OP as well
    first.join(30)
    second.join(30)
    _bring_home(stage.browser.cookies, before, other.cookies)
    used, signed_in = len(stage.calls("token")), stage.who() is not None
    times = "once" if used == 1 else f"{used} times"
    words = f"the code was sent {times}, {'signed in' if signed_in else 'nobody signed in'}"
    if used == 1 and signed_in and any(one.crashed for one in seen):
        return Outcome(Verdict.CRASHED, f"{words}, one answer HTTP 500")
    return judged(used == 1 and signed_in, words)


class _Quiet(Stage):
    """For threads: the site's process answers wishes one by one."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.candidate, stage.provider, stage.elsewhere, stage.site)

    def who(self, browser: LoopbackBrowser | None = None) -> int | None:
        return None


@ROWS.add("C102", "the page asked for has a 3 kB query and letters beyond ASCII", "comes back byte for byte")
def long_address(stage: Stage) -> Outcome:
    wanted = "/page/%C3%A4?x=%C3%A9&y=1%2B1&z=" + "a" * 3000
    seen = stage.finish(stage.begin(wanted))
    same = seen.page == wanted
    return judged(same, "the same" if same else f"on {_short(seen.page)} instead")


def _short(page: str) -> str:
    return page[:40] or "no page"
