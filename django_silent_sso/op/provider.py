"""The OP as this site sees it: its metadata and keys, cached and throttled, and the calls to its endpoints.

Metadata and keys live in Django's cache (shared) and in the process (quick). A fetch that failed is not repeated at
once, and the last good copy serves until it is a day old: nothing here makes a page wait twice for an OP that is down.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import jwt
from django.core.cache import cache

from django_silent_sso.conf import conf
from django_silent_sso.op.client_auth import authenticated
from django_silent_sso.op.http import Answer, fetch
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPRefused,
    OPUnavailable,
    Reason,
    SilentSSOError,
    TokenError,
)
from django_silent_sso.protocol.id_token import TokenHeader
from django_silent_sso.protocol.keys import choose_key
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

__all__ = [
    "Document",
    "discovery_url",
    "forget",
    "metadata",
    "metadata_is_warm",
    "signing_key",
    "token_error",
    "token_request",
    "userinfo",
]

logger = logging.getLogger("django_silent_sso.op")

FRESH: Final = 3600  # seconds a fetched document is used without asking again
KEEP: Final = 24 * 3600  # seconds the last good copy serves while the OP does not answer
RETRY: Final = 30  # seconds between two tries after a failure
UNKNOWN_KID: Final = 60  # seconds between two refetches because of an unknown `kid` (K13)


class Document:
    """A JSON document of the OP, fetched rarely, remembered in the process and in Django's cache."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._guard = threading.Lock()
        self._copies: dict[str, tuple[float, Any]] = {}  # url -> (fetched at, document)
        self._failed: dict[str, tuple[float, SilentSSOError]] = {}
        self._under_way: dict[str, threading.Event] = {}

    def warm(self, url: str, now: float) -> bool:
        copy = self._copies.get(url)
        return copy is not None and 0 <= now - copy[0] < FRESH

    def get(self, url: str, check: Callable[[Any], Any], now: float) -> Any:
        """The document, fetched if it is not at hand.

        Raises what `check` or the HTTP client raised.
        """
        copy = self._copies.get(url)
        if copy is not None and 0 <= now - copy[0] < FRESH:
            return copy[1]
        shared = self._shared(url, now)
        if shared is not None:
            return shared
        failed = self._failed.get(url)
        if failed is not None and 0 <= now - failed[0] < RETRY:
            return self._last_good(url, now, failed[1])
        return self.refresh(url, check, now)

    def refresh(self, url: str, check: Callable[[Any], Any], now: float) -> Any:
        """Ask the OP now; whoever asks meanwhile waits for this one answer (C44)."""
        with self._guard:
            event = self._under_way.get(url)
            mine = event is None
            if event is None:
                event = self._under_way[url] = threading.Event()
        if not mine:
            event.wait(conf.timeout)
            copy = self._copies.get(url)
            if copy is not None and now - copy[0] < FRESH:
                return copy[1]
            error = self._failed.get(url, (0.0, OPUnavailable(Reason.OP_TIMEOUT)))[1]
            return self._last_good(url, now, error)
        try:
            document = self._fetch(url, check)
        except SilentSSOError as error:
            logger.warning("%s: the OP's %s cannot be had", error.reason, self._name)
            self._failed[url] = (now, error)
            return self._last_good(url, now, error)
        else:
            self._failed.pop(url, None)
            self._copies[url] = (now, document)
            self._share(url, document, now)
            return document
        finally:
            with self._guard:
                self._under_way.pop(url, None)
            event.set()

    def forget(self) -> None:
        self._copies.clear()
        self._failed.clear()

    def _fetch(self, url: str, check: Callable[[Any], Any]) -> Any:
        answer = fetch("GET", url, headers={"Cache-Control": "no-cache"})
        if answer.status != 200:
            raise OPUnavailable(Reason.OP_STATUS, f"{self._name}: HTTP {answer.status}", retry_after=answer.retry_after)
        document = answer.json()
        check(document)
        return document

    def _last_good(self, url: str, now: float, error: SilentSSOError) -> Any:
        copy = self._copies.get(url)
        if copy is not None and now - copy[0] < KEEP:
            return copy[1]
        raise error

    def _key(self, url: str) -> str:
        return f"silent_sso:{self._name}:{conf.issuer_key}:{quote(url, safe='')[:180]}"

    def _shared(self, url: str, now: float) -> Any | None:
        try:
            found = cache.get(self._key(url))
        except Exception:  # a convenience memory fails open
            return None
        if not (isinstance(found, dict) and isinstance(found.get("at"), float | int)):
            return None
        if not 0 <= now - found["at"] < FRESH:
            return None
        self._copies[url] = (float(found["at"]), found.get("document"))
        return found.get("document")

    def _share(self, url: str, document: Any, now: float) -> None:
        try:
            cache.set(self._key(url), {"at": now, "document": document}, FRESH)
        except Exception as error:  # a convenience memory fails open
            logger.warning(
                "storage_unavailable: %s is kept in this process only (%s)", self._name, type(error).__name__
            )


_discovery: Final = Document("discovery")
_keys: Final = Document("jwks")
_refetched: dict[str, float] = {}
_last_read: tuple[Any, tuple[str, dict[str, str]], ProviderMetadata] | None = None


def forget() -> None:
    """Drop what this process knows of the OP (for tests; the shared cache is the caller's)."""
    _discovery.forget()
    _keys.forget()
    _refetched.clear()


def metadata_is_warm(now: float) -> bool:
    """Whether `metadata()` would answer without a call to the OP."""
    return not conf.needs_discovery or (conf.issuer is not None and _discovery.warm(discovery_url(), now))


def discovery_url() -> str:
    return f"{(conf.issuer or '').rstrip('/')}/.well-known/openid-configuration"


def metadata(now: float | None = None) -> ProviderMetadata:
    """The OP's metadata (Discovery 4), with the endpoints that settings override.

    Raises `ConfigurationError` and `OPUnavailable`.
    """
    issuer = conf.issuer
    if issuer is None or conf.client_id is None:
        raise ConfigurationError(Reason.NOT_CONFIGURED, "SILENT_SSO_ISSUER and OIDC_RP_CLIENT_ID are needed")
    endpoints = conf.endpoints
    if not conf.needs_discovery:
        return _read(None, issuer, endpoints)

    def check(document: Any) -> None:
        ProviderMetadata.from_document(document, issuer=issuer)

    document = _discovery.get(discovery_url(), check, time.time() if now is None else now)
    return _read(document, issuer, endpoints)


def _read(document: Any, issuer: str, endpoints: dict[str, str]) -> ProviderMetadata:
    """The document as a checked type; checked once, as long as neither it nor the settings change."""
    global _last_read
    last = _last_read
    if last is not None and last[0] is document and last[1] == (issuer, endpoints):
        return last[2]
    known = {"issuer": issuer, **endpoints} if document is None else document
    found = ProviderMetadata.from_document(known, issuer=issuer).with_overrides(**endpoints)
    _last_read = (document, (issuer, endpoints), found)
    return found


def signing_key(header: TokenHeader) -> Any:
    """The key that a token with this header must be signed with.

    Raises `TokenError` (id_token_key_unknown, id_token_key_ambiguous) and `OPUnavailable`.
    """
    if header.alg.startswith("HS"):
        return conf.client_secret.encode()
    found = metadata()
    if found.jwks_uri is None:
        return _key_from_settings(TokenError(Reason.ID_TOKEN_KEY_UNKNOWN, "the OP publishes no keys"))
    now = time.time()
    try:
        return choose_key(_keys.get(found.jwks_uri, _check_jwk_set, now), header)
    except TokenError as error:
        if error.reason is not Reason.ID_TOKEN_KEY_UNKNOWN or not _may_refetch(found.jwks_uri, now):
            return _key_from_settings(error)
    try:
        return choose_key(_keys.refresh(found.jwks_uri, _check_jwk_set, now), header)
    except TokenError as error:
        return _key_from_settings(error)


def _may_refetch(url: str, now: float) -> bool:
    """Once a minute for an unknown `kid`, whoever asks: the throttle itself needs no cache and fails closed."""
    if 0 <= now - _refetched.get(url, 0.0) < UNKNOWN_KID:
        return False
    _refetched[url] = now
    return True


def _check_jwk_set(document: Any) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list) or not document["keys"]:
        raise OPUnavailable(Reason.OP_ANSWER_INVALID, "the JWK Set has no keys")


def _key_from_settings(error: TokenError) -> Any:
    key = conf.sign_key
    if error.reason is not Reason.ID_TOKEN_KEY_UNKNOWN or not key:
        raise error
    try:
        return jwt.PyJWK(dict(key), algorithm=conf.sign_algorithm).key if isinstance(key, Mapping) else key
    except jwt.PyJWTError:
        raise error from None


def token_request(parameters: Mapping[str, str]) -> dict[str, Any]:
    """The token endpoint's answer (RFC 6749 5.1) to a grant, client authentication added.

    Raises `OPRefused` (the OP's error), `OPUnavailable`, `TokenError` (token_answer_invalid).
    """
    endpoint = metadata().token_endpoint
    if endpoint is None:
        raise ConfigurationError(Reason.ENDPOINT_MISSING, "the OP has no token endpoint")
    data, auth = authenticated(parameters, endpoint)
    answer = fetch("POST", endpoint, data=data, auth=auth)
    if answer.status != 200:
        raise token_error(answer, "token endpoint")
    document = answer.json()
    if not isinstance(document, dict):
        raise TokenError(Reason.TOKEN_ANSWER_INVALID, "the token answer is not an object")
    return document


def token_error(answer: Answer, where: str) -> SilentSSOError:
    """The exception for a refusal by one of the OP's own endpoints (RFC 6749 5.2); the body stays out of it."""
    error: object = None
    if 400 <= answer.status < 500:
        try:
            document = answer.json()
        except OPUnavailable:
            document = None
        error = document.get("error") if isinstance(document, dict) else None
    if isinstance(error, str):
        known = {"invalid_grant": Reason.INVALID_GRANT, "invalid_client": Reason.INVALID_CLIENT}
        return OPRefused(known.get(error, Reason.OP_ERROR), f"{where}: HTTP {answer.status}", error=error)
    return OPUnavailable(Reason.OP_STATUS, f"{where}: HTTP {answer.status}", retry_after=answer.retry_after)


def userinfo(access_token: str) -> Answer:
    """The UserInfo endpoint's answer (Core 5.3).

    Raises `OPUnavailable` and `ConfigurationError` (endpoint_missing).
    """
    endpoint = metadata().userinfo_endpoint
    if endpoint is None:
        raise ConfigurationError(Reason.ENDPOINT_MISSING, "the OP has no UserInfo endpoint")
    answer = fetch("GET", endpoint, headers={"Authorization": f"Bearer {access_token}"})
    if answer.status != 200:
        raise OPUnavailable(Reason.OP_STATUS, f"UserInfo: HTTP {answer.status}", retry_after=answer.retry_after)
    return answer
