"""Settings of both demo sites. What django_silent_sso needs is in the first block; the rest is plain Django.

`run.py` hands over addresses, secrets and the folder of the database in the environment.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from demo_site.content import SITES

BASE_DIR = Path(__file__).resolve().parent.parent

OP_URL = os.environ["DEMO_OP_URL"]
SITE_URLS = {"news": os.environ["DEMO_NEWS_URL"], "shop": os.environ["DEMO_SHOP_URL"]}
SITE = SITES[os.environ["DEMO_SITE"]]
OTHER_SITE = SITES["shop" if SITE.key == "news" else "news"]

# --- django_silent_sso -------------------------------------------------------------------------------------
SILENT_SSO_ISSUER = OP_URL
OIDC_RP_CLIENT_ID = SITE.key
OIDC_RP_CLIENT_SECRET = os.environ[f"DEMO_{SITE.key.upper()}_SECRET"]
OIDC_RP_SCOPES = "openid profile email"
OIDC_USERNAME_ALGO = "demo_site.users.username"
SILENT_SSO_VISITORS = SITE.visitors  # "frame" is the default; the shop has "redirect"
SILENT_SSO_MONITOR = ("visible", "check_session")  # Demo ID has a frame that tells of every sign-in and sign-out
SILENT_SSO_RENEW_AFTER_SECONDS = 60  # a real site keeps the 15 minutes of the default
AUTHENTICATION_BACKENDS = ["demo_site.users.EverybodyIsStaff"]  # SilentSSOBackend, and the browser doctor for all
LOGIN_URL = "oidc_authentication_init"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
# -----------------------------------------------------------------------------------------------------------

SECRET_KEY = os.environ["DEMO_SECRET_KEY"]
ALLOWED_HOSTS = [urlsplit(SITE_URLS[SITE.key]).hostname]
ROOT_URLCONF = "demo_site.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "mozilla_django_oidc",
    "django_silent_sso",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_silent_sso.middleware.SilentSSOMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.csp_nonce",
                "demo_site.views.surroundings",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["DEMO_DIR"]) / f"{SITE.key}.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

X_FRAME_OPTIONS = "DENY"
DEMO_CSP = {
    "default-src": "'none'",
    "script-src": "<nonce>",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "frame-src": f"'self' {OP_URL}",  # the hidden frame starts at the OpenID Provider and ends here
    "base-uri": "'none'",
    "form-action": f"'self' {OP_URL}",  # signing out leads through the OpenID Provider
    "frame-ancestors": "'none'",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"short": {"format": f"[{SITE.key}] %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
    "loggers": {"django_silent_sso": {"handlers": ["console"], "level": "INFO", "propagate": False}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
