"""Reading a signed token strictly: its shape, its header, its signature. Claims come later."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.protocol.signed_token import (
    SUPPORTED_ALGORITHMS,
    TokenHeader,
    read_header,
    verified_claims,
)
from tests.protocol.tokens import ABSENT, SECRET, b64, claims, compact, private_key, token, verifying_key

MALFORMED, ALGORITHM = Reason.ID_TOKEN_MALFORMED, Reason.ID_TOKEN_ALGORITHM
SIGNATURE, TYPE = Reason.ID_TOKEN_SIGNATURE, Reason.ID_TOKEN_TYPE
HEADER, PAYLOAD, MAC = token().split(".")


def refused_header(given: Any, algorithm: str = "RS256") -> Reason:
    with pytest.raises(TokenError) as caught:
        read_header(given, algorithm=algorithm)
    return caught.value.reason


def refused_claims(given: str, key: Any = None, algorithm: str = "RS256") -> Reason:
    with pytest.raises(TokenError) as caught:
        verified_claims(given, key=key or verifying_key("RS256"), algorithm=algorithm)
    return caught.value.reason


@pytest.mark.parametrize("alg", sorted(SUPPORTED_ALGORITHMS))
def test_a8_a92_a93_every_supported_algorithm(alg: str) -> None:
    good = token(alg)
    assert read_header(good, algorithm=alg) == TokenHeader(alg=alg, kid="k1", typ="JWT")
    assert verified_claims(good, key=verifying_key(alg), algorithm=alg) == claims()


def test_supported_algorithms_are_these() -> None:
    listed = "ES256 ES384 ES512 EdDSA HS256 HS384 HS512 PS256 PS384 PS512 RS256 RS384 RS512"
    assert " ".join(sorted(SUPPORTED_ALGORITHMS)) == listed


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(None, id="T30 null"),
        pytest.param([], id="T30 a list"),
        pytest.param(token().encode(), id="T30 bytes"),
        pytest.param("", id="T24 empty"),
        pytest.param(f"{HEADER}.{PAYLOAD}", id="T24 2 parts"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC}.{MAC}", id="T24 4 parts"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC}.{MAC}.{MAC}", id="T24 T26 5 parts: JWE"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC}.{MAC}.{MAC}.{MAC}", id="T24 6 parts"),
        pytest.param(f".{PAYLOAD}.{MAC}", id="T24 no header"),
        pytest.param(f"{HEADER}..{MAC}", id="T24 empty payload"),
        pytest.param(f"{HEADER}.{PAYLOAD}.", id="K17 empty signature"),
        pytest.param(f" {HEADER}.{PAYLOAD}.{MAC}", id="T24 leading space"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC}\n", id="T24 trailing line break"),
        pytest.param(f"{HEADER}=.{PAYLOAD}.{MAC}", id="T24 padding"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC}%", id="T24 trailing bytes"),
        pytest.param(f"{HEADER}.{PAYLOAD}.é{MAC}", id="T24 not ASCII"),
        pytest.param(f"{HEADER}.{PAYLOAD}.+/{MAC}", id="T24 plain base64"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC}AAA", id="T24 an impossible length"),
        pytest.param(f"{HEADER}.{PAYLOAD}.{MAC[:-1]}{'B' if MAC[-1] == 'A' else 'R'}", id="T24 not canonical"),
        pytest.param(f"{HEADER}.e31.{MAC}", id="T24 not canonical in the payload"),
        pytest.param(f"{HEADER}.{PAYLOAD}.A0", id="T24 not canonical, by a letter that sorts before the right one"),
        pytest.param(f"{b64(b'[]')}.{PAYLOAD}.{MAC}", id="T24 header a list"),
        pytest.param(f"{b64(b'null')}.{PAYLOAD}.{MAC}", id="T24 header null"),
        pytest.param(f"{b64(b'{')}.{PAYLOAD}.{MAC}", id="T24 header truncated"),
        pytest.param(f"{b64(bytes([255]))}.{PAYLOAD}.{MAC}", id="T24 header not UTF-8"),
        pytest.param(f"{HEADER}.{b64(b'x' * 10_000_000)}.{MAC}", id="T25 10 MB"),
    ],
)
def test_t24_t25_shapes_that_are_no_token(given: Any) -> None:
    assert refused_header(given) is MALFORMED


def test_t25_sixty_four_kibibytes_are_the_cap() -> None:
    room = 64 * 1024 - len(f"{HEADER}..{MAC}")
    assert read_header(f"{HEADER}.{'A' * room}.{MAC}", algorithm="RS256")
    assert refused_header(f"{HEADER}.{'A' * (room + 1)}.{MAC}") is MALFORMED


@pytest.mark.parametrize("algorithm", ["RS256", "HS256", "none", "None", ""])
@pytest.mark.parametrize(
    "alg", ["none", "None", "NoNe", " none", "", None, ["RS256"], "rs256", "RS256 ", "RS512", "ES256", ABSENT]
)
def test_k01_k04_a65_a66_only_the_agreed_algorithm(alg: object, algorithm: str) -> None:
    forged = {name: value for name, value in {"alg": alg, "typ": "JWT"}.items() if value is not ABSENT}
    assert refused_header(compact(forged, claims()), algorithm) is ALGORITHM


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        pytest.param({"crit": ["exp"]}, Reason.ID_TOKEN_CRITICAL_HEADER, id="T23 unknown crit"),
        pytest.param({"crit": []}, Reason.ID_TOKEN_CRITICAL_HEADER, id="T23 empty crit"),
        pytest.param({"crit": None}, Reason.ID_TOKEN_CRITICAL_HEADER, id="T23 null crit"),
        pytest.param({"b64": False}, Reason.ID_TOKEN_CRITICAL_HEADER, id="T23 b64 false"),
        pytest.param({"b64": True}, Reason.ID_TOKEN_CRITICAL_HEADER, id="T23 b64 true"),
        pytest.param({"crit": ["b64"], "b64": False}, Reason.ID_TOKEN_CRITICAL_HEADER, id="T23 both"),
        pytest.param({"typ": "at+jwt"}, TYPE, id="T20 an access token"),
        pytest.param({"typ": "application/at+jwt"}, TYPE, id="T20 an access token, in full"),
        pytest.param({"typ": "logout+jwt"}, TYPE, id="T20 a logout token"),
        pytest.param({"typ": "secevent+jwt"}, TYPE, id="T20 a security event token"),
        pytest.param({"typ": "oauth-authz-req+jwt"}, TYPE, id="T20 a request object"),
        pytest.param({"typ": "JWTX"}, TYPE, id="T20 a near miss"),
        pytest.param({"typ": ""}, TYPE, id="T20 empty"),
        pytest.param({"typ": None}, TYPE, id="T20 null"),
        pytest.param({"typ": ["JWT"]}, TYPE, id="T20 a list"),
        pytest.param({"kid": None}, MALFORMED, id="K06 null kid"),
        pytest.param({"kid": ["k1"]}, MALFORMED, id="K06 kid a list"),
        pytest.param({"kid": 1}, MALFORMED, id="K06 kid a number"),
        pytest.param({"kid": "k" * 1025}, MALFORMED, id="K06 kid too long"),
    ],
)
def test_headers_that_are_refused(members: dict[str, Any], reason: Reason) -> None:
    assert refused_header(token(header=members)) is reason


@pytest.mark.parametrize(
    ("members", "kid", "typ"),
    [
        pytest.param({"typ": ABSENT, "kid": ABSENT}, None, None, id="A6 neither typ nor kid"),
        pytest.param({"typ": "jwt"}, "k1", "jwt", id="T20 typ in lower case"),
        pytest.param({"typ": "application/JWT"}, "k1", "application/JWT", id="T20 typ in full"),
        pytest.param({"kid": "../../x"}, "../../x", "JWT", id="K06 a path as kid is a string"),
        pytest.param({"kid": "k" * 1024}, "k" * 1024, "JWT", id="K06 kid of 1024"),
        pytest.param({"jwk": {"kty": "oct"}, "jku": "https://evil.example/"}, "k1", "JWT", id="K05 jwk, jku"),
        pytest.param({"x5u": "https://evil.example/", "x5c": ["AA"]}, "k1", "JWT", id="K05 x5u, x5c"),
        pytest.param({"sub": "x", "iss": "y"}, "k1", "JWT", id="T21 claims in the header"),
    ],
)
def test_headers_that_are_read(members: dict[str, Any], kid: str | None, typ: str | None) -> None:
    header = read_header(token(header=members), algorithm="RS256")
    assert header == TokenHeader(alg="RS256", kid=kid, typ=typ)


def test_bc18_the_caller_says_which_types_it_takes() -> None:
    logout = token(header={"typ": "application/Logout+JWT"})
    assert read_header(logout, algorithm="RS256", types=frozenset({"jwt", "logout+jwt"}))


@pytest.mark.parametrize("alg", sorted(SUPPORTED_ALGORITHMS))
def test_a10_a51_a52_a67_a_broken_signature(alg: str) -> None:
    head, payload, mac = token(alg).split(".")
    broken = ("B" if mac[0] == "A" else "A") + mac[1:]
    assert refused_claims(f"{head}.{payload}.{broken}", verifying_key(alg), alg) is SIGNATURE
    other = b64(json.dumps(claims(sub="evil")).encode())
    assert refused_claims(f"{head}.{other}.{mac}", verifying_key(alg), alg) is SIGNATURE


def test_k18_a_signature_by_another_key() -> None:
    assert refused_claims(token(), private_key("RSA", 1).public_key()) is SIGNATURE


def test_k11_es256_with_r_and_s_zero() -> None:
    head, payload, _ = token("ES256").split(".")
    assert refused_claims(f"{head}.{payload}.{b64(bytes(64))}", verifying_key("ES256"), "ES256") is SIGNATURE


PUBLIC = private_key().public_key()
ENCODINGS = {"PEM": Encoding.PEM, "DER": Encoding.DER}
FORMATS = {"PKCS8": PublicFormat.SubjectPublicKeyInfo, "PKCS1": PublicFormat.PKCS1}
SPELLINGS = {
    f"K02 {encoding} {form}": PUBLIC.public_bytes(ENCODINGS[encoding], FORMATS[form])
    for encoding in ENCODINGS
    for form in FORMATS
}
SPELLINGS |= {f"{name}, stripped": spelling.strip() for name, spelling in SPELLINGS.items()}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_k02_a_public_key_is_no_secret(spelling: bytes) -> None:
    # What an attacker who reads the JWK Set can make: HMAC with any spelling of the public key.
    head, payload = b64(b'{"alg":"HS256"}'), b64(json.dumps(claims()).encode())
    forged = f"{head}.{payload}." + compact({"alg": "HS256"}, claims(), alg="HS256", key=spelling).split(".")[2]
    assert refused_header(forged, "RS256") is ALGORITHM
    assert refused_claims(forged, PUBLIC, "RS256") is SIGNATURE
    assert refused_claims(forged, PUBLIC, "HS256") is SIGNATURE


@pytest.mark.parametrize(
    ("alg", "key"),
    [
        pytest.param("RS256", SECRET, id="a secret for a public-key algorithm"),
        pytest.param("RS256", SPELLINGS["K02 PEM PKCS8"], id="a PEM key as bytes"),
        pytest.param("HS256", SECRET.decode(), id="a secret as text"),
        pytest.param("HS256", b"", id="an empty secret"),
        pytest.param("ES256", PUBLIC, id="K12 an RSA key for ES256"),
        pytest.param("ES256", private_key("P-384").public_key(), id="K12 another curve"),
        pytest.param("RS256", object(), id="no key at all"),
    ],
)
def test_a_key_that_does_not_fit_the_algorithm(alg: str, key: Any) -> None:
    with pytest.raises(TokenError) as caught:
        verified_claims(token(alg), key=key, algorithm=alg)
    assert caught.value.reason is SIGNATURE


def test_k09_signature_of_another_algorithm_by_the_same_key() -> None:
    assert refused_claims(token("RS512"), PUBLIC, "RS256") is SIGNATURE
    assert refused_claims(compact({"alg": "RS256"}, claims(), alg="RS512")) is SIGNATURE


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"[]", id="T24 a list"),
        pytest.param(b'"x"', id="T24 a string"),
        pytest.param(b"7", id="T24 a number"),
        pytest.param(b"null", id="T24 null"),
        pytest.param(b"{} x", id="T24 trailing bytes"),
        pytest.param(b'{"a":1', id="T24 truncated"),
        pytest.param(b'{"sub":"a","sub":"b"}', id="DS05 a claim twice"),
        pytest.param(b'{"a":{"b":1,"b":1}}', id="DS05 a member twice, further down"),
        pytest.param(b'{"exp":NaN}', id="T08 NaN"),
        pytest.param(b'{"exp":Infinity}', id="T08 Infinity"),
        pytest.param(b'{"a":[1e999]}', id="DS05 1e999"),
        pytest.param(b'{"exp":' + b"9" * 5000 + b"}", id="T08 5000 digits"),
        pytest.param(b'{"sub":"\\ud800"}', id="DS05 a lone surrogate"),
        pytest.param(b'{"\\udfff":1}', id="DS05 a lone surrogate as a name"),
        pytest.param(b'{"a":' * 33 + b"1" + b"}" * 33, id="T25 nested 33 deep"),
        pytest.param(b'{"a":' + b"[" * 32 + b"1" + b"]" * 32 + b"}", id="T25 lists nested 33 deep"),
        pytest.param(b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", id="T25 nested 10000 deep"),
        pytest.param(b'{"a":"\xff"}', id="C27 not UTF-8"),
        pytest.param('{"a":1}'.encode("utf-16"), id="C27 UTF-16"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', id="C27 a byte order mark"),
    ],
)
def test_t24_payloads_that_are_refused_although_they_are_signed(payload: bytes) -> None:
    assert refused_claims(compact({"alg": "RS256"}, payload)) is MALFORMED
    forged = compact(payload, claims())
    assert refused_header(forged) is MALFORMED


def test_t25_thirty_two_deep_is_still_read() -> None:
    deep = b'{"a":' * 31 + b"[1.5]" + b"}" * 31
    assert verified_claims(compact({"alg": "RS256"}, deep), key=PUBLIC, algorithm="RS256")
    names = b'{"a":' * 32 + b"1" + b"}" * 32
    assert verified_claims(compact({"alg": "RS256"}, names), key=PUBLIC, algorithm="RS256")


def test_t24_many_members_are_no_repetition() -> None:
    many = {f"claim-{number}": number for number in range(300)}
    assert verified_claims(compact({"alg": "RS256"}, many), key=PUBLIC, algorithm="RS256") == many


@settings(database=None, deadline=None, derandomize=True, max_examples=300)
@given(st.text() | st.lists(st.binary().map(b64), min_size=3, max_size=3).map(".".join))
def test_no_text_causes_another_exception(given: str) -> None:
    assert refused_header(given) in Reason
    assert refused_claims(given) in Reason
