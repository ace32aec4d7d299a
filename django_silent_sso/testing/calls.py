"""What was asked of the provider, so that a test can say "one token request" or "not a single call"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock

from django_silent_sso.testing.messages import Headers, Pairs, Request, first_of_each


@dataclass(frozen=True, slots=True)
class Call:
    """One request that the provider has answered. `status` 0: the connection was closed without an answer."""

    endpoint: str
    method: str
    parameters: Mapping[str, str]
    headers: Headers = field(repr=False)
    status: int
    query: Pairs = field(repr=False)
    form: Pairs = field(repr=False)
    path: str = field(repr=False)
    connection: int = field(repr=False)


class CallLog:
    """Calls and TCP connections, written by the server's threads and read by the test's."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[Call] = []
        self._connections: set[int] = set()

    def record(self, endpoint: str, request: Request, status: int) -> None:
        call = Call(
            endpoint=endpoint,
            method=request.method,
            parameters=first_of_each(request.query + request.form),
            headers=request.headers,
            status=status,
            query=request.query,
            form=request.form,
            path=request.path,
            connection=request.connection,
        )
        with self._lock:
            self._calls.append(call)

    def record_connection(self, number: int) -> None:
        with self._lock:
            self._connections.add(number)

    @property
    def calls(self) -> list[Call]:
        with self._lock:
            return list(self._calls)

    @property
    def connections(self) -> int:
        with self._lock:
            return len(self._connections)

    def to(self, *endpoints: str) -> list[Call]:
        return [call for call in self.calls if call.endpoint in endpoints]

    def forget(self) -> None:
        with self._lock:
            self._calls.clear()
            self._connections.clear()
