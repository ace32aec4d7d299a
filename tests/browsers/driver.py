"""What a test does with a browser, whichever it is."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browsers.process import PATIENCE
from tests.browsers.wire import RefusedError

# The value of an expression as JSON, or what went wrong; a promise is awaited.
EVALUATE = (
    "(async () => { try { return JSON.stringify({ value: (await (%s)) ?? null }) }"
    " catch (error) { return JSON.stringify({ error: String(error) }) } })()"
)
MIDDLE = """(() => {
  const element = document.querySelector(%s)
  if (!element || document.readyState !== "complete") return null
  const { x, y, width, height } = element.getBoundingClientRect()
  return [x + width / 2, y + height / 2]
})()"""


@dataclass(frozen=True)
class Launch:
    """What a browser needs to know: a folder of its own, the proxy, and whom to trust."""

    folder: Path
    proxy: str
    """its URL"""
    authority: Path
    """the certificate authority, a PEM file"""


class Browser(ABC):
    """One window with one tab, and a second one that covers it for a while."""

    version: str

    @abstractmethod
    def open(self, url: str) -> None:
        """Go there, as by a typed address; not necessarily until it has loaded."""

    @abstractmethod
    def cover(self) -> None:
        """Open an empty tab in front of the first."""

    @abstractmethod
    def uncover(self) -> None:
        """Close it: the first is seen again."""

    @abstractmethod
    def _evaluate(self, script: str) -> str:
        """In the first tab; it counts as no gesture of a person."""

    @abstractmethod
    def _press(self, x: float, y: float) -> None:
        """A trusted click at this place of the window: a gesture."""

    def run(self, expression: str) -> Any:
        answer = json.loads(self._evaluate(EVALUATE % expression))
        if "error" in answer:
            raise RefusedError(answer["error"])
        return answer["value"]

    def until(self, expression: str) -> Any:
        """The first truthy value, over page loads if need be."""
        last: object = None
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                last = self.run(expression)
            except (RefusedError, json.JSONDecodeError, TypeError) as error:  # the page is being left
                last = error
            else:
                if last:
                    return last
            time.sleep(0.05)  # a condition in the page has no event that all browsers would send
        raise AssertionError(f"never true: {expression} (last: {last!r}); the page says: {self._seen()}")

    def _seen(self) -> str:
        try:
            return str(self.run("location.href + ': ' + document.body.innerText.slice(0, 500)"))
        except (RefusedError, json.JSONDecodeError, TypeError) as error:
            return repr(error)

    def click(self, selector: str) -> None:
        """As soon as it is there."""
        x, y = self.until(MIDDLE % json.dumps(selector))
        self._press(x, y)

    def come_back(self) -> None:
        """Look at another tab for a moment."""
        self.cover()
        self.until("document.visibilityState === 'hidden'")
        self.uncover()
        self.until("document.visibilityState === 'visible'")
