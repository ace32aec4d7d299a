"""Browser x setting x place of the OP x what is tried."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial

from tests.browsers import chromium, firefox, webkit
from tests.browsers.driver import Browser, Launch
from tests.browsers.scenarios import ARRIVALS, RETURNS, UNANSWERED, known_visitor, new_visitor, nobody, second_visit
from tests.browsers.world import World


@dataclass(frozen=True)
class Kind:
    """A browser with a setting. `frames_see`: does it send the cookie of an OP on another site in a frame?"""

    browser: str
    setting: str
    launch: Callable[[Launch], AbstractContextManager[Browser]]
    needed: Mapping[str, str | None] = field(compare=False)
    """programs by name, and where they are"""
    frames_see: bool = False

    def __str__(self) -> str:
        return f"{self.browser}, {self.setting}"


ALLOWED = partial(chromium.chromium, third_party=True)
BLOCKED = partial(chromium.chromium, third_party=False)
DEFAULT, STRICT = partial(firefox.firefox, strict=False), partial(firefox.firefox, strict=True)
PREVENTION, NO_PREVENTION = partial(webkit.webkit, prevention=True), partial(webkit.webkit, prevention=False)
KINDS = (
    Kind("Chromium", "third-party cookies allowed", ALLOWED, chromium.NEEDED, frames_see=True),
    Kind("Chromium", "third-party cookies blocked", BLOCKED, chromium.NEEDED),
    Kind("Firefox", "default", DEFAULT, firefox.NEEDED),
    Kind("Firefox", "strict", STRICT, firefox.NEEDED),
    Kind("WebKitGTK", "tracking prevention", PREVENTION, webkit.NEEDED),
    Kind("WebKitGTK", "no tracking prevention", NO_PREVENTION, webkit.NEEDED, frames_see=True),
)


@dataclass(frozen=True)
class Table:
    """What is shown in one table of the page. `hop`: the setting SILENT_SSO_TOP_LEVEL_HOP. `usual`: tried whenever
    the tests are run; the rest only where all of it is asked for (`-m browsers`)."""

    title: str
    same_site: bool
    hop: str
    scenarios: tuple[Callable[[World], object], ...]
    usual: tuple[Callable[[World], object], ...] = ()


SAME, OTHER = "provider on the same site", "provider on another site"
ALWAYS = (new_visitor, second_visit, nobody)
TABLES = (
    Table(f"Arriving, {SAME}", True, "known", ARRIVALS),
    Table(f"Arriving, {OTHER}", False, "known", ARRIVALS, (known_visitor,)),
    Table(f'Arriving, {OTHER}, `"always"`', False, "always", ALWAYS, (new_visitor, nobody)),
    Table("Arriving, provider that gives no answer", False, "known", UNANSWERED),
    Table(f"Back at the tab, {SAME}", True, "known", RETURNS),
    Table(f"Back at the tab, {OTHER}", False, "known", RETURNS, RETURNS),
)


@dataclass(frozen=True)
class Case:
    kind: Kind
    table: Table
    scenario: Callable[[World], object]

    def __str__(self) -> str:
        place = "same site" if self.table.same_site else "another site"
        return f"{self.kind}; {place}; {self.table.hop}; {self.scenario.__name__}"

    @property
    def usual(self) -> bool:
        return self.scenario in self.table.usual

    @property
    def frame_sees(self) -> bool:
        """Does a frame that was not seen before tell the truth?"""
        return self.table.same_site or self.kind.frames_see


CASES = tuple(Case(kind, table, scenario) for kind in KINDS for table in TABLES for scenario in table.scenarios)
