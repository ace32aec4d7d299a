"""Every setting: what is read from it, and that no value of it is ever a 500."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_silent_sso.conf import Conf, conf
from django_silent_sso.defaults import CHOICES, DEFAULTS

PATTERN = re.compile("^/api/")
PROPERTIES = sorted(name for name, value in vars(Conf).items() if isinstance(value, property))
SETTINGS = [*DEFAULTS, "OIDC_RP_CLIENT_ID", "OIDC_RP_CLIENT_SECRET", "OIDC_RP_SCOPES", "OIDC_RP_SIGN_ALGO"]
SETTINGS += ["OIDC_RP_IDP_SIGN_KEY", "OIDC_TOKEN_USE_BASIC_AUTH", "OIDC_TIMEOUT", "OIDC_VERIFY_SSL", "OIDC_PROXY"]
SETTINGS += ["OIDC_OP_AUTHORIZATION_ENDPOINT", "OIDC_OP_TOKEN_ENDPOINT", "OIDC_OP_USER_ENDPOINT"]
SETTINGS += ["OIDC_OP_JWKS_ENDPOINT", "OIDC_OP_LOGOUT_ENDPOINT", "OIDC_OP_LOGOUT_URL_METHOD", "OIDC_USERNAME_ALGO"]
SETTINGS += ["OIDC_AUTH_REQUEST_EXTRA_PARAMS", "OIDC_AUTHENTICATION_CALLBACK_URL", "OIDC_REDIRECT_FIELD_NAME"]
SETTINGS += ["OIDC_REDIRECT_ALLOWED_HOSTS", "OIDC_REDIRECT_REQUIRE_HTTPS", "OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS"]
SETTINGS += ["OIDC_EXEMPT_URLS", "OIDC_CREATE_USER", "OIDC_STORE_ACCESS_TOKEN", "OIDC_STORE_ID_TOKEN"]
SETTINGS += ["OIDC_STORE_REFRESH_TOKEN", "OIDC_OP_CHECK_SESSION_ENDPOINT"]


@pytest.fixture
def bare(settings: Any) -> Any:
    """None of the settings set."""
    for name in SETTINGS:
        if hasattr(settings, name):
            delattr(settings, name)
    return settings


BARE = {
    "issuer": None,
    "client_id": None,
    "client_secret": "",
    "configured": False,
    "scope": "openid email",
    "sign_algorithm": "RS256",
    "sign_key": None,
    "client_auth": "client_secret_post",
    "client_key": None,
    "endpoints": {},
    "needs_discovery": True,
    "trusted_audiences": frozenset(),
    "timeout": 5.0,
    "verify_ssl": True,
    "proxy": {},
    "response_type": "code",
    "response_mode": None,
    "pushed_requests": False,
    "revoke_tokens": False,
    "extra_parameters": {},
    "origin": None,
    "session_cookie_name": "sessionid",
    "root_urlconf": "tests.urls",
    "callback_url_name": "oidc_authentication_callback",
    "logout_url_method": None,
    "redirect_field_name": "next",
    "redirect_allowed_hosts": (),
    "redirect_require_https": None,
    "visitors": "frame",
    "renew_after": 900,
    "renew_with": ("refresh_token", "redirect"),
    "ask_op_after": 3600,
    "grace": 300,
    "back_off": (60, 600, 3600),
    "subject_changed": "sign_out",
    "leeway": 60,
    "session_max": None,
    "session_idle": None,
    "exempt_urls": (),
    "frame_timeout": 8,
    "top_level_hop": "known",
    "monitor": ("visible",),
    "poll_seconds": 900,
    "credential_in_page": False,
    "link_users_by": "verified_email",
    "create_user": True,
    "username_algorithm": None,
    "store_access_token": False,
    "store_id_token": False,
    "store_refresh_token": True,
}


@pytest.mark.parametrize("name", BARE)
def test_without_any_setting(bare: Any, name: str) -> None:
    assert getattr(conf, name) == BARE[name]


@pytest.mark.parametrize(
    ("name", "value", "attribute", "expected"),
    [
        ("SILENT_SSO_ISSUER", "https://id", "issuer", "https://id"),
        ("OIDC_RP_CLIENT_ID", "site", "client_id", "site"),
        ("OIDC_RP_CLIENT_SECRET", "secret", "client_secret", "secret"),
        ("OIDC_RP_SCOPES", "openid", "scope", "openid"),
        ("OIDC_RP_SIGN_ALGO", "ES256", "sign_algorithm", "ES256"),
        ("OIDC_RP_IDP_SIGN_KEY", {"kty": "RSA"}, "sign_key", {"kty": "RSA"}),
        ("OIDC_TOKEN_USE_BASIC_AUTH", True, "client_auth", "client_secret_basic"),
        ("SILENT_SSO_CLIENT_KEY", {"kty": "RSA"}, "client_key", {"kty": "RSA"}),
        ("SILENT_SSO_PUSHED_REQUESTS", True, "pushed_requests", True),
        ("SILENT_SSO_REVOKE_TOKENS", True, "revoke_tokens", True),
        ("SILENT_SSO_FEDCM_CONFIG_URL", "https://id/f", "fedcm", "https://id/f"),
        ("OIDC_OP_TOKEN_ENDPOINT", "https://id/t", "endpoints", {"token_endpoint": "https://id/t"}),
        ("OIDC_OP_LOGOUT_ENDPOINT", "https://id/l", "endpoints", {"end_session_endpoint": "https://id/l"}),
        ("OIDC_OP_CHECK_SESSION_ENDPOINT", "https://id/c", "endpoints", {"check_session_iframe": "https://id/c"}),
        ("SILENT_SSO_TRUSTED_AUDIENCES", ["a", "b"], "trusted_audiences", frozenset({"a", "b"})),
        ("OIDC_TIMEOUT", 2.5, "timeout", 2.5),
        ("OIDC_TIMEOUT", (1, 2.5), "timeout", 3.5),
        ("OIDC_TIMEOUT", (None, 4), "timeout", 4.0),
        ("OIDC_VERIFY_SSL", False, "verify_ssl", False),
        ("OIDC_VERIFY_SSL", "/ca.pem", "verify_ssl", "/ca.pem"),
        ("OIDC_PROXY", {"https": "http://proxy"}, "proxy", {"https": "http://proxy"}),
        ("SILENT_SSO_RESPONSE_MODE", "form_post", "response_mode", "form_post"),
        ("OIDC_AUTH_REQUEST_EXTRA_PARAMS", {"max_age": 60}, "extra_parameters", {"max_age": "60"}),
        ("SILENT_SSO_ORIGIN", "https://site.example", "origin", "https://site.example"),
        ("SILENT_SSO_ORIGIN", "http://site.localhost:8000/", "origin", "http://site.localhost:8000"),
        ("SESSION_COOKIE_NAME", "sid", "session_cookie_name", "sid"),
        ("ROOT_URLCONF", "site.urls", "root_urlconf", "site.urls"),
        ("OIDC_AUTHENTICATION_CALLBACK_URL", "back", "callback_url_name", "back"),
        ("OIDC_OP_LOGOUT_URL_METHOD", "site.logout_url", "logout_url_method", "site.logout_url"),
        ("OIDC_REDIRECT_FIELD_NAME", "to", "redirect_field_name", "to"),
        ("OIDC_REDIRECT_ALLOWED_HOSTS", ["a.example"], "redirect_allowed_hosts", ("a.example",)),
        ("OIDC_REDIRECT_REQUIRE_HTTPS", True, "redirect_require_https", True),
        ("SILENT_SSO_RENEW_AFTER_SECONDS", 60, "renew_after", 60),
        ("OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS", 120, "renew_after", 120),
        ("SILENT_SSO_RENEW_WITH", ["redirect"], "renew_with", ("redirect",)),
        ("SILENT_SSO_RENEW_WITH", (), "renew_with", ()),
        ("SILENT_SSO_GRACE_SECONDS", 0, "grace", 0),
        ("SILENT_SSO_BACK_OFF_SECONDS", [5, 2.5], "back_off", (5, 2)),
        ("SILENT_SSO_LEEWAY_SECONDS", 5, "leeway", 5),
        ("SILENT_SSO_SESSION_MAX_SECONDS", 36000, "session_max", 36000),
        ("SILENT_SSO_SESSION_IDLE_SECONDS", 1800, "session_idle", 1800),
        ("SILENT_SSO_SESSION_IDLE_SECONDS", 0, "session_idle", None),
        ("SILENT_SSO_RENEW_AFTER_SECONDS", 60, "ask_op_after", 240),
        ("SILENT_SSO_ASK_OP_AFTER_SECONDS", 7200, "ask_op_after", 7200),
        ("SILENT_SSO_ASK_OP_AFTER_SECONDS", 0, "ask_op_after", None),
        ("OIDC_EXEMPT_URLS", ["home", "/x/", PATTERN, 7], "exempt_urls", ("home", "/x/", PATTERN)),
        ("SILENT_SSO_FRAME_TIMEOUT_SECONDS", 3, "frame_timeout", 3),
        ("SILENT_SSO_MONITOR", [], "monitor", ()),
        ("SILENT_SSO_MONITOR", ("visible", "poll"), "monitor", ("visible", "poll")),
        ("SILENT_SSO_POLL_SECONDS", 1800, "poll_seconds", 1800),
        ("SILENT_SSO_CREDENTIAL_IN_PAGE", True, "credential_in_page", True),
        ("OIDC_CREATE_USER", False, "create_user", False),
        ("OIDC_CREATE_USER", 0, "create_user", False),
        ("OIDC_USERNAME_ALGO", "site.names", "username_algorithm", "site.names"),
        ("OIDC_STORE_ACCESS_TOKEN", True, "store_access_token", True),
        ("OIDC_STORE_ID_TOKEN", True, "store_id_token", True),
        ("OIDC_STORE_REFRESH_TOKEN", False, "store_refresh_token", False),
    ],
)
def test_a_setting_is_read(bare: Any, name: str, value: object, attribute: str, expected: object) -> None:
    setattr(bare, name, value)
    assert getattr(conf, attribute) == expected


@pytest.mark.parametrize(("name", "word"), [(name, word) for name, words in CHOICES.items() for word in words])
def test_every_choice_can_be_chosen(bare: Any, name: str, word: str) -> None:
    several = isinstance(DEFAULTS[name], tuple)
    setattr(bare, name, (word,) if several else word)
    assert getattr(conf, name.removeprefix("SILENT_SSO_").lower()) == ((word,) if several else word)


def test_our_own_time_goes_before_upstreams(bare: Any) -> None:
    bare.OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS, bare.SILENT_SSO_RENEW_AFTER_SECONDS = 120, 60
    assert conf.renew_after == 60
    bare.SILENT_SSO_RENEW_AFTER_SECONDS = "soon"
    assert conf.renew_after == 120


def test_no_discovery_with_all_endpoints_set(bare: Any) -> None:
    names = ["AUTHORIZATION_ENDPOINT", "TOKEN_ENDPOINT", "USER_ENDPOINT", "JWKS_ENDPOINT"]
    for name in names:
        assert conf.needs_discovery
        setattr(bare, f"OIDC_OP_{name}", f"https://id.example.org/{name}")
    assert not conf.needs_discovery


def test_issuer_and_client_make_it_configured_and_give_it_a_name(bare: Any) -> None:
    keys = {conf.issuer_key}
    bare.SILENT_SSO_ISSUER = "https://id.example.org"
    assert not conf.configured
    keys.add(conf.issuer_key)
    bare.OIDC_RP_CLIENT_ID = "site"
    assert conf.configured
    keys.add(conf.issuer_key)
    assert len(keys) == 3
    assert {len(key) for key in keys} == {8}


# -- mistakes ----------------------------------------------------------------------------------------------------------

GARBAGE = [
    None,
    "",
    "nonsense",
    "[",
    "https://[",
    7,
    -1,
    True,
    float("nan"),
    float("inf"),
    10**400,
    b"x",
    [],
    [1],
    [[]],
]
GARBAGE += [{}, {"a": 1}, {"login_required": 7}, object(), ["nonsense"], (None, "x")]


@pytest.mark.parametrize("name", SETTINGS)
def test_no_value_whatever_is_an_error(bare: Any, name: str) -> None:
    for value in GARBAGE:
        setattr(bare, name, value)
        for attribute in PROPERTIES:
            getattr(conf, attribute)
        conf.reaction("login_required", signed_in=True)


@pytest.mark.parametrize(
    ("name", "attribute", "garbage"),
    [
        *[(name, name.removeprefix("SILENT_SSO_").lower(), ["nonsense", 7, None, {}]) for name in CHOICES],
        ("SILENT_SSO_GRACE_SECONDS", "grace", ["9", -1, True, None, float("inf"), float("nan")]),
        ("SILENT_SSO_RENEW_AFTER_SECONDS", "renew_after", ["9", -1, True, None, float("inf")]),
        ("OIDC_RENEW_ID_TOKEN_EXPIRY_SECONDS", "renew_after", ["9", -1, True, None, float("inf")]),
        ("SILENT_SSO_SESSION_MAX_SECONDS", "session_max", ["9", -1, True, 0, float("inf")]),
        ("SILENT_SSO_FRAME_TIMEOUT_SECONDS", "frame_timeout", ["9", -1, 0, None]),
        ("SILENT_SSO_BACK_OFF_SECONDS", "back_off", [60, "60", (), [None], [-1], [True], [float("inf")], {60}]),
        ("OIDC_TIMEOUT", "timeout", ["9", -1, 0, True, None, (), (None,), float("inf"), [0, 0]]),
        ("OIDC_VERIFY_SSL", "verify_ssl", [None, 0, "", [], {}]),
        ("SILENT_SSO_ORIGIN", "origin", ["site.example", "//x", "ftp://x", "https://", "https://[", 7, b"https://x"]),
        ("OIDC_EXEMPT_URLS", "exempt_urls", ["/x/", 7, None, [7, None]]),
        ("SILENT_SSO_TRUSTED_AUDIENCES", "trusted_audiences", ["client", 7, None, [7]]),
        ("SILENT_SSO_CREDENTIAL_IN_PAGE", "credential_in_page", [1, "True", "yes", None]),
        ("SILENT_SSO_PUSHED_REQUESTS", "pushed_requests", [1, "True", "yes", None]),
        ("SILENT_SSO_REVOKE_TOKENS", "revoke_tokens", [1, "True", "yes", None]),
        ("OIDC_REDIRECT_REQUIRE_HTTPS", "redirect_require_https", ["yes", 1]),
        ("OIDC_REDIRECT_ALLOWED_HOSTS", "redirect_allowed_hosts", ["evil.example", None, 7]),
    ],
)
def test_a_mistake_falls_back_to_the_default(bare: Any, name: str, attribute: str, garbage: list[object]) -> None:
    found = []
    for value in garbage:
        setattr(bare, name, value)
        found.append((value, getattr(conf, attribute)))
    assert found == [(value, BARE[attribute]) for value in garbage]


def test_words_nobody_knows_are_left_out(bare: Any) -> None:
    bare.SILENT_SSO_RENEW_WITH = ("frame", "redirect", 7)
    assert conf.renew_with == ("redirect",)


# -- reactions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "error", "visitor", "signed_in"),
    [
        ({}, "login_required", "anonymous", "interactive"),
        ({}, "server_error", "anonymous", "keep"),
        ({}, "", "anonymous", "keep"),
        ({"login_required": ("interactive", "anonymous")}, "login_required", "interactive", "anonymous"),
        ({"login_required": ["keep", "keep"]}, "consent_required", "anonymous", "interactive"),
        ({"server_error": ("anonymous", "anonymous")}, "server_error", "anonymous", "anonymous"),
        ({"login_required": "keep"}, "login_required", "anonymous", "interactive"),
        ({"login_required": ("keep",)}, "login_required", "anonymous", "interactive"),
        ({"login_required": ("anonymous", "nonsense")}, "login_required", "anonymous", "interactive"),
        ({"server_error": None}, "server_error", "anonymous", "keep"),
        (None, "login_required", "anonymous", "interactive"),
        ("keep", "login_required", "anonymous", "interactive"),
    ],
)
def test_a_reaction_is_the_sites_or_the_default(
    settings: Any, table: object, error: str, visitor: str, signed_in: str
) -> None:
    settings.SILENT_SSO_AFTER_ERROR = table
    assert (conf.reaction(error, signed_in=False), conf.reaction(error, signed_in=True)) == (visitor, signed_in)


def test_every_setting_is_read_when_it_is_asked_for(settings: Any) -> None:
    """So that a test, or a site, can change it."""
    assert conf.issuer == settings.SILENT_SSO_ISSUER
    settings.SILENT_SSO_ISSUER = "https://other.example.org"
    assert conf.issuer == "https://other.example.org"
