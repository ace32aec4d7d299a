"""The OP's process and the switches on it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.interop.oidc_provider.install import VERSION, NotAvailable, installed

CLIENT_SECRET = "a-secret-of-the-site-and-the-provider"
SERVER = Path(__file__).with_name("server.mjs")


@dataclass(frozen=True)
class Call:
    """One request the OP received; `browser` tells a person's browser from a site's server."""

    method: str
    path: str
    query: dict[str, str]
    status: int | None
    browser: bool
    new_connection: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


class OIDCProvider:
    """A running OP. Every change holds until `reset()`."""

    def __init__(self, issuer: str, control: str, port: int) -> None:
        self.issuer = issuer
        self.port = port
        self._control = control
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy of the machine has no business on loopback

    def reset(self, *sites: str) -> None:
        """Forgets everything; from now on its clients live at these origins."""
        self._ask(
            "POST",
            "/reset",
            redirect_uris=[f"{site}/oidc/callback/" for site in sites],
            post_logout_redirect_uris=[f"{site}/" for site in sites],
            logout_at=f"{sites[0]}/oidc",
        )

    def end_session(self) -> None:
        """Everybody is signed out at the OP, as after a sign-out there; their tokens die too."""
        self._ask("POST", "/end-session")

    def logout_tokens(self) -> list[str]:
        """ "success", or what went wrong, for each logout token that was sent."""
        return [row["error"] if row["outcome"] == "error" else "success" for row in self._ask("GET", "/logouts")]

    def switch_user(self, to: str) -> None:
        """Somebody else is signed in now, in the same browsers."""
        self._ask("POST", "/switch-user", to=to)

    def rotate_keys(self) -> None:
        """New signing keys, without overlap."""
        self._ask("POST", "/rotate-keys")

    def fail(self, path: str, **how: Any) -> None:
        """Requests below `path` fail from now on.

        `how`: one of `status` (number), `error` (an OP error code, sent to the redirect URI), `delay`
        (milliseconds, before anything is done), `late` (milliseconds, when all is done), `close` (True), `hang`
        (True); and `prompt` (only requests with this one), `times`.
        """
        self._ask("POST", "/fault", path=path, **how)

    def mend(self) -> None:
        """No request fails any more."""
        self._ask("DELETE", "/fault")

    def go_down(self) -> None:
        """Connections are refused."""
        self._ask("POST", "/down")

    def come_up(self) -> None:
        """Connections are taken again, at the same port."""
        self._ask("POST", "/up")

    def calls(self) -> list[Call]:
        """All requests since the last `forget_calls()`."""
        return [Call(**entry) for entry in self._ask("GET", "/log")]

    def calls_by_server(self) -> list[str]:
        """What the sites' servers asked, as "POST /token"."""
        return [str(call) for call in self.calls() if not call.browser]

    def forget_calls(self) -> None:
        self._ask("DELETE", "/log")

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, /, **body: Any) -> Any:
        response = self._http.request(method, self._control + path, json=body, timeout=30)
        response.raise_for_status()
        return response.json()


@contextmanager
def running(version: str = VERSION, *issuer: str, more: Mapping[str, Any] | None = None) -> Iterator[OIDCProvider]:
    """Starts the OP on free ports; `issuer`: its address, if it is another than its own. Raises NotAvailable.

    `more`: what the head of server.mjs says, with an `issuer` only.
    """
    node = shutil.which("node")
    if node is None:
        raise NotAvailable("Node is not installed")
    complaints = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed below
    process = subprocess.Popen(  # noqa: S603 - our own words only
        [node, str(SERVER), str(installed(version)), *issuer, *([json.dumps(more)] if more else [])],
        stdin=subprocess.PIPE,  # never written to: its end tells the OP that we are gone, however we ended
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
    )
    with complaints, process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                process.wait(timeout=10)
                complaints.seek(0)
                raise NotAvailable(f"oidc-provider did not start: {complaints.read()[-500:]}")
            provider = OIDCProvider(**json.loads(line))
            try:
                yield provider
            finally:
                provider.close()
        finally:
            process.stdin.close()
            process.kill()
