"""Choosing the one key of a JWK Set that may have signed a token."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms

from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.protocol.keys import choose_key
from django_silent_sso.protocol.signed_token import SUPPORTED_ALGORITHMS, TokenHeader
from tests.protocol.tokens import KIND_OF_KEY, SECRET, b64, jwk, private_key

KINDS = ["RSA", "P-256", "P-384", "P-521", "secp256k1", "Ed25519", "Ed448"]
UNKNOWN, AMBIGUOUS = Reason.ID_TOKEN_KEY_UNKNOWN, Reason.ID_TOKEN_KEY_AMBIGUOUS


def spelt(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def chosen(keys: Any, alg: str = "RS256", kid: str | None = None) -> bytes:
    return spelt(choose_key({"keys": keys}, TokenHeader(alg=alg, kid=kid, typ=None)))


def public(kind: str = "RSA", number: int = 0) -> bytes:
    return spelt(private_key(kind, number).public_key())


def refused(keys: Any, alg: str = "RS256", kid: str | None = None) -> Reason:
    with pytest.raises(TokenError) as caught:
        chosen(keys, alg, kid)
    return caught.value.reason


@pytest.mark.parametrize("alg", sorted(SUPPORTED_ALGORITHMS))
def test_k12_of_every_kind_of_key_only_the_one_for_the_algorithm_fits(alg: str) -> None:
    keys = [jwk(kind) for kind in KINDS] + [{"kty": "oct", "k": b64(SECRET)}]
    if alg in KIND_OF_KEY:
        assert chosen(keys, alg) == public(KIND_OF_KEY[alg])
        assert refused([jwk(kind) for kind in KINDS if kind != KIND_OF_KEY[alg]], alg) is UNKNOWN
    else:
        assert refused(keys, alg) is UNKNOWN  # K10: a secret that is published is none


@pytest.mark.parametrize("alg", ["none", "ES256K", "Ed25519", "dir", ""])
def test_k01_an_algorithm_without_a_kind_of_key_finds_none(alg: str) -> None:
    assert refused([jwk(kind) for kind in KINDS], alg) is UNKNOWN


@pytest.mark.parametrize(
    ("members", "kid", "fits"),
    [
        pytest.param({}, None, True, id="A6 neither token nor key has a kid"),
        pytest.param({"kid": "k1"}, None, True, id="A6 only the key has one"),
        pytest.param({"kid": "k1"}, "k1", True, id="K06 the same kid"),
        pytest.param({}, "k1", False, id="K06 only the token has one"),
        pytest.param({"kid": "k2"}, "k1", False, id="K06 another kid"),
        pytest.param({"kid": "K1"}, "k1", False, id="K06 another case"),
        pytest.param({"kid": "k1 "}, "k1", False, id="K06 a near miss"),
        pytest.param({"kid": ["k1"]}, "k1", False, id="K06 a list"),
        pytest.param({"kid": 1}, "1", False, id="K06 a number"),
        pytest.param({"kid": "../../key"}, "../../key", True, id="K06 a path is a string like any other"),
        pytest.param({"alg": "RS256"}, None, True, id="K09 made for this algorithm"),
        pytest.param({"alg": "RS512"}, None, False, id="K09 made for another one"),
        pytest.param({"alg": "rs256"}, None, False, id="K09 another case"),
        pytest.param({"alg": ["RS256"]}, None, False, id="K09 a list"),
        pytest.param({"alg": "RSA-OAEP"}, None, False, id="K08 made for encryption by its alg"),
        pytest.param({"use": "sig"}, None, True, id="K08 for signatures"),
        pytest.param({"use": "enc"}, None, False, id="K08 for encryption"),
        pytest.param({"use": "SIG"}, None, False, id="K08 for something else"),
        pytest.param({"use": ["sig"]}, None, False, id="K08 a list"),
        pytest.param({"key_ops": ["verify"]}, None, True, id="K08 verify"),
        pytest.param({"key_ops": ["encrypt", "verify"]}, None, True, id="K08 verify among others"),
        pytest.param({"key_ops": ["encrypt"]}, None, False, id="K08 not verify"),
        pytest.param({"key_ops": []}, None, False, id="K08 nothing"),
        pytest.param({"key_ops": "verify"}, None, False, id="K08 not a list"),
        pytest.param({"kty": "EC"}, None, False, id="K07 another type"),
        pytest.param({"kty": "rsa"}, None, False, id="K07 another case"),
        pytest.param({"x5u": "https://evil.example/", "x5c": ["AAAA"]}, None, True, id="K05 x5u, x5c not read"),
        pytest.param({"a_member_of_tomorrow": 1}, None, True, id="an unknown member"),
    ],
)
def test_one_key_fits_or_not(members: dict[str, Any], kid: str | None, fits: bool) -> None:
    keys = [jwk(**members)]
    if fits:
        assert chosen(keys, kid=kid) == public()
    else:
        assert refused(keys, kid=kid) is UNKNOWN


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_k10_a_key_with_a_private_member_is_not_used(member: str) -> None:
    assert refused([jwk(**{member: "AQAB"})]) is UNKNOWN


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_k10_a_whole_private_key_is_not_used(alg: str) -> None:
    algorithm = get_default_algorithms()[alg]
    private = type(algorithm).to_jwk(private_key(KIND_OF_KEY[alg]), as_dict=True)
    private.pop("key_ops", None)
    assert refused([private], alg) is UNKNOWN
    assert refused([{"kty": private["kty"]} | {"d": private["d"]} | jwk(KIND_OF_KEY[alg])], alg) is UNKNOWN


N = jwk()["n"]
BROKEN: dict[str, Any] = {
    "K11 RSA with 1024 bits": jwk("RSA-1024"),
    "K11 RSA with exponent 1": jwk(e="AQ"),
    "K11 RSA with an even exponent": jwk(e="BA"),
    "K11 EC point off the curve": jwk("P-256", x=jwk("P-256", 1)["x"]),
    "K11 EC point of the wrong length": jwk("P-256", x="AQAB"),
    "C41 null": None,
    "C41 a list": [jwk()],
    "C41 a string": "RSA",
    "C41 empty": {},
    "C41 unknown kty": {"kty": "LMS"},
    "C41 kty a list": jwk(kty=["RSA"]),
    "C41 no modulus": {"kty": "RSA", "e": "AQAB"},
    "C41 no exponent": {"kty": "RSA", "n": N},
    "C41 modulus no string": jwk(n=7),
    "C41 modulus empty": jwk(n=""),
    "C41 modulus not base64": jwk(n="!" + N),
    "C41 Ed25519 of the wrong length": jwk("Ed25519", x="AQAB"),
}


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
@pytest.mark.parametrize("entry", BROKEN.values(), ids=BROKEN)
def test_c41_k11_a_bad_entry_is_passed_over(entry: Any, alg: str) -> None:
    assert refused([entry], alg) is UNKNOWN
    assert chosen([entry, jwk(KIND_OF_KEY[alg]), entry], alg) == public(KIND_OF_KEY[alg])


@pytest.mark.parametrize(
    "jwk_set",
    [{}, {"keys": []}, {"keys": None}, {"keys": jwk()}, {"keys": "RSA"}, {"KEYS": [jwk()]}],
    ids=["nothing", "an empty list", "null", "a key, not a list", "a word", "another name"],
)
def test_c40_a_set_without_keys_has_none_that_fits(jwk_set: dict[str, Any]) -> None:
    with pytest.raises(TokenError) as caught:
        choose_key(jwk_set, TokenHeader(alg="RS256", kid=None, typ=None))
    assert caught.value.reason is UNKNOWN


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_a7_without_a_kid_several_fitting_keys_are_too_many(alg: str) -> None:
    keys = [jwk(kind, number) for kind in ("RSA", "P-256", "secp256k1", "Ed25519") for number in range(3)]
    assert refused(keys, alg) is AMBIGUOUS


def test_a7_the_same_key_twice_is_one_key() -> None:
    assert chosen([jwk(kid="a"), jwk(kid="b", use="sig")]) == public()


@pytest.mark.parametrize("turned", [False, True], ids=["in order", "the other way round"])
def test_k07_of_two_keys_with_one_kid_the_fitting_one_is_taken(turned: bool) -> None:
    for other in (
        jwk("P-256", kid="k"),
        jwk("RSA", 1, kid="k", alg="RS512"),
        jwk("RSA", 1, kid="k", use="enc"),
    ):
        keys = [jwk(kid="k"), other]
        assert chosen(keys[::-1] if turned else keys, kid="k") == public()


def test_k07_never_the_last_one_wins() -> None:
    assert refused([jwk(kid="k"), jwk("RSA", 1, kid="k")], kid="k") is AMBIGUOUS


def test_c43_a_hundred_entries_are_looked_at() -> None:
    assert chosen([{}] * 99 + [jwk()]) == public()
    assert refused([{}] * 100 + [jwk()]) is UNKNOWN


@pytest.mark.parametrize(("bits", "fits"), [(2047, False), (2048, True), (3072, True)])
def test_k11_rsa_keys_are_large_enough_or_passed_over(bits: int, fits: bool) -> None:
    kind = f"RSA-{bits}"
    assert chosen([jwk(kind)]) == public(kind) if fits else refused([jwk(kind)]) is UNKNOWN


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
members = st.sampled_from(["kty", "crv", "kid", "alg", "use", "key_ops", "n", "e", "x", "y"])


@settings(database=None, deadline=None, derandomize=True, max_examples=100)
@given(
    st.dictionaries(st.just("keys"), st.lists(st.dictionaries(members, json_values)) | json_values),
    st.sampled_from(["RSA", "P-256", "Ed25519"]),
    st.dictionaries(members, json_values),
)
def test_no_document_causes_another_exception(jwk_set: dict[str, Any], kind: str, changes: dict[str, Any]) -> None:
    entries = jwk_set["keys"] if isinstance(jwk_set.get("keys"), list) else []
    for keys in (jwk_set, {"keys": [*entries, jwk(kind, **changes)]}):
        try:
            key = choose_key(keys, TokenHeader(alg="RS256", kid=None, typ=None))
        except TokenError:
            continue
        assert key.key_size >= 2048
