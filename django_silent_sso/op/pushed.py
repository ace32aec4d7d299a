"""Pushed Authorization Requests (RFC 9126): the request goes to the OP itself, the browser carries a reference."""

from __future__ import annotations

from collections.abc import Mapping

from django_silent_sso.conf import conf
from django_silent_sso.op.client_auth import authenticated
from django_silent_sso.op.http import fetch
from django_silent_sso.op.provider import token_error
from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable, Reason
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

__all__ = ["is_used", "push"]

LONGEST_REFERENCE = 2048  # characters


def is_used(found: ProviderMetadata) -> bool:
    """Whether requests are pushed: the site asks for it, or the OP takes no others."""
    return conf.pushed_requests or found.pushed_requests_required


def push(found: ProviderMetadata, parameters: Mapping[str, str]) -> str:
    """The `request_uri` that stands for `parameters` (RFC 9126 2.2).

    Raises `ConfigurationError` (endpoint_missing), `OPRefused` and `OPUnavailable`.
    """
    endpoint = found.pushed_authorization_request_endpoint
    if endpoint is None:
        raise ConfigurationError(Reason.ENDPOINT_MISSING, "the OP takes no pushed requests")
    data, auth = authenticated(parameters, endpoint)
    answer = fetch("POST", endpoint, data=data, auth=auth)
    if answer.status not in (200, 201):
        raise token_error(answer, "pushed request")
    document = answer.json()
    reference = document.get("request_uri") if isinstance(document, dict) else None
    if not isinstance(reference, str) or not 0 < len(reference) <= LONGEST_REFERENCE:
        raise OPUnavailable(Reason.OP_ANSWER_INVALID, "no request_uri")
    return reference
