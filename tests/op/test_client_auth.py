"""Client authentication: what is signed, with what, and every key that cannot be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from django_silent_sso.op.client_auth import ASSERTION_TYPE, authenticated
from django_silent_sso.protocol.errors import ConfigurationError, Reason
from tests.protocol.tokens import private_key

if TYPE_CHECKING:
    from pytest_django import Settings

ENDPOINT = "https://id.example.org/token"
GRANT = {"grant_type": "authorization_code", "code": "c"}


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_ID = "site"
    settings.OIDC_RP_CLIENT_SECRET = "a-secret-of-the-site-and-the-provider"


def pem(kind: str, *, password: bytes | None = None) -> str:
    encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
    return str(private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode())


def jwk(kind: str, algorithm: str, **members: str) -> dict[str, Any]:
    return {**jwt.get_algorithm_by_name(algorithm).to_jwk(private_key(kind), as_dict=True), **members}


def assertion(settings: Settings, key: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of what is sent, verified by the public half of the key."""
    settings.SILENT_SSO_CLIENT_AUTH = "private_key_jwt"
    settings.SILENT_SSO_CLIENT_KEY = key
    data, basic = authenticated(GRANT, ENDPOINT)
    assert basic is None
    assert data.keys() == {*GRANT, "client_id", "client_assertion_type", "client_assertion"}
    assert data["client_assertion_type"] == ASSERTION_TYPE
    token = data["client_assertion"]
    header = jwt.get_unverified_header(token)
    kind = {"RS": "RSA", "PS": "RSA", "Ed": "Ed25519"}.get(header["alg"][:2]) or {
        "ES256": "P-256",
        "ES384": "P-384",
        "ES512": "P-521",
    }[header["alg"]]
    public = private_key(kind).public_key()
    claims = jwt.decode(token, public, algorithms=[header["alg"]], audience=ENDPOINT, options={"verify_iat": False})
    return header, claims


def problem(settings: Settings, method: str, key: object) -> ConfigurationError:
    settings.SILENT_SSO_CLIENT_AUTH = method
    settings.SILENT_SSO_CLIENT_KEY = key
    with pytest.raises(ConfigurationError) as caught:
        authenticated(GRANT, ENDPOINT)
    return caught.value


# -- secrets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "basic_auth", "wanted"),
    [
        (None, False, "client_secret_post"),
        (None, True, "client_secret_basic"),
        ("client_secret_post", True, "client_secret_post"),
        ("client_secret_basic", False, "client_secret_basic"),
    ],
)
def test_our_setting_wins_over_upstream_s(
    settings: Settings, method: str | None, basic_auth: bool, wanted: str
) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = method
    settings.OIDC_TOKEN_USE_BASIC_AUTH = basic_auth
    data, basic = authenticated(GRANT, ENDPOINT)
    secret = "a-secret-of-the-site-and-the-provider"
    if wanted == "client_secret_basic":
        assert (data, basic) == (GRANT, ("site", secret))
    else:
        assert (data, basic) == ({**GRANT, "client_id": "site", "client_secret": secret}, None)


def test_what_is_given_is_not_changed(settings: Settings) -> None:
    given = dict(GRANT)
    authenticated(given, ENDPOINT)
    assert given == GRANT


def test_client_secret_jwt(settings: Settings) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = "client_secret_jwt"
    data, basic = authenticated(GRANT, ENDPOINT)
    assert basic is None
    assert "client_secret" not in data
    claims = jwt.decode(
        data["client_assertion"],
        settings.OIDC_RP_CLIENT_SECRET,
        algorithms=["HS256"],
        audience=ENDPOINT,
        options={"require": ["iss", "sub", "aud", "jti", "iat", "exp"]},
    )
    assert (claims["iss"], claims["sub"]) == ("site", "site")


def test_client_secret_jwt_without_a_secret_signs_nothing(settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_SECRET = ""
    assert problem(settings, "client_secret_jwt", None).reason is Reason.NOT_CONFIGURED


# -- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("RSA", "RS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512"), ("Ed25519", "EdDSA")],
)
def test_a_pem_key_signs_as_its_kind_does(settings: Settings, kind: str, algorithm: str) -> None:
    for key in (pem(kind), f"\n  {pem(kind)}", pem(kind).encode()):
        header, claims = assertion(settings, key)
        assert header == {"alg": algorithm, "typ": "JWT"}
        assert (claims["iss"], claims["sub"], claims["aud"]) == ("site", "site", ENDPOINT)


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("RSA", "RS256"), ("RSA", "PS256"), ("P-256", "ES256"), ("Ed25519", "EdDSA")]
)
def test_a_jwk_says_which_key_it_is_and_how_it_signs(settings: Settings, kind: str, algorithm: str) -> None:
    key = jwk(kind, algorithm, kid="2026", alg=algorithm)
    for given in (key, json.dumps(key), f"\n {json.dumps(key)}"):
        header, _ = assertion(settings, given)
        assert (header["alg"], header["kid"]) == (algorithm, "2026")


def test_an_assertion_is_good_for_one_call_and_a_minute(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.9)
    settings.SILENT_SSO_CLIENT_AUTH = "client_secret_jwt"
    found = [
        jwt.decode(authenticated(GRANT, ENDPOINT)[0]["client_assertion"], options={"verify_signature": False})
        for _ in range(2)
    ]
    assert [(claims["iat"], claims["exp"]) for claims in found] == [(1_800_000_000, 1_800_000_060)] * 2
    assert found[0]["jti"] != found[1]["jti"]
    assert len(found[0]["jti"]) >= 32


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("no key at all", id="text"),
        pytest.param("{", id="half a JWK"),
        pytest.param("{}", id="empty JWK"),
        pytest.param({"kty": "RSA"}, id="JWK without members"),
        pytest.param({"kty": "what"}, id="JWK of no kind"),
        pytest.param(17, id="number"),
        pytest.param(object(), id="object"),
    ],
)
def test_a_key_that_is_none(settings: Settings, key: object) -> None:
    assert problem(settings, "private_key_jwt", key).reason is Reason.NOT_CONFIGURED


def test_a_key_that_cannot_sign(settings: Settings) -> None:
    public = jwt.get_algorithm_by_name("RS256").to_jwk(private_key("RSA").public_key(), as_dict=True)
    for key in (public, jwk("RSA", "RS256", alg="ES256"), pem("RSA", password=b"secret")):
        error = problem(settings, "private_key_jwt", key)
        assert error.reason is Reason.NOT_CONFIGURED
        assert "PRIVATE KEY" not in str(error)


def test_a_shared_secret_is_no_private_key(settings: Settings) -> None:
    key = {"kty": "oct", "k": "YS1zZWNyZXQtb2YtdGhlLXNpdGUtYW5kLXRoZS1wcm92aWRlcg"}
    assert problem(settings, "private_key_jwt", key).reason is Reason.NOT_CONFIGURED
