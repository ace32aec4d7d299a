"""What is tried in every browser, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.browsers.world import Report, World

ADDRESS = "/page/?a=1#part"
TOP = "top"
HOW = {"frame": "frame", TOP: "round trip"}
NOBODY = ("signed-out", "sign-in-required", "subject-changed", "error")
ENDS = ("signed-in", *NOBODY)
# When it had loaded, by its own clock.
LOADED = """document.readyState === "complete"
  && performance.timeOrigin + performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd"""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """`words`: what the person got. `milliseconds`: until then, by the page's clock. `asked`: visits of the OP's
    authorization endpoint. `loads`: of the site's page. `longest`: the longest attempt, in milliseconds."""

    words: str
    milliseconds: float
    asked: int
    loads: int
    longest: float

    def __str__(self) -> str:
        return f"{self.words}; {self.asked} request{'s' * (self.asked != 1)}; {self.milliseconds:.0f} ms"


def new_visitor(world: World) -> Outcome:
    """signed in at the provider, new here"""
    world.sign_in_at_op()
    return _arrival(world)


def second_visit(world: World) -> Outcome:
    """signed in at the provider, here again after the session has ended"""
    new_visitor(world)
    world.end_session()
    return _arrival(world)


def known_visitor(world: World) -> Outcome:
    """signed in at the provider, here again after a sign-in with a click"""
    world.sign_in()
    world.end_session()
    return _arrival(world)


def nobody(world: World) -> Outcome:
    """nobody signed in at the provider"""
    return _arrival(world)


def sign_in_page(world: World) -> Outcome:
    """it shows its sign-in page in the frame"""
    world.sign_in_at_op()
    world.provider.show_page()
    return _arrival(world)


def framing_refused(world: World) -> Outcome:
    """it forbids the frame"""
    world.provider.framing = "DENY"
    return sign_in_page(world)


def silence(world: World) -> Outcome:
    """it never answers"""
    world.sign_in_at_op()
    with world.provider.hang("authorize"):
        outcome = _arrival(world)
    # What hung is written down when it is let go.
    return replace(outcome, asked=world.wait_until_asked())


def return_to_tab(world: World) -> Outcome:
    """signed in at the provider, session here stale"""
    world.sign_in()
    world.make_stale()
    return _return(world)


def return_to_form(world: World) -> Outcome:
    """the same, with something typed that must not be lost"""
    world.sign_in()
    world.make_stale()
    world.type()
    outcome = _return(world)
    assert world.browser.run("document.getElementById('text').value") == "a letter"
    return outcome


def signed_out_at_op(world: World) -> Outcome:
    """signed out at the provider meanwhile"""
    world.sign_in()
    world.provider.sign_out()
    return _return(world)


ARRIVALS = (new_visitor, known_visitor, nobody)
UNANSWERED = (sign_in_page, framing_refused, silence)
RETURNS = (return_to_tab, return_to_form, signed_out_at_op)


def _arrival(world: World) -> Outcome:
    world.open(ADDRESS)
    end = world.wait_for(lambda report: report.name in NOBODY or (report.name, report.user) == ("page", "alice"))
    reports = world.reports
    how = _transport(reports)
    words = f"signed in by {how}" if end.user == "alice" else f"visitor ({how}: {end.detail['error']})"
    assert world.browser.run("location.pathname + location.search + location.hash") == ADDRESS
    return _outcome(world, words, end.at - reports[0].began)


def _return(world: World) -> Outcome:
    world.browser.come_back()
    end = world.wait_for(lambda report: report.name in ENDS or report.detail.get("transport") == TOP)
    seen = world.wait_for(lambda report: report.name == "visible").at
    if end.name == "before-sign-in":  # the page leaves, for the site's page or the OP's
        at = world.browser.until(f"performance.timeOrigin > {end.at} && {LOADED}")
        user = world.browser.run("document.getElementById('user')?.textContent")
        words = {"alice": "still signed in", "nobody": "signed out", None: "asked to sign in at the provider"}[user]
        return _outcome(world, f"{words}, by {HOW[TOP]}", at - seen)
    if end.name == "signed-out":  # and the page is loaded again
        end = world.wait_for(lambda report: (report.name, report.user) == ("page", "nobody"))
        return _outcome(world, f"signed out, by {_transport(world.reports)}", end.at - seen)
    how = _transport(world.reports)
    words = "still signed in" if end.user == "alice" else "signed out"
    proof = f"{how} in doubt ({end.detail['reason']})" if end.name == "error" else f"by {how}"
    return _outcome(world, f"{words}, {proof}", end.at - seen)


def _transport(reports: list[Report]) -> str:
    """Of the last attempt that was made."""
    tried = [report.detail["transport"] for report in reports if report.name == "before-sign-in"]
    return HOW[tried[-1]] if tried else "nothing"


def _outcome(world: World, words: str, milliseconds: float) -> Outcome:
    reports = world.reports if world.browser.run(f"location.host === '{world.host}'") else []
    return Outcome(
        words=words,
        milliseconds=milliseconds,
        asked=world.asked,
        loads=sum(report.name == "page" for report in reports),
        longest=max((report.detail.get("duration", 0) for report in reports), default=0),
    )
