"""One deadline for a whole exchange, however the OP spends the time (DS06)."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.op import http
from django_silent_sso.op.http import fetch
from django_silent_sso.protocol.errors import OPUnavailable, Reason
from django_silent_sso.testing import OpenIDProvider
from tests.op.servers import Conversation, make_certificate, message, serving

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture(autouse=True)
def _impatient(settings: Settings) -> None:
    settings.OIDC_TIMEOUT = 0.3


def silent(talk: Conversation) -> bool:
    talk.read_request()
    return talk.was_left()


def body_without_end(talk: Conversation) -> bool:
    talk.read_request()
    talk.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{")
    return talk.was_left()


def dripping_body(talk: Conversation) -> bool:
    talk.read_request()
    talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    return talk.drip(b"x")


def dripping_chunks(talk: Conversation) -> bool:
    talk.read_request()
    talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    return talk.drip(b"1\r\nx\r\n")


def dripping_headers(talk: Conversation) -> bool:
    talk.read_request()
    talk.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    return talk.drip(b"x")


def always_continuing(talk: Conversation) -> bool:
    talk.read_request()
    return talk.drip(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize(
    "talk",
    [silent, body_without_end, dripping_body, dripping_chunks, dripping_headers, always_continuing],
    ids=["c20_silence", "c31_body_without_end", "c21_body", "c21_chunks", "c21_headers", "c32_flood_of_1xx"],
)
def test_ds06_time_is_up_for(talk: object) -> None:
    with serving(talk) as server:  # type: ignore[arg-type]
        with pytest.raises(OPUnavailable) as caught:
            fetch("GET", server.url)
        assert caught.value.reason is Reason.OP_TIMEOUT
        assert server.wait() == [True], "the connection was not cut"


def test_time_is_up_for_a_tls_handshake_that_never_ends() -> None:
    def handshake(talk: Conversation) -> bool:
        talk.connection.recv(65536)
        talk.send(b"\x16\x03\x03\x40\x00")  # a handshake record of 16 kB begins
        return talk.drip(b"\x02")

    with serving(handshake) as server:
        with pytest.raises(OPUnavailable) as caught:
            fetch("GET", server.url.replace("http:", "https:"))
        assert caught.value.reason is Reason.OP_TIMEOUT
        assert server.wait() == [True], "the connection was not cut"


def test_time_is_up_also_inside_tls(settings: Settings, tmp_path: Path) -> None:
    bundle, context = make_certificate(tmp_path)
    settings.OIDC_VERIFY_SSL = str(bundle)

    def drip(talk: Conversation) -> bool:
        assert isinstance(talk.connection, ssl.SSLSocket)
        return dripping_body(talk)

    with serving(drip, context) as server:
        with pytest.raises(OPUnavailable) as caught:
            fetch("GET", server.url)
        assert caught.value.reason is Reason.OP_TIMEOUT
        assert server.wait() == [True], "the connection was not cut"


def test_a_connection_that_is_kept_has_the_same_deadline_again() -> None:
    def first_polite_then_silent(talk: Conversation) -> bool:
        talk.read_request()
        talk.send(message(b"{}"))
        return silent(talk)

    with serving(first_polite_then_silent) as server:
        assert fetch("GET", server.url).json() == {}
        with pytest.raises(OPUnavailable) as caught:
            fetch("GET", server.url)
        assert caught.value.reason is Reason.OP_TIMEOUT
        assert server.wait() == [True]


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_a_body_that_is_complete_only_after_the_deadline_is_no_answer(body: bytes) -> None:
    """The timer may fire between the last byte and the look at the clock."""
    deadline = http.Deadline(5)
    deadline.cut()
    with serving(lambda talk: (talk.read_request(), talk.send(message(body, "Connection: close")))) as server:
        response = http._session().get(server.url, stream=True, timeout=5)
        with pytest.raises(OPUnavailable) as caught:
            http._read(response, deadline)
        assert caught.value.reason is Reason.OP_TIMEOUT
        response.close()


def test_a_connection_made_too_late_is_cut_at_once() -> None:
    with serving(silent) as server, http.Deadline(60) as deadline:
        deadline.cut()
        with pytest.raises(http.requests.ConnectionError):
            http._session().get(server.url, timeout=30)
        assert server.wait() == [True]


def test_after_a_time_out_the_next_call_works(openid_provider: OpenIDProvider) -> None:
    with openid_provider.hang("discovery", times=1), pytest.raises(OPUnavailable):
        fetch("GET", openid_provider.url_of("discovery"))
    assert fetch("GET", openid_provider.url_of("discovery")).status == 200
