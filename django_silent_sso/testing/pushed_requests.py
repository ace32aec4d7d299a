"""Pushed Authorization Requests (RFC 9126), after npm oidc-provider 9."""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from django_silent_sso.testing.authentication_requests import (
    PUSHED,
    UNKNOWN_REFERENCE,
    RefusalError,
    UnredirectableError,
    read_request,
    read_target,
)
from django_silent_sso.testing.client_authentication import authenticated_client, invalid_client, oauth_error
from django_silent_sso.testing.messages import NO_STORE, Pairs, Reply, Request

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

SECONDS = 60
_PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """What was pushed, until when it can be used, and by whom."""

    client_id: str
    parameters: Pairs
    expires_at: float


def push(provider: OpenIDProvider, request: Request) -> Reply:
    """RFC 9126 2: the request is checked now, as at the authorization endpoint."""
    client_id = authenticated_client(provider, request)
    if client_id is None:
        return invalid_client(request)
    parameters = tuple(pair for pair in request.form if pair[0] not in _PROOFS)
    if "client_id" not in dict(parameters):
        parameters += (("client_id", client_id),)
    pushed = replace(request, query=parameters, form=())
    if "request_uri" in dict(parameters):
        return oauth_error("request_uri_not_supported", "a pushed request holds no reference")
    try:
        read_request(provider, pushed, read_target(provider, pushed))
    except UnredirectableError as error:
        return oauth_error("invalid_request", str(error))
    except RefusalError as error:
        return oauth_error(error.error, str(error))
    reference = PUSHED + token_urlsafe(32)
    provider.pushed_requests[reference] = PushedRequest(client_id, parameters, provider.now() + SECONDS)
    return Reply.json({"request_uri": reference, "expires_in": SECONDS}, 201, NO_STORE)


def resolved(provider: OpenIDProvider, request: Request) -> tuple[Request, bool]:
    """The request that a reference stands for, used up with it, and whether there was one (RFC 9126 4).

    One that nobody knows (any more) stays in the request, to be refused there. Raises `UnredirectableError` if that
    does not say where to redirect.
    """
    given = request.parameters
    if not given.get("request_uri", "").startswith(PUSHED):
        return request, False
    pushed = provider.pushed_requests.pop(given["request_uri"], None)
    if pushed is None or pushed.expires_at <= provider.now() or pushed.client_id != given.get("client_id"):
        if "redirect_uri" in given:
            return request, False
        raise UnredirectableError("invalid_request_uri", UNKNOWN_REFERENCE)
    return replace(request, query=pushed.parameters, form=()), True
