"""What an OP says about itself (Discovery 3), checked once and then trusted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlsplit

from .errors import ConfigurationError, Reason

#: RFC 3986 has printable ASCII only. A backslash is a slash to browsers but not to us: two hosts in one URL.
_URL = re.compile(r"[!-\[\]-~]{1,2000}")
#: The host ends up in a Content-Security-Policy and in a page, so ";" or "'" in it is no matter of taste.
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?")
#: What some system's resolver may take for an IPv4 address: 2130706433, 0x7f000001, 127.1, 0177.0.0.1.
_NUMBER_LAST = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)\.?")

_ENDPOINTS = (
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "check_session_iframe",
    "pushed_authorization_request_endpoint",
)

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def endpoint_problem(url: str) -> Reason | None:
    """Why ``url`` cannot be an endpoint of an OP, or ``None`` if it can.

    Sound is https, or plain http on loopback for development. ``ENDPOINT_INSECURE``: another scheme, or an
    address that names no host on the network (link-local, multicast, 0.0.0.0). ``METADATA_INVALID``: not a
    URL with a host, or one with user information or a fragment (RFC 6749 3.1).
    """
    problem, scheme, host = _read(url)
    if problem:
        return problem
    address = _address(host)
    if scheme == "http" and not _is_loopback(host):
        return Reason.ENDPOINT_INSECURE
    # 169.254.169.254 answers for the machine we run on, never for an OP.
    if address and (address.is_link_local or address.is_multicast or address.is_unspecified):
        return Reason.ENDPOINT_INSECURE
    return None


def is_loopback_http(url: str) -> bool:
    """Whether ``url`` is plain http on this very machine: sound for development only."""
    problem, scheme, host = _read(url)
    return problem is None and scheme == "http" and _is_loopback(host)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderMetadata:
    """An OP's issuer and endpoints. However it is made, every URL in it has been checked.

    Raises ``ConfigurationError`` (``METADATA_INVALID``, ``ENDPOINT_INSECURE``) for a URL that cannot be used.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str | None = None
    jwks_uri: str | None = None
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    revocation_endpoint: str | None = None
    check_session_iframe: str | None = None
    pushed_authorization_request_endpoint: str | None = None
    #: ``authorization_response_iss_parameter_supported`` (RFC 9207 3)
    iss_parameter_supported: bool = False
    #: The defaults are those of Discovery 3.
    response_modes_supported: tuple[str, ...] = ("query", "fragment")
    #: Empty: the OP does not say.
    id_token_algorithms: tuple[str, ...] = ()
    token_endpoint_auth_methods: tuple[str, ...] = ("client_secret_basic",)
    backchannel_logout_supported: bool = False
    #: ``require_pushed_authorization_requests`` (RFC 9126 5)
    pushed_requests_required: bool = False

    def __post_init__(self) -> None:
        _refuse_unsound("issuer", self.issuer)
        if "?" in self.issuer:
            raise ConfigurationError(Reason.METADATA_INVALID, "issuer: has a query (Discovery 3)")
        for name in _ENDPOINTS:
            url = getattr(self, name)
            if url is not None:
                _refuse_unsound(name, url)

    @classmethod
    def from_document(cls, document: object, *, issuer: str) -> Self:
        """Check the discovery document (decoded JSON) of ``issuer``.

        Unknown members are ignored; a boolean or list of the wrong type counts as absent; an unusable URL
        refuses the document, even for an endpoint we might never call (I11: the next page would frame it).

        Raises ``ConfigurationError``: ``METADATA_ISSUER_MISMATCH`` (Discovery 4.3, compared exactly),
        ``METADATA_INVALID``, ``ENDPOINT_INSECURE``.
        """
        if not isinstance(document, Mapping):
            raise ConfigurationError(Reason.METADATA_INVALID, "the document is not a JSON object")
        if document.get("issuer") != issuer:
            said = repr(document.get("issuer"))[:200]
            raise ConfigurationError(
                Reason.METADATA_ISSUER_MISMATCH, f"the document says {said}, the settings say {issuer!r}"
            )
        endpoints = {name: document[name] for name in _ENDPOINTS if document.get(name) not in (None, "")}
        if "authorization_endpoint" not in endpoints:
            raise ConfigurationError(Reason.METADATA_INVALID, "authorization_endpoint: missing")
        lists: dict[str, Any] = {
            ours: tuple(entry for entry in document[theirs] if isinstance(entry, str))
            for ours, theirs in (
                ("response_modes_supported", "response_modes_supported"),
                ("id_token_algorithms", "id_token_signing_alg_values_supported"),
                ("token_endpoint_auth_methods", "token_endpoint_auth_methods_supported"),
            )
            if isinstance(document.get(theirs), list)
        }
        metadata = cls(
            issuer=issuer,
            iss_parameter_supported=document.get("authorization_response_iss_parameter_supported") is True,
            backchannel_logout_supported=document.get("backchannel_logout_supported") is True,
            pushed_requests_required=document.get("require_pushed_authorization_requests") is True,
            **endpoints,
            **lists,
        )
        metadata._refuse_way_to_loopback()
        return metadata

    def with_overrides(self, **endpoints: str) -> Self:
        """The same OP with single endpoints replaced by a site's settings.

        Raises ``TypeError`` for a name that is not an endpoint, ``ConfigurationError`` for an unusable URL.
        """
        unknown = endpoints.keys() - set(_ENDPOINTS)
        if unknown:
            raise TypeError(f"not an endpoint: {', '.join(sorted(unknown))}")
        changes: dict[str, Any] = dict(endpoints)
        return replace(self, **changes)

    def _refuse_way_to_loopback(self) -> None:
        # An OP out on the network cannot know what listens on our loopback. A document that points there is
        # either broken or wants our server to call its own neighbours. A site's own settings may (a sidecar).
        if _is_loopback(_read(self.issuer)[2]):
            return
        for name in _ENDPOINTS:
            url = getattr(self, name)
            if url is not None and _is_loopback(_read(url)[2]):
                raise ConfigurationError(Reason.ENDPOINT_INSECURE, f"{name}: on loopback, the issuer is not")


def _refuse_unsound(name: str, url: object) -> None:
    problem = endpoint_problem(url) if isinstance(url, str) else Reason.METADATA_INVALID
    if problem:
        raise ConfigurationError(problem, f"{name}: {repr(url)[:200]}")


def _read(url: str) -> tuple[Reason | None, str, str]:
    """(problem, scheme, host) of a URL."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port
    except ValueError:
        return Reason.METADATA_INVALID, "", ""
    if parts.scheme not in ("https", "http", ""):
        return Reason.ENDPOINT_INSECURE, parts.scheme, host
    well_formed = (
        _URL.fullmatch(url)
        and parts.scheme
        and _is_host(host)
        and port != 0
        and "@" not in parts.netloc
        and "#" not in url
    )
    return None if well_formed else Reason.METADATA_INVALID, parts.scheme, host


def _address(host: str) -> _IPAddress | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    if _address(host):
        return True
    return bool(_HOST_NAME.fullmatch(host)) and not _NUMBER_LAST.fullmatch(host)


def _is_loopback(host: str) -> bool:
    """127.0.0.0/8, ::1, localhost and names under it (RFC 6761 6.3)."""
    address = _address(host)
    return address.is_loopback if address else host == "localhost" or host.endswith(".localhost")
