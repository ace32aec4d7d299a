"""The HTTP server below the provider: real sockets on loopback, keep-alive, a thread for each connection.

`stop()` leaves nothing behind, kept-alive connections included: a provider that is down must look down at
once.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socketserver import TCPServer
from threading import Lock, Thread, current_thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django_silent_sso.testing.messages import Headers, Pairs, Reply, Request

MAX_BODY = 1 << 20
_SECONDS_TO_FINISH = 5.0
_PHRASES = {status.value: status.phrase for status in HTTPStatus}

Application = Callable[[Request], Reply]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Each reply is written at once; waiting for the acknowledgement of an earlier packet would cost 40 ms.
    disable_nagle_algorithm = True
    server: Server

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            # The client went away, or stop() closed the connection: nobody is left to be told.
            self.close_connection = True

    def _serve(self) -> None:
        request = self._read()
        if isinstance(request, Request):
            self._send(self.server.application(request))
        else:
            self.close_connection = True
            self._send(Reply(request))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = _serve  # noqa: N815

    def _read(self) -> Request | HTTPStatus:
        if "transfer-encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED
        length = self.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST
        if int(length) > MAX_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        body = self.rfile.read(int(length))
        url = urlsplit(self.path)
        return Request(
            method=self.command,
            path=url.path,
            query=_pairs(url.query),
            form=_pairs(body.decode("utf-8", "replace")) if self._is_form() else (),
            headers=Headers(self.headers.items()),
            body=body,
            connection=self.server.number_of(self.connection),
        )

    def _is_form(self) -> bool:
        return self.headers.get_content_type() == "application/x-www-form-urlencoded"

    def _send(self, reply: Reply) -> None:
        if reply.status:
            self.wfile.write(self._head(reply) + (b"" if self.command == "HEAD" else reply.body))
        if reply.stream is not None:
            reply.stream(self._write)
        if reply.stream is not None or not reply.status:
            self.close_connection = True

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)

    def _head(self, reply: Reply) -> bytes:
        names = {name.lower() for name, _ in reply.headers}
        headers = list(reply.headers)
        if "date" not in names:  # a test's own clock
            headers.append(("Date", self.date_time_string()))
        if reply.stream is None and "content-length" not in names:
            headers.append(("Content-Length", str(len(reply.body))))
        if self.close_connection or reply.stream is not None:
            headers.append(("Connection", "close"))
        reason = _PHRASES.get(reply.status, "")
        lines = [f"HTTP/1.1 {reply.status} {reason}", *(f"{name}: {value}" for name, value in headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name in the base class)
        """Nothing on stderr: what was asked is in `provider.calls`."""


def _pairs(text: str) -> Pairs:
    return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=1000))


class Server(ThreadingHTTPServer):
    """Hands each request to `application`; `on_connection` hears the number of each new TCP connection."""

    daemon_threads = True
    # The provider goes down and comes back on its port while old connections are still in TIME_WAIT.
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, application: Application, on_connection: Callable[[int], None]) -> None:
        self.application = application
        self._on_connection = on_connection
        self._numbers = count(1)
        self._lock = Lock()
        self._open: dict[socket.socket, tuple[int, Thread]] = {}
        self._wake, self._woken = socket.socketpair()
        try:
            super().__init__((host, port), _Handler)
        except OSError:
            self._close_pair()
            raise
        # A client that is gone before accept() must not hold up the others for ever.
        self.socket.settimeout(1)
        self._thread = Thread(target=self._accept, name="openid-provider", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def server_bind(self) -> None:
        # Not HTTPServer's, which asks the resolver for the host's full name: that can take seconds.
        TCPServer.server_bind(self)

    def _accept(self) -> None:
        # serve_forever() looks every half second whether it should end; a socket pair tells at once.
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while self._woken not in {key.fileobj for key, _ in selector.select()}:
                self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        # Noted here, before its thread runs: stop() must not overlook a connection that was just accepted.
        number = next(self._numbers)
        thread = Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = (number, thread)
        self._on_connection(number)
        thread.start()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.pop(request, None)

    def number_of(self, connection: socket.socket) -> int:
        with self._lock:
            return self._open[connection][0]

    def stop(self) -> None:
        """Close the port and every connection, and wait until the last of their threads has ended."""
        self._wake.send(b"x")
        self._thread.join()
        self.server_close()
        with self._lock:
            still_open = dict(self._open)
        for connection in still_open:
            with suppress(OSError):  # it was closed in this very moment
                connection.shutdown(socket.SHUT_RDWR)
        for _, thread in still_open.values():
            if thread is not current_thread():
                thread.join(_SECONDS_TO_FINISH)
        self._close_pair()

    def _close_pair(self) -> None:
        self._wake.close()
        self._woken.close()
