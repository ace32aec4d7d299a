"""Pins what we rely on in mozilla-django-oidc: names, session keys, hooks and their signatures.

A new release of it that changes one of these breaks this file, not a site.
"""

from __future__ import annotations

import inspect
import re
from importlib.metadata import requires, version
from typing import Any

import pytest
from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends.base import SessionBase
from django.test import RequestFactory
from mozilla_django_oidc import auth, middleware, urls, views

from django_silent_sso import checks, upstream
from django_silent_sso.backends import SilentSSOBackend
from tests.repository import PACKAGE, files, text

# Upstream's hooks and what they are called with; ours must take the same.
HOOKS = {
    "__init__": ["self", "args", "kwargs"],
    "authenticate": ["self", "request", "kwargs"],
    "create_user": ["self", "claims"],
    "describe_user_by_claims": ["self", "claims"],
    "filter_users_by_claims": ["self", "claims"],
    "get_or_create_user": ["self", "access_token", "id_token", "payload"],
    "get_user": ["self", "user_id"],
    "get_userinfo": ["self", "access_token", "id_token", "payload"],
    "get_username": ["self", "claims"],
    "store_tokens": ["self", "access_token", "id_token"],
    "update_user": ["self", "user", "claims"],
    "verify_claims": ["self", "claims"],
}
# Upstream's methods that ours never calls: tokens are validated by `protocol`, endpoints are called by `op`.
UNUSED = {"_verify_jws", "get_payload_data", "get_settings", "get_token", "raise_token_response_error"}
UNUSED |= {"retrieve_matching_jwk", "verify_token"}


def methods_of(cls: type) -> set[str]:
    return {name for name, value in vars(cls).items() if callable(getattr(cls, name)) and name != "__doc__"}


def test_c125_the_installed_release_is_one_we_allow() -> None:
    (wanted,) = [line for line in requires("django-silent-sso") or [] if line.startswith("mozilla-django-oidc")]
    (minimum,) = re.findall(r">=([\d.]+)", wanted)
    assert [int(part) for part in version("mozilla-django-oidc").split(".")] >= [
        int(part) for part in minimum.split(".")
    ]


def test_the_backend_is_upstreams_own() -> None:
    assert upstream.OIDCAuthenticationBackend is auth.OIDCAuthenticationBackend
    assert issubclass(auth.OIDCAuthenticationBackend, ModelBackend)


def test_c125_every_method_of_upstreams_backend_is_known_here() -> None:
    """A new one may be a hook that sites will override, or a step that we would leave out."""
    assert methods_of(auth.OIDCAuthenticationBackend) == set(HOOKS) | UNUSED


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("cls", [auth.OIDCAuthenticationBackend, SilentSSOBackend], ids=["upstream", "ours"])
def test_a_hook_is_called_with(cls: type, hook: str) -> None:
    assert list(inspect.signature(getattr(cls, hook)).parameters) == HOOKS[hook]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_is_ours(hook: str) -> None:
    """Upstream's own bodies are the fault (`cases.md` D1 to D38); two are asked where a setting says so."""
    assert hook in vars(SilentSSOBackend)


def test_upstreams_rule_for_addresses_is_what_the_setting_email_promises() -> None:
    source = inspect.getsource(auth.OIDCAuthenticationBackend.filter_users_by_claims)
    assert "email__iexact=email" in source
    assert "if not email" in source


@pytest.mark.parametrize("arguments", [["email"], ["email", "claims"]])
def test_upstreams_user_names_are_made_by_a_function_of_address_and_claims(
    settings: Any, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    made = eval(f"lambda {', '.join(arguments)}: [{', '.join(arguments)}]")  # noqa: S307  our own words
    settings.OIDC_USERNAME_ALGO = made
    claims = {"email": "a@x.org"}
    found = auth.OIDCAuthenticationBackend.get_username(SilentSSOBackend(), claims)
    assert found == [claims["email"], claims][: len(arguments)]


def test_the_session_keys_are_those_upstream_writes(settings: Any) -> None:
    settings.OIDC_STORE_ACCESS_TOKEN = settings.OIDC_STORE_ID_TOKEN = True
    backend = SilentSSOBackend()
    backend.request = RequestFactory().get("/")
    backend.request.session = SessionBase()
    auth.OIDCAuthenticationBackend.store_tokens(backend, "access", "id")
    assert dict(backend.request.session.items()) == {
        upstream.ACCESS_TOKEN_SESSION_KEY: "access",
        upstream.ID_TOKEN_SESSION_KEY: "id",
    }


def test_the_url_names_are_those_upstream_gives() -> None:
    assert {pattern.name for pattern in urls.urlpatterns} == {
        upstream.AUTHENTICATE_URL_NAME,
        upstream.CALLBACK_URL_NAME,
        upstream.LOGOUT_URL_NAME,
    }
    assert upstream.CALLBACK_URL_NAME in inspect.getsource(auth.OIDCAuthenticationBackend.authenticate)


def test_the_middleware_that_must_not_stand_beside_ours_has_this_name() -> None:
    module, _, name = checks.UPSTREAM_MIDDLEWARE.rpartition(".")
    assert getattr(middleware, name).__module__ == module


def sources() -> str:
    return "".join(inspect.getsource(module) for module in (auth, middleware, urls, views))


def test_every_setting_of_upstream_that_we_read_is_one_that_upstream_reads() -> None:
    """A name that nobody upstream reads any more would be a setting without a meaning."""
    ours = {name for path in PACKAGE.glob("*.py") for name in re.findall(r'"(OIDC_[A-Z_]+)"', text(path))}
    theirs = set(re.findall(r'"(OIDC_[A-Z_]+)"', sources()))
    own = {"OIDC_STORE_REFRESH_TOKEN", "OIDC_OP_LOGOUT_ENDPOINT", "OIDC_OP_CHECK_SESSION_ENDPOINT"}
    assert len(ours) > 20
    assert ours - theirs - own == set()


def test_every_setting_of_upstream_is_read_or_named_in_a_check() -> None:
    ours = {name for path in PACKAGE.rglob("*.py") for name in re.findall(r"\bOIDC_[A-Z_]+", text(path))}
    unneeded = {"OIDC_MAX_STATES", "OIDC_STATE_SIZE", "OIDC_NONCE_SIZE", "OIDC_PKCE_CODE_VERIFIER_SIZE"}
    unneeded |= {"OIDC_USE_ENCODED_USERINFO", "OIDC_DRF_AUTH_BACKEND"}
    theirs = set(re.findall(r'"(OIDC_[A-Z_]+)"', sources()))
    assert len(theirs) > 20
    assert theirs - ours - unneeded == set()


def test_upstream_is_imported_in_one_place() -> None:
    importers = [
        path for path in files(".py") if re.search(r"^\s*(?:from|import) mozilla_django_oidc", text(path), re.M)
    ]
    assert [path for path in importers if path.is_relative_to(PACKAGE)] == [PACKAGE / "upstream.py"]
