"""The OP as it ends sessions: its server calls, or its sign-out page loads a frame."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.test import Client

from django_silent_sso.storage.rp_session import RPSession
from tests.conftest import Browser

BACK = "/oidc/backchannel-logout/"
FRONT = "/oidc/frontchannel-logout/"
FORM = "application/x-www-form-urlencoded"


def sid_of(browser: Browser) -> str:
    """The OP's name for the session this browser is signed in by."""
    found = RPSession.read(browser.session)
    assert found is not None
    assert found.op_sid
    return found.op_sid


def is_signed_in(browser: Browser) -> bool:
    return browser.user() != "nobody"


def post(body: str | bytes, *, client: Client | None = None, content_type: str = FORM, **headers: str) -> Any:
    """A call of the OP's server: no cookie, no browser's header."""
    return (client or Client(enforce_csrf_checks=True)).post(BACK, body, content_type=content_type, headers=headers)


def back_channel(token: str, **how: Any) -> Any:
    """The OP tells of a logout."""
    return post(urlencode({"logout_token": token}), **how)


def refused(response: Any) -> str:
    """The reason of a 400, which holds nothing else."""
    assert response.status_code == 400, response.content
    assert set(response.json()) == {"error", "reason"}
    assert response.json()["error"] == "invalid_request"
    return str(response.json()["reason"])


def front_channel(issuer: str | None, sid: str | None, *, client: Client | None = None) -> Any:
    """The frame in the OP's sign-out page; without `client` the browser has held every cookie back."""
    query = urlencode({name: value for name, value in (("iss", issuer), ("sid", sid)) if value is not None})
    return (client or Client()).get(
        f"{FRONT}?{query}",
        headers={"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"},
    )
