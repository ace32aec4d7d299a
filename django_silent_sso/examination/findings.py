"""What `manage.py check_op` may find: each finding has a word, a level, a text, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from django_silent_sso.examination.texts_announced import ANNOUNCED
from django_silent_sso.examination.texts_answered import ANSWERED

__all__ = ["FINDINGS", "GROUPS", "Finding", "Level", "finding"]


class Level(StrEnum):
    """`ERROR`: users notice it, or will. `WARNING`: something this site may want does not work. `OK`: nothing to do."""

    OK = "OK"
    WARNING = "WARNING"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out about the OP. `hint` says what to do; "" where there is nothing to be done."""

    id: str
    level: Level
    group: str
    text: str
    hint: str

    def as_dict(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items()}


GROUPS: Final[Mapping[str, str]] = {
    "discovery": "Discovery and connection",
    "keys": "Keys and algorithms",
    "requests": "Authentication Requests",
    "silent": "Silent sign-in (prompt=none)",
    "frames": "Hidden frames and web_message",
    "client": "This client at the provider's endpoints",
    "sessions": "Sessions, sign-out and refresh tokens",
}

LONGEST: Final = 300  # characters of a fact

FINDINGS: Final[Mapping[str, tuple[str, str, str, str]]] = {**ANNOUNCED, **ANSWERED}


def finding(word: str, **facts: object) -> Finding:
    """The finding of this word, its text filled in.

    `KeyError`: no such word, or a fact that its text needs is missing.
    """
    level, group, text, hint = FINDINGS[word]
    plain = {name: _plain(str(value)) for name, value in facts.items()}
    return Finding(word, Level(level), group, text.format(**plain), hint.format(**plain))


def _plain(fact: str) -> str:
    """What an OP says may hold anything, and goes to a terminal."""
    short = fact if len(fact) <= LONGEST else f"{fact[:LONGEST]}..."
    return "".join(letter if letter.isprintable() else " " for letter in short)
