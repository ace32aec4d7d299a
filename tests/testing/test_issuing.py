from __future__ import annotations

import jwt
import pytest

from django_silent_sso.testing.issuing import LOGOUT_EVENT, read_hint
from django_silent_sso.testing.keys import compact_jws
from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import Site


def test_a_logout_token(provider: OpenIDProvider, site: Site) -> None:
    session = provider.sign_in("alice")
    token = provider.logout_token("alice", sid=session.sid, extra=1)
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    claims = site.verified(token)
    assert (claims["sub"], claims["sid"], claims["extra"]) == ("alice", session.sid, 1)
    assert claims["events"] == {LOGOUT_EVENT: {}}
    assert claims["exp"] - claims["iat"] == 120
    assert claims["jti"]


def test_logout_tokens_that_are_wrong(provider: OpenIDProvider, site: Site) -> None:
    provider.logout_claims.replace(nonce="x")
    provider.logout_claims.drop("jti")
    claims = site.verified(provider.logout_token(sid="s"))
    assert claims["nonce"] == "x"
    assert not {"jti", "sub"} & claims.keys()
    other = jwt.decode(provider.logout_token("alice", client_id="other"), options={"verify_signature": False})
    assert other["aud"] == "other"


@pytest.mark.parametrize("payload", [b"[]", b"1", b"x", b'{"iss": "other"}'])
def test_hints_that_are_signed_but_worthless(provider: OpenIDProvider, payload: bytes) -> None:
    token = compact_jws(provider.keys.header(), payload, provider.keys.sign)
    with pytest.raises(ValueError, match="could not validate"):
        read_hint(provider, token)
