"""Attempts to remember, for tests."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from django_silent_sso.storage import pending as store
from django_silent_sso.storage.pending import TOP, PendingAuthentication
from tests.cookie_jar import CookieJar

NOW = 1_800_000_000.0
SECRETS = {
    "state": "t.canary-state",
    "nonce": "canary-nonce",
    "code_verifier": "canary-verifier",
}


def attempt(state: str = "t.canary-state", **changes: Any) -> PendingAuthentication:
    facts: dict[str, Any] = {
        **SECRETS,
        "state": state,
        "issuer": "https://id.example.org",
        "redirect_uri": "https://site.example/oidc/callback/",
        "return_to": "/page/?x=1",
        "transport": TOP,
        "silent": True,
        "created": NOW,
        "subject": "alice",
    }
    return PendingAuthentication(**{**facts, **changes})


def interactive(state: str, **changes: Any) -> PendingAuthentication:
    return attempt(state, silent=False, **changes)


def begin(jar: CookieJar, *attempts: PendingAuthentication) -> None:
    for pending in attempts:
        response = HttpResponse()
        store.remember(jar.request(), response, pending, pending.created)
        jar.keep(response)


def states_left(jar: CookieJar, states: list[str], now: float = NOW) -> list[str]:
    return [state for state in states if store.find(jar.request(), state, now) is not None]
