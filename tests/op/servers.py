"""Servers that misbehave below HTTP, each on its own socket and thread."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# How many bytes a dripping server sends before it gives up: a client that is not cut sees its answer out.
PATIENCE = 400


class Conversation:
    """One accepted connection."""

    def __init__(self, connection: socket.socket, closing: Event) -> None:
        self.connection = connection
        self._closing = closing

    def read_request(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data and (more := self.connection.recv(65536)):
            data += more
        return data

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def was_left(self) -> bool:
        """Wait until the client hangs up."""
        try:
            return self.connection.recv(1) == b""
        except OSError:
            return True

    def drip(self, data: bytes) -> bool:
        """Send this bit by bit, over and over, until the client hangs up (True) or patience ends (False)."""
        for _ in range(PATIENCE):
            try:
                self.connection.sendall(data)
            except OSError:
                return True
            if self._closing.wait(0.01):
                break
        return False


class RawServer:
    """Hands each connection to `talk`; what that gave back is in `results` once `wait()` returns."""

    def __init__(self, talk: Callable[[Conversation], object], tls: ssl.SSLContext | None = None) -> None:
        self.results: list[object] = []
        self._talk = talk
        self._tls = tls
        self._closing = Event()
        self._answered = Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._socket.getsockname()[1]}/path"

    def wait(self) -> list[object]:
        assert self._answered.wait(30), "nobody called"
        return self.results

    def _serve(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                self.results.append(self._talk(Conversation(connection, self._closing)))
                connection.close()
            self._answered.set()

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):  # accept() does not notice a closed listener everywhere
            socket.create_connection(self._socket.getsockname(), timeout=1).close()
        self._socket.close()
        self._thread.join(5)


@contextmanager
def serving(talk: Callable[[Conversation], object], tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    server = RawServer(talk, tls)
    try:
        yield server
    finally:
        server.close()


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of 127.0.0.1's own making, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    both = folder / "both.pem"
    both.write_bytes(
        pem.read_bytes()
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return pem, context


def message(body: bytes, *headers: str) -> bytes:
    """A whole HTTP response."""
    lines = ["HTTP/1.1 200 OK", *headers, f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body
