"""The WebSocket client against a server that does what browsers do: events in between, parts, pings, long messages."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import pytest

from tests.browsers.wire import CLOSE, PING, PONG, TEXT, RefusedError, Wire

LAST, CONTINUED = 128, 0
Server = Callable[[BinaryIO], None]


def frame(first: int, data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return bytes([first, size]) + data
    if size < 1 << 16:
        return bytes([first, 126]) + struct.pack("!H", size) + data
    return bytes([first, 127]) + struct.pack("!Q", size) + data


def say(stream: BinaryIO, data: bytes) -> None:
    stream.write(data)
    stream.flush()


def read(stream: BinaryIO) -> tuple[int, bytes]:
    """One frame of the client: whole, and masked."""
    first, second = stream.read(2)
    assert first & LAST
    assert second & 128
    size = second & 127
    if size == 126:
        (size,) = struct.unpack("!H", stream.read(2))
    elif size == 127:
        (size,) = struct.unpack("!Q", stream.read(8))
    mask = stream.read(4)
    return first & 15, bytes(byte ^ mask[number % 4] for number, byte in enumerate(stream.read(size)))


@contextmanager
def served(serve: Server, status: str = "101 Switching Protocols") -> Iterator[str]:
    """The address of a server that takes one connection."""

    def work() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            while stream.readline().strip():
                pass
            say(stream, f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\n\r\n".encode())
            serve(stream)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=work)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/session"
        thread.join()


def answer(stream: BinaryIO, **more: Any) -> bytes:
    """The answer to the client's next call: its own message."""
    kind, data = read(stream)
    assert kind == TEXT
    message = json.loads(data)
    return json.dumps({"id": message["id"], "result": message, **more}).encode()


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 200_000])
def test_what_is_sent_arrives_and_what_is_answered_too(size: int) -> None:
    with (
        served(lambda stream: say(stream, frame(LAST | TEXT, answer(stream)))) as url,
        closing(Wire(url)) as wire,
    ):
        got = wire.call("run", session="tab", text="ü" * size)
    assert (got["method"], got["sessionId"], got["params"]) == ("run", "tab", {"text": "ü" * size})


def test_events_pings_and_parts_do_not_get_in_the_way() -> None:
    ponged = []

    def serve(stream: BinaryIO) -> None:
        said = answer(stream)
        say(stream, frame(LAST | TEXT, b'{"method": "event", "params": {"number": 1}}'))
        say(stream, frame(TEXT, said[:5]) + frame(LAST | PING, b"there?") + frame(CONTINUED, said[5:9]))
        say(stream, frame(LAST | CONTINUED, said[9:]))
        ponged.append(read(stream))

    with served(serve) as url, closing(Wire(url)) as wire:
        assert wire.call("run")["method"] == "run"
        assert wire.event("event") == {"number": 1}
    assert ponged == [(PONG, b"there?")]


def test_error_is_raised() -> None:
    def serve(stream: BinaryIO) -> None:
        say(stream, frame(LAST | TEXT, answer(stream, error="no such tab", message="it was closed")))

    with served(serve) as url, closing(Wire(url)) as wire, pytest.raises(RefusedError, match="run: no such tab it was"):
        wire.call("run")


@pytest.mark.parametrize("last", [frame(LAST | CLOSE, b""), b""])
def test_browser_that_ends_is_noticed_at_once(last: bytes) -> None:
    def serve(stream: BinaryIO) -> None:
        read(stream)
        say(stream, last)

    with served(serve) as url, closing(Wire(url)) as wire, pytest.raises(RefusedError, match="the browser is gone"):
        wire.call("run")


def test_server_that_speaks_no_websocket() -> None:
    with served(lambda stream: None, "404 Not Found") as url, pytest.raises(RefusedError, match="404"):
        Wire(url)
