"""The tokens the provider signs: ID Tokens, signed UserInfo and logout tokens."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from dataclasses import replace
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from django_silent_sso.testing.defects import Point, Situation
from django_silent_sso.testing.grants import Grant
from django_silent_sso.testing.keys import compact_jws, half_hash

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"

_CLAIMS_OF_SCOPE = {
    "profile": frozenset(
        {"name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"}
        | {"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"}
    ),
    "email": frozenset({"email", "email_verified"}),
    "address": frozenset({"address"}),
    "phone": frozenset({"phone_number", "phone_number_verified"}),
}


def user_claims(provider: OpenIDProvider, grant: Grant) -> dict[str, Any]:
    """What is known of the user, as far as the scope allows (Core 5.4). Claims of no standard scope always
    come."""
    withheld = {claim for scope, claims in _CLAIMS_OF_SCOPE.items() if scope not in grant.scope for claim in claims}
    known = provider.claims_of(grant.subject)
    return {"sub": grant.subject, **{name: value for name, value in known.items() if name not in withheld}}


def id_token(
    provider: OpenIDProvider,
    grant: Grant,
    situation: Situation,
    *,
    access_token: str | None = None,
    code: str | None = None,
    state: str | None = None,
    with_user_claims: bool = False,
) -> str:
    """An ID Token (Core 2), with the hashes of what is given out beside it (Core 3.1.3.6, 3.3.2.11)."""
    now = provider.now()
    algorithm = provider.keys.algorithm
    claims: dict[str, Any] = {
        **(user_claims(provider, grant) if with_user_claims else {"sub": grant.subject}),
        "iss": provider.issuer,
        "aud": grant.client_id,
        "exp": now + provider.id_token_seconds,
        "iat": now,
        "nonce": grant.nonce,
        "auth_time": grant.session.auth_time if grant.wants_auth_time else None,
        "acr": grant.session.acr,
        "amr": list(grant.session.amr) or None,
        "sid": grant.session.sid,
        "at_hash": half_hash(access_token, algorithm) if access_token else None,
        "c_hash": half_hash(code, algorithm) if code else None,
        "s_hash": half_hash(state, algorithm) if state else None,
    }
    points = (Point.ID_TOKEN_HEADER, Point.ID_TOKEN, Point.ID_TOKEN_SIGNED)
    return _signed(provider, _without_none(claims), situation, points)


def signed_userinfo(provider: OpenIDProvider, claims: Mapping[str, Any], client_id: str) -> str:
    """The UserInfo answer as a JWT (Core 5.3.2)."""
    full = {**claims, "iss": provider.issuer, "aud": client_id}
    return compact_jws(provider.keys.header(), full, provider.keys.sign)


def logout_token(
    provider: OpenIDProvider,
    *,
    client_id: str,
    subject: str | None,
    sid: str | None,
    claims: Mapping[str, Any],
    typ: str = "logout+jwt",
) -> str:
    """A logout token (Back-Channel Logout 2.4), with `typ: logout+jwt` and two minutes to live as
    oidc-provider's."""
    now = provider.now()
    full: dict[str, Any] = {
        "iss": provider.issuer,
        "aud": client_id,
        "iat": now,
        "exp": now + 120,
        "jti": token_urlsafe(16),
        "sub": subject,
        "sid": sid,
        "events": {LOGOUT_EVENT: {}},
        **claims,
    }
    points = (Point.LOGOUT_TOKEN_HEADER, Point.LOGOUT_TOKEN, Point.LOGOUT_TOKEN_SIGNED)
    situation = Situation(provider=provider, endpoint="")
    return _signed(provider, _without_none(full), situation, points, typ=typ)


def read_hint(provider: OpenIDProvider, token: str) -> dict[str, Any]:
    """The claims of an `id_token_hint` that we signed with a key still published; it may have expired (Core
    3.1.2.1).

    Raises `ValueError` with a description.
    """
    head, _, signature = token.rpartition(".")
    try:
        claims = json.loads(_decoded(head.partition(".")[2]))
        valid = provider.keys.verify(head.encode(), _decoded(signature))
    except ValueError as error:
        raise ValueError("could not validate id_token_hint") from error
    if not valid or not isinstance(claims, dict) or claims.get("iss") != provider.issuer:
        raise ValueError("could not validate id_token_hint")
    return claims


def _signed(
    provider: OpenIDProvider,
    claims: dict[str, Any],
    situation: Situation,
    points: tuple[Point, Point, Point],
    typ: str | None = None,
) -> str:
    defects = provider.defects
    header = defects.transform(points[0], _without_none({**provider.keys.header(), "typ": typ}), situation)
    claims = defects.transform(points[1], claims, situation)
    token = compact_jws(header, claims, provider.keys.sign)
    made_of = replace(situation, header=header, claims=claims)
    return str(defects.transform(points[2], token, made_of))


def _without_none(claims: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in claims.items() if value is not None}


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
