"""WebKitGTK's MiniBrowser over WebDriver: it shares Safari's engine and most of its tracking prevention."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socket import create_connection, create_server
from typing import Any

from tests.browsers.driver import Browser, Launch
from tests.browsers.process import PATIENCE, running, screen, surroundings
from tests.browsers.wire import RefusedError

# Beside the library, in one of the folders that distributions have for such.
PLACES = [f"{folder}webkit2gtk-4.1/MiniBrowser" for folder in ("lib*/", "lib/*/")]
EXECUTABLE = next((str(found) for place in PLACES for found in Path("/usr").glob(place)), None)
DRIVER = "WebKitWebDriver"
NEEDED = {"MiniBrowser": EXECUTABLE} | {name: shutil.which(name) for name in (DRIVER, "Xvfb", "xdotool")}
# Seconds; where the page is left meanwhile, its script never answers.
SCRIPT, ANSWER = 5, 15
QUIET = {"GDK_BACKEND": "x11", "GTK_A11Y": "none", "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}


class WebKit(Browser):
    def __init__(self, driver: str, launch: Launch, environment: dict[str, str], switch: str) -> None:
        self._base, self._environment = driver, environment
        switches = ["--automation", switch, f"--proxy={launch.proxy}"]
        wish = {
            # It asks the system's store whom to trust, and that is not the tests' to change.
            "acceptInsecureCerts": True,
            "timeouts": {"script": SCRIPT * 1000, "pageLoad": PATIENCE * 1000},
            "pageLoadStrategy": "eager",
            "webkitgtk:browserOptions": {"binary": EXECUTABLE, "args": switches},
        }
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wish}})
        self._base += f"/session/{session['sessionId']}"
        self.version = str(session["capabilities"]["browserVersion"])
        self._first = self._ask("GET", "/window")

    def open(self, url: str) -> None:
        self._ask("POST", "/url", {"url": url})

    def cover(self) -> None:
        self._ask("POST", "/window/new", {"type": "tab"})
        # The driver makes it behind the first one. MiniBrowser's own key does what a person would do.
        self._key("ctrl+Page_Down")

    def uncover(self) -> None:
        (other,) = (handle for handle in self._ask("GET", "/window/handles") if handle != self._first)
        self._ask("POST", "/window", {"handle": other})
        self._ask("DELETE", "/window")
        self._ask("POST", "/window", {"handle": self._first})

    def end(self) -> None:
        with suppress(RefusedError, OSError):
            self._ask("DELETE", "")

    def _evaluate(self, script: str) -> str:
        body = {"script": f"({script}).then(arguments[0])", "args": []}
        return str(self._ask("POST", "/execute/async", body))

    def _press(self, x: float, y: float) -> None:
        steps = [
            {"type": "pointerMove", "x": round(x), "y": round(y)},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._ask("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": steps}]})

    def _key(self, keys: str) -> None:
        subprocess.run(["xdotool", "key", keys], env=self._environment, check=True)  # noqa: S603, S607

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data=data, method=method)  # noqa: S310 - our own driver
        try:
            with urllib.request.urlopen(request, timeout=ANSWER) as answer:  # noqa: S310
                return json.load(answer)["value"]
        except TimeoutError:  # the process that had the page has gone, and the question with it
            raise RefusedError(f"{path}: no answer") from None
        except urllib.error.HTTPError as error:
            with error:
                said = json.load(error)["value"]
            raise RefusedError(f"{path}: {said.get('error')}: {said.get('message')}") from None


@contextmanager
def webkit(launch: Launch, *, prevention: bool) -> Iterator[Browser]:
    """`prevention`: Intelligent Tracking Prevention; without it every cookie is sent."""
    switch = "--enable-itp" if prevention else "--cookies-policy=always"
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with (
        screen(surroundings(launch.folder) | QUIET) as environment,
        running([DRIVER, f"--port={port}"], None, environment),
    ):
        _listens(port)
        browser = WebKit(f"http://127.0.0.1:{port}", launch, environment, switch)
        try:
            yield browser
        finally:
            browser.end()


def _listens(port: int) -> None:
    """The driver says nothing when it is ready."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
