"""A real Chromium with a fresh profile, started by ourselves and driven from the test's own thread.

Playwright's own launch changes the matter under test: it turns off popup blocking, storage partitioning and the
back-forward cache, and makes every tab visible. So it is only attached, without its defaults. Its event loop has a
thread of its own, for Django refuses to use the database where one is running.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Page, Playwright

T = TypeVar("T")

PATIENCE = 20.0  # seconds; a busy machine with two cores is slow
EXECUTABLE = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
SWITCHES = [
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--password-store=basic",
    "--window-size=1000,800",
    # It meets no pages but ours, in containers where it could not have a sandbox or much shared memory.
    "--no-sandbox",
    "--disable-dev-shm-usage",
]
NAMES = "--host-resolver-rules=MAP *.localhost 127.0.0.1"
# Tells the test every event of ours, with the moment in milliseconds since the navigation started.
WATCH = """
if (window === window.top) {
  for (const name of ["before-sign-in", "signed-in", "sign-in-required", "signed-out", "subject-changed", "error"]) {
    document.addEventListener(`silent-sso:${name}`, ({ detail, defaultPrevented }) =>
      window.tellTest({ name, detail, at: performance.now() }))
  }
  addEventListener("pageshow", ({ persisted }) => persisted && window.tellTest({ name: "restored", detail: {}, at: 0 }))
}
"""


class EventLoop:
    """An event loop in a thread of its own; `do()` waits for a coroutine in it."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="playwright", daemon=True)
        self._thread.start()

    def do(self, work: Awaitable[T], timeout: float = 2 * PATIENCE) -> T:
        async def wait() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self.loop).result(timeout)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


class Tab:
    """One tab. What happened in it is in `events`; the methods wait until what they name has happened."""

    def __init__(self, loop: EventLoop, page: Page, cdp: CDPSession) -> None:
        self.page = page
        self.events: list[dict[str, Any]] = []
        self.console: list[str] = []
        self._loop, self._cdp = loop, cdp
        self._seen = 0
        self._news = threading.Condition()

    @classmethod
    async def attach(cls, loop: EventLoop, page: Page) -> Tab:
        tab = cls(loop, page, await page.context.new_cdp_session(page))
        await page.expose_function("tellTest", tab._told)
        await page.add_init_script(WATCH)
        page.on("console", lambda message: tab.console.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: tab.console.append(f"error: {error}"))
        return tab

    def _told(self, event: dict[str, Any]) -> None:
        with self._news:
            self.events.append(event)
            self._news.notify_all()

    # What a person does

    def open(self, url: str) -> None:
        self._loop.do(self.page.goto(url, wait_until="load"))

    def reload(self) -> None:
        self._loop.do(self.page.reload(wait_until="load"))

    def back(self) -> None:
        """One step back; Playwright's own loses a page that comes out of the back-forward cache."""
        self.run("void setTimeout(() => history.back())")  # the call itself must have ended by then

    def click(self, selector: str) -> None:
        self._loop.do(self.page.click(selector))

    def type(self, selector: str, text: str) -> None:
        self._loop.do(self.page.locator(selector).press_sequentially(text))

    def type_on(self, text: str) -> None:
        """Type, wherever the focus is."""
        self._loop.do(self.page.keyboard.type(text))

    def show(self) -> None:
        """Bring the tab to the front; the one that was there is hidden."""
        self._loop.do(self.page.bring_to_front())

    def close(self) -> None:
        self._loop.do(self.page.close())

    # What a script does

    def run(self, expression: str) -> Any:
        """The value of an expression, awaited if it is a promise. It counts as no gesture of a person."""
        options = {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": False}
        answer = self._loop.do(self._cdp.send("Runtime.evaluate", options))
        if "exceptionDetails" in answer:
            raise AssertionError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def before_each_page(self, script: str) -> None:
        """Run a script in every page from now on, before those of the page."""
        self._loop.do(self.page.add_init_script(script))

    # What a test waits for

    def until(self, expression: str) -> Any:
        """The first truthy value of an expression, over page loads if need be."""

        async def ask() -> Any:
            while True:
                try:
                    value = await self.page.evaluate(expression)
                except Exception as error:
                    if "context" not in str(error) and "navigat" not in str(error):
                        raise
                    value = None
                if value:
                    return value
                await asyncio.sleep(0.02)  # a condition in the page has no event to wait for

        return self._loop.do(asyncio.wait_for(ask(), PATIENCE))

    def event(self, name: str) -> dict[str, Any]:
        """The detail of the next event `silent-sso:<name>` that was not asked for yet."""

        def found() -> int | None:
            late = range(self._seen, len(self.events))
            return next((number for number in late if self.events[number]["name"] == name), None)

        with self._news:
            if not self._news.wait_for(lambda: found() is not None, PATIENCE):
                raise AssertionError(f"no {name} but {self.events[self._seen :]}; console: {self.console}")
            number = found()
            assert number is not None
            self._seen = number + 1
            return dict(self.events[number]["detail"], at=self.events[number]["at"])

    def forget_events(self) -> None:
        with self._news:
            self.events.clear()
            self._seen = 0

    def names(self) -> list[str]:
        """The events so far."""
        return [event["name"] for event in self.events]

    @property
    def url(self) -> str:
        return self.page.url

    def text(self, selector: str) -> str:
        return str(self._loop.do(self.page.inner_text(selector)))


class Chromium:
    """The browser of one test, with its first tab."""

    def __init__(self, loop: EventLoop, context: BrowserContext, tab: Tab) -> None:
        self.context, self.tab = context, tab
        self._loop = loop

    def new_tab(self, url: str | None = None) -> Tab:
        """A tab in front of the others."""

        async def make() -> Tab:
            return await Tab.attach(self._loop, await self.context.new_page())

        tab = self._loop.do(make())
        if url is not None:
            tab.open(url)
        return tab

    def cookies(self) -> dict[str, dict[str, Any]]:
        return {str(cookie["name"]): dict(cookie) for cookie in self._loop.do(self.context.cookies())}

    def clear_cookies(self, **which: str) -> None:
        self._loop.do(self.context.clear_cookies(**which))


@contextmanager
def chromium(loop: EventLoop, playwright: Playwright, profile: Path, *, third_party: bool) -> Iterator[Chromium]:
    """Started, attached to, and ended by its own process group. `third_party`: are third-party cookies allowed?"""
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
