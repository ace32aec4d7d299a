"""Renewal by refresh token in both colours: the same answers, and an event loop that nothing holds up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.test import AsyncClient

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
    """Signed in, with a refresh token; an OP that hangs may do so for longer than any machine is slow."""
    return with_token(browser)


def with_token(browser: Browser) -> Browser:
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    return browser


def refreshes(browser: Browser) -> int:
    return sum(call.parameters.get("grant_type") == "refresh_token" for call in browser.provider.calls)


def client(browser: Browser) -> AsyncClient:
    made = AsyncClient()
    made.cookies = browser.client.cookies
    return made


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


@AGES
def test_a_session_that_ended_meanwhile_is_served_to_nobody(alice: Browser, age: Any) -> None:
    """Its row is gone: the OP, or the user in another tab, has ended it."""
    for how in (ask, aask):
        age(alice.session)
        SignedInSession.objects.all().delete()
        seen = how(alice, NAVIGATION, url="/decided/").json()
        assert (seen["action"], seen["reason"], seen["user"]) == ("serve_anonymously", "voided_by_sign_out", "")


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


# -- the event loop ------------------------------------------------------------------------------------------------


def at_the_op(hang: Any) -> Any:
    return asyncio.to_thread(hang.wait_until_reached, 30)


@AGES
def test_d75_an_op_that_hangs_holds_up_nobody_else(alice: Browser, settings: Settings, age: Any) -> None:
    settings.OIDC_TIMEOUT = 60
    age(alice.session)

    async def go() -> Any:
        with alice.provider.hang("token") as hang:
            waiting = asyncio.create_task(client(alice).get("/async/", headers=NAVIGATION))
            await at_the_op(hang)
            meanwhile = [await AsyncClient().get("/public/", headers=NAVIGATION) for _ in range(3)]
            meanwhile.append(await client(alice).get("/exempt/", headers=FETCH))
            assert not waiting.done()
            assert [response.status_code for response in meanwhile] == [200] * 4
        return await waiting

    assert async_to_sync(go)().json()["reason"] == "renewed"
    assert refreshes(alice) == 1


def test_h03_an_overdue_page_waits_for_the_one_that_renews_and_gets_its_result(
    alice: Browser, settings: Settings
) -> None:
    settings.OIDC_TIMEOUT = 60
    make_overdue(alice.session)

    async def go() -> list[Any]:
        with alice.provider.hang("token") as hang:
            tabs = [asyncio.create_task(client(alice).get("/async/", headers=NAVIGATION)) for _ in range(5)]
            await at_the_op(hang)
            public = await AsyncClient().get("/public/", headers=NAVIGATION)
            assert public.status_code == 200
            assert not any(tab.done() for tab in tabs)
        return await asyncio.gather(*tabs)

    seen = [response.json() for response in async_to_sync(go)()]
    assert [answer["reason"] for answer in seen] == ["renewed"] * 5
    assert all(answer["user"] for answer in seen)
    assert refreshes(alice) == 1


def test_h03_a_stale_page_does_not_wait_for_it(alice: Browser, settings: Settings) -> None:
    settings.OIDC_TIMEOUT = 60
    make_stale(alice.session)

    async def go() -> tuple[list[Any], Any]:
        with alice.provider.hang("token") as hang:
            first = asyncio.create_task(client(alice).get("/async/", headers=NAVIGATION))
            await at_the_op(hang)
            others = [await client(alice).get("/async/", headers=NAVIGATION) for _ in range(3)]
            assert not first.done()
        return others, await first

    others, first = async_to_sync(go)()
    assert [response.json()["reason"] for response in others] == ["attempt_under_way"] * 3
    assert all(response.json()["user"] for response in others)
    assert first.json()["reason"] == "renewed"
    assert refreshes(alice) == 1


def test_the_database_is_asked_on_django_s_own_thread(alice: Browser) -> None:
    """Another one would have another connection: a transaction, and here the test's own data, would not be seen."""
    make_stale(alice.session)
    assert aask(alice, NAVIGATION, url="/async/").json()["reason"] == "renewed"
    found = here(alice)
    assert found is not None
    assert found.generation == SignedInSession.objects.get().generation == 1
    assert connection.in_atomic_block


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
