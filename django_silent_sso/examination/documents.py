"""What an OP publishes: its discovery document and its keys, read anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django_silent_sso.conf import conf
from django_silent_sso.examination.asking import Asking
from django_silent_sso.examination.findings import Finding, finding
from django_silent_sso.op.provider import discovery_url
from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable, Reason, SilentSSOError, TokenError
from django_silent_sso.protocol.keys import choose_key
from django_silent_sso.protocol.provider_metadata import ProviderMetadata, is_loopback_http
from django_silent_sso.protocol.signed_token import SUPPORTED_ALGORITHMS, TokenHeader

__all__ = ["connection", "document", "endpoints", "keys", "metadata"]

NEEDED = {
    "token_endpoint": "OIDC_OP_TOKEN_ENDPOINT",
    "jwks_uri": "OIDC_OP_JWKS_ENDPOINT",
    "userinfo_endpoint": "OIDC_OP_USER_ENDPOINT",
}


def document(asking: Asking) -> tuple[Mapping[str, Any], Finding]:
    """The discovery document, {} where none is made or can be had, and what there is to say about it."""
    if not conf.needs_discovery:
        return {}, finding("discovery_not_needed")
    url = discovery_url()
    try:
        found = _json(asking, url)
    except SilentSSOError as error:
        if "SSLError" in error.detail:
            return {}, finding("tls_failed", url=url)
        return {}, finding("discovery_failed", reason=error.reason, url=url)
    return found, finding("discovery_read", issuer=conf.issuer)


def metadata(said: Mapping[str, Any]) -> ProviderMetadata | Finding:
    """The document as the checked type that the site works with, or why it cannot."""
    issuer = conf.issuer or ""
    try:
        if not conf.needs_discovery:
            return ProviderMetadata.from_document({"issuer": issuer, **conf.endpoints}, issuer=issuer)
        return ProviderMetadata.from_document(said, issuer=issuer).with_overrides(**conf.endpoints)
    except ConfigurationError as error:
        return finding("discovery_refused", reason=error.reason, detail=error.detail)


def connection() -> Finding:
    if is_loopback_http(conf.issuer or ""):
        return finding("connection_plain")
    return finding("connection_unchecked" if conf.verify_ssl is False else "connection_https")


def endpoints(found: ProviderMetadata) -> Iterator[Finding]:
    by_code = "code" in conf.response_type.split()
    by_key = not (conf.sign_algorithm.startswith("HS") or conf.sign_key)
    needless = ({"token_endpoint"} if not by_code else set()) | ({"jwks_uri"} if not by_key else set())
    missing = [name for name in NEEDED if getattr(found, name) is None and name not in needless]
    for name in missing:
        yield finding("endpoint_missing", name=name, setting=NEEDED[name])
    if not missing:
        yield finding("endpoints_complete")


def keys(asking: Asking, found: ProviderMetadata) -> Iterator[Finding]:
    """Whether an ID Token by the algorithm of the settings could be checked (Core 10.1)."""
    algorithm = conf.sign_algorithm
    if algorithm.startswith("HS"):
        yield finding("keys_not_needed", algorithm=algorithm)
    elif found.jwks_uri is not None:
        try:
            published = _json(asking, found.jwks_uri).get("keys")
        except SilentSSOError as error:
            yield finding("keys_failed", reason=error.reason, url=found.jwks_uri)
        else:
            yield _judged(published if isinstance(published, list) else [], algorithm)


def _judged(published: list[Any], algorithm: str) -> Finding:
    fitting = [key for key in published if _fits(key, algorithm)]
    names = [key.get("kid") for key in fitting]
    if not fitting:
        usable = sorted(name for name in SUPPORTED_ALGORITHMS if any(_fits(key, name) for key in published))
        return finding("keys_none_fits", algorithm=algorithm, others=", ".join(usable) or "nothing")
    if len(fitting) > 1 and (None in names or len(set(names)) < len(names)):
        return finding("keys_without_names", algorithm=algorithm, count=len(fitting))
    return finding("keys_fit", algorithm=algorithm, count=len(fitting))


def _fits(key: Any, algorithm: str) -> bool:
    try:
        choose_key({"keys": [key]}, TokenHeader(alg=algorithm, kid=None, typ=None))
    except TokenError:
        return False
    return True


def _json(asking: Asking, url: str) -> Mapping[str, Any]:
    answer = asking("GET", url)
    if answer.status != 200:
        raise OPUnavailable(Reason.OP_STATUS, f"HTTP {answer.status}")
    found = answer.json()
    if not isinstance(found, Mapping):
        raise OPUnavailable(Reason.OP_ANSWER_INVALID, "no JSON object")
    return found
