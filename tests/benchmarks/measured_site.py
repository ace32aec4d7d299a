"""One of the sites that are compared, in a process of its own.

    python -m tests.benchmarks.measured_site KIND ISSUER DATABASE

Prints its origin as a JSON line, and ends when its standard input does.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.conf import settings

from tests.interop.oidc_provider.process import CLIENT_SECRET

KINDS = ("refresh_token", "redirect", "mozilla-django-oidc")


def site_settings(kind: str, issuer: str, database: str) -> dict[str, Any]:
    """What each README says, over the same database and sessions."""
    common = {
        "SECRET_KEY": "a key for measurements only, long enough for every signer in use",
        "ALLOWED_HOSTS": ["localhost"],
        "USE_TZ": True,
        "ROOT_URLCONF": "tests.benchmarks.urls",
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "OIDC_RP_CLIENT_ID": "site",
        "OIDC_RP_CLIENT_SECRET": CLIENT_SECRET,
    }
    apps = [
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "mozilla_django_oidc",
    ]
    middleware = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    if kind == "mozilla-django-oidc":
        return common | {
            "INSTALLED_APPS": apps,
            "MIDDLEWARE": [*middleware, "mozilla_django_oidc.middleware.SessionRefresh"],
            "AUTHENTICATION_BACKENDS": ["mozilla_django_oidc.auth.OIDCAuthenticationBackend"],
            "OIDC_RP_SIGN_ALGO": "RS256",
            "OIDC_OP_AUTHORIZATION_ENDPOINT": f"{issuer}/auth",
            "OIDC_OP_TOKEN_ENDPOINT": f"{issuer}/token",
            "OIDC_OP_USER_ENDPOINT": f"{issuer}/me",
            "OIDC_OP_JWKS_ENDPOINT": f"{issuer}/jwks",
        }
    return common | {
        "INSTALLED_APPS": [*apps, "django_silent_sso"],
        "MIDDLEWARE": [*middleware, "django_silent_sso.middleware.SilentSSOMiddleware"],
        "AUTHENTICATION_BACKENDS": ["django_silent_sso.backends.SilentSSOBackend"],
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        "SILENT_SSO_ISSUER": issuer,
        "SILENT_SSO_RENEW_WITH": (kind,),
    }


def main(kind: str, issuer: str, database: str) -> None:
    settings.configure(**site_settings(kind, issuer, database))
    django.setup()
    # Only now that there are settings.
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command

    from tests.interop.site_server import serving

    call_command("migrate", verbosity=0)
    with serving(WSGIHandler()) as origin:
        sys.stdout.write(json.dumps({"origin": origin}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
