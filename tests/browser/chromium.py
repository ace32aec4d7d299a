"""A real Chromium with a profile of its own, started by ourselves and driven from the test's own thread.

Playwright's own launch changes the matter under test: it turns off popup blocking, storage partitioning and the
back-forward cache, and makes every tab visible. So it is only attached, without its defaults.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.browser.tab import EventLoop, Tab

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Playwright

CLOSING = 20.0  # seconds until a browser that does not close its pages is ended itself
EXECUTABLE = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
SWITCHES = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    # Nothing of this is seen in the tests, and all of it takes time: the address bar's menus, hints, other screens.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,OptimizationHints,MediaRouter",
    "--password-store=basic",
    "--window-size=1000,800",
    # It meets no pages but ours, in containers where it could not have a sandbox or much shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
]
NAMES = "--host-resolver-rules=MAP *.localhost 127.0.0.1"


class Chromium:
    """The browser of one test, with its first tab."""

    def __init__(self, loop: EventLoop, context: BrowserContext, tab: Tab) -> None:
        self.context, self.tab = context, tab
        self._loop = loop
        self._blank: Page | None = None

    def new_tab(self, url: str | None = None) -> Tab:
        """A tab in front of the others."""

        async def make() -> Tab:
            return await Tab.attach(self._loop, await self.context.new_page())

        tab = self._loop.do(make())
        if url is not None:
            tab.open(url)
        return tab

    def leave(self) -> None:
        """Close every page, before what their scripts might still ask for is taken away; a blank one stays."""
        if self._blank is not None:
            return

        async def close() -> Page:
            from playwright.async_api import Error

            connection = self.context.browser
            assert connection is not None
            session = await connection.new_browser_cdp_session()

            async def targets() -> set[str]:
                found = (await session.send("Target.getTargets"))["targetInfos"]
                return {target["targetId"] for target in found if target["type"] == "page"}

            pages = await targets()
            blank = await self.context.new_page()  # before the last one is closed: with it the browser would end
            while pages := pages & await targets():
                for target in pages:
                    # Told once, Chromium now and then forgets it; and meanwhile the page may have closed itself.
                    with suppress(Error):
                        await session.send("Target.closeTarget", {"targetId": target})
                for _ in range(20):
                    if not pages & await targets():
                        break
                    await asyncio.sleep(0.02)  # of these pages nobody else listens to an event
            await session.detach()
            return blank

        self._blank = self._loop.do(close(), CLOSING)

    def renewed(self) -> Chromium:
        """The same browser for another test, with one new tab and no other, and nothing stored."""
        self.leave()
        blank = self._blank
        assert blank is not None

        async def forget() -> Tab:
            await self.context.set_offline(False)
            await self.context.clear_cookies()
            session = await self.context.new_cdp_session(blank)
            # The ports of the last test's servers may be those of the next one's.
            await session.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
            await session.send("Network.clearBrowserCache")
            await session.detach()
            return await Tab.attach(self._loop, blank)

        return Chromium(self._loop, self.context, self._loop.do(forget()))

    def cookies(self) -> dict[str, dict[str, Any]]:
        return {str(cookie["name"]): dict(cookie) for cookie in self._loop.do(self.context.cookies())}

    def clear_cookies(self, **which: str) -> None:
        self._loop.do(self.context.clear_cookies(**which))


class Browsers:
    """One browser for one test after the other, for its start takes longer than most of them."""

    def __init__(self, loop: EventLoop, playwright: Playwright) -> None:
        self._start = lambda: chromium(loop, playwright, third_party=True)
        self._running = ExitStack()
        self._last: Chromium | None = None

    @contextmanager
    def lend(self) -> Iterator[Chromium]:
        self._last = lent = self._renewed() or self._running.enter_context(self._start())
        try:
            yield lent
            lent.leave()
        except BaseException:
            self.end()  # whatever state it is in: the next test gets another one
            raise

    def _renewed(self) -> Chromium | None:
        if self._last is None:
            return None
        try:
            return self._last.renewed()
        except Exception:
            self.end()
            return None

    def end(self) -> None:
        self._last = None
        self._running.close()


@contextmanager
def chromium(loop: EventLoop, playwright: Playwright, *, third_party: bool) -> Iterator[Chromium]:
    """Started, attached to, and ended by its own process group. `third_party`: are third-party cookies allowed?"""
    profile = Path(tempfile.mkdtemp(prefix="chromium-"))  # not pytest's tmp_path: of no interest later, and large
    preferences = {
        "profile": {"cookie_controls_mode": 0 if third_party else 1},
        "net": {"network_prediction_options": 0},  # Debian turns prefetching off
    }
    (profile / "Default").mkdir(parents=True)
    (profile / "Default" / "Preferences").write_text(json.dumps(preferences))
    switches = [*SWITCHES, NAMES, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
    command = [str(EXECUTABLE), *switches, "about:blank"]
    process = subprocess.Popen(  # noqa: S603 - our own arguments
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, "HOME": str(profile)},
    )
    try:
        address = _address(process)

        async def attach() -> Chromium:
            connection = await playwright.chromium.connect_over_cdp(address, no_defaults=True)
            context = connection.contexts[0]
            return Chromium(loop, context, await Tab.attach(loop, context.pages[0]))

        yield loop.do(attach())
    finally:
        # The whole group at once: what a child of it writes at its leisure would stay behind.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


def _address(process: subprocess.Popen[str]) -> str:
    """Where the browser listens, from its own words; the rest of them is read and dropped."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "DevTools listening on " in line:
            threading.Thread(target=_drain, args=(process,), daemon=True).start()
            return line.split("DevTools listening on ")[1].strip()
    raise RuntimeError(f"Chromium did not start: {''.join(said)[-1000:]}")


def _drain(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    with process.stderr as stream:
        for _ in stream:
            pass


def start_playwright(loop: EventLoop) -> tuple[Playwright, Callable[[], None]]:
    """Playwright in the loop's thread, and how to stop it. Raises `ImportError` where it is missing."""
    from playwright.async_api import async_playwright

    manager = async_playwright()
    playwright = loop.do(manager.__aenter__())
    stop: Coroutine[Any, Any, None] | Any = manager.__aexit__
    return playwright, lambda: loop.do(stop())
