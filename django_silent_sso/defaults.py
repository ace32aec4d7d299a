"""Every setting of this app with its default, and what it may hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeGuard

__all__ = ["AFTER_ERROR", "CHOICES", "DEFAULTS", "REACTIONS", "is_seconds"]

REACTIONS: Final = ("anonymous", "interactive", "keep")

# Reaction per OP error code: for a visitor, for a signed-in user. Every other code is ("anonymous", "keep").
AFTER_ERROR: Final[Mapping[str, tuple[str, str]]] = {
    "login_required": ("anonymous", "interactive"),
    "consent_required": ("anonymous", "interactive"),
    "interaction_required": ("anonymous", "interactive"),
    "account_selection_required": ("anonymous", "interactive"),
}

DEFAULTS: Final[Mapping[str, object]] = {
    "SILENT_SSO_ISSUER": None,
    "SILENT_SSO_VISITORS": "frame",
    "SILENT_SSO_RENEW_AFTER_SECONDS": 900,
    "SILENT_SSO_RENEW_WITH": ("refresh_token", "redirect"),
    "SILENT_SSO_ASK_OP_AFTER_SECONDS": None,
    "SILENT_SSO_GRACE_SECONDS": 300,
    "SILENT_SSO_BACK_OFF_SECONDS": (60, 600, 3600),
    "SILENT_SSO_AFTER_ERROR": AFTER_ERROR,
    "SILENT_SSO_SUBJECT_CHANGED": "sign_out",
    "SILENT_SSO_LEEWAY_SECONDS": 60,
    "SILENT_SSO_SESSION_MAX_SECONDS": None,
    "SILENT_SSO_SESSION_IDLE_SECONDS": None,
    "SILENT_SSO_RESPONSE_TYPE": "code",
    "SILENT_SSO_RESPONSE_MODE": None,
    "SILENT_SSO_FRAME_TIMEOUT_SECONDS": 8,
    "SILENT_SSO_TOP_LEVEL_HOP": "known",
    "SILENT_SSO_MONITOR": ("visible",),
    "SILENT_SSO_POLL_SECONDS": 900,
    "SILENT_SSO_CREDENTIAL_IN_PAGE": False,
    "SILENT_SSO_LINK_USERS_BY": "verified_email",
    "SILENT_SSO_ORIGIN": None,
    "SILENT_SSO_TRUSTED_AUDIENCES": (),
    "SILENT_SSO_CLIENT_AUTH": None,
    "SILENT_SSO_CLIENT_KEY": None,
    "SILENT_SSO_PUSHED_REQUESTS": False,
    "SILENT_SSO_REVOKE_TOKENS": False,
    "SILENT_SSO_FEDCM_CONFIG_URL": None,
}

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "SILENT_SSO_VISITORS": ("off", "frame", "redirect"),
    "SILENT_SSO_RENEW_WITH": ("refresh_token", "redirect"),
    "SILENT_SSO_SUBJECT_CHANGED": ("sign_out", "switch", "refuse"),
    "SILENT_SSO_RESPONSE_TYPE": (
        "code",
        "id_token",
        "id_token token",
        "code id_token",
        "code token",
        "code id_token token",
    ),
    "SILENT_SSO_RESPONSE_MODE": ("query", "fragment", "form_post", "web_message"),
    "SILENT_SSO_CLIENT_AUTH": ("client_secret_post", "client_secret_basic", "client_secret_jwt", "private_key_jwt"),
    "SILENT_SSO_TOP_LEVEL_HOP": ("never", "known", "always"),
    "SILENT_SSO_MONITOR": ("visible", "check_session", "poll"),
    "SILENT_SSO_LINK_USERS_BY": ("subject", "verified_email", "email"),
}


def is_seconds(value: object) -> TypeGuard[int | float]:
    """A time that a setting may hold: a number, not negative, not endless."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 10**9
