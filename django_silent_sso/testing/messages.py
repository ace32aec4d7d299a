"""One HTTP request as the provider reads it, and one reply as it sends it. No sockets here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

Pairs = tuple[tuple[str, str], ...]
Write = Callable[[bytes], None]

# What may stand in a Location as it is. Anything else (CR, LF, quotes, letters outside ASCII) is
# percent-encoded: a redirect URI comes out of a query and would otherwise be able to add headers.
_SAFE_IN_LOCATION = "%/:=&?~#+!$,;'@()*[]"


class Headers(Mapping[str, str]):
    """Header fields by name in any case; of a field that came more than once, the values joined with
    commas."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, str] = {}
        for name, value in pairs:
            key = name.lower()
            self._values[key] = f"{self._values[key]}, {value}" if key in self._values else value

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __repr__(self) -> str:
        return f"Headers({list(self._values)})"


def first_of_each(pairs: Pairs) -> dict[str, str]:
    """The first value of each name."""
    values: dict[str, str] = {}
    for name, value in pairs:
        values.setdefault(name, value)
    return values


@dataclass(frozen=True, slots=True)
class Request:
    """What one HTTP request asked. `connection` numbers the TCP connections from 1, in the order they
    came."""

    method: str
    path: str
    query: Pairs = ()
    form: Pairs = ()
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    connection: int = 0

    @property
    def parameters(self) -> dict[str, str]:
        """Query and form together, the first value of each name."""
        return first_of_each(self.query + self.form)

    def repeated(self) -> list[str]:
        """Names that came more than once (RFC 6749 3.1 forbids it)."""
        names = [name for name, _ in self.query + self.form]
        return sorted({name for name in names if names.count(name) > 1})

    def cookie(self, name: str) -> str | None:
        """The value of one cookie."""
        for part in self.headers.get("cookie", "").replace(",", ";").split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back.

    `status` 0 sends no HTTP at all: the connection is closed without a word, or after what `stream` wrote.
    `stream` is called with a function that writes raw bytes, after the headers; the connection is closed
    behind it. A `Content-Length` among the headers is sent as it stands, so a body can be cut short.
    """

    status: int = 200
    body: bytes = b""
    headers: Pairs = ()
    stream: Callable[[Write], None] | None = None

    @classmethod
    def json(cls, document: Any, status: int = 200, headers: Pairs = ()) -> Reply:
        body = json.dumps(document).encode()
        return cls(status, body, (("Content-Type", "application/json; charset=utf-8"), *headers))

    @classmethod
    def html(cls, page: str, status: int = 200, headers: Pairs = ()) -> Reply:
        return cls(status, page.encode(), (("Content-Type", "text/html; charset=utf-8"), *headers))

    @classmethod
    def redirect(cls, to: str, status: int = 303, headers: Pairs = ()) -> Reply:
        return cls(status, b"", (("Location", quote(to, safe=_SAFE_IN_LOCATION)), *headers))

    def with_headers(self, headers: Mapping[str, str]) -> Reply:
        """The same reply with these headers, each in place of one of its name."""
        names = {name.lower() for name in headers}
        kept = tuple(pair for pair in self.headers if pair[0].lower() not in names)
        return replace(self, headers=kept + tuple(headers.items()))

    def without_headers(self, *names: str) -> Reply:
        """The same reply without these headers."""
        gone = {name.lower() for name in names}
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() not in gone))


NO_STORE: Pairs = (("Cache-Control", "no-store"),)
CLOSED_WITHOUT_A_WORD = Reply(status=0)
