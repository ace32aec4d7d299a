"""A site on which Chromium asks the OP by itself (FedCM), and the person in front of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.browsers.chromium import Chromium
from tests.browsers.front import Front
from tests.browsers.matrix import KINDS, Case, Table
from tests.browsers.process import PATIENCE
from tests.browsers.scenarios import NOBODY, nobody
from tests.browsers.world import ELSEWHERE, Report, World

BLOCKED = KINDS[1]
NEVER, ALWAYS = (Case(BLOCKED, Table("FedCM", False, hop, (nobody,), (nobody,)), nobody) for hop in ("never", "always"))
EITHER = pytest.mark.parametrize("case", [NEVER, ALWAYS], ids=lambda case: case.table.hop)
ONLY = pytest.mark.parametrize("case", [NEVER], ids=lambda case: case.table.hop)
MODULE = 'import("/static/django_silent_sso/fedcm.js")'
SILENT_SSO = 'import("/static/django_silent_sso/silent-sso.js")'
# As the prompt does, but on a page that nothing else happens on.
ASKS = """void (document.getElementById("here").onclick = async (event) => {
  event.preventDefault()
  const ask = (url, body) => fetch(url, { method: "POST", body }).then((answer) => answer.json())
  const urls = { start_url: "/oidc/silent/", callback_url: "/oidc/callback/" }
  window.came = await %s.then(({ byClick }) => byClick(urls, ask, "optional")) ?? "nothing"
})"""


class Asked:
    """A world where the OP offers FedCM, and its browser."""

    def __init__(self, world: World, browser: Chromium) -> None:
        self.world, self.browser, self.provider = world, browser, world.provider

    def open(self, path: str) -> None:
        self.world.open(path)

    def sign_in_at_op(self) -> None:
        self.world.sign_in_at_op()

    def elsewhere(self) -> None:
        self.world.open("/elsewhere/")
        self.browser.until(f"{ELSEWHERE} && location.host === '{self.world.host}'")

    def click(self) -> None:
        self.elsewhere()
        self.browser.run(ASKS % MODULE)
        self.browser.click("#here")

    def choose(self) -> None:
        """The person takes the first account in the browser's dialog."""
        self.browser.command("FedCm.selectAccount", dialogId=self.question(), accountIndex=0)

    def question(self) -> str:
        """The browser's dialog, when it is there."""
        while True:
            dialog = self.browser.event("FedCm.dialogShown")
            if dialog["dialogType"] == "AccountChooser":  # not a mere note that somebody is being signed in
                return str(dialog["dialogId"])

    def use(self) -> None:
        """Sign in by FedCM, with a click, as somebody who has never done so here; the session is gone afterwards."""
        self.sign_in_at_op()
        self.click()
        self.choose()
        assert self.browser.until("window.came")["status"] == "signed_in"

    def arrive(self, path: str = "/page/") -> list[Report]:
        """What a page tells, until somebody is signed in on it or it is clear that nobody will be."""
        self.world.open(path)
        self.world.wait_for(lambda report: report.name in NOBODY or (report.name, report.user) == ("page", "alice"))
        return self.world.reports

    @property
    def calls(self) -> list[str]:
        return [call.endpoint for call in self.provider.calls if call.endpoint.startswith("fedcm")]

    def in_window(self, path: str, script: str) -> None:
        """Run it in the window with this path, as soon as its page is there and the script says so."""
        ready = f"location.pathname === {path!r} && document.readyState === 'complete' && ({script})"
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for url, target in self.browser.windows.items():
                if path in url and self.browser.run_in(target, ready):
                    return
            time.sleep(0.05)  # the protocol's event for a window comes before its page
        raise AssertionError(f"no {path} among {list(self.browser.windows)}")


@contextmanager
def asking(world: World, front: Front) -> Iterator[Asked]:
    """The OP offers FedCM, also at its registrable domain, where browsers look first."""
    provider, browser = world.provider, world.browser
    assert isinstance(browser, Chromium)
    provider.fedcm = True
    browser.command("FedCm.enable")
    first = set(browser.windows.values())
    with front.serving(provider.issuer.removeprefix("https://id."), provider.port):
        yield Asked(world, browser)
        browser.command("FedCm.disable")
        for target in set(browser.windows.values()) - first:
            browser.command("Target.closeTarget", targetId=target)


def tried(reports: list[Report]) -> list[str]:
    return [report.detail["transport"] for report in reports if report.name == "before-sign-in"]


def ends(reports: list[Report]) -> list[tuple[str, str]]:
    return [(report.name, report.detail["reason"]) for report in reports if report.name in ("signed-in", *NOBODY)]
