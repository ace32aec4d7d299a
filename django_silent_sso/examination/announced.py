"""What an OP announces (Discovery 3), beside what the settings ask of it. No network here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from django_silent_sso.conf import conf
from django_silent_sso.examination.findings import Finding, finding
from django_silent_sso.op import pushed
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

__all__ = ["algorithm", "client_method", "requests", "sessions", "sites"]

Said = Mapping[str, Any]


def algorithm(said: Said) -> Iterator[Finding]:
    announced = _list(said, "id_token_signing_alg_values_supported")
    if announced is not None:
        known = conf.sign_algorithm in announced
        word = "algorithm_announced" if known else "algorithm_not_announced"
        yield finding(word, algorithm=conf.sign_algorithm, announced=", ".join(announced))


def requests(said: Said, found: ProviderMetadata) -> Iterator[Finding]:
    yield from _response(said)
    if said and "code" in conf.response_type.split():
        methods = _list(said, "code_challenge_methods_supported") or ()
        yield finding("pkce_announced" if "S256" in methods else "pkce_not_announced")
    scopes = _list(said, "scopes_supported")
    if scopes is not None:
        missing = " ".join(scope for scope in conf.scope.split() if scope not in scopes)
        word = "scopes_not_announced" if missing else "scopes_announced"
        yield finding(word, missing=missing, wanted=conf.scope)
    prompts = _list(said, "prompt_values_supported")
    if prompts is not None and "none" not in prompts:
        yield finding("prompt_none_not_announced", announced=", ".join(prompts))
    if found.pushed_authorization_request_endpoint is not None and not pushed.is_used(found):
        yield finding("pushed_requests_possible")
    if "max_age" in conf.extra_parameters:
        yield finding("max_age_is_asked")


def _response(said: Said) -> Iterator[Finding]:
    types = _list(said, "response_types_supported")
    if types is not None:
        wanted = set(conf.response_type.split())
        known = any(set(name.split()) == wanted for name in types)
        word = "response_type_announced" if known else "response_type_not_announced"
        yield finding(word, wanted=conf.response_type, announced=", ".join(types))
    if said and conf.response_mode is not None:
        modes = _list(said, "response_modes_supported") or ("query", "fragment")
        word = "response_mode_announced" if conf.response_mode in modes else "response_mode_not_announced"
        yield finding(word, wanted=conf.response_mode, announced=", ".join(modes))


def client_method(said: Said) -> Iterator[Finding]:
    announced = _list(said, "token_endpoint_auth_methods_supported")
    if announced is not None and (conf.client_secret or conf.client_key):
        known = conf.client_auth in announced
        word = "client_method_announced" if known else "client_method_not_announced"
        yield finding(word, method=conf.client_auth, announced=", ".join(announced))


def sessions(said: Said, found: ProviderMetadata, back_channel: str, front_channel: str) -> Iterator[Finding]:
    yield finding("sign_out_impossible" if found.end_session_endpoint is None else "sign_out_possible")
    if said.get("backchannel_logout_supported") is True:
        yield finding("back_channel_announced", uri=back_channel)
    elif said.get("frontchannel_logout_supported") is True:
        yield finding("front_channel_announced", uri=front_channel)
    elif said:
        yield finding("logout_not_announced")
    grants = _list(said, "grant_types_supported")
    if grants is not None:
        yield finding("refresh_tokens_announced" if "refresh_token" in grants else "refresh_tokens_not_announced")
    if "offline_access" in conf.scope.split():
        yield finding("offline_access_asked")
    if conf.revoke_tokens and found.revocation_endpoint is None:
        yield finding("revocation_missing")
    claims = _list(said, "claims_supported")
    if claims is not None and "auth_time" not in claims:
        yield finding("auth_time_not_announced")


def sites(origin: str, found: ProviderMetadata) -> Finding:
    """Whether the browser takes both for one site. Only the public suffix list knows; these much is certain."""
    ours, theirs = (urlsplit(url).hostname or "" for url in (origin, found.authorization_endpoint))
    shared = 0
    for one, other in zip(reversed(ours.split(".")), reversed(theirs.split(".")), strict=False):
        if one != other:
            break
        shared += 1
    if ours == theirs:
        return finding("same_host", ours=ours, theirs=theirs)
    # What stands last is always a public suffix: "example.org" and "other.org" are two sites.
    return finding("other_site" if shared < 2 else "site_unknown", ours=ours, theirs=theirs)


def _list(said: Said, name: str) -> tuple[str, ...] | None:
    """The words of a list; None where the OP does not say."""
    value = said.get(name)
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else None
