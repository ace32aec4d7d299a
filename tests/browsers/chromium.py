"""Chromium over its DevTools protocol, without the switches that automation tools add: they change the matter."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from tests.browser.chromium import EXECUTABLE, SWITCHES
from tests.browsers.driver import Browser, Launch
from tests.browsers.process import running, surroundings
from tests.browsers.wire import Wire

NEEDED = {"chromium": EXECUTABLE, "certutil": shutil.which("certutil")}


class Chromium(Browser):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        targets = wire.call("Target.getTargets")["targetInfos"]
        self._page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = wire.call("Target.attachToTarget", targetId=self._page, flatten=True)["sessionId"]
        self._cover = ""
        self.version = str(wire.call("Browser.getVersion")["product"]).partition("/")[2]

    def open(self, url: str) -> None:
        self._wire.call("Page.navigate", session=self._session, url=url)

    def command(self, method: str, **params: Any) -> dict[str, Any]:
        """Of the DevTools protocol, for the tab."""
        return self._wire.call(method, session=self._session, **params)

    def event(self, method: str) -> dict[str, Any]:
        return self._wire.event(method)

    @property
    def windows(self) -> dict[str, str]:
        """Every tab and window: its target by its address."""
        targets = self._wire.call("Target.getTargets")["targetInfos"]
        return {target["url"]: target["targetId"] for target in targets if target["type"] == "page"}

    def run_in(self, target: str, script: str) -> object:
        """The value of an expression in another window, as by a gesture of a person; None if there is none yet."""
        session = self._wire.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        options = {"expression": script, "returnByValue": True, "userGesture": True}
        answer = self._wire.call("Runtime.evaluate", session=session, **options)
        self._wire.call("Target.detachFromTarget", sessionId=session)
        value: object = answer["result"].get("value")
        return value

    def cover(self) -> None:
        self._cover = str(self._wire.call("Target.createTarget", url="about:blank")["targetId"])

    def uncover(self) -> None:
        self._wire.call("Target.closeTarget", targetId=self._cover)

    def _evaluate(self, script: str) -> str:
        options = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": False}
        answer = self._wire.call("Runtime.evaluate", session=self._session, **options)
        return str(answer["result"].get("value"))

    def _press(self, x: float, y: float) -> None:
        for kind in ("mousePressed", "mouseReleased"):
            options = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            self._wire.call("Input.dispatchMouseEvent", session=self._session, **options)


@contextmanager
def chromium(launch: Launch, *, third_party: bool) -> Iterator[Browser]:
    """`third_party`: are third-party cookies allowed?"""
    profile = launch.folder / "profile"
    preferences = {
        "profile": {"cookie_controls_mode": 0 if third_party else 1},
        "net": {"network_prediction_options": 0},  # Debian turns prefetching off
    }
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps(preferences))
    database = launch.folder / ".pki" / "nssdb"
    database.mkdir(parents=True)
    trust(str(database), launch)
    command = [str(EXECUTABLE), *SWITCHES, f"--proxy-server={launch.proxy}", f"--user-data-dir={profile}"]
    command += ["--remote-debugging-port=0", "about:blank"]
    with (
        running(command, r"DevTools listening on (\S+)", surroundings(launch.folder)) as said,
        closing(Wire(said)) as wire,
    ):
        yield Chromium(wire)


def trust(database: str, launch: Launch) -> None:
    """The authority becomes one that an NSS database trusts for web sites."""
    for step in (["-N", "--empty-password"], ["-A", "-n", "tests", "-t", "C,,", "-i", str(launch.authority)]):
        subprocess.run(["certutil", "-d", f"sql:{database}", *step], check=True, capture_output=True)  # noqa: S603, S607
