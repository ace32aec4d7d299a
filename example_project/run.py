"""The demo: an OpenID Provider and two sites on this machine, with one command.

    python3 example_project/run.py

It needs Python 3.11 or newer and nothing else: what is missing is installed into `.venv-demo` first.
Everything listens on this machine only, and every start begins with empty databases and new secrets.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import importlib.util
import os
import queue
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import ROOT, in_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HERE = Path(__file__).resolve().parent
NEEDED = ("cryptography", "django", "jwt", "mozilla_django_oidc", "oauth2_provider", "waitress")

GUIDE = """
The demo is ready.

  The Daily Loopback   {news}   a newspaper: signs you in by a hidden frame
  Teapot 418           {shop}   a shop: signs you in by a redirect
  Demo ID              {op}     the OpenID Provider both of them trust

  Accounts: demo (password: demo) and other (password: other)

  1. Open the newspaper and sign in as demo.
  2. Open the shop: you are signed in already, and nobody asked for a password.
  3. Sign out at Demo ID: both sites have signed you out at once. Go back to their tabs: they notice.

  A browser that cannot find these names (Safari) needs one line in its hosts file:
  127.0.0.1 {hosts}

Press Ctrl-C to stop."""


@dataclass
class Server:
    """One of the three subprocesses."""

    name: str
    host: str
    port: int
    settings: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def option(self) -> str:
        return f"--{self.name}-port"


def main() -> int:
    servers = _servers(_arguments())
    if busy := [server for server in servers if _in_use(server.port)]:
        for server in busy:
            advice = f"Stop what uses it, or choose another: {server.option} {server.port + 100}"
            print(f"Port {server.port} is in use. {advice}", file=sys.stderr)
        return 1
    if any(importlib.util.find_spec(module) is None for module in NEEDED):
        in_environment("demo", ["demo"])
        print("Delete .venv-demo and start again: something is missing in it.", file=sys.stderr)
        return 1
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        if number := getattr(signal, name, None):  # Windows has no SIGHUP
            signal.signal(number, _stop)
    try:
        with tempfile.TemporaryDirectory(prefix="silent-sso-demo-") as directory:
            return _run(servers, directory)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Start the demo of django-silent-sso.")
    parser.add_argument("--op-port", type=int, default=9000, metavar="PORT", help="default: 9000")
    parser.add_argument("--news-port", type=int, default=8000, metavar="PORT", help="default: 8000")
    parser.add_argument("--shop-port", type=int, default=8001, metavar="PORT", help="default: 8001")
    return parser.parse_args()


def _servers(options: argparse.Namespace) -> list[Server]:
    return [
        Server("op", "id.demo.localhost", options.op_port, "demo_op.settings"),
        Server("news", "news.demo.localhost", options.news_port, "demo_site.settings"),
        Server("shop", "shop.demo.localhost", options.shop_port, "demo_site.settings"),
    ]


def _in_use(port: int) -> bool:
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.suppress(OSError), socket.socket(family) as probe:
            if probe.connect_ex((address, port)) == 0:
                return True
    return False


def _run(servers: list[Server], directory: str) -> int:
    """Starts the servers and waits until one of them ends, which is a fault, or somebody stops the demo."""
    shared = {
        "DEMO_DIR": directory,
        **{f"DEMO_{server.name.upper()}_URL": server.url for server in servers},
        "DEMO_NEWS_SECRET": secrets.token_urlsafe(32),
        "DEMO_SHOP_SECRET": secrets.token_urlsafe(32),
    }
    print("Starting the OpenID Provider and the two sites ...", flush=True)
    with contextlib.ExitStack() as stack:
        said: queue.Queue[tuple[Server, str]] = queue.Queue()
        for server in servers:
            stack.enter_context(_running(server, shared, said))
        waiting = {server.name for server in servers}
        while True:
            server, line = _next(said)
            if not line:
                print(f"The server of {server.url} has ended; see its message above.", file=sys.stderr)
                return 1
            if line == "ready" and server.name in waiting:
                _ask(server)
                waiting.remove(server.name)
                if not waiting:
                    op, news, shop = (server.url for server in servers)
                    hosts = " ".join(server.host for server in servers)
                    print(GUIDE.format(op=op, news=news, shop=shop, hosts=hosts), flush=True)


@contextlib.contextmanager
def _running(server: Server, shared: Mapping[str, str], said: queue.Queue[tuple[Server, str]]) -> Iterator[None]:
    """The server's process; its lines go to `said`, and an empty one when it has ended."""
    path = os.pathsep.join([str(ROOT), str(HERE), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    environment = {
        **os.environ,
        **shared,
        "DEMO_SITE": server.name,
        "DEMO_SECRET_KEY": secrets.token_urlsafe(50),
        "PYTHONPATH": path,
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(  # noqa: S603  # our own arguments
        [sys.executable, str(HERE / "serve.py"), server.settings, str(server.port)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for this process: it stops the others in order.
        start_new_session=True,
    )

    def listen() -> None:
        if process.stdout is not None:
            for line in process.stdout:
                said.put((server, line.strip() or " "))
        said.put((server, ""))

    threading.Thread(target=listen, daemon=True).start()
    try:
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()  # the server stops when its input ends
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _next(said: queue.Queue[tuple[Server, str]]) -> tuple[Server, str]:
    while True:
        # Windows delivers Ctrl-C only between two waits.
        with contextlib.suppress(queue.Empty):
            return said.get(timeout=1 if os.name == "nt" else None)


def _ask(server: Server) -> None:
    """One real page: ready means that it answers. Python need not know the name, so the address is given."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("HEAD", "/", headers={"Host": f"{server.host}:{server.port}"})
        connection.getresponse().read()


def _stop(number: int, frame: object) -> None:
    """Ctrl-C, SIGTERM and a closed terminal all end the same way."""
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        if other := getattr(signal, name, None):
            signal.signal(other, signal.SIG_IGN)  # once is enough: the rest is an orderly end
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
