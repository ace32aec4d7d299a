from __future__ import annotations

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import Site


def test_a_code_used_twice_takes_its_tokens_with_it(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    code = site.authorize()["code"]
    tokens = site.redeem(code).json()
    assert site.redeem(code).json()["error"] == "invalid_grant"
    assert site.userinfo(tokens["access_token"]).status == 401
    assert site.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_refresh_token_used_twice_takes_the_whole_family_with_it(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    first = site.tokens()
    bystander = site.tokens()
    second = site.refresh(first["refresh_token"]).json()
    assert site.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert site.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert site.userinfo(second["access_token"]).status == 401
    assert site.refresh(bystander["refresh_token"]).status == 200


def test_a_code_lives_a_minute(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    code = site.authorize()["code"]
    now = provider.now()
    provider.clock = lambda: now + provider.code_seconds + 1.0
    assert site.redeem(code).json()["error"] == "invalid_grant"


def test_an_access_token_lives_as_long_as_it_says(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.access_token_seconds = 10
    tokens = site.tokens()
    assert tokens["expires_in"] == 10
    now = provider.now()
    provider.clock = lambda: now + 11.0
    assert site.userinfo(tokens["access_token"]).status == 401
    assert site.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.parametrize(
    ("scope", "outlive", "status"),
    [("openid", False, 400), ("openid", True, 200), ("openid offline_access", False, 200)],
    ids=["tokens die with the session", "unless told otherwise", "but not with offline_access"],
)
def test_tokens_after_sign_out(provider: OpenIDProvider, site: Site, scope: str, outlive: bool, status: int) -> None:
    provider.sign_in("alice")
    provider.tokens_outlive_session = outlive
    assert provider.tokens_outlive_session is outlive
    tokens = site.tokens(scope=scope)
    provider.sign_out()
    assert site.refresh(tokens["refresh_token"]).status == status
    assert (site.userinfo(tokens["access_token"]).status == 200) is (status == 200)


def test_withdrawn_consent_takes_tokens_but_not_sessions(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    tokens, code = site.tokens(), site.authorize()["code"]
    provider.withdraw_consent()
    assert site.refresh(tokens["refresh_token"]).status == 400
    assert site.userinfo(tokens["access_token"]).status == 401
    assert site.redeem(code).status == 400
    assert len(provider.sessions) == 1
