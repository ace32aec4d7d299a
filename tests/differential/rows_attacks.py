"""B: what an attacker can send to the site, by links, forms, codes and accounts of his own."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit, urlunsplit

from tests.differential.rows_tokens import refused
from tests.differential.stage import LeftError, LoopbackBrowser, Seen, Stage
from tests.differential.verdicts import Outcome, Rows, Verdict, held, judged, not_applicable, not_held
from tests.interop.scripted_browser import Visit

ROWS = Rows()

EVIL = "evil.example"
IMAGE_OF_ANOTHER_SITE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
# Cookies with SameSite=Lax, which is Django's default, go with links of other sites and not with their images.
LINK_OF_ANOTHER_SITE = {
    "Sec-Fetch-Site": "cross-site",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Accept": "text/html",
}
LEAVING = (
    f"https://{EVIL}/", f"//{EVIL}", f"///{EVIL}", f"/\\{EVIL}", f"\\\\{EVIL}", f"/\t/{EVIL}", f"\t//{EVIL}",
    f"https:{EVIL}", f"http:///{EVIL}", f"/\r\nLocation: https://{EVIL}", f"https://localhost@{EVIL}/",
    f"//localhost.{EVIL}/", "javascript:alert(1)",
)  # fmt: skip


def still_alice(stage: Stage, alice: int | None, seen: Seen | None = None) -> Outcome:
    """The session of before is there, and no code was sent to the OP."""
    calls = len(stage.calls("token"))
    words = "still signed in" if stage.who() == alice else "signed out" if stage.who() is None else "another user"
    status = f", HTTP {seen.status}" if seen is not None else ""
    words += f"{status}, {calls} calls to the token endpoint" if calls else status
    if stage.who() == alice and not calls and seen is not None and seen.crashed:
        return Outcome(Verdict.CRASHED, words)
    return judged(stage.who() == alice and not calls, words)


def changed(url: str, **values: str) -> str:
    """The URL with these parameters in place of its own; an empty value leaves one out."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair.partition("=")[0] not in values]
    query = "&".join([*kept, *(f"{name}={value}" for name, value in values.items() if value)])
    return urlunsplit(parts._replace(query=query))


@ROWS.add("A74", "the code comes with another `state`", "nobody is signed in")
def wrong_state(stage: Stage) -> Outcome:
    attempt = stage.begin()
    return refused(stage.finish(attempt, changed(attempt.answer, state="another")))


@ROWS.add("A75", "the code comes without `state`", "nobody is signed in")
def no_state(stage: Stage) -> Outcome:
    attempt = stage.begin()
    return refused(stage.finish(attempt, changed(attempt.answer, state="")))


@ROWS.add(
    "S04",
    "a link to the callback with a made-up code and state, while signed in",
    "stays signed in, the code goes nowhere",
)
def forged_code_signed_in(stage: Stage) -> Outcome:
    alice = stage.sign_in().user
    stage.provider.forget_calls()
    return still_alice(stage, alice, stage.follow_link(f"{stage.candidate.callback}?code=forged&state=forged"))


@ROWS.add("S05", "a link to the callback with `?error=`, while signed in", "stays signed in")
def forged_error(stage: Stage) -> Outcome:
    alice = stage.sign_in().user
    stage.provider.forget_calls()
    return still_alice(stage, alice, stage.follow_link(f"{stage.candidate.callback}?error=access_denied"))


@ROWS.add("C13", "a link to the callback without parameters, while signed in", "stays signed in")
def bare_callback(stage: Stage) -> Outcome:
    alice = stage.sign_in().user
    stage.provider.forget_calls()
    return still_alice(stage, alice, stage.follow_link(stage.candidate.callback))


@ROWS.add("S10", "the callback that has signed Alice in is opened again", "no second use of the code, stays signed in")
def replay(stage: Stage) -> Outcome:
    attempt = stage.begin()
    alice = stage.finish(attempt).user
    stage.provider.forget_calls()
    answer = urlsplit(next(hop.url for hop in attempt.visit.hops if stage.candidate.callback in hop.url))
    return still_alice(stage, alice, stage.open(f"{answer.path}?{answer.query}"))


@ROWS.add("S11", "the answer comes an hour after the question", "nobody is signed in")
def expired_state(stage: Stage) -> Outcome:
    attempt = stage.begin()
    stage.site.ask("advance", seconds=3600)
    return refused(stage.finish(attempt))


@ROWS.add("S12", "a code and an error together", "nobody is signed in")
def code_and_error(stage: Stage) -> Outcome:
    attempt = stage.begin()
    return refused(stage.finish(attempt, f"{attempt.answer}&error=access_denied"))


@ROWS.add("S13", "a code beside an empty `error=`", "nobody is signed in")
def code_and_empty_error(stage: Stage) -> Outcome:
    attempt = stage.begin()
    return refused(stage.finish(attempt, f"{attempt.answer}&error="))


@ROWS.add("S14", "`code` twice, the second one right", "nobody is signed in")
def code_twice(stage: Stage) -> Outcome:
    attempt = stage.begin()
    return refused(stage.finish(attempt, attempt.answer.replace("?", "?code=another&", 1)))


@ROWS.add("S19", "another site sends a window to the start address 60 times while Alice signs in", "she gets in")
def flood(stage: Stage) -> Outcome:
    attempt = stage.begin()
    for _ in range(60):
        stage.request(stage.candidate.start + "/page/b", LINK_OF_ANOTHER_SITE)
    seen = stage.finish(attempt)
    return judged(seen.user is not None, str(seen))


@ROWS.add("S20", "an image on another site asks the start address", "no session is written, nobody is sent to the OP")
def start_as_image(stage: Stage) -> Outcome:
    answer = LoopbackBrowser()._send("GET", stage.site(stage.candidate.start + "/page/b"), None, IMAGE_OF_ANOTHER_SITE)
    sent = stage.provider.url_of("authorize") in answer.headers.get("Location", "")
    sessions = stage.site.ask("sessions")
    words = f"HTTP {answer.status_code}{', sent to the OP' if sent else ''}, {sessions} sessions written"
    return judged(not sent and not sessions, words)


@ROWS.add("U19", "a link on another site to the start address, for a visitor", "not signed in without a click here")
def signed_in_by_a_link(stage: Stage) -> Outcome:
    seen = stage.follow_link(stage.candidate.start + "/page/b")
    return judged(seen.user is None, str(seen))


@ROWS.add("S21", "the session cookie was planted before the sign-in", "the sign-in opens another session")
def fixation(stage: Stage) -> Outcome:
    planted = "planted0planted0planted0planted0"
    attempt = stage.begin()
    before = stage.browser.cookies.get(stage.site.origin, "sessionid")
    if before is None:
        stage.browser.cookies.store(stage.site.origin, f"sessionid={planted}; Path=/")
    stage.finish(attempt)
    after = stage.browser.cookies.get(stage.site.origin, "sessionid")
    fresh = stage.who() is not None and after not in (planted, before)
    return judged(fresh, "a new session key" if fresh else "the key of before")


@ROWS.add("S23", "a stolen code, in the attacker's own attempt", "he is not signed in as the victim")
def code_injection(stage: Stage) -> Outcome:
    own = stage.begin()
    stage.provider.sign_in("victim")
    victim = stage.begin(browser=LoopbackBrowser())
    stolen = parse_qs(urlsplit(victim.answer).query)["code"][0]
    seen = stage.finish(own, changed(own.answer, code=stolen))
    return not_held("signed in as the victim") if seen.user is not None else refused(seen)


@ROWS.add("S26", "HEAD on the callback first", "the person still gets in")
def head_first(stage: Stage) -> Outcome:
    attempt = stage.begin()
    parts = urlsplit(attempt.answer)
    answer = stage.request(f"{parts.path}?{parts.query}", {}, "HEAD")
    seen = stage.finish(attempt)
    good = seen.user is not None and seen.page == "/page/a"
    return judged(good, f"HEAD: HTTP {answer.status_code}; then {seen}, on {seen.page.partition('?')[0]}")


@ROWS.add("I10", "the token endpoint redirects (307) to another host", "nothing is sent there")
def token_redirected(stage: Stage) -> Outcome:
    stage.provider.redirect("token", stage.elsewhere.url_of("token"))
    seen = stage.try_to_sign_in()
    if calls := stage.elsewhere.calls:
        leaked = "client_secret" in calls[0].parameters or "authorization" in calls[0].headers
        return not_held(f"sent the code{' and the client secret' if leaked else ''} to the other host")
    return refused(seen)


@ROWS.add("I13", "a link to the start with `redirect_uri`, `prompt`, `nonce`, a hint of its own", "none of it is used")
def parameters_of_a_link(stage: Stage) -> Outcome:
    theirs = {"redirect_uri": f"https://{EVIL}/", "prompt": "consent", "nonce": "fixed", "id_token_hint": "a.b.c"}
    more = "".join(f"&{name}={value}" for name, value in theirs.items())
    stage.begin(more=more)
    used = [name for name, value in theirs.items() if stage.asked_with(name) == value]
    return judged(not used, f"used: {', '.join(used)}" if used else "none used")


@ROWS.add("O01", f"{len(LEAVING)} ways to write an address elsewhere as `next`", "always ends on the site")
def open_redirects(stage: Stage) -> Outcome:
    left: list[str] = []
    for target in LEAVING:
        browser = LoopbackBrowser()
        attempt = stage.begin(target, browser)
        if attempt.visit.stopped_before is None:
            continue  # the start has refused it
        try:
            browser.resume(attempt.visit)
        except LeftError:
            left.append(target)
        if any(_leaves(location) for location in _locations(attempt.visit)):
            left.append(target)
    return judged(not left, f"left by {sorted(set(left))}" if left else "never left")


def _locations(visit: Visit) -> list[str]:
    return [hop.location for hop in visit.hops if hop.location is not None]


def _leaves(location: str) -> bool:
    """As browsers read it: backslashes are slashes, tabs and line ends are not there (WHATWG URL 4.4)."""
    seen = location.translate({ord(letter): None for letter in "\t\r\n"}).strip().replace("\\", "/")
    elsewhere = re.match(r"//|[a-z][a-z0-9+.-]*:", seen, re.IGNORECASE) is not None
    return elsewhere and (EVIL in seen.partition("?")[0] or not seen.lower().startswith(("//", "http")))


@ROWS.add("P01", "a link on another site to the sign-out address", "stays signed in")
def forced_logout(stage: Stage) -> Outcome:
    if stage.candidate.logout is None:
        return not_applicable("has no sign-out of its own")
    alice = stage.sign_in().user
    stage.provider.forget_calls()
    return still_alice(stage, alice, stage.follow_link(stage.candidate.logout))


@ROWS.add("U03", "an unverified e-mail address that is an existing account's", "not signed in to that account")
def unverified_address(stage: Stage) -> Outcome:
    account = stage.site.ask("add_user", name="boss", active=True)
    stage.provider.sign_in("mallory", email="boss@example.org", email_verified=False)
    return _not_as(account, stage.try_to_sign_in())


@ROWS.add(
    "U05", "an e-mail address that has passed to a new person at the OP", "not signed in to the first one's account"
)
def reassigned_address(stage: Stage) -> Outcome:
    stage.provider.sign_in("first", email="office@example.org", email_verified=True)
    first = stage.try_to_sign_in().user
    stage.provider.sign_in("second", email="office@example.org", email_verified=True)
    return _not_as(first, stage.try_to_sign_in(LoopbackBrowser()))


def _not_as(account: int | None, seen: Seen) -> Outcome:
    if seen.user == account:
        return not_held("signed in to that account")
    if seen.crashed:
        return Outcome(Verdict.CRASHED, str(seen))
    return held("an account of its own" if seen.user is not None else str(seen))


@ROWS.add("U10", "the account is switched off while its session lives", "the next page is served to nobody")
def switched_off(stage: Stage) -> Outcome:
    alice = stage.sign_in().user
    stage.site.ask("deactivate", user=alice)
    seen = stage.open("/page/a")
    words = "served as before" if seen.page_user is not None else str(seen)
    return judged(seen.page_user is None and seen.user is None and not seen.crashed, words)
