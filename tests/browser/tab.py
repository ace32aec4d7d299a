"""One tab of a browser, driven from the test's own thread.

Playwright's event loop has a thread of its own, for Django refuses to use the database where one is running.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Page

T = TypeVar("T")

PATIENCE = 20.0  # seconds; a busy machine with two cores is slow
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
