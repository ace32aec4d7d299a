"""Typed, lazy access to every setting: the only reader of settings in the package.

Each property reads `django.conf.settings` when asked, so `override_settings` works. A value of the wrong type is a
system check (`checks.py`) and falls back to the default here: a mistake in the settings is never a 500.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings

from django_silent_sso.defaults import AFTER_ERROR, DEFAULTS, REACTIONS, is_seconds
from django_silent_sso.setting_values import choice, choices, raw, seconds, text, words
from django_silent_sso.upstream import CALLBACK_URL_NAME

__all__ = ["DEFAULTS", "conf"]


class Conf:
    """One property per setting, named after it without its prefix. Times are in seconds."""

    # -- who we are and who the OP is ------------------------------------------------------------------------------
    @property
    def issuer(self) -> str | None:
        return text("SILENT_SSO_ISSUER")

    @property
    def issuer_key(self) -> str:
        """A short name for the OP, for cookie names and cache keys."""
        return hashlib.sha256(f"{self.issuer} {self.client_id}".encode()).hexdigest()[:8]

    @property
    def client_id(self) -> str | None:
        return text("OIDC_RP_CLIENT_ID")

    @property
    def client_secret(self) -> str:
        return text("OIDC_RP_CLIENT_SECRET") or ""

    @property
    def configured(self) -> bool:
        return self.issuer is not None and self.client_id is not None

    @property
    def scope(self) -> str:
        return text("OIDC_RP_SCOPES") or "openid email"

    @property
    def sign_algorithm(self) -> str:
        """The one algorithm an ID Token may be signed with; RS256 unless told otherwise (Core 3.1.3.7, 7)."""
        return text("OIDC_RP_SIGN_ALGO") or "RS256"

    @property
    def sign_key(self) -> object:
        """A key (PEM text or JWK) that serves only where the JWK Set has none of the token's `kid`."""
        return raw("OIDC_RP_IDP_SIGN_KEY")

    @property
    def client_auth(self) -> str:
        """How this client authenticates at the OP's endpoints (Core 9)."""
        value = choice("SILENT_SSO_CLIENT_AUTH")
        if value == str(None):
            return "client_secret_basic" if raw("OIDC_TOKEN_USE_BASIC_AUTH") else "client_secret_post"
        return value

    @property
    def client_key(self) -> object:
        """The private key of `private_key_jwt`: PEM text, or a JWK as a mapping or JSON text."""
        return raw("SILENT_SSO_CLIENT_KEY")

    @property
    def endpoints(self) -> dict[str, str]:
        """Endpoints set by hand, by their names in the discovery document; each overrides one."""
        names = {
            "authorization_endpoint": "OIDC_OP_AUTHORIZATION_ENDPOINT",
            "token_endpoint": "OIDC_OP_TOKEN_ENDPOINT",
            "userinfo_endpoint": "OIDC_OP_USER_ENDPOINT",
            "jwks_uri": "OIDC_OP_JWKS_ENDPOINT",
            "end_session_endpoint": "OIDC_OP_LOGOUT_ENDPOINT",
            "check_session_iframe": "OIDC_OP_CHECK_SESSION_ENDPOINT",
        }
        return {name: value for name, setting in names.items() if (value := text(setting))}

    @property
    def needs_discovery(self) -> bool:
        wanted = {"authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"}
        return not wanted <= set(self.endpoints)

    @property
    def trusted_audiences(self) -> frozenset[str]:
        return frozenset(words(raw("SILENT_SSO_TRUSTED_AUDIENCES")))

    # -- the HTTP client ---------------------------------------------------------------------------------------------
    @property
    def timeout(self) -> float:
        """Longest time a call to the OP may take in all."""
        value = raw("OIDC_TIMEOUT")
        if isinstance(value, tuple | list):  # requests' (connect, read) form
            numbers = [part for part in value if is_seconds(part)]
            value = sum(numbers) if numbers else None
        if is_seconds(value) and value > 0:
            return float(value)
        return 5.0

    @property
    def verify_ssl(self) -> bool | str:
        value = getattr(settings, "OIDC_VERIFY_SSL", True)
        return value if isinstance(value, bool | str) and value != "" else True  # "" would switch it off

    @property
    def proxy(self) -> dict[str, str]:
        value = raw("OIDC_PROXY")
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}

    # -- the Authentication Request ---------------------------------------------------------------------------------
    @property
    def response_type(self) -> str:
        return choice("SILENT_SSO_RESPONSE_TYPE")

    @property
    def response_mode(self) -> str | None:
        value = choice("SILENT_SSO_RESPONSE_MODE")
        return None if value == str(None) else value

    @property
    def pushed_requests(self) -> bool:
        """Whether every Authentication Request is pushed (RFC 9126); one the OP requires to be pushed always is."""
        return raw("SILENT_SSO_PUSHED_REQUESTS") is True

    @property
    def extra_parameters(self) -> dict[str, str]:
        value = raw("OIDC_AUTH_REQUEST_EXTRA_PARAMS")
        return {str(k): str(v) for k, v in value.items()} if isinstance(value, Mapping) else {}

    @property
    def origin(self) -> str | None:
        value = text("SILENT_SSO_ORIGIN")
        if value is None:
            return None
        try:
            parts = urlsplit(value)
        except ValueError:
            return None
        return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("https", "http") and parts.netloc else None

    @property
    def root_urlconf(self) -> str:
        return str(settings.ROOT_URLCONF)

    @property
    def session_cookie_name(self) -> str:
        return str(settings.SESSION_COOKIE_NAME)

    @property
    def callback_url_name(self) -> str:
        return text("OIDC_AUTHENTICATION_CALLBACK_URL") or CALLBACK_URL_NAME

    @property
    def logout_url_method(self) -> str | None:
        return text("OIDC_OP_LOGOUT_URL_METHOD")

    @property
    def redirect_field_name(self) -> str:
        return text("OIDC_REDIRECT_FIELD_NAME") or "next"

    @property
    def redirect_allowed_hosts(self) -> tuple[str, ...]:
        return words(raw("OIDC_REDIRECT_ALLOWED_HOSTS"))

    @property
    def redirect_require_https(self) -> bool | None:
        value = raw("OIDC_REDIRECT_REQUIRE_HTTPS")
        return value if isinstance(value, bool) else None

    # -- when to ask, and what to do with the answer ---------------------------------------------------------------
    @property
    def visitors(self) -> str:
        return choice("SILENT_SSO_VISITORS")

    @property
    def renew_after(self) -> int:
        upstream = seconds("OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS", DEFAULTS["SILENT_SSO_RENEW_AFTER_SECONDS"])
        return seconds("SILENT_SSO_RENEW_AFTER_SECONDS", upstream)

    @property
    def renew_with(self) -> tuple[str, ...]:
        return choices("SILENT_SSO_RENEW_WITH")

    @property
    def ask_op_after(self) -> int | None:
        """How long refresh tokens renew before the OP's session itself is asked again; None: for ever (set to 0)."""
        return seconds("SILENT_SSO_ASK_OP_AFTER_SECONDS", max(4 * self.renew_after, 1)) or None

    @property
    def grace(self) -> int:
        return seconds("SILENT_SSO_GRACE_SECONDS")

    @property
    def back_off(self) -> tuple[int, ...]:
        value = raw("SILENT_SSO_BACK_OFF_SECONDS")
        items = value if isinstance(value, tuple | list) else ()
        waits = tuple(int(item) for item in items if is_seconds(item))
        return waits or (60, 600, 3600)

    def reaction(self, error: str, *, signed_in: bool) -> str:
        """What follows an OP error: "anonymous", "interactive" or "keep" (contract, table 4)."""
        chosen = raw("SILENT_SSO_AFTER_ERROR")
        table: dict[str, object] = {**AFTER_ERROR, **(chosen if isinstance(chosen, Mapping) else {})}
        pair = words(table.get(error))
        if len(pair) != 2 or not set(pair) <= set(REACTIONS):
            pair = AFTER_ERROR.get(error, ("anonymous", "keep"))
        return pair[1] if signed_in else pair[0]

    @property
    def subject_changed(self) -> str:
        return choice("SILENT_SSO_SUBJECT_CHANGED")

    @property
    def leeway(self) -> int:
        return seconds("SILENT_SSO_LEEWAY_SECONDS")

    @property
    def session_max(self) -> int | None:
        return seconds("SILENT_SSO_SESSION_MAX_SECONDS") or None

    @property
    def session_idle(self) -> int | None:
        return seconds("SILENT_SSO_SESSION_IDLE_SECONDS") or None

    @property
    def exempt_urls(self) -> tuple[str | re.Pattern[str], ...]:
        """`OIDC_EXEMPT_URLS`: URL names, paths, and compiled patterns, as mozilla-django-oidc reads them."""
        value = raw("OIDC_EXEMPT_URLS")
        if isinstance(value, str) or not isinstance(value, Iterable):
            return ()
        return tuple(item for item in value if isinstance(item, str | re.Pattern))

    # -- the page's script ------------------------------------------------------------------------------------------
    @property
    def frame_timeout(self) -> int:
        return seconds("SILENT_SSO_FRAME_TIMEOUT_SECONDS") or 8

    @property
    def top_level_hop(self) -> str:
        return choice("SILENT_SSO_TOP_LEVEL_HOP")

    @property
    def monitor(self) -> tuple[str, ...]:
        return choices("SILENT_SSO_MONITOR")

    @property
    def poll_seconds(self) -> int:
        return seconds("SILENT_SSO_POLL_SECONDS")

    @property
    def fedcm(self) -> str | None:
        return text("SILENT_SSO_FEDCM_CONFIG_URL")

    @property
    def credential_in_page(self) -> bool:
        return raw("SILENT_SSO_CREDENTIAL_IN_PAGE") is True

    # -- users and tokens -------------------------------------------------------------------------------------------
    @property
    def link_users_by(self) -> str:
        return choice("SILENT_SSO_LINK_USERS_BY")

    @property
    def create_user(self) -> bool:
        return bool(getattr(settings, "OIDC_CREATE_USER", True))

    @property
    def username_algorithm(self) -> object:
        return raw("OIDC_USERNAME_ALGO")

    @property
    def store_access_token(self) -> bool:
        return bool(raw("OIDC_STORE_ACCESS_TOKEN"))

    @property
    def store_id_token(self) -> bool:
        return bool(raw("OIDC_STORE_ID_TOKEN"))

    @property
    def revoke_tokens(self) -> bool:
        """Whether a sign-out here withdraws the session's tokens at the OP (RFC 7009)."""
        return raw("SILENT_SSO_REVOKE_TOKENS") is True

    @property
    def store_refresh_token(self) -> bool:
        return bool(getattr(settings, "OIDC_STORE_REFRESH_TOKEN", True))


conf: Final = Conf()
