"""JSON messages over a WebSocket (RFC 6455): Chromium's DevTools protocol and Firefox's WebDriver BiDi are both that.

Only what a driver on the same machine needs: no TLS, no extensions.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import struct
import threading
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tests.browsers.process import PATIENCE

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class RefusedError(Exception):
    """The browser, or the script in the page, said no."""


class Wire:
    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb")
        self._answers: dict[int, dict[str, Any]] = {}
        self._events: list[dict[str, Any]] = []
        self._serial = 0
        self._news = threading.Condition()
        self._open = True
        try:
            self._shake_hands(parts.netloc, parts.path)
        except BaseException:
            self._stream.close()
            self._socket.close()
            raise
        self._reader = threading.Thread(target=self._read, name="wire", daemon=True)
        self._reader.start()

    def call(self, method: str, *, session: str | None = None, **params: Any) -> dict[str, Any]:
        """The answer to a command; `session`: the DevTools protocol's name of a tab."""
        with self._news:
            self._serial += 1
            serial = self._serial
            message = {"id": serial, "method": method, "params": params}
            self._send(TEXT, json.dumps(message if session is None else {**message, "sessionId": session}).encode())
            if not self._news.wait_for(lambda: serial in self._answers or not self._open, PATIENCE):
                raise RefusedError(f"{method}: no answer")
            if serial not in self._answers:
                raise RefusedError(f"{method}: the browser is gone")
            answer = self._answers.pop(serial)
        if "error" in answer:
            raise RefusedError(f"{method}: {answer['error']} {answer.get('message', '')}")
        result: dict[str, Any] = answer["result"]
        return result

    def event(self, method: str) -> dict[str, Any]:
        """What the next event of this name says; it is forgotten then. Browsers send those that were asked for."""
        with self._news:
            if not self._news.wait_for(lambda: any(event["method"] == method for event in self._events), PATIENCE):
                raise RefusedError(f"{method}: never")
            found = next(event for event in self._events if event["method"] == method)
            self._events.remove(found)
        params: dict[str, Any] = found["params"]
        return params

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._stream.close()
        self._socket.close()

    def _shake_hands(self, host: str, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {host}", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        status = self._stream.readline()
        while self._stream.readline().strip():
            pass
        if b" 101 " not in status:
            raise RefusedError(f"no WebSocket: {status!r}")

    def _read(self) -> None:
        message = b""
        with suppress(OSError, struct.error, ValueError):
            while True:
                first, length = self._stream.read(2)
                if length == 126:
                    (length,) = struct.unpack("!H", self._stream.read(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", self._stream.read(8))
                data = self._stream.read(length)
                kind = first & 15
                if kind == CLOSE:
                    break
                if kind == PING:
                    with self._news:
                        self._send(PONG, data)
                elif kind != PONG:
                    message += data
                    if first & 128:  # the last part of it
                        self._heard(json.loads(message))
                        message = b""
        with self._news:
            self._open = False
            self._news.notify_all()

    def _heard(self, message: dict[str, Any]) -> None:
        if message.get("id") is not None:
            with self._news:
                self._answers[message["id"]] = message
                self._news.notify_all()
        elif "method" in message:
            with self._news:
                self._events = [*self._events[-99:], message]
                self._news.notify_all()

    def _send(self, kind: int, data: bytes) -> None:
        size = len(data)
        head = bytes([128 | kind])
        if size < 126:
            head += bytes([128 | size])
        elif size < 1 << 16:
            head += bytes([128 | 126]) + struct.pack("!H", size)
        else:
            head += bytes([128 | 127]) + struct.pack("!Q", size)
        mask = os.urandom(4)  # a client's duty (5.3)
        masked = int.from_bytes(data) ^ int.from_bytes((mask * (size // 4 + 1))[:size])
        self._socket.sendall(head + mask + masked.to_bytes(size))
