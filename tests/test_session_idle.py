"""The longest a session may lie idle (`SILENT_SSO_SESSION_IDLE_SECONDS`), and what counts as use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from django_silent_sso.models import SignedInSession
from django_silent_sso.session_upkeep import note_use
from django_silent_sso.storage.rp_session import RPSession
from tests.conftest import FETCH, Browser, Clock
from tests.flows.conftest import here
from tests.middleware_site import PASSIVE, ask
from tests.test_session_upkeep import get, queries_of

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def idle(browser: Browser, settings: Settings, clock: Clock) -> Browser:
    settings.SILENT_SSO_SESSION_IDLE_SECONDS = 600
    clock.stop()
    browser.sign_in("alice")
    return browser


def test_n09_a_session_that_is_used_lives_and_one_that_is_not_ends(idle: Browser, clock: Clock, colour: str) -> None:
    for _ in range(5):
        clock.advance(599)
        response = get(idle, colour)
        if response.status_code == 302:
            idle.follow(response)
            response = get(idle, colour)
        assert response.json()["signed_in"]
    clock.advance(600)
    seen = get(idle, colour)
    assert (seen.json()["action"], seen.json()["reason"]) == ("end_session", "session_idle")
    assert here(idle) is None
    assert not SignedInSession.objects.filter(ended=False).exists()


def test_n09_after_that_nothing_silent_is_tried_until_the_user_signs_in(
    idle: Browser, settings: Settings, clock: Clock
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    clock.advance(600)
    for _ in range(2):
        assert idle.get("/decided/").json()["reason"] == "session_idle"
    idle.sign_in("alice")
    assert idle.get("/decided/").json()["signed_in"]


def seen_at(browser: Browser) -> float:
    found = here(browser)
    assert found is not None
    return found.seen_at


def test_n09_use_is_written_down_once_a_minute(idle: Browser, clock: Clock, colour: str) -> None:
    before = seen_at(idle)
    clock.advance(59)
    get(idle, colour)
    assert seen_at(idle) == before
    clock.advance(1)
    with CaptureQueriesContext(connection) as queries:
        get(idle, colour)
    assert queries_of("django_session", queries).count("UPDATE") == 1
    assert seen_at(idle) == before + 60
    get(idle, colour, headers=FETCH)
    assert seen_at(idle) == before + 60


@pytest.mark.parametrize(("method", "headers"), PASSIVE.values(), ids=PASSIVE)
def test_n09_what_nobody_looks_at_is_no_use(idle: Browser, clock: Clock, method: str, headers: dict[str, str]) -> None:
    before = seen_at(idle)
    clock.advance(300)
    assert ask(idle, headers, method).status_code == 200
    assert seen_at(idle) == before


def test_without_a_limit_nothing_is_written_down(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    before = seen_at(browser)
    clock.advance(800)
    browser.get("/decided/")
    assert seen_at(browser) == before


def test_nobody_s_use_is_noted_for_a_visitor(settings: Settings) -> None:
    settings.SILENT_SSO_SESSION_IDLE_SECONDS = 600
    note_use(RequestFactory().get("/"))


def test_a_session_that_cannot_be_read_is_left_as_it_is(idle: Browser) -> None:
    request = RequestFactory().get("/")
    request.session = idle.session
    request.session["silent_sso"] = "garbage"
    request.COOKIES["sessionid"] = "x"
    note_use(request)
    assert request.session["silent_sso"] == "garbage"
    assert RPSession.read(request.session) is None
