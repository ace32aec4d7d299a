"""Settings for which each check fires, and settings next to them for which it does not."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.apps import SessionsConfig
from django.contrib.sessions.middleware import SessionMiddleware
from django.urls import include, path
from mozilla_django_oidc.middleware import SessionRefresh

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.defaults import CHOICES, DEFAULTS
from django_silent_sso.middleware import SilentSSOMiddleware

HERE = __name__
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTH = "django.contrib.auth.middleware.AuthenticationMiddleware"
OURS = "django_silent_sso.middleware.SilentSSOMiddleware"
APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "mozilla_django_oidc"]
SHARED = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
BY_HAND: dict[str, Any] = {f"OIDC_OP_{x}_ENDPOINT": "https://x/y" for x in ("TOKEN", "USER", "JWKS", "AUTHORIZATION")}
FRAME = {"OIDC_OP_CHECK_SESSION_ENDPOINT": "https://x/y"}
BY_HAND["SILENT_SSO_MONITOR"] = ["check_session"]
OWN = {**SHARED, "own": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


class OwnSession(SessionMiddleware):
    pass


class OwnAuth(AuthenticationMiddleware):
    pass


class OwnMiddleware(SilentSSOMiddleware):
    pass


class OwnRefresh(SessionRefresh):
    pass


class OwnBackend(SilentSSOBackend):
    pass


class OwnSessions(SessionsConfig):
    pass


Settings = dict[str, Any]
NOT_A_CLASS = ModelBackend()
urlpatterns = [path("", include(("django_silent_sso.urls", "a_namespace")))]


def _a_bool(name: str) -> tuple[list[Settings], list[Settings]]:
    return [{name: value} for value in ("yes", 1, None)], [{name: value} for value in (True, False)]


# id -> (settings with which it fires, settings next to them with which it does not)
CASES: dict[str, tuple[list[Settings], list[Settings]]] = {
    "E001": (
        [{"SILENT_SSO_ISSUER": value} for value in (None, "", 7)],
        [{"SILENT_SSO_ISSUER": "https://id.example.org/realms/main"}],
    ),
    "E002": (
        [
            {"SILENT_SSO_ISSUER": f"{value}"}
            for value in (
                "http://id.example.org",
                "id.example.org",
                "https://x?a=1",
                "https://x#f",
                "https://u@x",
                "//x",
            )
        ],
        [{"SILENT_SSO_ISSUER": "https://id.example.org:8443/"}],
    ),
    "E003": ([{"OIDC_RP_CLIENT_ID": None}, {"OIDC_RP_CLIENT_ID": ""}], [{"OIDC_RP_CLIENT_ID": "x"}]),
    "E004": (
        [
            *[{name: "nonsense"} for name in CHOICES],
            *[{name: ("nonsense",)} for name in CHOICES],
            *[{name: None} for name in CHOICES if DEFAULTS[name] is not None],
            {"SILENT_SSO_RENEW_WITH": "redirect"},
            {"SILENT_SSO_MONITOR": ["visible", []]},
        ],
        [
            *[{name: list(words)} for name, words in CHOICES.items() if isinstance(DEFAULTS[name], tuple)],
            *[{name: words[-1]} for name, words in CHOICES.items() if name.endswith(("RESPONSE_MODE", "VISITORS"))],
            {"SILENT_SSO_MONITOR": ()},
            {"SILENT_SSO_RESPONSE_MODE": None},
        ],
    ),
    "E005": (
        [
            *[
                {name: value}
                for name in DEFAULTS
                if name.endswith("_SECONDS") and "BACK_OFF" not in name
                for value in ("60", -1)
            ],
            *[{"SILENT_SSO_GRACE_SECONDS": value} for value in (True, float("inf"), float("nan"), [60])],
        ],
        [{"SILENT_SSO_GRACE_SECONDS": 0}, {"SILENT_SSO_GRACE_SECONDS": 1.5}, {"SILENT_SSO_SESSION_MAX_SECONDS": None}],
    ),
    "E006": (
        [{"SILENT_SSO_BACK_OFF_SECONDS": value} for value in (60, "60", (), None, (60, "x"), [-1], {60})],
        [{"SILENT_SSO_BACK_OFF_SECONDS": value} for value in ((0,), [60, 600, 3600, 7200])],
    ),
    "E007": (
        [
            {"SILENT_SSO_AFTER_ERROR": value}
            for value in (
                None,
                "keep",
                {"x": "keep"},
                {"x": ("keep",)},
                {"x": ("keep", "y")},
                {"x": [["keep"], "keep"]},
            )
        ],
        [{"SILENT_SSO_AFTER_ERROR": {}}, {"SILENT_SSO_AFTER_ERROR": {"login_required": ["keep", "anonymous"]}}],
    ),
    "E008": (
        [
            {"AUTHENTICATION_BACKENDS": [value]}
            for value in (
                "django.contrib.auth.backends.ModelBackend",
                f"{HERE}.NOT_A_CLASS",
                "no.such.backend",
                "nodots",
            )
        ],
        [{"AUTHENTICATION_BACKENDS": [f"{HERE}.OwnBackend"]}],
    ),
    "E009": (
        [{"MIDDLEWARE": value} for value in ([SESSION, AUTH], [SESSION, OURS, AUTH], [AUTH, OURS])],
        [
            {"MIDDLEWARE": [SESSION, AUTH, OURS]},
            {"MIDDLEWARE": [f"{HERE}.Own{x}" for x in ("Session", "Auth", "Middleware")]},
        ],
    ),
    "E010": ([{"ROOT_URLCONF": HERE}], [{"ROOT_URLCONF": "tests.test_urls"}]),
    "E011": (
        [
            {"SILENT_SSO_ORIGIN": value}
            for value in ("https://site.example/", "site.example", "https://[", 7, "", "https://site.example/x")
        ],
        [{"SILENT_SSO_ORIGIN": "https://site.example:8443"}, {"SILENT_SSO_ORIGIN": None}],
    ),
    "E012": (
        [
            {"MIDDLEWARE": [SESSION, AUTH, OURS, value]}
            for value in (f"{HERE}.OwnRefresh", f"{SessionRefresh.__module__}.SessionRefresh")
        ],
        [{"MIDDLEWARE": [SESSION, AUTH, OURS]}],
    ),
    "E013": (
        [{"OIDC_RP_SIGN_ALGO": value} for value in ("none", "RS1", "rs256")],
        [{"OIDC_RP_SIGN_ALGO": value} for value in ("RS256", "ES384", "PS512", "EdDSA")],
    ),
    "E014": (
        [
            {f"OIDC_OP_{name}_ENDPOINT": "http://id.example.org/x"}
            for name in ("TOKEN", "USER", "JWKS", "AUTHORIZATION", "LOGOUT", "CHECK_SESSION")
        ],
        [{"OIDC_OP_TOKEN_ENDPOINT": "https://other.example.org/x"}, {"OIDC_OP_TOKEN_ENDPOINT": "http://127.0.0.1/x"}],
    ),
    "E015": (
        [
            {"INSTALLED_APPS": [*APPS[:3], "django_silent_sso"]},
            {"INSTALLED_APPS": [*APPS[:2], APPS[3], "django_silent_sso"]},
        ],
        [
            {"INSTALLED_APPS": [*APPS[:2], f"{HERE}.OwnSessions", APPS[3], "django_silent_sso"]},
            {
                "INSTALLED_APPS": [*APPS[:2], APPS[3], "django_silent_sso"],
                "SESSION_ENGINE": "django.contrib.sessions.backends.cache",
            },
        ],
    ),
    "E016": _a_bool("SILENT_SSO_CREDENTIAL_IN_PAGE"),
    "E017": (
        [{"OIDC_RP_SIGN_ALGO": "HS256", "OIDC_RP_CLIENT_SECRET": value} for value in ("", None)],
        [{"OIDC_RP_CLIENT_SECRET": ""}],
    ),
    "E018": (
        [{"SILENT_SSO_TRUSTED_AUDIENCES": value} for value in ("client", 7, None, ["a", 7], {"a": 1})],
        [{"SILENT_SSO_TRUSTED_AUDIENCES": value} for value in ((), ["a"], {"a"})],
    ),
    "E019": _a_bool("SILENT_SSO_PUSHED_REQUESTS"),
    "E023": _a_bool("SILENT_SSO_REVOKE_TOKENS"),
    "E024": (
        [{"SILENT_SSO_FEDCM_CONFIG_URL": value} for value in ("http://id.example.org/fedcm", "/fedcm", "", 1, True)],
        [{"SILENT_SSO_FEDCM_CONFIG_URL": value} for value in ("https://id.example.org/fedcm.json", None)],
    ),
    "E020": (
        [{"SILENT_SSO_RESPONSE_TYPE": "code id_token", "SILENT_SSO_RESPONSE_MODE": "query"}],
        [
            {"SILENT_SSO_RESPONSE_TYPE": "code", "SILENT_SSO_RESPONSE_MODE": "query"},
            {"SILENT_SSO_RESPONSE_TYPE": "id_token", "SILENT_SSO_RESPONSE_MODE": "form_post"},
            {"SILENT_SSO_RESPONSE_TYPE": "id_token"},
        ],
    ),
    "E021": (
        [{"SILENT_SSO_CLIENT_AUTH": "private_key_jwt"}],
        [{"SILENT_SSO_CLIENT_AUTH": "private_key_jwt", "SILENT_SSO_CLIENT_KEY": "-----BEGIN PRIVATE KEY-----"}],
    ),
    "E022": (
        [
            {"SILENT_SSO_CLIENT_AUTH": method, "OIDC_RP_CLIENT_SECRET": ""}
            for method in ("client_secret_basic", "client_secret_jwt")
        ],
        [
            {"SILENT_SSO_CLIENT_AUTH": "client_secret_jwt"},
            {"SILENT_SSO_CLIENT_AUTH": "client_secret_post", "OIDC_RP_CLIENT_SECRET": ""},
        ],
    ),
    "W001": (
        [{"SILENT_SSO_ISSUER": value} for value in ("http://127.0.0.1:8001", "http://id.localhost")],
        [{"SILENT_SSO_ISSUER": "https://localhost"}],
    ),
    "W002": ([{"OIDC_VERIFY_SSL": False}], [{"OIDC_VERIFY_SSL": True}, {"OIDC_VERIFY_SSL": "/ca.pem"}]),
    "W003": ([{"OIDC_ALLOW_UNSECURED_JWT": True}], [{"OIDC_ALLOW_UNSECURED_JWT": False}]),
    "W004": (
        [
            *[{f"OIDC_{name}": False} for name in ("USE_NONCE", "USE_PKCE", "VERIFY_KID")],
            {"OIDC_PKCE_CODE_CHALLENGE_METHOD": "plain"},
        ],
        [{f"OIDC_{name}": True} for name in ("USE_NONCE", "USE_PKCE", "VERIFY_KID")],
    ),
    "W005": ([{"OIDC_RP_SIGN_ALGO": "HS256"}], [{"OIDC_RP_SIGN_ALGO": "ES256"}]),
    "W006": (
        [{"SILENT_SSO_MONITOR": ("poll",), "SILENT_SSO_POLL_SECONDS": value} for value in (0, 899)],
        [{"SILENT_SSO_MONITOR": ("poll",)}, {"SILENT_SSO_POLL_SECONDS": 60}],
    ),
    "W007": (
        [
            {"CACHES": {"default": {"BACKEND": f"django.core.cache.backends.{value}"}}}
            for value in ("locmem.LocMemCache", "dummy.DummyCache")
        ],
        [{"CACHES": SHARED}],
    ),
    "W008": ([{"SILENT_SSO_LINK_USERS_BY": "email"}], [{"SILENT_SSO_LINK_USERS_BY": "subject"}]),
    "W009": ([{"OIDC_RP_IDP_SIGN_KEY": "-----BEGIN PUBLIC KEY-----"}], [{"OIDC_RP_IDP_SIGN_KEY": None}]),
    "W010": ([{"ALLOW_LOGOUT_GET_METHOD": True}], [{"ALLOW_LOGOUT_GET_METHOD": False}]),
    "W011": (
        [{"OIDC_AUTH_REQUEST_EXTRA_PARAMS": {name: "x"}} for name in ("state", "nonce", "redirect_uri", "prompt")],
        [{"OIDC_AUTH_REQUEST_EXTRA_PARAMS": {"audience": "x", "max_age": 60}}],
    ),
    "W012": (
        [{"OIDC_CALLBACK_CLASS": "x.Y"}, {"OIDC_AUTHENTICATE_CLASS": "x.Y"}],
        [{"OIDC_USERNAME_ALGO": "x.y"}],
    ),
    "W013": (
        [{"ALLOWED_HOSTS": ["*"]}],
        [{"ALLOWED_HOSTS": ["*"], "SILENT_SSO_ORIGIN": "https://site.example"}, {"ALLOWED_HOSTS": [".site.example"]}],
    ),
    "W014": (
        [{"SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies"}],
        [{"SESSION_ENGINE": "django.contrib.sessions.backends.cached_db"}],
    ),
    "W015": ([{"SILENT_SSO_ISUER": "x"}, {"SILENT_SSO_": 1}], [{"SILENT_SO_ISSUER": "x"}]),
    "W016": (
        [{"OIDC_RP_SCOPES": "email profile"}, {"OIDC_RP_SCOPES": "openidx"}],
        [{"OIDC_RP_SCOPES": "profile openid"}],
    ),
    "W017": (
        [
            {"SESSION_ENGINE": f"django.contrib.sessions.backends.{name}", "SESSION_CACHE_ALIAS": "own", "CACHES": OWN}
            for name in ("cache", "cached_db")
        ],
        [
            {"SESSION_CACHE_ALIAS": "own", "CACHES": OWN},
            {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"},
            {"SESSION_ENGINE": "django.contrib.sessions.backends.cache", "SESSION_CACHE_ALIAS": "none"},
        ],
    ),
    "W018": (
        [
            {"SILENT_SSO_ASK_OP_AFTER_SECONDS": 0},
            {"SILENT_SSO_RENEW_WITH": ("refresh_token",)},
            {"SILENT_SSO_ASK_OP_AFTER_SECONDS": 0, "SILENT_SSO_RESPONSE_TYPE": "code id_token"},
        ],
        [
            {"SILENT_SSO_ASK_OP_AFTER_SECONDS": 1},
            {"SILENT_SSO_RENEW_WITH": ("redirect", "refresh_token")},
            {"SILENT_SSO_RENEW_WITH": ("redirect",), "SILENT_SSO_ASK_OP_AFTER_SECONDS": 0},
            {"SILENT_SSO_RENEW_WITH": ()},
            {"SILENT_SSO_ASK_OP_AFTER_SECONDS": 0, "OIDC_STORE_REFRESH_TOKEN": False},
            {"SILENT_SSO_ASK_OP_AFTER_SECONDS": 0, "SILENT_SSO_RESPONSE_TYPE": "id_token token"},
        ],
    ),
    "W019": ([BY_HAND], [BY_HAND | {name: None} for name in BY_HAND] + [BY_HAND | FRAME]),
}
