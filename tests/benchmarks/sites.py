"""The sites that are compared: what each README says, over the same database and sessions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.interop.oidc_provider.process import CLIENT_SECRET

UPSTREAM: Final = "mozilla-django-oidc"
KINDS: Final = ("refresh_token", "redirect", UPSTREAM)
TITLES: Final[Mapping[str, str]] = {
    "refresh_token": "django-silent-sso, refresh token",
    "redirect": "django-silent-sso, redirect",
    UPSTREAM: "mozilla-django-oidc, SessionRefresh",
}
_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "mozilla_django_oidc"]
_MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]


def site_settings(kind: str, issuer: str, store: Mapping[str, Any]) -> dict[str, Any]:
    """`store`: one of `tests.concurrency.stores`."""
    common = {
        "SECRET_KEY": "a key for measurements only, long enough for every signer in use",
        "ALLOWED_HOSTS": ["localhost"],
        "USE_TZ": True,
        "ROOT_URLCONF": "tests.benchmarks.urls",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "OIDC_RP_CLIENT_ID": "site",
        "OIDC_RP_CLIENT_SECRET": CLIENT_SECRET,
        **store,
    }
    if kind == UPSTREAM:
        return common | {
            "INSTALLED_APPS": _APPS,
            "MIDDLEWARE": [*_MIDDLEWARE, "mozilla_django_oidc.middleware.SessionRefresh"],
            "AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
            "OIDC_RP_SIGN_ALGO": "RS256",
            "OIDC_OP_AUTHORIZATION_ENDPOINT": f"{issuer}/auth",
            "OIDC_OP_TOKEN_ENDPOINT": f"{issuer}/token",
            "OIDC_OP_USER_ENDPOINT": f"{issuer}/me",
            "OIDC_OP_JWKS_ENDPOINT": f"{issuer}/jwks",
        }
    return common | {
        "INSTALLED_APPS": [*_APPS, "django_silent_sso"],
        "MIDDLEWARE": [*_MIDDLEWARE, "django_silent_sso.middleware.SilentSSOMiddleware"],
        "AUTHENTICATION_BACKENDS": ["django_silent_sso.backends.SilentSSOBackend"],
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        "SILENT_SSO_ISSUER": issuer,
        "SILENT_SSO_RENEW_WITH": (kind,),
    }
