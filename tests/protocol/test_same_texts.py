"""What comes from the OP is compared by its text: no two answers of it are the very same object, as constants are."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from django_silent_sso.protocol import claims as rules
from django_silent_sso.protocol.authentication_response import (
    CodeResponse,
    parse_authentication_response,
    read_parameters,
)
from django_silent_sso.protocol.keys import choose_key
from django_silent_sso.protocol.provider_metadata import ProviderMetadata
from django_silent_sso.protocol.signed_token import TokenHeader, read_header
from tests.protocol.tokens import CLIENT_ID, ISSUER, jwk, private_key, token


def received(value: Any) -> Any:
    """The same value, made anew."""
    return json.loads(json.dumps(value))


def test_i01_the_issuer_of_a_response() -> None:
    sent = {"state": "a-state", "code": "a-code", "iss": ISSUER}
    response = parse_authentication_response(
        read_parameters(received(list(sent.items()))),
        state="a-state",
        issuer=ISSUER,
        iss_required=True,
        response_type="code",
    )
    assert isinstance(response, CodeResponse)


def test_a22_the_issuer_of_a_document() -> None:
    document = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/authorize"}
    assert ProviderMetadata.from_document(received(document), issuer=ISSUER).issuer == ISSUER


def test_t01_t03_issuer_and_authorized_party_of_a_token() -> None:
    claims = received({"iss": ISSUER, "aud": CLIENT_ID, "azp": CLIENT_ID, "sub": "alice"})
    rules.check_issuer(claims, ISSUER)
    rules.check_authorized_party(claims, CLIENT_ID)
    rules.check_subject(claims, "alice")


def test_a6_kty_curve_and_kid_of_a_key() -> None:
    for kind, alg in (("RSA", "RS256"), ("P-256", "ES256")):
        others = [jwk("P-384", kid="k1"), jwk(kind, 1, kid="k2")]
        chosen = choose_key(
            received({"keys": [*others, jwk(kind, kid="k1")]}), TokenHeader(alg=alg, kid=received("k1"), typ=None)
        )
        wanted = private_key(kind).public_key()
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        assert chosen.public_bytes(*form) == wanted.public_bytes(*form)


def test_k01_the_algorithm_of_a_header() -> None:
    assert read_header(token(), algorithm=received("RS256")).alg == "RS256"
