"""A site's own subclass works after changing its base class (mozilla-django-oidc's recipes)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import BACKEND_SESSION_KEY, get_user_model
from django.core.exceptions import PermissionDenied, SuspiciousOperation

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.models import Identity
from django_silent_sso.protocol.errors import Reason, UserNotAdmitted
from django_silent_sso.signals import silent_sign_in_failed
from django_silent_sso.storage.identities import find_user, link
from tests.conftest import Browser
from tests.test_backends import ISSUER, sign_in

User = get_user_model()

pytestmark = pytest.mark.django_db


class SiteBackend(SilentSSOBackend):
    """Hooks as upstream's documentation shows them; each leaves a trace."""

    trace: list[tuple[str, Any]] = []

    def get_userinfo(self, access_token: str, id_token: str, payload: dict[str, Any]) -> dict[str, Any]:
        self.trace.append(("get_userinfo", [type(value).__name__ for value in (access_token, id_token, payload)]))
        return {**super().get_userinfo(access_token, id_token, payload), "department": "sales"}

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        self.trace.append(("verify_claims", claims["department"]))
        return super().verify_claims(claims) and "staff" in claims.get("groups", [])

    def filter_users_by_claims(self, claims: dict[str, Any]) -> Any:
        self.trace.append(("filter_users_by_claims", claims["sub"]))
        return self.UserModel.objects.filter(username=claims["sub"])

    def get_username(self, claims: dict[str, Any]) -> str:
        self.trace.append(("get_username", claims["sub"]))
        return str(claims["sub"])

    def create_user(self, claims: dict[str, Any]) -> Any:
        self.trace.append(("create_user", claims["sub"]))
        user: Any = super().create_user(claims)
        user.last_name = claims["department"]
        user.save()
        return user

    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        self.trace.append(("update_user", user.username))
        user.is_staff = "staff" in claims["groups"]
        user.save()
        return user

    def store_tokens(self, access_token: str, id_token: str) -> None:
        self.trace.append(("store_tokens", [bool(access_token), id_token.count(".")]))
        assert self.request is not None
        self.request.session["kept by the site"] = True


@pytest.fixture
def site(settings: Any, browser: Browser) -> Browser:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.SiteBackend"]
    SiteBackend.trace = []
    browser.provider.sign_in("alice", email="a@x.org", groups=["staff"])
    return browser


def answered(browser: Browser) -> Any:
    return browser.follow(browser.get("/oidc/authenticate/?next=/page/"))


def called() -> list[str]:
    names = [name for name, _ in SiteBackend.trace]
    SiteBackend.trace = []
    return names


def test_every_hook_is_called_in_upstreams_order(site: Browser) -> None:
    assert answered(site)["Location"] == "/page/"
    assert SiteBackend.trace == [
        ("get_userinfo", ["str", "str", "dict"]),
        ("verify_claims", "sales"),
        ("filter_users_by_claims", "alice"),
        ("create_user", "alice"),
        ("get_username", "alice"),
        ("store_tokens", [True, 2]),
    ]
    user = User.objects.get()
    assert (user.username, user.email, user.last_name) == ("alice", "a@x.org", "sales")
    assert site.session["kept by the site"]
    assert site.session[BACKEND_SESSION_KEY] == f"{__name__}.SiteBackend"
    assert site.user() == "alice"


def test_the_next_sign_in_updates_the_user(site: Browser) -> None:
    answered(site)
    site.client.cookies.clear()
    called()
    answered(site)
    assert called() == ["get_userinfo", "verify_claims", "filter_users_by_claims", "update_user", "store_tokens"]
    assert User.objects.get().is_staff


def test_its_userinfo_is_asked_though_the_id_token_says_it_all(site: Browser) -> None:
    site.provider.claims_in_id_token = True
    answered(site)
    assert "get_userinfo" in called()


def test_whom_it_refuses_is_refused(site: Browser) -> None:
    site.provider.sign_in("mallory", groups=[])
    answer = answered(site)
    assert (answer.status_code, site.user(), User.objects.count()) == (400, "nobody", 0)
    assert called() == ["get_userinfo", "verify_claims"]


def test_whom_it_finds_is_signed_in_whatever_was_recorded(site: Browser) -> None:
    """The accounts were merged: the old one is still recorded, and still here."""
    old = User.objects.create_user("old", is_active=False)
    alice = User.objects.create_user("alice")
    link(site.provider.issuer, "alice", old)
    answered(site)
    assert site.user() == "alice"
    assert find_user(site.provider.issuer, "alice") == alice


# -- how hooks say no --------------------------------------------------------------------------------------------------


class Refusing(SilentSSOBackend):
    """`no`: what a hook raises, or gives back."""

    no: Any = None

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        if isinstance(self.no, Exception):
            raise self.no
        return True

    def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
        return None

    def create_user(self, claims: dict[str, Any]) -> Any:
        return None


WAYS = pytest.mark.parametrize(
    ("no", "reason"),
    [
        (SuspiciousOperation("canary"), Reason.CLAIMS_REFUSED),
        (PermissionDenied("canary"), Reason.CLAIMS_REFUSED),
        (None, Reason.USER_UNKNOWN),
    ],
    ids=["SuspiciousOperation", "PermissionDenied", "None"],
)


@WAYS
@pytest.mark.parametrize("known", [True, False], ids=["a known user", "a stranger"])
def test_a_refusal_is_a_readable_page(browser: Browser, settings: Any, no: Any, reason: Reason, known: bool) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Refusing"]
    Refusing.no = no
    browser.provider.sign_in("alice")
    if known:
        link(browser.provider.issuer, "alice", User.objects.create_user("alice"))
    answer = answered(browser)
    assert answer.status_code == 400
    assert reason.value in answer.content.decode()
    assert "canary" not in answer.content.decode()
    assert browser.user() == "nobody"
    assert Identity.objects.count() == known


@WAYS
def test_silently_it_is_no_page_at_all(browser: Browser, settings: Any, no: Any, reason: Reason) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Refusing"]
    settings.SILENT_SSO_VISITORS = "redirect"
    Refusing.no = no
    reasons: list[Reason] = []

    def heard(reason: Reason, **kwargs: Any) -> None:
        reasons.append(reason)

    silent_sign_in_failed.connect(heard)
    try:
        browser.provider.sign_in("alice")
        back = browser.follow(browser.get("/page/?x=1"))
    finally:
        silent_sign_in_failed.disconnect(heard)
    assert (back.status_code, back["Location"]) == (302, "/page/?x=1")
    assert browser.get("/page/?x=1").status_code == 200, "and it is not tried again at once"
    assert reasons == [reason]


def test_a_hook_that_makes_an_account_inactive_is_heard() -> None:
    class Closing(SilentSSOBackend):
        def update_user(self, user: Any, claims: dict[str, Any]) -> Any:
            user.is_active = False
            user.save()
            return user

    sign_in()
    with pytest.raises(UserNotAdmitted) as caught:
        sign_in(backend=Closing())
    assert caught.value.reason is Reason.USER_INACTIVE
    assert find_user(ISSUER, "alice") is not None
