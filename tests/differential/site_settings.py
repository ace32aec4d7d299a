"""The settings of each site: what its package's documentation says, over the same database and sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CLIENT_ID = "site"
CLIENT_SECRET = "a-secret-of-the-site-and-the-provider"

_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"]
_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
_PASSWORDS = "django.contrib.auth.backends.ModelBackend"


def site_settings(kind: str, issuer: str, database: str) -> dict[str, Any]:
    return {**_common(database), **_KINDS[kind](issuer)}


def _common(database: str) -> dict[str, Any]:
    return {
        "SECRET_KEY": "a key for this comparison only, long enough for every signer in use",
        "ALLOWED_HOSTS": ["localhost"],
        "USE_TZ": True,
        "ROOT_URLCONF": "tests.differential.site_urls",
        "LOGIN_REDIRECT_URL": "/",
        "DATABASES": {
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": database,
                "OPTIONS": {
                    "timeout": 20,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA journal_mode=WAL",
                },
            }
        },
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    }


def _ours(issuer: str) -> dict[str, Any]:
    return {
        "INSTALLED_APPS": [*_APPS, "mozilla_django_oidc", "django_silent_sso"],
        "MIDDLEWARE": [*_MIDDLEWARE, "django_silent_sso.middleware.SilentSSOMiddleware"],
        "AUTHENTICATION_BACKENDS": ["django_silent_sso.backends.SilentSSOBackend", _PASSWORDS],
        "SILENT_SSO_ISSUER": issuer,
        "OIDC_RP_CLIENT_ID": CLIENT_ID,
        "OIDC_RP_CLIENT_SECRET": CLIENT_SECRET,
    }


def _mozilla(issuer: str) -> dict[str, Any]:
    return {
        "INSTALLED_APPS": [*_APPS, "mozilla_django_oidc"],
        "MIDDLEWARE": [*_MIDDLEWARE, "mozilla_django_oidc.middleware.SessionRefresh"],
        "AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend", _PASSWORDS],
        "OIDC_RP_CLIENT_ID": CLIENT_ID,
        "OIDC_RP_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_RP_SIGN_ALGO": "RS256",
        "OIDC_OP_AUTHORIZATION_ENDPOINT": f"{issuer}/authorize",
        "OIDC_OP_TOKEN_ENDPOINT": f"{issuer}/token",
        "OIDC_OP_USER_ENDPOINT": f"{issuer}/userinfo",
        "OIDC_OP_JWKS_ENDPOINT": f"{issuer}/jwks",
    }


def _allauth(issuer: str) -> dict[str, Any]:
    app = {
        "provider_id": "op",
        "name": "The provider",
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "settings": {"server_url": issuer},
    }
    return {
        "INSTALLED_APPS": [
            *_APPS,
            "allauth",
            "allauth.account",
            "allauth.socialaccount",
            "allauth.socialaccount.providers.openid_connect",
        ],
        "MIDDLEWARE": [*_MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"],
        "AUTHENTICATION_BACKENDS": [_PASSWORDS, "allauth.account.auth_backends.AuthenticationBackend"],
        "SOCIALACCOUNT_PROVIDERS": {"openid_connect": {"APPS": [app]}},
    }


def _social_auth(issuer: str) -> dict[str, Any]:
    return {
        "INSTALLED_APPS": [*_APPS, "social_django"],
        "MIDDLEWARE": [*_MIDDLEWARE, "social_django.middleware.SocialAuthExceptionMiddleware"],
        "AUTHENTICATION_BACKENDS": ["social_core.backends.open_id_connect.OpenIdConnectAuth", _PASSWORDS],
        "SOCIAL_AUTH_OIDC_OIDC_ENDPOINT": issuer,
        "SOCIAL_AUTH_OIDC_KEY": CLIENT_ID,
        "SOCIAL_AUTH_OIDC_SECRET": CLIENT_SECRET,
        "SOCIAL_AUTH_LOGIN_ERROR_URL": "/page/sign-in-failed",
    }


_KINDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "django-silent-sso": _ours,
    "mozilla-django-oidc": _mozilla,
    "allauth": _allauth,
    "social-auth": _social_auth,
}
