"""The demo's OpenID Provider: Django with django-oauth-toolkit, set up as its manual says.

`run.py` hands over addresses, secrets and the folder of the database in the environment.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

BASE_DIR = Path(__file__).resolve().parent.parent

OP_URL = os.environ["DEMO_OP_URL"]
NEWS_URL = os.environ["DEMO_NEWS_URL"]
SHOP_URL = os.environ["DEMO_SHOP_URL"]

SECRET_KEY = os.environ["DEMO_SECRET_KEY"]
ALLOWED_HOSTS = ["id.demo.localhost"]
ROOT_URLCONF = "demo_op.urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.ContentSecurityPolicyMiddleware",
    "demo_op.watching.BrowserStateMiddleware",
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
                "demo_op.views.addresses",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": Path(os.environ["DEMO_DIR"]) / "op.sqlite3",
        # Without it two writers at once make one of them fail instead of wait.
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]

LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "home"

# Cookies do not tell ports apart: another name than the sites' keeps them apart on any host.
SESSION_COOKIE_NAME = "op_sessionid"
CSRF_COOKIE_NAME = "op_csrftoken"

# Login pages do not belong in frames. The redirect that answers prompt=none works in one all the same.
X_FRAME_OPTIONS = "DENY"
DEMO_CSP = {
    "default-src": "'none'",
    "style-src": "'self'",
    "img-src": "'self'",
    "base-uri": "'none'",
    # After the form browsers apply this to the redirects too, and those lead to the sites.
    "form-action": f"'self' {NEWS_URL} {SHOP_URL}",
    "frame-ancestors": "'none'",
}


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": OP_URL,
    "OIDC_RSA_PRIVATE_KEY": _new_key(),
    "OAUTH2_VALIDATOR_CLASS": "demo_op.provider.SilentValidator",
    "OAUTH2_BACKEND_CLASS": "demo_op.provider.UserAwareCore",
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "SCOPES": {"openid": "Who you are", "profile": "Your name", "email": "Your e-mail address"},
    "ACCESS_TOKEN_EXPIRE_SECONDS": 300,
    "ID_TOKEN_EXPIRE_SECONDS": 300,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 24 * 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
    "PKCE_REQUIRED": True,
    # RFC 9700 and RFC 9207: the answer says which OpenID Provider it comes from.
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
}
