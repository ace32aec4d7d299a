"""Renewal by refresh token on the event loop: a page that waits for the OP holds up nobody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import AsyncClient

from django_silent_sso.models import SignedInSession
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser
from tests.flows.conftest import here
from tests.test_middleware_async import aask
from tests.test_middleware_renewal import AGES, refreshes, with_token

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]


@pytest.fixture
def alice(browser: Browser, settings: Settings) -> Browser:
    """Signed in, with a refresh token, at an OP that may hang for longer than any machine is slow."""
    settings.CACHES = {"default": {"BACKEND": "tests.test_middleware_async.LoopSafeCache"}}
    settings.OIDC_TIMEOUT = 60
    return with_token(browser)


def client(browser: Browser) -> AsyncClient:
    made = AsyncClient()
    made.cookies = browser.client.cookies
    return made


def at_the_op(hang: Any) -> Any:
    return asyncio.to_thread(hang.wait_until_reached, 30)


@AGES
def test_d75_an_op_that_hangs_holds_up_nobody_else(alice: Browser, age: Any) -> None:
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


@AGES
def test_a_session_that_is_signed_out_during_the_call_is_served_to_nobody(alice: Browser, age: Any) -> None:
    age(alice.session)

    async def go() -> Any:
        with alice.provider.hang("token") as hang:
            waiting = asyncio.create_task(client(alice).get("/decided/", headers=NAVIGATION))
            await at_the_op(hang)
            await SignedInSession.objects.all().adelete()
            await Session.objects.all().adelete()
        return await waiting

    seen = async_to_sync(go)().json()
    assert (seen["action"], seen["reason"], seen["user"]) == ("serve_anonymously", "voided_by_sign_out", "")
    assert not Session.objects.exists()
    assert not SignedInSession.objects.exists()


def test_h03_an_overdue_page_waits_for_the_one_that_renews_and_gets_its_result(alice: Browser) -> None:
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


def test_h03_a_stale_page_does_not_wait_for_it(alice: Browser) -> None:
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
