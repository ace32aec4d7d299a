"""A Chromium without anything of an automation tool in its pages: what it does in a visit is what it does in life."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.browsers import chromium
from tests.browsers.process import running, surroundings
from tests.browsers.wire import Wire

# Before any script of the page; `measured` is fulfilled when the page says done(). A page that has an ID Token and no
# session yet then brings the token to its site.
MEASURE = """if (window === window.top) window.measured = new Promise((resolve) => {
  window.done = async (outcome, token) => {
    const at = performance.now()
    const told = token ? await fetch("/told/", { method: "POST", body: new URLSearchParams({ token }) }) : { ok: true }
    const known = token ? performance.now() : at
    resolve({ outcome: told.ok ? outcome : `told: ${told.status}`, at, known, began: performance.timeOrigin })
  }
})"""
NAMES = "--host-resolver-rules=MAP *.localhost 127.0.0.1"


class Visitor(chromium.Chromium):
    def __init__(self, wire: Wire) -> None:
        super().__init__(wire)
        self._do("Page.enable")
        self._do("Page.addScriptToEvaluateOnNewDocument", source=MEASURE)

    def sign_in(self, url: str, back: str) -> None:
        """At the OP, which shows its sign-in page at `url` and then goes on to `back`."""
        self.open(url)
        self.until("document.readyState === 'complete' && !!document.querySelector('input[name=login]')")
        for name, value in (("login", "alice"), ("password", "any")):
            self.run(f"void (document.querySelector('input[name={name}]').value = '{value}')")
        self.run("void setTimeout(() => document.querySelector('form').submit())")
        self.until(f"location.href.startsWith('{back}')")

    def become_unknown(self, origin: str, *, cold: bool) -> None:
        """Leave nothing at the site behind; `cold`: nor in the browser's cache. Ends on an empty page."""
        self.open(f"{origin}/static/empty.html")
        self.until(f"location.href.startsWith('{origin}') && document.readyState === 'complete'")
        self.run("void (localStorage.clear(), sessionStorage.clear())")
        host = origin.partition("://")[2].partition(":")[0]
        for cookie in self._wire.call("Storage.getCookies")["cookies"]:
            if cookie["domain"].lstrip(".") == host:
                self._do("Network.deleteCookies", name=cookie["name"], domain=cookie["domain"], path=cookie["path"])
        if cold:
            self._do("Network.clearBrowserCache")
        self.open("about:blank")
        self.until("location.href === 'about:blank'")

    def visit(self, url: str) -> dict[str, Any]:
        """`outcome`; `at`, when the page knew its user, and `known`, when the site's server did (milliseconds since the
        navigation began); `began` (milliseconds since the epoch)."""
        self.open(url)
        found: dict[str, Any] = self.until(f"location.href === '{url}' && window.measured")
        return found

    def _do(self, method: str, **parameters: Any) -> None:
        self._wire.call(method, session=self._session, **parameters)


@contextmanager
def visitor() -> Iterator[Visitor]:
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder) / "profile"
        preferences = {
            "profile": {"cookie_controls_mode": 0},  # third-party cookies allowed
            "net": {"network_prediction_options": 0},  # Debian turns prefetching off
        }
        (profile / "Default").mkdir(parents=True)
        (profile / "Default" / "Preferences").write_text(json.dumps(preferences))
        command = [str(chromium.EXECUTABLE), *chromium.SWITCHES, NAMES, f"--user-data-dir={profile}"]
        command += ["--remote-debugging-port=0", "about:blank"]
        with (
            running(command, r"DevTools listening on (\S+)", surroundings(Path(folder))) as said,
            closing(Wire(said)) as wire,
        ):
            yield Visitor(wire)
