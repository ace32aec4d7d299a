"""Defects by name. To add one: declare it here (or in a file of its own and add it to `DEFECTS`), nothing
else.

    provider.switch_on("id_token_issuer_mismatch")

The numbers in the summaries are the modules of the OpenID Foundation's conformance suite for relying parties.
"Wrong" values are near misses, as there: the right one with a `1` behind it, so that a comparison of
beginnings is caught.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import chain
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from django_silent_sso.testing.defects import Change, Defect, Point, Situation, dropped, replaced
from django_silent_sso.testing.keys import base64url, compact_jws, sign_with

HOUR = 3600
DAY = 24 * HOUR


def near_miss(value: Any) -> str:
    return f"{value}1"


def later(seconds: int) -> Callable[[Any], int]:
    """A point in time moved into the future, or with a negative number into the past."""
    return lambda value: int(value) + seconds


def resigned(header: Mapping[str, Any], sign: Callable[[Situation], Callable[[bytes], bytes]], point: Point) -> Change:
    """The same claims under another header, signed in another way."""

    def apply(token: str, situation: Situation) -> str:
        return compact_jws({**situation.header, **header}, situation.claims, sign(situation))

    return Change(point, apply)


def _broken_signature(token: str, situation: Situation) -> str:
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[:1] != 'A' else 'B'}{signature[1:]}"


def _other_payload(token: str, situation: Situation) -> str:
    """Claims changed after signing."""
    header, _, signature = token.split(".")
    payload = base64url(json.dumps({**situation.claims, "sub": "somebody-else"}).encode()).decode()
    return f"{header}.{payload}.{signature}"


def _nothing(situation: Situation) -> Callable[[bytes], bytes]:
    return lambda data: b""


def _by_current_key_with(algorithm: str) -> Callable[[Situation], Callable[[bytes], bytes]]:
    return lambda situation: lambda data: sign_with(algorithm, situation.provider.keys.current.private, data)


def _without_names(document: dict[str, Any], situation: Situation) -> dict[str, Any]:
    """The JWK Set with keys that say neither which they are nor what they are for."""
    told = ("kid", "alg", "use")
    return {"keys": [{name: key[name] for name in key if name not in told} for key in document["keys"]]}


def _among_others(document: dict[str, Any], situation: Situation) -> dict[str, Any]:
    """Three keys of each of four kinds, the right one among them."""
    keys = _without_names(document, situation)["keys"] + [dict(key) for key in _strangers()]
    return {"keys": sorted(keys, key=lambda key: str(key.get("x") or key.get("n")))}


@cache
def _strangers() -> tuple[dict[str, Any], ...]:
    """Public keys of nobody: 3 RSA, 3 of P-256, 3 of secp256k1, 3 of Ed25519."""
    makers: dict[str, Callable[[], Any]] = {
        "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "ES256K": lambda: ec.generate_private_key(ec.SECP256K1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate,
    }
    return tuple(
        {
            k: v
            for k, v in json.loads(get_default_algorithms()[name].to_jwk(make().public_key())).items()
            if k != "key_ops"
        }
        for name, make in makers.items()
        for _ in range(3)
    )


def _rotated_before_signing(header: dict[str, Any], situation: Situation) -> dict[str, Any]:
    situation.provider.rotate_keys()
    return {**header, **situation.provider.keys.header()}


_ID_TOKEN = Point.ID_TOKEN
_DECLARED = (
    Defect("id_token_issuer_mismatch", (replaced(_ID_TOKEN, {"iss": near_miss}),), "invalid-iss"),
    Defect("id_token_without_issuer", (dropped(_ID_TOKEN, "iss"),), "invalid-missing-iss"),
    Defect("id_token_without_subject", (dropped(_ID_TOKEN, "sub"),), "missing-sub"),
    Defect("id_token_audience_mismatch", (replaced(_ID_TOKEN, {"aud": near_miss}),), "invalid-aud"),
    Defect("id_token_without_audience", (dropped(_ID_TOKEN, "aud"),), "missing-aud"),
    Defect(
        "id_token_second_audience",
        (replaced(_ID_TOKEN, {"aud": lambda aud: [aud, "stranger"]}),),
        "invalid-secondary-aud: a second audience and no azp",
    ),
    Defect("id_token_without_issued_at", (dropped(_ID_TOKEN, "iat"),), "missing-iat"),
    Defect("id_token_issued_long_ago", (replaced(_ID_TOKEN, {"iat": later(-7 * DAY)}),), "iat-is-week-in-past"),
    Defect("id_token_without_expiry", (dropped(_ID_TOKEN, "exp"),), "invalid-missing-exp"),
    Defect(
        "id_token_expired",
        (replaced(_ID_TOKEN, {"exp": later(-DAY), "iat": later(-DAY - 60)}),),
        "invalid-expired-exp",
    ),
    Defect("id_token_nonce_mismatch", (replaced(_ID_TOKEN, {"nonce": near_miss}),), "nonce-invalid"),
    Defect("id_token_without_nonce", (dropped(_ID_TOKEN, "nonce"),), "invalid-missing-nonce"),
    Defect(
        "id_token_access_token_hash_mismatch",
        (replaced(_ID_TOKEN, {"at_hash": near_miss}),),
        "invalid-athash",
    ),
    Defect("id_token_without_access_token_hash", (dropped(_ID_TOKEN, "at_hash"),), "missing-athash"),
    Defect("id_token_code_hash_mismatch", (replaced(_ID_TOKEN, {"c_hash": near_miss}),), "invalid-chash"),
    Defect("id_token_without_code_hash", (dropped(_ID_TOKEN, "c_hash"),), "missing-chash"),
    Defect("id_token_bad_signature", (Change(Point.ID_TOKEN_SIGNED, _broken_signature),), "invalid-sig"),
    Defect("id_token_changed_after_signing", (Change(Point.ID_TOKEN_SIGNED, _other_payload),), "invalid-sig"),
    Defect(
        "id_token_unsigned",
        (resigned({"alg": "none"}, _nothing, Point.ID_TOKEN_SIGNED),),
        "idtoken-sig-none",
    ),
    Defect(
        "id_token_other_algorithm",
        (resigned({"alg": "PS256"}, _by_current_key_with("PS256"), Point.ID_TOKEN_SIGNED),),
        "invalid-alternate-alg: by the right key, in another way; for a provider with an RSA key",
    ),
    Defect(
        "id_token_audience_as_list",
        (replaced(_ID_TOKEN, {"aud": lambda aud: [aud]}),),
        "valid-aud-as-array; harmless",
    ),
    Defect(
        "id_token_state_hash_mismatch",
        (replaced(_ID_TOKEN, {"s_hash": near_miss}),),
        "invalid-shash",
    ),
    Defect("id_token_without_key_id", (dropped(Point.ID_TOKEN_HEADER, "kid"),), "kid-absent"),
    Defect(
        "keys_without_key_id",
        (dropped(Point.ID_TOKEN_HEADER, "kid"), Change(Point.JWKS, _without_names)),
        "kid-absent-single-jwks; harmless while there is one key",
    ),
    Defect(
        "keys_of_every_kind_without_key_id",
        (dropped(Point.ID_TOKEN_HEADER, "kid"), Change(Point.JWKS, _among_others)),
        "kid-absent-multiple-jwks",
    ),
    Defect(
        "keys_rotated_before_signing",
        (Change(Point.ID_TOKEN_HEADER, _rotated_before_signing),),
        "signing-key-rotation-just-before-signing; every token by a new key, so use times=1",
    ),
    Defect("userinfo_subject_mismatch", (replaced(Point.USERINFO, {"sub": "invalid"}),), "invalid-sub"),
    Defect(
        "metadata_issuer_mismatch",
        (replaced(Point.METADATA, {"issuer": lambda issuer: f"{issuer}INVALID"}),),
        "discovery-issuer-mismatch",
    ),
    Defect(
        "response_issuer_mismatch",
        (replaced(Point.AUTHORIZATION_RESPONSE, {"iss": near_miss}),),
        "invalid-authorization-response-iss",
    ),
    Defect(
        "response_without_issuer",
        (dropped(Point.AUTHORIZATION_RESPONSE, "iss"),),
        "remove-authorization-response-iss",
    ),
    Defect(
        "response_state_mismatch",
        (replaced(Point.AUTHORIZATION_RESPONSE, {"state": near_miss}),),
        "authorization-response-with-invalid-state",
    ),
    Defect(
        "response_without_state",
        (dropped(Point.AUTHORIZATION_RESPONSE, "state"),),
        "authorization-response-with-invalid-missing-state",
    ),
    Defect(
        "token_type_in_odd_case",
        (replaced(Point.TOKEN_ANSWER, {"token_type": "bEARER"}),),
        "token-type-case-insensitivity; harmless",
    ),
    Defect(
        "token_answer_without_scope",
        (dropped(Point.TOKEN_ANSWER, "scope", "expires_in"),),
        "no-scope-in-token-endpoint-response; harmless",
    ),
    Defect(
        "token_answer_without_expiry",
        (dropped(Point.TOKEN_ANSWER, "expires_in"),),
        "token-endpoint-response-without-expires_in; harmless",
    ),
    Defect("token_answer_without_id_token", (dropped(Point.TOKEN_ANSWER, "id_token"),)),
)


def catalogue(*groups: Iterable[Defect]) -> dict[str, Defect]:
    """Defects by name. `ValueError`: two have the same one."""
    by_name: dict[str, Defect] = {}
    for defect in chain(*groups):
        if by_name.setdefault(defect.name, defect) is not defect:
            raise ValueError(f"two defects are named {defect.name}")
    return by_name


DEFECTS: Mapping[str, Defect] = catalogue(_DECLARED)
