"""Single endpoints, called: does the OP know this client, and is its session frame there?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django_silent_sso.conf import conf
from django_silent_sso.examination.asking import Asking
from django_silent_sso.examination.findings import Finding, finding
from django_silent_sso.examination.journeys import forbids_framing
from django_silent_sso.op.client_auth import authenticated
from django_silent_sso.op.http import Answer
from django_silent_sso.op.provider import token_error
from django_silent_sso.protocol.authentication_request import new_secret
from django_silent_sso.protocol.errors import ConfigurationError, OPRefused, SilentSSOError
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

__all__ = ["check_session", "client"]

# A code that nobody gave out: who gets as far as saying so has believed the client's credentials (RFC 6749 5.2).
BELIEVED: Final = ("invalid_grant",)
DISBELIEVED: Final = ("invalid_client", "unauthorized_client")


def client(asking: Asking, found: ProviderMetadata, redirect_uri: str) -> Iterator[Finding]:
    """What the token endpoint says to a code that we made up."""
    if found.token_endpoint is None or "code" not in conf.response_type.split():
        return
    grant = {
        "grant_type": "authorization_code",
        "code": new_secret(),
        "redirect_uri": redirect_uri,
        "code_verifier": new_secret(),
    }
    try:
        data, auth = authenticated(grant, found.token_endpoint)
        error = _said(asking("POST", found.token_endpoint, data=data, auth=auth))
    except ConfigurationError as unable:
        yield finding("client_without_credentials", detail=unable.detail)
        return
    except SilentSSOError as failed:
        error = str(failed.reason)
    if error in BELIEVED:
        yield finding("client_accepted", error=error)
    else:
        yield finding("client_refused" if error in DISBELIEVED else "client_unclear", error=error)


def _said(answer: Answer) -> str:
    refusal = token_error(answer, "token endpoint")
    if isinstance(refusal, OPRefused):
        return refusal.error
    return "invalid_client" if answer.status == 401 else f"HTTP {answer.status}"


def check_session(asking: Asking, found: ProviderMetadata, origin: str | None) -> Finding:
    """The OP iframe of Session Management 3.2. What it says is for browsers to find out."""
    if found.check_session_iframe is None:
        return finding("check_session_missing" if "check_session" in conf.monitor else "check_session_absent")
    try:
        answer = asking("GET", found.check_session_iframe)
    except SilentSSOError as failed:
        return finding("check_session_broken", problem=failed.reason)
    if answer.status != 200:
        return finding("check_session_broken", problem=f"HTTP {answer.status}")
    if forbids_framing(answer, origin or "https://site.invalid"):
        return finding("check_session_broken", problem="it may not be put into frames of other origins")
    return finding("check_session_works")
