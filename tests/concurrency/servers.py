"""PostgreSQL and Redis, started here on loopback with a folder of their own, and gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

USER = "postgres"  # PostgreSQL refuses to run as root; Debian's package makes this one
PATIENCE = 60  # seconds for a server to come up
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # nobody misses these data
    "max_connections": "200",
}


class NotAvailable(Exception):
    """A server cannot be run on this machine."""


@contextmanager
def postgresql() -> Iterator[int]:
    """The port; database `postgres`, user `site`, no password. Raises NotAvailable."""
    initdb, postgres, is_ready = (_binary(name) for name in ("initdb", "postgres", "pg_isready"))
    with _folder() as folder:
        data = str(folder / "data")
        made = subprocess.run(  # noqa: S603 - our own words only
            [*_as_somebody(), initdb, "-D", data, "-U", "site", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        if made.returncode:
            raise NotAvailable(f"initdb: {made.stderr[-500:]}")
        port = _free_port()
        options = [f"--{name}={value}" for name, value in {**OPTIONS, "port": str(port)}.items()]

        def ready() -> bool:
            command = [is_ready, "-q", "-h", "127.0.0.1", "-p", str(port)]
            return subprocess.run(command, check=False).returncode == 0  # noqa: S603 - our own words only

        with _running([*_as_somebody(), postgres, "-D", data, *options], folder, ready):
            yield port


@contextmanager
def redis() -> Iterator[int]:
    """The port. Raises NotAvailable."""
    server = _binary("redis-server")
    with _folder() as folder:
        port = _free_port()
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]

        def ready() -> bool:
            try:
                with closing(socket.create_connection(("127.0.0.1", port), timeout=1)) as connection:
                    connection.sendall(b"PING\r\n")
                    return connection.recv(64).startswith(b"+PONG")
            except OSError:
                return False

        with _running([*_as_somebody(), server, "--dir", str(folder), *options], folder, ready):
            yield port


def _binary(name: str) -> str:
    """Debian keeps PostgreSQL's out of the PATH, one folder a version."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = shutil.which(name) or (str(newest[-1]) if newest else None)
    if found is None:
        raise NotAvailable(f"{name} is not installed")
    return found


def _as_somebody() -> list[str]:
    """In front of a command: not as root, and not longer than this process, however that ends."""
    setpriv = shutil.which("setpriv")
    if os.getuid() == 0:
        if setpriv is None or not _exists(USER):
            raise NotAvailable(f"this is root's shell, and there is no setpriv or no user {USER}")
        return [setpriv, "--reuid", USER, "--regid", USER, "--clear-groups", "--pdeathsig", "KILL"]
    return [] if setpriv is None else [setpriv, "--pdeathsig", "KILL"]


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="silent-sso-"))
    try:
        if os.getuid() == 0:
            shutil.chown(folder, USER if _exists(USER) else None, None)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _running(command: list[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    complaints = folder / "log"
    with (
        complaints.open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) as process,  # noqa: S603 - our own words only
    ):
        try:
            end = time.monotonic() + PATIENCE
            while not ready():
                if process.poll() is not None or time.monotonic() > end:
                    raise NotAvailable(f"{command[-1]}: {complaints.read_text(errors='replace')[-500:]}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
