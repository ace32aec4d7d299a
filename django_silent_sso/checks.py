"""System checks: every setting and every dangerous combination, each with an id and a hint.

All messages stand in one table (`MESSAGES`), so that no id is used twice and the reference page can be compared with
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.check_messages import MESSAGES
from django_silent_sso.conf import conf
from django_silent_sso.defaults import CHOICES, DEFAULTS, REACTIONS, is_seconds
from django_silent_sso.flows.begin import own_paths
from django_silent_sso.middleware import SilentSSOMiddleware
from django_silent_sso.protocol.authentication_request import RESERVED_PARAMETERS
from django_silent_sso.protocol.provider_metadata import endpoint_problem, is_loopback_http
from django_silent_sso.protocol.signed_token import SUPPORTED_ALGORITHMS

__all__ = ["check_deployment", "check_installation", "check_settings"]

Finding = tuple[str, dict[str, object]]

BEFORE: Final = (
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
)
UPSTREAM_MIDDLEWARE: Final = "mozilla_django_oidc.middleware.SessionRefresh"
SECONDS: Final = (
    "SILENT_SSO_RENEW_AFTER_SECONDS",
    "SILENT_SSO_GRACE_SECONDS",
    "SILENT_SSO_LEEWAY_SECONDS",
    "SILENT_SSO_SESSION_MAX_SECONDS",
    "SILENT_SSO_SESSION_IDLE_SECONDS",
    "SILENT_SSO_ASK_OP_AFTER_SECONDS",
    "SILENT_SSO_FRAME_TIMEOUT_SECONDS",
    "SILENT_SSO_POLL_SECONDS",
)


def _value(name: str) -> Any:
    return getattr(settings, name, DEFAULTS.get(name))


def _messages(*sources: Callable[[], Iterator[Finding]]) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for source in sources:
        for code, facts in source():
            text, hint = MESSAGES[code]
            kind = Error if code.startswith("E") else checks.Warning
            found.append(kind(text.format(**facts), hint=hint.format(**facts), id=f"django_silent_sso.{code}"))
    return found


@register(Tags.security)
def check_settings(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return _messages(_identity, _words, _numbers, _reactions, _endpoints, _tokens, _upstream_settings, _unknown)


@register(Tags.urls)
def check_installation(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return _messages(_installed, _middleware, _backend, _urls)


@register(Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return _messages(_cache, _session_cache, _origin_in_production)


def _identity() -> Iterator[Finding]:
    issuer = _value("SILENT_SSO_ISSUER")
    if not isinstance(issuer, str) or not issuer:
        yield "E001", {}
    elif endpoint_problem(issuer) is not None or "?" in issuer:
        yield "E002", {"issuer": issuer}
    elif is_loopback_http(issuer):
        yield "W001", {"issuer": issuer}
    if conf.client_id is None:
        yield "E003", {}
    origin = _value("SILENT_SSO_ORIGIN")
    if origin is not None and conf.origin != origin:
        yield "E011", {}
    if "openid" not in conf.scope.split():
        yield "W016", {}


def _words() -> Iterator[Finding]:
    for name, choices in CHOICES.items():
        value = _value(name)
        if value is None and DEFAULTS[name] is None:
            continue
        several = isinstance(DEFAULTS[name], tuple)
        items = value if several and isinstance(value, list | tuple) else (value,)
        if (several and not isinstance(value, list | tuple)) or any(item not in choices for item in items):
            yield "E004", {"name": name, "choices": ", ".join(repr(choice) for choice in choices)}
    if not isinstance(_value("SILENT_SSO_CREDENTIAL_IN_PAGE"), bool):
        yield "E016", {}
    if not isinstance(_value("SILENT_SSO_PUSHED_REQUESTS"), bool):
        yield "E019", {}
    if not isinstance(_value("SILENT_SSO_REVOKE_TOKENS"), bool):
        yield "E023", {}
    fedcm = _value("SILENT_SSO_FEDCM_CONFIG_URL")
    if fedcm is not None and (not isinstance(fedcm, str) or endpoint_problem(fedcm) is not None):
        yield "E024", {}
    if conf.response_type != "code" and conf.response_mode == "query":
        yield "E020", {}
    audiences = _value("SILENT_SSO_TRUSTED_AUDIENCES")
    if not isinstance(audiences, list | tuple | set | frozenset) or not all(isinstance(a, str) for a in audiences):
        yield "E018", {}


def _numbers() -> Iterator[Finding]:
    for name in SECONDS:
        value = _value(name)
        if value is not None and not is_seconds(value):
            yield "E005", {"name": name}
    waits = _value("SILENT_SSO_BACK_OFF_SECONDS")
    if not isinstance(waits, list | tuple) or not waits or not all(is_seconds(wait) for wait in waits):
        yield "E006", {}
    poll = _value("SILENT_SSO_POLL_SECONDS")
    if "poll" in conf.monitor and is_seconds(poll) and poll < 900:
        yield "W006", {}


def _reactions() -> Iterator[Finding]:
    table: object = _value("SILENT_SSO_AFTER_ERROR")
    if not isinstance(table, Mapping):
        yield "E007", {"code": "SILENT_SSO_AFTER_ERROR"}
        return
    for code, pair in table.items():
        if not (isinstance(pair, list | tuple) and len(pair) == 2 and all(word in REACTIONS for word in pair)):
            yield "E007", {"code": code}


def _endpoints() -> Iterator[Finding]:
    for name, url in conf.endpoints.items():
        if endpoint_problem(url) is not None:
            yield "E014", {"name": name}
    if "check_session" in conf.monitor and not conf.needs_discovery and "check_session_iframe" not in conf.endpoints:
        yield "W019", {}
    for name in sorted(set(conf.extra_parameters) & RESERVED_PARAMETERS):
        yield "W011", {"name": name}


def _tokens() -> Iterator[Finding]:
    algorithm, secret = conf.sign_algorithm, conf.client_secret
    if algorithm not in SUPPORTED_ALGORITHMS:
        yield "E013", {"algorithm": algorithm}
    elif algorithm.startswith("HS"):
        yield ("W005", {}) if conf.client_secret else ("E017", {})
    if conf.client_auth == "private_key_jwt" and not conf.client_key:
        yield "E021", {}
    if conf.client_auth.startswith("client_secret_") and conf.client_auth != "client_secret_post" and not secret:
        yield "E022", {"name": conf.client_auth}
    refreshes = conf.store_refresh_token and "code" in conf.response_type.split() and "refresh_token" in conf.renew_with
    if refreshes and (conf.ask_op_after is None or "redirect" not in conf.renew_with):
        yield "W018", {}
    if conf.link_users_by == "email":
        yield "W008", {}
    if conf.sign_key:
        yield "W009", {}
    if settings.SESSION_ENGINE == "django.contrib.sessions.backends.signed_cookies":
        yield "W014", {}


def _upstream_settings() -> Iterator[Finding]:
    if getattr(settings, "OIDC_VERIFY_SSL", True) is False:
        yield "W002", {}
    if getattr(settings, "OIDC_ALLOW_UNSECURED_JWT", False):
        yield "W003", {}
    weakened = {
        "OIDC_USE_NONCE": getattr(settings, "OIDC_USE_NONCE", True) is False,
        "OIDC_USE_PKCE": getattr(settings, "OIDC_USE_PKCE", True) is False,
        "OIDC_PKCE_CODE_CHALLENGE_METHOD": getattr(settings, "OIDC_PKCE_CODE_CHALLENGE_METHOD", "S256") != "S256",
        "OIDC_VERIFY_KID": getattr(settings, "OIDC_VERIFY_KID", True) is False,
    }
    for name, is_weak in weakened.items():
        if is_weak:
            yield "W004", {"name": name}
    if getattr(settings, "ALLOW_LOGOUT_GET_METHOD", False):
        yield "W010", {}
    for name in ("OIDC_CALLBACK_CLASS", "OIDC_AUTHENTICATE_CLASS"):
        if hasattr(settings, name):
            yield "W012", {"name": name}


def _unknown() -> Iterator[Finding]:
    for name in dir(settings):
        if name.startswith("SILENT_SSO_") and name not in DEFAULTS:
            yield "W015", {"name": name}


def _installed() -> Iterator[Finding]:
    names = ["mozilla_django_oidc", "django.contrib.auth"]
    if settings.SESSION_ENGINE.endswith("db"):  # the others need no table
        names.append("django.contrib.sessions")
    for name in names:
        if not apps.is_installed(name):
            yield "E015", {"name": name}


def _middleware() -> Iterator[Finding]:
    installed = list(settings.MIDDLEWARE)
    if any(_is_a(path, import_string(UPSTREAM_MIDDLEWARE)) for path in installed):
        yield "E012", {}
    ours = next((i for i, path in enumerate(installed) if _is_a(path, SilentSSOMiddleware)), None)
    if ours is None:
        yield "E009", {"name": BEFORE[-1]}
        return
    for name in BEFORE:
        if not any(_is_a(path, import_string(name)) for path in installed[:ours]):
            yield "E009", {"name": name}


def _backend() -> Iterator[Finding]:
    if not any(_is_a(path, SilentSSOBackend) for path in settings.AUTHENTICATION_BACKENDS):
        yield "E008", {}


def _is_a(path: str, wanted: type) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, wanted)


def _urls() -> Iterator[Finding]:
    try:
        own_paths()
        reverse(conf.callback_url_name)
    except NoReverseMatch:
        yield "E010", {}


def _cache() -> Iterator[Finding]:
    backend = str(settings.CACHES.get("default", {}).get("BACKEND", ""))
    if backend.rpartition(".")[2] in ("LocMemCache", "DummyCache"):
        yield "W007", {"backend": backend.rpartition(".")[2]}


def _session_cache() -> Iterator[Finding]:
    alias = settings.SESSION_CACHE_ALIAS
    backend = str(settings.CACHES.get(alias, {}).get("BACKEND", ""))
    if settings.SESSION_ENGINE.endswith((".cache", ".cached_db")) and backend.endswith(".LocMemCache"):
        yield "W017", {"name": alias}


def _origin_in_production() -> Iterator[Finding]:
    if conf.origin is None and "*" in settings.ALLOWED_HOSTS:
        yield "W013", {}
