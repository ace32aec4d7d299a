"""A TCP proxy between the site and the provider that can be told to misbehave, below HTTP too.

    with FaultProxy() as proxy, proxy.at("/token", hang):
        ...

One request a connection: what stands in for a broken network must not itself depend on connections being kept.
"""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

SECONDS = 30  # no side waits longer for the other: a client that is never cut fails its test in place of hanging it
PIECE = b"x" * 65536


@dataclass
class Exchange:
    """One request that has been read, and the connection it came by."""

    client: socket.socket
    request: bytes
    proxy: FaultProxy

    def forward(self) -> bytes:
        """What the provider answers."""
        head, _, body = self.request.partition(b"\r\n\r\n")
        head = re.sub(rb"\r\n(?i:connection):[^\r]*", b"", head) + b"\r\nConnection: close"
        with socket.create_connection(self.proxy.upstream, timeout=SECONDS) as upstream:
            upstream.sendall(head + b"\r\n\r\n" + body)
            return b"".join(iter(lambda: upstream.recv(65536), b""))

    def send(self, data: bytes) -> None:
        self.client.sendall(data)

    def send_until_left(self, data: bytes, pause: float = 0) -> None:
        """Over and over, until the client hangs up or the proxy closes."""
        with suppress(OSError):
            while not self.proxy.closing.wait(pause):
                self.client.sendall(data)

    def wait_until_left(self) -> None:
        with suppress(OSError):
            while self.client.recv(65536):
                pass

    def reset(self) -> None:
        """RST in place of FIN."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Fault = Callable[[Exchange], None]


class FaultProxy:
    """`seen`: the paths that were asked for, in order. `upstream`: where the provider listens."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.upstream = ("127.0.0.1", 0)
        self.seen: list[str] = []
        self.closing = Event()
        self._tls = tls
        self._faults: dict[str, Fault] = {}
        self._lock = Lock()
        self._open: dict[socket.socket, Thread] = {}
        self._family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._address: tuple[str, int] = (host, 0)
        self._listen()

    @property
    def origin(self) -> str:
        host = f"[{self._address[0]}]" if ":" in self._address[0] else self._address[0]
        return f"{'https' if self._tls else 'http'}://{host}:{self._address[1]}"

    def use(self, tls: ssl.SSLContext) -> None:
        """Another certificate from now on."""
        self._tls = tls

    @contextmanager
    def at(self, path: str, fault: Fault) -> Iterator[None]:
        """Requests for `path` meet `fault` in place of the provider."""
        self._faults[path] = fault
        try:
            yield
        finally:
            del self._faults[path]

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens on the port."""
        self._stop_listening()
        try:
            yield
        finally:
            self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closing.set()
        self._stop_listening()
        with self._lock:
            still_open = dict(self._open)
        for client in still_open:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in still_open.values():
            thread.join(SECONDS)

    def _listen(self) -> None:
        self._socket = socket.create_server(self._address, family=self._family)
        self._address = self._socket.getsockname()[:2]
        self._thread = Thread(target=self._accept, args=(self._socket,), daemon=True)
        self._thread.start()

    def _stop_listening(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # accept() returns
        self._socket.close()
        self._thread.join(SECONDS)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            client.settimeout(SECONDS)
            thread = Thread(target=self._serve, args=(client,), daemon=True)
            with self._lock:
                self._open[client] = thread
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        stream = client
        try:
            with suppress(OSError):  # ssl's errors are OSErrors too
                if self._tls is not None:
                    stream = self._tls.wrap_socket(client, server_side=True)
                request = _read(stream)
                if request:  # a mere look whether anybody is at home sends none
                    path = request.split(b" ", 2)[1].decode().partition("?")[0]
                    self.seen.append(path)
                    self._faults.get(path, through)(Exchange(stream, request, self))
        finally:
            stream.close()
            with self._lock:
                self._open.pop(client, None)
            client.close()


def _read(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            return b""
        data += more
    length = re.search(rb"\r\n(?i:content-length): *(\d+)", data)
    whole = data.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(data) < whole and (more := client.recv(65536)):
        data += more
    return data


# -- what can go wrong -----------------------------------------------------------------------------------------------


def through(exchange: Exchange) -> None:
    """Nothing does."""
    exchange.send(exchange.forward())


def hang(exchange: Exchange) -> None:
    exchange.wait_until_left()


def drip(exchange: Exchange) -> None:
    """One byte at a time: each read succeeds, the answer never ends."""
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    exchange.send_until_left(b"x", pause=0.01)


def reset(exchange: Exchange) -> None:
    exchange.reset()


def reset_after_work(exchange: Exchange) -> None:
    exchange.forward()
    exchange.reset()


def truncate(exchange: Exchange) -> None:
    answer = exchange.forward()
    exchange.send(answer[: -len(answer.partition(b"\r\n\r\n")[2]) // 2])


def garbage(exchange: Exchange) -> None:
    exchange.send(b"\x16\x03\x01\x00\xff\x00SSH-2.0\r\n\r\n\r\n")


def giant(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
    exchange.send_until_left(PIECE)


def endless_chunks(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
    exchange.send_until_left(b"10000\r\n" + PIECE + b"\r\n")


def flood_of_interim_answers(exchange: Exchange) -> None:
    exchange.send_until_left(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, pause=0.001)


def answer(status: int, body: bytes = b"", *headers: str) -> Fault:
    """A whole answer that the provider did not give."""
    lines = [f"HTTP/1.1 {status} Whatever", *headers, f"Content-Length: {len(body)}", "Connection: close"]
    message = ("\r\n".join(lines) + "\r\n\r\n").encode() + body
    return lambda exchange: exchange.send(message)


gzip_bomb = answer(200, gzip.compress(b" " * 5_000_000, 1), "Content-Encoding: gzip")


def redirect(status: int, to: str = "/elsewhere") -> Fault:
    return answer(status, b"", f"Location: {to}")
