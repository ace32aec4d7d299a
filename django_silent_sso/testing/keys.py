"""The provider's keys: made once per process, published as a JWK Set, rotated at will."""

from __future__ import annotations

import hmac
import json
import weakref
from base64 import urlsafe_b64encode
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384, sha512
from secrets import token_hex
from threading import RLock
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_MAKERS: Mapping[str, Callable[[], PrivateKey]] = {
    "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
_KINDS: Mapping[str, str] = {
    **{f"{family}{bits}": "RSA" for family in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": "P-256",
    "ES384": "P-384",
    "ES512": "P-521",
    "EdDSA": "Ed25519",
}
_SYMMETRIC = ("HS256", "HS384", "HS512")
_HASHES = {"256": sha256, "384": sha384, "512": sha512}
SUPPORTED_ALGORITHMS = (*_KINDS, *_SYMMETRIC)


class _Pool:
    """Private keys to lend: an RSA key takes 100 ms and more to make, far longer than a provider takes to
    start."""

    def __init__(self) -> None:
        self._lock = RLock()  # a key ring can be collected, and give its keys back, in the middle of borrow()
        self._free: defaultdict[str, list[PrivateKey]] = defaultdict(list)

    def borrow(self, kind: str) -> PrivateKey:
        with self._lock:
            if self._free[kind]:
                return self._free[kind].pop()
        return _MAKERS[kind]()

    def give_back(self, kind: str, keys: list[PrivateKey]) -> None:
        with self._lock:
            self._free[kind].extend(keys)


_POOL = _Pool()


@dataclass(frozen=True, slots=True, eq=False)
class SigningKey:
    """A private key with its key ID."""

    kid: str
    algorithm: str
    private: PrivateKey

    def sign(self, data: bytes) -> bytes:
        return sign_with(self.algorithm, self.private, data)

    def public_jwk(self) -> dict[str, Any]:
        """The public key as a JSON Web Key (RFC 7517 4)."""
        to_jwk = get_default_algorithms()[self.algorithm].to_jwk
        jwk = json.loads(to_jwk(self.private.public_key()))
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "use": "sig"}


class KeyRing:
    """The keys of one provider. No two living providers have a key in common, so each one's tokens are its
    own."""

    def __init__(self, algorithm: str, secret: str) -> None:
        if algorithm not in SUPPORTED_ALGORITHMS:
            raise ValueError(f"algorithm {algorithm!r} is none of {', '.join(SUPPORTED_ALGORITHMS)}")
        self.algorithm = algorithm
        self._secret = secret
        self._kind = _KINDS.get(algorithm, "RSA")  # with HS256 there is still a JWK Set to look at
        self._key_algorithm = algorithm if algorithm in _KINDS else "RS256"
        self._lock = RLock()
        self._published: list[SigningKey] = []
        self._withdrawn: list[SigningKey] = []
        self._borrowed: list[PrivateKey] = []
        weakref.finalize(self, _POOL.give_back, self._kind, self._borrowed)

    @property
    def current(self) -> SigningKey:
        """The key that signs. The first one is made, or borrowed, when it is first asked for."""
        with self._lock:
            if not self._published:
                self._published.append(self._new())
            return self._published[0]

    @property
    def published(self) -> list[SigningKey]:
        """The keys in the JWK Set, the one that signs first."""
        with self._lock:
            return [self.current, *self._published[1:]]

    @property
    def withdrawn(self) -> list[SigningKey]:
        """Keys that once signed and are published no more, the newest first."""
        with self._lock:
            return list(self._withdrawn)

    def rotate(self, *, keep: bool = False) -> SigningKey:
        """Sign with a new key from now on. `keep`: go on publishing the old one beside it."""
        with self._lock:
            old = self.published
            self._published = [self._new(), *(old if keep else [])]
            self._withdrawn = [*([] if keep else old), *self._withdrawn]
            return self.current

    def jwk_set(self) -> dict[str, Any]:
        return {"keys": [key.public_jwk() for key in self.published]}

    def header(self) -> dict[str, Any]:
        """The JOSE header of a token signed now."""
        if self.algorithm in _SYMMETRIC:
            return {"alg": self.algorithm}
        return {"alg": self.algorithm, "kid": self.current.kid}

    def sign(self, data: bytes) -> bytes:
        if self.algorithm in _SYMMETRIC:
            return sign_with(self.algorithm, self._secret.encode(), data)
        return self.current.sign(data)

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Has one of the published keys (or the client secret) made this signature?"""
        if self.algorithm in _SYMMETRIC:
            return hmac.compare_digest(self.sign(data), signature)
        algorithm = get_default_algorithms()[self.algorithm]
        return any(algorithm.verify(data, key.private.public_key(), signature) for key in self.published)

    def _new(self) -> SigningKey:
        private = _POOL.borrow(self._kind)
        self._borrowed.append(private)
        return SigningKey(f"{self._kind.lower()}-{token_hex(4)}", self._key_algorithm, private)


def sign_with(algorithm: str, key: PrivateKey | bytes, data: bytes) -> bytes:
    """The raw signature of any supported algorithm with any key; what `alg` a header names is another
    matter."""
    if isinstance(key, bytes):
        # Not PyJWT's HMAC, which refuses a public key as the secret: just what a test of key confusion needs.
        return hmac.digest(key, data, f"sha{algorithm[-3:]}")
    signature: bytes = get_default_algorithms()[algorithm].sign(data, key)
    return signature


def compact_jws(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, sign: Callable[[bytes], bytes]) -> str:
    """A compact JWS (RFC 7515 7.1). Nothing is checked, so that it can be wrong in any way a test wants."""
    payload = claims if isinstance(claims, bytes) else _json(claims)
    data = b".".join((base64url(_json(header)), base64url(payload)))
    return b".".join((data, base64url(sign(data)))).decode()


def half_hash(value: str, algorithm: str) -> str:
    """`at_hash` and `c_hash` (Core 3.1.3.6, 3.3.2.11); EdDSA with Ed25519 hashes with SHA-512."""
    digest = _HASHES["512" if algorithm == "EdDSA" else algorithm[-3:]](value.encode()).digest()
    return base64url(digest[: len(digest) // 2]).decode()


def base64url(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
