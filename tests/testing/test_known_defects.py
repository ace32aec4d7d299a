"""Each named defect is seen on the wire: one that does nothing would make other tests pass for nothing."""

from __future__ import annotations

from typing import Any

import jwt
import pytest

from django_silent_sso.testing.defects import Change, Defect, Point
from django_silent_sso.testing.known_defects import DEFECTS, catalogue
from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import Site, claims_of, send

HYBRID = {"response_type": "code id_token token"}


def everything(provider: OpenIDProvider, site: Site) -> dict[str, Any]:
    """All that the provider says in one sign-in, without what is random or a matter of time."""
    response = site.authorize(**HYBRID)
    code_response = site.authorize()
    answer = site.redeem(code_response["code"]).json()
    token = response["id_token"]
    claims = claims_of(token)
    known = send(provider.url_of("jwks")).json()["keys"]
    header = jwt.get_unverified_header(token)
    return {
        "response": {name: value for name, value in code_response.items() if name != "code"},
        "answer": {name: value if name == "token_type" else True for name, value in answer.items()},
        "header": {name: value for name, value in header.items() if name != "kid"},
        "kid": header.get("kid") in [key.get("kid") for key in known],
        "kids": [key.get("kid") for key in known],
        "claims": sorted(claims),
        "fixed": {name: claims.get(name) for name in ("iss", "aud", "nonce", "sub")},
        "times": [round((claims[n] - provider.now()) / 60) if n in claims else None for n in ("iat", "exp")],
        "hashes": [len(claims.get(name, "")) for name in ("at_hash", "c_hash", "s_hash")],
        "signed": verifies(token, known),
        "userinfo": site.userinfo(answer["access_token"]).json(),
        "issuer": send(provider.url_of("discovery")).json()["issuer"],
    }


def verifies(token: str, known: list[dict[str, Any]]) -> bool:
    try:
        jwt.PyJWS().decode(token, jwt.PyJWK.from_dict(known[0], "RS256").key, algorithms=["RS256"])
    except jwt.PyJWTError:  # the first key may also be of another kind
        return False
    return True


@pytest.mark.parametrize("name", DEFECTS)
def test_is_seen_while_it_is_on_and_only_then(provider: OpenIDProvider, site: Site, name: str) -> None:
    provider.sign_in("alice")
    good = everything(provider, site)
    assert good["signed"]
    with provider.switch_on(name) as switch:
        bad = everything(provider, site)
    assert switch.hits > 0
    assert bad != good
    if name != "keys_rotated_before_signing":
        assert everything(provider, site) == good


def test_rotated_before_signing_needs_a_second_look_at_the_keys(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    before = send(provider.url_of("jwks")).json()["keys"]
    provider.switch_on("keys_rotated_before_signing", times=1)
    token = site.tokens()["id_token"]
    assert jwt.get_unverified_header(token)["kid"] not in [key["kid"] for key in before]
    assert site.verified(token)["sub"] == "alice"


def test_a_defect_of_ones_own(provider: OpenIDProvider, site: Site) -> None:
    def only_refreshed(claims: dict[str, Any], situation: Any) -> dict[str, Any]:
        return {**claims, "sub": "mallory"} if situation.refreshing else claims

    provider.sign_in("alice")
    provider.switch_on(Defect("another user on refresh", (Change(Point.ID_TOKEN, only_refreshed),)))
    tokens = site.tokens()
    assert claims_of(tokens["id_token"])["sub"] == "alice"
    assert claims_of(site.refresh(tokens["refresh_token"]).json()["id_token"])["sub"] == "mallory"


def test_a_name_nobody_knows(provider: OpenIDProvider) -> None:
    with pytest.raises(KeyError):
        provider.switch_on("id_token_too_good")


def test_names_are_unique() -> None:
    assert len(catalogue(DEFECTS.values(), DEFECTS.values())) == len(DEFECTS)
    with pytest.raises(ValueError, match="named twice"):
        catalogue([Defect("named twice", ())], [Defect("named twice", (), "another")])
