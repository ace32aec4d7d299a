"""Firefox over WebDriver BiDi, which it speaks by itself; without the settings that it makes for automation."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import urlsplit

from tests.browsers.chromium import trust
from tests.browsers.driver import Browser, Launch
from tests.browsers.process import running, surroundings
from tests.browsers.wire import RefusedError, Wire

EXECUTABLE = next((found for name in ("firefox-esr", "firefox") if (found := shutil.which(name))), None)
NEEDED = {"firefox": EXECUTABLE, "certutil": shutil.which("certutil")}
# What a first run and an automated one would do otherwise; nothing here touches cookies, frames or popups.
PREFERENCES: dict[str, bool | int | str] = {
    "remote.prefs.recommended": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "termsofuse.acceptedVersion": 999,
    "toolkit.telemetry.enabled": False,
}


class Firefox(Browser):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        session = wire.call("session.new", capabilities={})
        self.version = str(session["capabilities"]["browserVersion"])
        self._tab = wire.call("browsingContext.getTree", maxDepth=0)["contexts"][0]["context"]
        self._cover = ""

    def open(self, url: str) -> None:
        self._wire.call("browsingContext.navigate", context=self._tab, url=url, wait="none")

    def cover(self) -> None:
        self._cover = str(self._wire.call("browsingContext.create", type="tab")["context"])

    def uncover(self) -> None:
        self._wire.call("browsingContext.close", context=self._cover)

    def _evaluate(self, script: str) -> str:
        options = {"awaitPromise": True, "userActivation": False, "target": {"context": self._tab}}
        answer = self._wire.call("script.evaluate", expression=script, **options)
        if answer["type"] == "exception":
            raise RefusedError(answer["exceptionDetails"]["text"])
        return str(answer["result"]["value"])

    def _press(self, x: float, y: float) -> None:
        steps = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        actions = [{"type": "pointer", "id": "mouse", "actions": steps}]
        with suppress(RefusedError):  # the click made the page go away
            self._wire.call("input.performActions", context=self._tab, actions=actions)


@contextmanager
def firefox(launch: Launch, *, strict: bool) -> Iterator[Browser]:
    profile = launch.folder / "profile"
    profile.mkdir()
    proxy = urlsplit(launch.proxy)
    assert proxy.hostname is not None
    assert proxy.port is not None
    preferences = PREFERENCES | {
        "network.proxy.type": 1,
        "network.proxy.http": proxy.hostname,
        "network.proxy.http_port": proxy.port,
        "network.proxy.ssl": proxy.hostname,
        "network.proxy.ssl_port": proxy.port,
        "browser.contentblocking.category": "strict" if strict else "standard",
    }
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    trust(str(profile), launch)
    command = [str(EXECUTABLE), "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    command += ["--width", "1000", "--height", "800", "about:blank"]
    with (
        running(command, r"WebDriver BiDi listening on (\S+)", surroundings(launch.folder)) as said,
        closing(Wire(f"{said}/session")) as wire,
    ):
        yield Firefox(wire)
