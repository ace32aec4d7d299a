from __future__ import annotations

import socket
import struct
from http.client import HTTPConnection
from threading import Event

import pytest

from django_silent_sso.testing.messages import CLOSED_WITHOUT_A_WORD, Reply, Request
from django_silent_sso.testing.server import MAX_BODY, Server
from tests.testing.site import send


class Echo:
    """Remembers requests; answers what it is told to."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections: list[int] = []
        self.reply = Reply(200, b"hello", (("X-One", "ä"),))
        self.served = Event()
        self.server = Server("127.0.0.1", 0, self, self.connections.append)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def __call__(self, request: Request) -> Reply:
        self.requests.append(request)
        self.served.set()
        return self.reply


@pytest.fixture
def echo():  # type: ignore[no-untyped-def]
    running = Echo()
    yield running
    running.server.stop()


def raw(echo: Echo, data: bytes) -> bytes:
    """What comes back, to the end, for these bytes."""
    with socket.create_connection(("127.0.0.1", echo.server.port), timeout=10) as connection:
        connection.sendall(data)
        received = b""
        while chunk := connection.recv(4096):
            received += chunk
        return received


def test_a_request_is_read(echo: Echo) -> None:
    send(f"{echo.url}/a/b?x=1&x=2&y=", form={"z": "ä &"}, headers={"Cookie": "a=1; b=2"})
    (request,) = echo.requests
    assert (request.method, request.path) == ("POST", "/a/b")
    assert request.query == (("x", "1"), ("x", "2"), ("y", ""))
    assert request.form == (("z", "ä &"),)
    assert (request.cookie("b"), request.connection) == ("2", 1)


def test_a_body_of_another_kind_is_no_form(echo: Echo) -> None:
    send(echo.url, method="POST", headers={"Content-Type": "application/json", "Content-Length": "0"})
    assert echo.requests[0].form == ()


def test_a_reply_is_sent(echo: Echo) -> None:
    answer = send(echo.url)
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"hello", "5")
    assert answer.headers["date"]
    echo.reply = Reply(299, b"", (("X-One", "€"),))
    assert send(echo.url).headers["x-one"] == "?"


def test_connections_are_kept_alive(echo: Echo) -> None:
    connection = HTTPConnection("127.0.0.1", echo.server.port, timeout=10)
    for _ in range(3):
        send(echo.url, connection=connection)
    connection.close()
    send(echo.url)
    assert [request.connection for request in echo.requests] == [1, 1, 1, 2]
    assert echo.connections == [1, 2]


def test_the_client_may_ask_to_close(echo: Echo) -> None:
    answer = raw(echo, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhello")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Transfer-Encoding: chunked", b"411"),
        (b"Content-Length: x", b"400"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: %d" % (MAX_BODY + 1), b"413"),
    ],
)
def test_bodies_that_are_not_read(echo: Echo, head: bytes, status: bytes) -> None:
    answer = raw(echo, b"POST / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in answer
    assert echo.requests == []


def test_no_http_at_all(echo: Echo) -> None:
    echo.reply = CLOSED_WITHOUT_A_WORD
    assert raw(echo, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b""
    echo.reply = Reply(status=0, stream=lambda write: write(b"SSH-2.0\r\n"))
    assert raw(echo, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n") == b"SSH-2.0\r\n"


def test_a_client_that_goes_away_disturbs_nobody(echo: Echo, capfd: pytest.CaptureFixture[str]) -> None:
    echo.reply = Reply(200, b"x" * (1 << 22))
    with socket.create_connection(("127.0.0.1", echo.server.port), timeout=10) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert echo.served.wait(10)
        # Linger 0: the close is a reset, so that writing fails.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    echo.reply = Reply(200, b"still there")
    assert send(echo.url).body == b"still there"
    assert capfd.readouterr().err == ""


def test_a_connection_on_which_nothing_is_asked(echo: Echo) -> None:
    with socket.create_connection(("127.0.0.1", echo.server.port), timeout=10) as silent:
        send(echo.url)
        assert echo.connections == [1, 2]
        assert silent.getpeername()


def test_an_application_that_stops_its_own_server() -> None:
    echo = Echo()
    echo.reply = Reply(204)

    def stop(request: Request) -> Reply:
        echo.server.stop()
        return Reply(204)

    echo.server.application = stop
    with pytest.raises(OSError, match=r"closed connection|reset|Broken pipe"):
        send(echo.url)
