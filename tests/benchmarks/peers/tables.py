"""What was measured, as tables of docs/explanation/benchmarks-browser.md."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.benchmarks.page import PAGE as BESIDE
from tests.benchmarks.peers.world import Numbers, Visit

PAGE = BESIDE.with_name("benchmarks-browser.md")
MARK = 1.15  # of the floor
OURS = ("ours-ready", "ours")
LIBRARIES = ("oidc-client-ts", "oidc-client-ts-told", "keycloak-js", "keycloak-js-told", "auth0-spa-js")
TITLES: Mapping[str, str] = {
    "floor": "by hand, the floor",
    "by-hand": "by hand, start by fetch",
    "ours-ready": "**ours**, `web_message`, `attempt=True`",
    "ours": "**ours**, as it comes",
    "oidc-client-ts": "oidc-client-ts",
    "oidc-client-ts-told": "oidc-client-ts, endpoints given",
    "keycloak-js": "keycloak-js",
    "keycloak-js-told": "keycloak-js, endpoints given",
    "auth0-spa-js": "auth0-spa-js",
    "redirect": "mozilla-django-oidc, redirect",
}
HOMES = {"same": "OP on the same site", "other": "OP on another site"}
CACHES = {True: "cold cache", False: "warm cache"}
END = {"time": "", "known": ", its site told"}
"""Which moment counts: the page knows its user, or the site's server does."""


@dataclass(frozen=True)
class Situation:
    home: str
    seconds: float
    """of distance"""
    cold: bool

    @property
    def place(self) -> str:
        return f"{HOMES[self.home]}, {f'{self.seconds * 1000:.0f} ms away' if self.seconds else 'at once'}"

    def __str__(self) -> str:
        return f"{self.place}, {CACHES[self.cold]}"


Rows = Mapping[str, Sequence[Numbers]]
Found = Mapping[Situation, Rows]


def median(found: Sequence[Numbers], name: str = "time") -> float:
    return statistics.median(numbers[name] for numbers in found)


def p95(found: Sequence[Numbers], name: str = "time") -> float:
    values = sorted(numbers[name] for numbers in found)
    return values[min(len(values) - 1, int(len(values) * 0.95))]


def all_of(found: Found) -> Iterator[str]:
    yield against_the_floor(found)
    yield against_the_libraries(found)
    places = list(dict.fromkeys(situation.place for situation in found))
    at = {place: {one.cold: rows for one, rows in found.items() if one.place == place} for place in places}
    for place in places:
        yield times(place, at[place])
    yield counts(at[places[0]])


def against_the_floor(found: Found) -> str:
    lines = [
        "## Ours and the floor",
        "",
        f"Medians, as factors of the floor's. The mark is {MARK}; what is over it is bold.",
        "",
        f"| | the floor, ms | {' | '.join(TITLES[kind] for kind in OURS)} |",
        "|---|---:|---:|---:|",
    ]
    for situation, rows in found.items():
        floor = median(rows["floor"])
        factors = (_factor(median(rows[kind]) / floor, MARK) for kind in OURS)
        lines.append(f"| {situation} | {floor:.0f} | {' | '.join(factors)} |")
    return "\n".join(lines)


def against_the_libraries(found: Found) -> str:
    lines = [
        "## Ours and the fastest library",
        "",
        "Medians, as factors of that library's; what is over 1 is bold: the library is faster. On the left its page"
        " knows the user, and its site does not; on the right both do, as with ours.",
        "",
        "| | fastest | **ours**, `attempt=True` | **ours**, as it comes | fastest, its site told"
        " | **ours**, `attempt=True` | **ours**, as it comes |",
        "|---|---|---:|---:|---|---:|---:|",
    ]
    for situation, rows in found.items():
        cells = []
        for name in END:
            best = min(LIBRARIES, key=lambda kind: median(rows[kind], name))
            least = median(rows[best], name)
            cells.append(f"{TITLES[best]}, {least:.0f} ms")
            cells += [_factor(median(rows[kind]) / least, 1) for kind in OURS]
        lines.append(f"| {situation} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _factor(factor: float, mark: float) -> str:
    return f"{factor:.2f}" if round(factor, 2) <= mark else f"**{factor:.2f}**"


def times(place: str, found: Mapping[bool, Rows]) -> str:
    heads = [f"{CACHES[cold]}, ms | x floor | x ours" for cold in found]
    lines = [
        f"## {place}",
        "",
        f"| Median (95th percentile) | {' | '.join(heads)} |",
        "|---|" + "---:|" * 3 * len(found),
    ]
    for kind, title in TITLES.items():
        for name in END if kind in LIBRARIES else ("time",):
            cells = []
            for rows in found.values():
                middle = median(rows[kind], name)
                cells.append(f"{middle:.0f} ({p95(rows[kind], name):.0f})")
                cells += [f"{middle / median(rows[base]):.2f}" for base in ("floor", "ours")]
            lines.append(f"| {title}{END[name]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def counts(found: Mapping[bool, Rows]) -> str:
    heads = [f"requests, {CACHES[cold]} | received, {CACHES[cold]}, kB" for cold in found]
    lines = [
        "## Requests and bytes",
        "",
        "Until the page knows: requests by the browser to site + OP, and (by the site's server to the OP). Received is"
        " what came over the network for the browser's, headers included; scripts are minified and compressed.",
        "",
        f"| Median | {' | '.join(heads)} | of it scripts, kB |",
        "|---|" + "---:|" * (2 * len(found) + 1),
    ]
    for kind, title in TITLES.items():
        cells = []
        for rows in found.values():
            site, op, server = (f"{median(rows[kind], name):g}" for name in ("site", "op", "server"))
            cells += [f"{site} + {op} ({server})", f"{median(rows[kind], 'bytes') / 1000:.1f}"]
        scripts = max(median(rows[kind], "script") for rows in found.values())
        lines.append(f"| {title} | {' | '.join(cells)} | {scripts / 1000:.1f} |")
    return "\n".join(lines)


def waterfall(visits: Mapping[str, Sequence[Visit]]) -> str:
    """For whoever looks for what is left to gain: each request's place in the visit, medians in milliseconds."""
    lines = []
    for kind, made in visits.items():
        lines.append(f"{TITLES[kind]}: {statistics.median(one.numbers['time'] for one in made):.0f}")
        usual = statistics.mode(tuple(hop.path for hop in one.hops) for one in made)
        alike = [one.hops for one in made if tuple(hop.path for hop in one.hops) == usual]
        for hops in zip(*alike, strict=True):
            sent, answered = (
                statistics.median(times) for times in zip(*((hop.sent, hop.answered) for hop in hops), strict=True)
            )
            lines.append(f"    {sent:6.0f} .. {answered:6.0f}  {hops[0].path}")
    return "\n".join(lines)
