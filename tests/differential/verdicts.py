"""What a row of the bench is, and how it can end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.differential.stage import Stage


class Verdict(StrEnum):
    HELD = "held"
    CRASHED = "crashed"
    """nothing bad was done, but the person reads a server error (500) that nobody caught"""
    ALLOWED = "allowed"
    """not held, but the specification lets a site do so"""
    NOT_HELD = "not held"
    NOT_APPLICABLE = "does not apply"


@dataclass(frozen=True)
class Outcome:
    """How one row ended for one package, with what happened in plain words."""

    verdict: Verdict
    words: str


def held(words: str) -> Outcome:
    return Outcome(Verdict.HELD, words)


def not_held(words: str) -> Outcome:
    return Outcome(Verdict.NOT_HELD, words)


def judged(good: bool, words: str) -> Outcome:
    return held(words) if good else not_held(words)


def not_applicable(words: str) -> Outcome:
    return Outcome(Verdict.NOT_APPLICABLE, words)


@dataclass(frozen=True)
class Row:
    """`number`: that of the row in tests/conformance (A), tests/attacks (letters) or tests/faults (C)."""

    number: str
    done: str
    expected: str
    play: Callable[[Stage], Outcome]


Play = Callable[["Stage"], Outcome]


class Rows(list[Row]):
    """Rows in the order in which they are declared."""

    def add(self, number: str, done: str, expected: str) -> Callable[[Play], Play]:
        def declare(play: Play) -> Play:
            self.append(Row(number, done, expected, play))
            return play

        return declare

    def add_renewal(self, number: str, done: str, expected: str) -> Callable[[Play], Play]:
        """A row only for packages that renew sessions."""

        def declare(play: Play) -> Play:
            def only_if_it_renews(stage: Stage) -> Outcome:
                return play(stage) if stage.candidate.renews else not_applicable("sessions are never renewed")

            self.append(Row(number, done, expected, only_if_it_renews))
            return play

        return declare
