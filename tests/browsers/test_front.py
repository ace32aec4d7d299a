"""What the browsers take for the network knows the names of the test, by https, and nothing else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.browsers.front import Front
from tests.faults.certificates import Authority
from tests.interop.site_server import serving


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Front]:
    front = Front(Authority(tmp_path))
    yield front
    front.close()


@pytest.fixture
def origin() -> Iterator[str]:
    def application(environ: dict[str, str], start_response: object) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "3")])  # type: ignore[operator]
        return [b"yes"]

    with serving(application) as origin:  # type: ignore[arg-type]
        yield origin


def get(front: Front, url: str) -> str:
    return requests.get(
        url, proxies={"https": front.url, "http": front.url}, verify=str(front.authority), timeout=20
    ).text


def test_name_is_served_over_https_as_long_as_it_is_there(front: Front, origin: str) -> None:
    port = int(origin.rpartition(":")[2])
    with front.serving("app.corp.test", port):
        assert get(front, "https://app.corp.test/") == "yes"
    with pytest.raises(requests.exceptions.ProxyError):
        get(front, "https://app.corp.test/")


def test_certificate_is_for_that_name_alone(front: Front, origin: str) -> None:
    context = ssl.create_default_context(cafile=str(front.authority))
    with (
        front.serving("app.corp.test", int(origin.rpartition(":")[2])),
        socket.create_connection(("127.0.0.1", front.port)) as plain,
    ):
        plain.sendall(b"CONNECT app.corp.test:443 HTTP/1.1\r\n\r\n")
        assert plain.recv(1000).startswith(b"HTTP/1.1 200 ")
        with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
            context.wrap_socket(plain, server_hostname="app.shop.test")


@pytest.mark.parametrize("url", ["https://www.example.com/", "http://app.corp.test/", "https://app.corp.test:8443/"])
def test_nothing_else_can_be_reached(front: Front, origin: str, url: str) -> None:
    with front.serving("app.corp.test", int(origin.rpartition(":")[2])):
        try:
            answer = get(front, url)
        except requests.exceptions.ProxyError:
            answer = ""
        assert answer == ""
    assert len(front.refused) == 1


def test_server_that_has_stopped_closes_the_connection(front: Front, origin: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with front.serving("app.corp.test", port), pytest.raises(requests.exceptions.ConnectionError):
        get(front, "https://app.corp.test/")
