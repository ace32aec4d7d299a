"""Step-up: what a page may demand of the user's sign-in at the OP (Core 3.1.2.1: `max_age`, `acr_values`).

Only what an ID Token said of it counts, never when our own session was opened or renewed (ASVS 7.5; U16).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from . import claims as rules
from .errors import TokenError

__all__ = ["Authentication", "Demand", "latest"]

#: In a link to our own start. Not the protocol's names: no link of a stranger shall seem to speak to the OP (I13).
RECENT: Final = "recent"
CLASSES: Final = "acr"
LONGEST_CLASSES: Final = 200  # characters: they wait in a cookie (N04)
LONGEST_AGE: Final = 999_999_999  # seconds


class Authentication(NamedTuple):
    """How the user was authenticated at the OP: when (seconds since the epoch) and how well, as far as it is known."""

    auth_time: float | None = None
    acr: str | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """An authentication at most `max_age` seconds ago, and of one of the classes `acr_values` if there are any.

    Raises `ValueError` for what no OP can be asked for.
    """

    max_age: int
    acr_values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        age: object = self.max_age
        if isinstance(age, bool) or not isinstance(age, int) or not 0 <= age <= LONGEST_AGE:
            raise ValueError("max_age is a number of seconds: an int, 0 or more")
        if not all(_is_plain(name) for name in self.acr_values):
            raise ValueError("an acr is a str without spaces")
        if len(self.classes or "") > LONGEST_CLASSES:
            raise ValueError("too many acr")

    @classmethod
    def of(cls, max_age: int, acr: str | Iterable[str] | None) -> Demand:
        """As a view says it. No `acr` is `None`; an empty one is a mistake, and must not pass for "any"."""
        names = () if acr is None else tuple(acr.split() if isinstance(acr, str) else acr)
        if acr is not None and not names:
            raise ValueError("acr is empty")
        return cls(max_age, names)

    @property
    def classes(self) -> str | None:
        """`acr_values` as the Authentication Request has it."""
        return " ".join(self.acr_values) or None

    def is_met_by(self, found: Authentication, now: float, leeway: int) -> bool:
        """The same rules as for an ID Token that answers such a request (Core 3.1.3.7, rules 12 and 13)."""
        claims = found._asdict()
        try:
            rules.check_acr(claims, self.acr_values)
            rules.check_auth_time(claims, self.max_age, now, leeway)
        except TokenError:
            return False
        return True

    def to_query(self) -> dict[str, str]:
        """For a link to our own start. Who changes it fools nobody: the page itself looks again."""
        classes = self.classes
        return {RECENT: str(self.max_age)} | ({} if classes is None else {CLASSES: classes})

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Demand | None:
        """The demand a link holds; `None` where there is none, or none that could be."""
        age = query.get(RECENT, "")
        if not (age.isascii() and age.isdecimal() and len(age) <= len(str(LONGEST_AGE))):
            return None
        try:
            return cls(int(age), tuple(query.get(CLASSES, "").split()))
        except ValueError:
            return None


def latest(known: Authentication, told: Authentication, now: float, leeway: int) -> Authentication:
    """What is known after another ID Token of the same user: the newest authentication any of them told of.

    `auth_time` and `acr` come from one token: a recent password and an older second factor are not a recent second
    factor. A token without `auth_time` (many OPs: none unless `max_age` asks), or with an older one (0 at one OP),
    takes nothing away. A time still to come is no time.
    """
    before, after = _past(known.auth_time, now, leeway), _past(told.auth_time, now, leeway)
    if after is None and before is None:
        return Authentication(None, told.acr or known.acr)
    if after is None or (before is not None and after < before):
        return Authentication(before, known.acr)
    return Authentication(after, told.acr or (known.acr if after == before else None))


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and name.isprintable() and name.split() == [name]


def _past(auth_time: float | None, now: float, leeway: int) -> float | None:
    return None if auth_time is None or auth_time > now + leeway else auth_time
