"""Who somebody is here is what the OP says of a subject, and no more than that."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from django_silent_sso.testing import make_stale
from tests.conftest import Browser

User = get_user_model()
RIGHTS = {
    "is_staff": True,
    "is_superuser": True,
    "is_active": True,
    "groups": ["admins"],
    "user_permissions": [1],
    "password": "x",
    "username": "admin",
    "id": 1,
    "pk": 1,
}


def rights_of(user: Any) -> tuple[Any, ...]:
    return user.is_staff, user.is_superuser, user.groups.count(), user.user_permissions.count()


def test_u13_claims_give_no_rights(browser: Browser, settings: Any) -> None:
    settings.OIDC_RP_SCOPES = "openid email profile"
    Group.objects.create(name="admins")
    admin = User.objects.create_superuser("admin", "admin@example.org", "secret")
    browser.provider.claims_in_id_token = True
    browser.sign_in("alice", **RIGHTS)
    alice = User.objects.exclude(pk=admin.pk).get()
    assert rights_of(alice) == (False, False, 0, 0)
    assert not alice.has_usable_password()
    assert alice.username != "admin"
    make_stale(browser.session)
    browser.surf("/page/")
    alice.refresh_from_db()
    assert rights_of(alice) == (False, False, 0, 0)


def test_u13_they_give_none_back_that_were_taken(browser: Browser) -> None:
    """Nor do they wake an account that the site has put to sleep."""
    browser.sign_in("alice", **RIGHTS)
    User.objects.update(is_active=False)
    browser.client.cookies.clear()
    browser.follow(browser.get("/oidc/authenticate/?next=/page/"))
    assert browser.user() == "nobody"
    assert not User.objects.get().is_active


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"name": "<script>alert(1)</script>", "given_name": "<script>"}, id="T28 markup"),
        pytest.param({"picture": "x" * 1_000_000}, id="T28 a large picture"),
        pytest.param({"given_name": "a\x00b", "family_name": "\x00"}, id="T28 NUL"),
        pytest.param({"email": "a\x00b@example.org"}, id="T28 NUL in the address"),
        pytest.param({"given_name": "x" * 100_000, "email": f"{'x' * 1000}@example.org"}, id="T28 long"),
        pytest.param({"name": ["a"], "email": {"a": 1}, "given_name": 5, "family_name": None}, id="T28 other types"),
        pytest.param({f"claim{n}": n for n in range(5000)}, id="T28 many"),
        pytest.param({"name": "\u202eevil\r\nSet-Cookie: a=b\x1b[31m"}, id="T28 control characters"),
        pytest.param({"email_verified": "yes", "locale": "\ud800"}, id="T28 a lone surrogate"),
    ],
)
def test_t28_odd_claims_break_nothing(browser: Browser, settings: Any, claims: dict[str, Any]) -> None:
    settings.OIDC_RP_SCOPES = "openid email profile"
    browser.sign_in("alice", **claims)
    assert browser.user() != "nobody"
    told = browser.fetch("/oidc/session/")
    assert told.status_code == 200
    assert told["Content-Type"] == "application/json"
    assert len(told.content) < 5000
    assert len(browser.session["silent_sso"]["claims"]) <= 100
    assert "\x00" not in User.objects.get().email + User.objects.get().first_name
    make_stale(browser.session)
    assert browser.surf("/page/")[0].status_code == 200


def test_u19_nobody_is_signed_in_unasked_where_the_site_does_not_want_it(browser: Browser, settings: Any) -> None:
    """ASVS 7.6.2: silent sign-in of visitors can be switched off, and of a view kept away."""
    browser.provider.sign_in("alice")
    settings.SILENT_SSO_VISITORS = "off"
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits) == (200, 0)
    assert browser.start().json()["reason"] == "visitors_off"
    assert browser.provider.calls_to("authorize") == []
    assert browser.user() == "nobody"


def test_f18_a_code_taken_by_script_on_our_own_page_is_worth_nothing(browser: Browser, make_browser: Any) -> None:
    """XSS runs a silent flow and takes what its frame ends with: no other browser can use it, and no client either."""
    browser.sign_in("alice")
    taken = browser.answered(trigger="call")
    mallory = make_browser()
    assert mallory.relay("/oidc/callback/", taken).json()["reason"] == "state_unknown"
    assert mallory.get(f"/oidc/callback/?{taken}").status_code in (200, 400)
    assert mallory.user() == "nobody"
    answer = browser.relay("/oidc/callback/", taken).json()
    assert (answer["status"], answer["reason"]) == ("signed_in", "renewed")
    assert set(answer) == {"status", "reason", "user", "select_by", "expires_in", "changed"}
    assert set(answer["user"]) == {"name"}
