"""What an OP announces, beside what the settings ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.examination import announced
from django_silent_sso.examination.findings import Finding
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

if TYPE_CHECKING:
    from pytest_django import Settings

SAID: dict[str, Any] = {"issuer": "https://id.example.org"}
FOUND = ProviderMetadata(issuer="https://id.example.org", authorization_endpoint="https://id.example.org/authorize")


def words(findings: Iterable[Finding]) -> list[str]:
    return [item.id for item in findings]


def sessions(said: dict[str, Any], found: ProviderMetadata = FOUND) -> list[str]:
    return words(announced.sessions(said, found, "https://a.example/back/", "https://a.example/front/"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, []),
        ({"id_token_signing_alg_values_supported": "RS256"}, []),
        ({"id_token_signing_alg_values_supported": ["RS256", 7]}, ["algorithm_announced"]),
        ({"id_token_signing_alg_values_supported": ["ES256"]}, ["algorithm_not_announced"]),
    ],
)
def test_algorithm(said: dict[str, Any], told: list[str]) -> None:
    assert words(announced.algorithm(said)) == told


@pytest.mark.parametrize(
    ("said", "chosen", "told"),
    [
        ({}, {}, []),
        (SAID, {}, ["pkce_not_announced"]),
        (SAID, {"SILENT_SSO_RESPONSE_TYPE": "id_token"}, []),
        ({"code_challenge_methods_supported": ["plain", "S256"]}, {}, ["pkce_announced"]),
        ({"code_challenge_methods_supported": ["plain"]}, {}, ["pkce_not_announced"]),
        (
            {"response_types_supported": ["code", "token id_token"]},
            {"SILENT_SSO_RESPONSE_TYPE": "id_token token"},
            ["response_type_announced"],
        ),
        (
            {"response_types_supported": ["code"]},
            {"SILENT_SSO_RESPONSE_TYPE": "id_token"},
            ["response_type_not_announced"],
        ),
        (SAID, {"SILENT_SSO_RESPONSE_MODE": "fragment"}, ["response_mode_announced", "pkce_not_announced"]),
        (SAID, {"SILENT_SSO_RESPONSE_MODE": "form_post"}, ["response_mode_not_announced", "pkce_not_announced"]),
        (
            {"response_modes_supported": ["web_message"]},
            {"SILENT_SSO_RESPONSE_MODE": "web_message"},
            ["response_mode_announced", "pkce_not_announced"],
        ),
        ({}, {"SILENT_SSO_RESPONSE_MODE": "form_post"}, []),
        ({"scopes_supported": ["email", "openid"]}, {}, ["pkce_not_announced", "scopes_announced"]),
        ({"scopes_supported": ["openid"]}, {}, ["pkce_not_announced", "scopes_not_announced"]),
        ({"prompt_values_supported": ["none"]}, {}, ["pkce_not_announced"]),
        ({"prompt_values_supported": ["login"]}, {}, ["pkce_not_announced", "prompt_none_not_announced"]),
        ({}, {"OIDC_AUTH_REQUEST_EXTRA_PARAMS": {"max_age": "60"}}, ["max_age_is_asked"]),
    ],
)
def test_requests(settings: Settings, said: dict[str, Any], chosen: dict[str, Any], told: list[str]) -> None:
    for name, value in chosen.items():
        setattr(settings, name, value)
    assert words(announced.requests(said, FOUND)) == told


def test_pushed_requests_are_named_where_they_are_not_used(settings: Settings) -> None:
    endpoint = "https://id.example.org/request"
    found = ProviderMetadata(
        issuer=FOUND.issuer,
        authorization_endpoint=FOUND.authorization_endpoint,
        pushed_authorization_request_endpoint=endpoint,
    )
    assert words(announced.requests({}, found)) == ["pushed_requests_possible"]
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    assert words(announced.requests({}, found)) == []


@pytest.mark.parametrize(
    ("said", "secret", "told"),
    [
        ({}, "s", []),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, "s", ["client_method_announced"]),
        ({"token_endpoint_auth_methods_supported": ["client_secret_basic"]}, "s", ["client_method_not_announced"]),
        ({"token_endpoint_auth_methods_supported": ["none"]}, "", []),
    ],
)
def test_client_method(settings: Settings, said: dict[str, Any], secret: str, told: list[str]) -> None:
    settings.OIDC_RP_CLIENT_SECRET = secret
    assert words(announced.client_method(said)) == told


def test_a_key_is_a_credential_too(settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_SECRET = ""
    settings.SILENT_SSO_CLIENT_KEY = "a key"
    settings.SILENT_SSO_CLIENT_AUTH = "private_key_jwt"
    said = {"token_endpoint_auth_methods_supported": ["private_key_jwt"]}
    assert words(announced.client_method(said)) == ["client_method_announced"]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, []),
        (SAID, ["logout_not_announced"]),
        (
            {"backchannel_logout_supported": True, "frontchannel_logout_supported": True},
            ["back_channel_announced"],
        ),
        (
            {"frontchannel_logout_supported": True, "backchannel_logout_supported": "yes"},
            ["front_channel_announced"],
        ),
        ({**SAID, "grant_types_supported": ["refresh_token"]}, ["logout_not_announced", "refresh_tokens_announced"]),
        ({**SAID, "grant_types_supported": ["implicit"]}, ["logout_not_announced", "refresh_tokens_not_announced"]),
        ({**SAID, "claims_supported": ["auth_time"]}, ["logout_not_announced"]),
        ({**SAID, "claims_supported": ["sub"]}, ["logout_not_announced", "auth_time_not_announced"]),
    ],
)
def test_sessions(said: dict[str, Any], told: list[str]) -> None:
    assert sessions(said) == ["sign_out_impossible", *told]


def test_sessions_as_the_settings_want_them(settings: Settings) -> None:
    settings.OIDC_RP_SCOPES = "openid offline_access"
    settings.SILENT_SSO_REVOKE_TOKENS = True
    assert sessions({}) == ["sign_out_impossible", "offline_access_asked", "revocation_missing"]
    found = ProviderMetadata(
        issuer=FOUND.issuer,
        authorization_endpoint=FOUND.authorization_endpoint,
        end_session_endpoint="https://id.example.org/end",
        revocation_endpoint="https://id.example.org/revoke",
    )
    assert sessions({}, found) == ["sign_out_possible", "offline_access_asked"]


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("https://id.example.org", "same_host"),
        ("https://id.example.org:8443", "same_host"),
        ("https://site.example.org", "site_unknown"),
        ("https://example.org", "site_unknown"),
        ("https://site.example", "other_site"),
        ("https://other.org", "other_site"),
        ("http://site.localhost", "other_site"),
    ],
)
def test_one_site_or_two(origin: str, told: str) -> None:
    assert announced.sites(origin, FOUND).id == told
