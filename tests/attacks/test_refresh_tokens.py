"""Refresh tokens: shown once, kept sealed, of one session alone, and worth no more than the sign-in they came with."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import include, path, reverse

from django_silent_sso import urls
from django_silent_sso.models import SignedInSession
from django_silent_sso.storage.rp_session import Tokens
from django_silent_sso.storage.session_store import SIGNED_COOKIES
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser
from tests.flows.conftest import here
from tests.middleware_site import SCRIPTS
from tests.urls import page

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def token(request: HttpRequest) -> HttpResponse:
    """A site's view that shows whose token it would call an API with."""
    return HttpResponse(request.silent_sso.access_token or "")  # type: ignore[attr-defined]


urlpatterns = [
    path("page/", page),
    path("page/<path:rest>", page),
    path("token/", token),
    path("oidc/", include("django_silent_sso.urls")),
]


@pytest.fixture
def make_user(make_browser: Callable[..., Browser]) -> Callable[[str], Browser]:
    def make(name: str) -> Browser:
        browser = make_browser()
        browser.provider.refresh_tokens = "always"
        browser.sign_in(name)
        return browser

    return make


@pytest.fixture
def alice(make_user: Callable[[str], Browser]) -> Browser:
    return make_user("alice")


def tokens(browser: Browser) -> Tokens:
    found = here(browser)
    assert found is not None
    return found.tokens(browser.provider.now())


def shown(browser: Browser) -> list[str]:
    """The refresh tokens that the OP was shown, in order."""
    calls = browser.provider.calls
    return [call.parameters["refresh_token"] for call in calls if "refresh_token" in call.parameters]


def test_h02_an_answer_with_an_access_token_alone_leaves_the_others(alice: Browser) -> None:
    before = tokens(alice)
    alice.provider.token_answer.drop("id_token", "refresh_token")
    alice.provider.rotate_refresh_tokens = False
    for _ in range(2):
        make_stale(alice.session)
        assert alice.get("/page/").status_code == 200
    after = tokens(alice)
    assert (after.id_token, after.refresh_token) == (before.id_token, before.refresh_token)
    assert after.access_token != before.access_token
    assert shown(alice) == [before.refresh_token] * 2


def test_h04_what_another_process_has_rotated_is_found_and_the_old_one_never_shown_again(alice: Browser) -> None:
    """The session was saved once more by a request that had read it before the renewal."""
    make_stale(alice.session)
    old = dict(alice.session.items())
    alice.get("/page/")
    for _ in range(3):
        session = alice.session
        session.update(old)
        session.save()
        make_stale(alice.session)
        alice.get("/page/")
    assert len(shown(alice)) == len(set(shown(alice)))
    assert alice.user() != "nobody"
    assert tokens(alice).refresh_token


@pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])
def test_h05_a_token_that_the_op_refuses_is_shown_once_and_forgotten(alice: Browser, age: Any) -> None:
    refused = tokens(alice).refresh_token
    alice.provider.grants.revoke_all()
    alice.provider.sign_out()
    age(alice.session)
    response = alice.get("/page/")
    assert response.status_code == 302, "the OP itself is asked"
    assert tokens(alice).refresh_token == ""
    for _ in range(3):
        alice.get("/page/")
        alice.client.post("/page/", headers=FETCH)
    assert shown(alice) == [refused]
    alice.follow(response)
    assert here(alice) is None, "its answer ends the session, not the token's"


def test_h07_two_users_at_the_same_time_get_each_their_own(make_user: Callable[[str], Browser]) -> None:
    alice, bob = make_user("alice"), make_user("bob")
    alice.provider.grants.outlive_session = True  # one browser at the OP: bob's sign-in there ended alice's
    for _ in range(2):
        for browser in (alice, bob):
            make_stale(browser.session)
        names = [browser.user() for browser in (alice, bob)]
        given = [browser.get("/token/").content.decode() for browser in (alice, bob)]
        grants = [alice.provider.grants.find_access_token(value) for value in given]
        assert [grant.subject for grant in grants if grant is not None] == ["alice", "bob"]
        assert names == [browser.user() for browser in (alice, bob)]
    assert len(set(shown(alice))) == 4


def test_h07_two_sessions_of_one_user_get_each_their_own(make_user: Callable[[str], Browser]) -> None:
    """Two browsers: a token of the one would end with the sign-out of the other."""
    first, second = make_user("alice"), make_user("alice")
    before = tokens(second)
    make_stale(first.session)
    first.get("/page/")
    assert tokens(second) == before
    assert tokens(first).refresh_token != before.refresh_token


def test_h07_a_row_of_another_session_does_not_open_for_this_one(make_user: Callable[[str], Browser]) -> None:
    """Who may write to a session, and only to that, gets nobody else's tokens by naming another handle there.

    That would need the secret key or the session store itself; a handle is random, and told to nobody.
    """
    handles = {found.handle for found in (here(make_user("alice")), here(make_user("bob"))) if found is not None}
    assert len(handles) == 2
    assert {len(handle) for handle in handles} == {32}


# Where a person lands who has signed in for a kept form: a page as any other of the site's.
A_PAGE = "silent_sso_signed_in"


@pytest.mark.parametrize("name", [str(pattern.name) for pattern in urls.urlpatterns if pattern.name != A_PAGE])
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["document", "fetch"])
def test_h08_no_get_of_ours_makes_us_refresh(alice: Browser, name: str, headers: dict[str, str]) -> None:
    make_stale(alice.session)
    alice.client.get(reverse(name), headers={**headers, "Sec-Fetch-Site": "cross-site"})
    assert shown(alice) == []


@pytest.mark.parametrize("headers", SCRIPTS.values(), ids=SCRIPTS)
@pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])
def test_h08_nor_does_an_image_or_a_frame_of_another_site(alice: Browser, headers: dict[str, str], age: Any) -> None:
    age(alice.session)
    alice.client.get("/page/", headers={**headers, "Sec-Fetch-Site": "cross-site"})
    assert shown(alice) == []


def test_h08_a_link_of_another_site_refreshes_once_at_most(alice: Browser) -> None:
    make_stale(alice.session)
    for _ in range(5):
        alice.get("/page/", **{"Sec-Fetch-Site": "cross-site"})
    assert len(shown(alice)) == 1


@pytest.mark.parametrize("engine", [SIGNED_COOKIES, "django.contrib.sessions.backends.db"], ids=["cookie", "db"])
def test_h09_no_token_can_be_read_where_it_is_kept(
    make_user: Callable[[str], Browser], settings: Settings, engine: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings.SESSION_ENGINE = engine
    caplog.set_level(logging.DEBUG)
    alice = make_user("alice")
    found = here(alice)
    assert found is not None
    secrets = {value for value in asdict(tokens(alice)).values() if isinstance(value, str) and value}
    assert len(secrets) == 3
    session = alice.session
    session["silent_sso"] = {**session["silent_sso"], "verified_at": found.verified_at - 901}
    session.save()
    alice.client.cookies["sessionid"] = session.session_key
    response = alice.get("/page/")
    secrets |= {value for value in asdict(tokens(alice)).values() if isinstance(value, str) and value}
    assert len(secrets) == 6, "it was renewed"
    kept = [json.dumps(dict(alice.session.items())), str(cache._cache), caplog.text]  # type: ignore[attr-defined]
    kept += [str(vars(row)) for row in SignedInSession.objects.all()]
    kept += [str(row.get_decoded()) for row in Session.objects.all()]
    kept += [alice.client.cookies.output(), str(response.headers), response.content.decode()]
    for text in kept:
        assert not any(secret in text for secret in secrets)


def test_h09_a_site_that_keeps_none_has_none(make_user: Callable[[str], Browser], settings: Settings) -> None:
    settings.OIDC_STORE_REFRESH_TOKEN = False
    alice = make_user("alice")
    assert tokens(alice).refresh_token == ""
    make_stale(alice.session)
    assert alice.get("/page/").status_code == 302
    assert shown(alice) == []


def test_h11_more_rights_than_asked_for_give_no_rights_here(alice: Browser) -> None:
    alice.provider.token_answer.replace(scope="openid email admin write:everything")
    alice.provider.id_token.replace(is_staff=True, is_superuser=True, scope="admin", groups=["admins"])
    make_stale(alice.session)
    assert alice.get("/page/").status_code == 200
    assert len(shown(alice)) == 1
    user = get_user_model().objects.get()
    assert (user.is_staff, user.is_superuser, user.groups.count()) == (False, False, 0)
    assert tokens(alice).access_token, "the token is kept as it was given"


def test_h11_nor_does_a_refreshed_token_change_who_somebody_is(alice: Browser) -> None:
    """Names and addresses are taken over at a sign-in; a refresh is none."""
    before = get_user_model().objects.values().get()
    alice.provider.id_token.replace(email="admin@example.org", email_verified=True, preferred_username="admin")
    make_stale(alice.session)
    alice.get("/page/")
    assert get_user_model().objects.values().get() == before
