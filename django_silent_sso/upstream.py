"""The seam to mozilla-django-oidc: every name of it that this package relies on, named once.

A change of one of these names upstream breaks `tests/test_upstream.py`, not a site.
"""

from __future__ import annotations

from typing import Final

from mozilla_django_oidc.auth import OIDCAuthenticationBackend

__all__ = [
    "ACCESS_TOKEN_SESSION_KEY",
    "AUTHENTICATE_URL_NAME",
    "CALLBACK_URL_NAME",
    "ID_TOKEN_SESSION_KEY",
    "LOGOUT_URL_NAME",
    "OIDCAuthenticationBackend",
]

ACCESS_TOKEN_SESSION_KEY: Final = "oidc_access_token"  # noqa: S105  the key's name, not a token
ID_TOKEN_SESSION_KEY: Final = "oidc_id_token"  # noqa: S105

AUTHENTICATE_URL_NAME: Final = "oidc_authentication_init"
CALLBACK_URL_NAME: Final = "oidc_authentication_callback"
LOGOUT_URL_NAME: Final = "oidc_logout"
