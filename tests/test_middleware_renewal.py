"""Renewal by refresh token in both colours: the same answers, and as many calls to the OP."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache

from django_silent_sso.models import SignedInSession
from django_silent_sso.op import health
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser, Clock
from tests.flows.conftest import here
from tests.middleware_site import PASSIVE, SCRIPTS, ask, goes_silently_to_op
from tests.test_middleware_async import aask, renamed, summary

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]
EACH_COLOUR = pytest.mark.parametrize("how", [ask, aask], ids=["sync", "async"])
AGES = pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])


@pytest.fixture(autouse=True)
def _strict_cache(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.test_middleware_async.LoopSafeCache"}}


@pytest.fixture
def alice(browser: Browser) -> Browser:
    """Signed in, with a refresh token."""
    return with_token(browser)


def with_token(browser: Browser) -> Browser:
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    return browser


def refreshes(browser: Browser) -> int:
    return sum(call.parameters.get("grant_type") == "refresh_token" for call in browser.provider.calls)


# -- both colours --------------------------------------------------------------------------------------------------

KINDS = {
    "document": ("GET", NAVIGATION),
    "form": ("POST", {**NAVIGATION, "Origin": "http://testserver"}),
    **{f"script_{name}": ("GET", headers) for name, headers in SCRIPTS.items()},
    **{f"script_{method}": (method, FETCH) for method in ("POST", "DELETE")},
    **{f"passive_{name}": how for name, how in PASSIVE.items()},
}


@pytest.mark.parametrize(("method", "headers"), KINDS.values(), ids=KINDS)
@AGES
@pytest.mark.parametrize("fault", [None, "refused", "down"])
def test_both_colours_give_the_same_answer_and_ask_the_op_as_often(
    make_browser: Callable[..., Browser], method: str, headers: dict[str, str], age: Any, fault: str | None
) -> None:
    found = []
    for how in (ask, aask):
        browser = with_token(make_browser())
        age(browser.session)
        if fault == "refused":
            browser.provider.grants.revoke_all()
        elif fault == "down":
            browser.provider.fail("token", status=503, times=1)
        found.append((summary(how(browser, headers, method)), refreshes(browser)))
        browser.provider.behave()
        health.forget()
        cache.clear()
    assert found[0] == found[1]
    if method == "GET" and headers == NAVIGATION:
        assert found[0][1] == 1


def test_a_renewed_page_sees_its_user_and_keeps_its_cookie(alice: Browser) -> None:
    for how in (ask, aask):
        make_stale(alice.session)
        response = how(alice, NAVIGATION, url="/async/")
        assert (response.json()["reason"], response.json()["user"] != "") == ("renewed", True)
        assert response.cookies["sessionid"].value == alice.session.session_key


@pytest.mark.parametrize("gone", ["inactive", "deleted"])
@AGES
def test_u10_a_user_who_may_not_be_here_any_more_is_not_renewed(alice: Browser, age: Any, gone: str) -> None:
    users = get_user_model().objects
    if gone == "inactive":
        users.update(is_active=False)
    else:
        users.all().delete()
    for how in (ask, aask):
        age(alice.session)
        response = how(alice, NAVIGATION, url="/async/")
        assert (response.status_code, response.json()["user"]) == (200, "")
    assert alice.provider.calls_to("token") == []


@AGES
def test_exempt_views_renew_nothing(alice: Browser, age: Any) -> None:
    for how in (ask, aask):
        age(alice.session)
        assert how(alice, NAVIGATION, url="/exempt/").json()["reason"] == "exempt"
    assert alice.provider.calls == []


@pytest.mark.parametrize("visitor", ["exempt", "other"])
def test_a_visitor_who_would_be_redirected_is_left_alone_at_exempt_views(
    browser: Browser, settings: Settings, visitor: str
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    for how in (ask, aask):
        browser.client.cookies.clear()
        response = how(browser, NAVIGATION, url="/exempt/" if visitor == "exempt" else "/decided/")
        assert (response.status_code == 302) is (visitor == "other")


@AGES
def test_c62_a_user_table_that_is_down_renews_nothing(alice: Browser, settings: Settings, age: Any) -> None:
    age(alice.session)
    with renamed("auth_user"):
        for how in (ask, aask):
            assert how(alice, NAVIGATION, url="/public/").status_code == 200
    assert alice.provider.calls_to("token") == []


@EACH_COLOUR
@AGES
def test_a_session_whose_row_was_lost_goes_round_and_has_one_again(
    alice: Browser, how: Callable[..., Any], age: Any
) -> None:
    SignedInSession.objects.all().delete()
    age(alice.session)
    leaving = how(alice, NAVIGATION, url="/async/")
    assert goes_silently_to_op(alice, leaving)
    assert refreshes(alice) == 0
    how(alice, NAVIGATION, url=alice.at_op(leaving["Location"]))
    found = here(alice)
    assert found is not None
    assert SignedInSession.objects.get().handle == found.handle


# -- an OP that fails or hangs -------------------------------------------------------------------------------------


@EACH_COLOUR
@pytest.mark.parametrize("status", [500, 503])
def test_c6_nobody_is_sent_to_an_op_that_is_known_to_fail(
    alice: Browser, clock: Clock, how: Callable[..., Any], status: int
) -> None:
    for endpoint in ("token", "authorize", "discovery"):
        alice.provider.fail(endpoint, status=status)
    clock.advance(31)
    make_stale(alice.session)
    for _ in range(3):
        response = how(alice, NAVIGATION, url="/async/")
        assert response.status_code == 200
        assert response.json()["user"]
    make_overdue(alice.session)
    assert how(alice, NAVIGATION, url="/async/").json() == {"reason": "grace_ended", "user": ""}
    assert [call.endpoint for call in alice.provider.calls] == ["token"]


@EACH_COLOUR
@pytest.mark.parametrize("endpoint", ["token", "discovery"])
def test_c6_nor_to_one_that_hangs(
    alice: Browser, clock: Clock, settings: Settings, how: Callable[..., Any], endpoint: str
) -> None:
    settings.OIDC_TIMEOUT = 0.1
    if endpoint == "discovery":
        settings.SILENT_SSO_RENEW_WITH = ("redirect",)
    clock.advance(31)
    make_stale(alice.session)
    with alice.provider.hang(endpoint) as hang:
        assert how(alice, NAVIGATION, url="/async/").json()["user"]
        hang.wait_until_reached()
        connections = alice.provider.connections
        for _ in range(3):
            assert how(alice, NAVIGATION, url="/async/").json()["user"]
        assert alice.provider.connections == connections, "it is not asked again"


@EACH_COLOUR
def test_what_a_refresh_token_cannot_renew_a_round_trip_may(alice: Browser, how: Callable[..., Any]) -> None:
    alice.provider.grants.revoke_all()
    make_stale(alice.session)
    leaving = how(alice, NAVIGATION)
    assert goes_silently_to_op(alice, leaving)
    alice.follow(leaving)
    found = here(alice)
    assert found is not None
    assert found.tokens(alice.provider.now()).refresh_token, "and brings a new one"
