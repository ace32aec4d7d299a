"""How the provider is made to misbehave: a defect has a name, and says what it changes and where.

Everything that can be programmed, from `provider.fail("token")` to `provider.id_token.drop("nonce")`, is one
of these, so that one mechanism counts, limits and undoes them all. The named ones are declared in
`known_defects.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from django_silent_sso.testing.messages import Request

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider


class Point(StrEnum):
    """Where a change can be made, with what passes there."""

    REQUEST = "request"
    """`None`, before the endpoint works; a `Reply` given back is sent in its place"""
    DECISION = "decision"
    """`Decision`: what the authorization endpoint is going to do"""
    AUTHORIZATION_RESPONSE = "authorization_response"
    """dict: the response's parameters; a list as value sends the parameter several times"""
    RESPONSE_MODE = "response_mode"
    """str: how that response is sent"""
    ID_TOKEN_HEADER = "id_token_header"  # noqa: S105 (no password, nor are the next ones)
    """dict: the JOSE header"""
    ID_TOKEN = "id_token"  # noqa: S105
    """dict: the claims"""
    ID_TOKEN_SIGNED = "id_token_signed"  # noqa: S105
    """str: the compact JWS; `situation.header` and `.claims` are what it was made of"""
    TOKEN_ANSWER = "token_answer"  # noqa: S105
    """dict: the token endpoint's successful answer"""
    USERINFO = "userinfo"
    """dict: the UserInfo claims"""
    METADATA = "metadata"
    """dict: the discovery document"""
    JWKS = "jwks"
    """dict: the JWK Set"""
    LOGOUT_TOKEN_HEADER = "logout_token_header"  # noqa: S105
    LOGOUT_TOKEN = "logout_token"  # noqa: S105
    LOGOUT_TOKEN_SIGNED = "logout_token_signed"  # noqa: S105
    """the three for Back-Channel Logout, as for the ID Token"""
    REPLY = "reply"
    """`Reply`, just before it is sent: status, headers and the bytes themselves"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is going on when a change is asked for its opinion."""

    provider: OpenIDProvider
    endpoint: str
    """"authorize", "token"...; "" for a token made by the test itself"""
    request: Request | None = None
    silent: bool = False
    """an Authentication Request with `prompt=none`"""
    refreshing: bool = False
    """a refresh token is being redeemed"""
    header: Mapping[str, Any] = field(default_factory=dict)
    claims: Mapping[str, Any] = field(default_factory=dict)


Transform = Callable[[Any, Situation], Any]


@dataclass(frozen=True, slots=True)
class Change:
    """At `point`, put what `apply` gives back in the place of what passes.

    `endpoints`: only there; empty: everywhere. `when`: only in situations of which it says True. What does
    not fit is not counted.
    """

    point: Point
    apply: Transform
    endpoints: frozenset[str] = frozenset()
    when: Callable[[Situation], bool] | None = None

    def fits(self, point: Point, situation: Situation) -> bool:
        return (
            self.point is point
            and (not self.endpoints or situation.endpoint in self.endpoints)
            and (self.when is None or self.when(situation))
        )


@dataclass(frozen=True, slots=True)
class Defect:
    """One way to misbehave. `when_off` is called once when it is switched off."""

    name: str
    changes: tuple[Change, ...]
    summary: str = ""
    when_off: Callable[[], None] | None = None


class Switch:
    """A defect that is on. As a context manager it goes off at the end of the block."""

    def __init__(self, board: Switchboard, defect: Defect, times: int | None) -> None:
        self.defect = defect
        self.times = times
        self._board = board
        self._lock = Lock()
        self._hits = [0] * len(defect.changes)

    def __repr__(self) -> str:
        return f"<Switch {self.defect.name}: {self.hits} times>"

    @property
    def hits(self) -> int:
        """How often it has made a difference (of several changes, the one most often made)."""
        return max(self._hits, default=0)

    def off(self) -> None:
        self._board.switch_off(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.off()

    def take(self, index: int) -> bool:
        """Is there a time left for this change? Then it is counted."""
        with self._lock:
            if self.times is not None and self._hits[index] >= self.times:
                return False
            self._hits[index] += 1
            return True


class Switchboard:
    """Every defect that is on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._on: list[Switch] = []

    @property
    def on(self) -> list[Switch]:
        with self._lock:
            return list(self._on)

    def switch_on(self, defect: Defect, times: int | None = None) -> Switch:
        """`times`: how often each of its changes is made, `None` for ever."""
        switch = Switch(self, defect, times)
        with self._lock:
            self._on.append(switch)
        return switch

    def switch_off(self, switch: Switch) -> None:
        with self._lock:
            if switch not in self._on:
                return
            self._on.remove(switch)
        if switch.defect.when_off is not None:
            switch.defect.when_off()

    def clear(self) -> None:
        for switch in self.on:
            self.switch_off(switch)

    def transform(self, point: Point, value: Any, situation: Situation) -> Any:
        """`value` after every change at this point, in the order in which they were switched on."""
        for switch in self.on:
            for change in _taken(switch, point, situation):
                value = change.apply(value, situation)
        return value

    def first(self, point: Point, value: Any, situation: Situation) -> Any:
        """`value` after the first change at this point that has something to say (gives back something else).

        Those for a number of times come first, in the order in which they were switched on, then the latest of those
        that hold for ever. So a test can queue some answers before a lasting one.
        """
        on = self.on
        for switch in [s for s in on if s.times is not None] + [s for s in reversed(on) if s.times is None]:
            for change in _taken(switch, point, situation):
                changed = change.apply(value, situation)
                if changed is not value:
                    return changed
        return value


def _taken(switch: Switch, point: Point, situation: Situation) -> Iterator[Change]:
    for index, change in enumerate(switch.defect.changes):
        if change.fits(point, situation) and switch.take(index):
            yield change


def replaced(point: Point, values: Mapping[str, Any]) -> Change:
    """Members of a message set to other values. A callable is asked for the new value and given the old one
    (or `None`)."""

    def apply(document: dict[str, Any], situation: Situation) -> dict[str, Any]:
        new = {name: value(document.get(name)) if callable(value) else value for name, value in values.items()}
        return {**document, **new}

    return Change(point, apply)


def dropped(point: Point, *names: str) -> Change:
    """Members of a message left out."""

    def apply(document: dict[str, Any], situation: Situation) -> dict[str, Any]:
        return {name: value for name, value in document.items() if name not in names}

    return Change(point, apply)


class Message:
    """One kind of message of the provider, to be altered by a test: `provider.id_token`,
    `provider.metadata`..."""

    def __init__(self, board: Switchboard, point: Point) -> None:
        self._board = board
        self._point = point
        self._mine: list[Switch] = []

    def replace(self, **values: Any) -> Switch:
        """Set members. A callable is asked for the new value and given the old one: `replace(iss=lambda iss:
        iss + "1")`."""
        return self.update(values)

    def update(self, values: Mapping[str, Any], *, times: int | None = None) -> Switch:
        """As `replace`, for names that are no Python names, or for a number of times only."""
        return self._on(f"replace {', '.join(values)}", replaced(self._point, values), times)

    def drop(self, *names: str, times: int | None = None) -> Switch:
        """Leave members out."""
        return self._on(f"drop {', '.join(names)}", dropped(self._point, *names), times)

    def change(self, function: Callable[[Any], Any], *, times: int | None = None) -> Switch:
        """Put what `function(message)` gives back in the message's place: a dict, or anything else JSON can
        hold."""
        return self._on("change", Change(self._point, lambda value, situation: function(value)), times)

    def reset(self) -> None:
        """Undo all that was done here. Defects that were switched on by name stay."""
        while self._mine:
            self._mine.pop().off()

    def _on(self, what: str, change: Change, times: int | None) -> Switch:
        switch = self._board.switch_on(Defect(f"{self._point}: {what}", (change,)), times)
        self._mine.append(switch)
        return switch
