"""Making tokens for tests: good ones, and ones broken in exactly one way."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from jwt.algorithms import get_default_algorithms

ISSUER = "https://id.example.org"
CLIENT_ID = "site"
SUBJECT = "248289761001"
NONCE = "nonce-canary-7f1c"
SECRET = b"a client secret that is long enough for HS512: sixty-four octets"
NOW = 1_800_000_000


class Absent:
    """A name that is the same in every test process."""

    def __repr__(self) -> str:
        return "absent"


#: In ``claims(iat=ABSENT)``: leave the claim out.
ABSENT = Absent()


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good ID Token, with changes."""
    good = {
        "iss": ISSUER,
        "sub": SUBJECT,
        "aud": CLIENT_ID,
        "exp": NOW + 300,
        "iat": NOW,
        "nonce": NONCE,
    }
    return {name: value for name, value in (good | changes).items() if value is not ABSENT}


def private_key(kind: str = "RSA", number: int = 0) -> Any:
    """A private key of a kind (``RSA``, ``RSA-1024``, a curve's name); another one for another number."""
    return _made(kind, number)


@cache
def _made(kind: str, number: int) -> Any:
    if kind.startswith("RSA"):
        return rsa.generate_private_key(65537, int(kind[4:] or 2048))
    makers = {
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
        "Ed448": ed448.Ed448PrivateKey.generate,
    }
    return makers[kind]()  # number: only so that the cache keeps several


KIND_OF_KEY = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
}


def signing_key(alg: str) -> Any:
    """What signs for an algorithm in these tests."""
    return SECRET if alg.startswith("HS") else private_key(KIND_OF_KEY[alg])


def verifying_key(alg: str) -> Any:
    """What verifies it."""
    key = signing_key(alg)
    return key if isinstance(key, bytes) else key.public_key()


def jwk(kind: str = "RSA", number: int = 0, **members: Any) -> dict[str, Any]:
    """A key as it stands in a JWK Set; ``ABSENT`` leaves a member out."""
    family = {"R": "RS256", "P": "ES256", "s": "ES256K", "E": "EdDSA"}[kind[0]]
    algorithm = get_default_algorithms()[family]
    if kind in ("P-384", "P-521"):
        algorithm = get_default_algorithms()[{"P-384": "ES384", "P-521": "ES512"}[kind]]
    public: dict[str, Any] = type(algorithm).to_jwk(private_key(kind, number).public_key(), as_dict=True)
    public.pop("key_ops", None)
    return {name: value for name, value in (public | members).items() if value is not ABSENT}


def b64(octets: bytes) -> str:
    """Unpadded base64url."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def compact(header: Any, payload: Any, *, alg: str = "RS256", key: Any = None) -> str:
    """A token in compact form. Header and payload are JSON values, or ``bytes`` to be taken as they are."""
    octets = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload)]
    signed = ".".join(b64(part) for part in octets)
    signature = get_default_algorithms()[alg].sign(signed.encode(), key or signing_key(alg))
    return f"{signed}.{b64(signature)}"


def token(alg: str = "RS256", *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """A good ID Token with changed claims or header members."""
    members = {"alg": alg, "typ": "JWT", "kid": "k1"} | (header or {})
    return compact({name: value for name, value in members.items() if value is not ABSENT}, claims(**changes), alg=alg)


assert jwt.__version__ >= "2.13"  # K09: the first release without CVE-2026-48523
