"""Sign-in, silent renewal, refusal and sign-out, wherever Django keeps its sessions; and sessions that get lost."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import AsyncClient

from tests.conftest import NAVIGATION, Browser, Clock, told
from tests.faults.conftest import STALE, Log, Member, Visitor
from tests.faults.database import TROUBLE, down

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_django import Settings

SESSION = "sessionid"


@pytest.fixture
def db(database_file: Path) -> None:
    """In place of pytest-django's: a file, that can be in trouble."""


def stored(browser: Browser) -> dict[str, Any]:
    """What the engine has for this browser."""
    engine = import_module(django_settings.SESSION_ENGINE)
    return dict(engine.SessionStore(browser.client.cookies[SESSION].value).items())


def lose_the_session(browser: Browser, engine: str) -> None:
    """Evicted, cleaned up, or ended by somebody else."""
    if engine == "signed_cookies":
        pytest.skip("nothing on the server that could get lost")
    browser.session.delete()
    Session.objects.all().delete()


def test_c19_c24_sign_in_renewal_refusal_and_sign_out_hold_on_each(
    engine: str, redirected: None, browser: Browser, clock: Clock
) -> None:
    browser.provider.sign_in("alice")
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits, browser.user() == "nobody") == (200, 1, False)
    name, signed_in_at = browser.user(), stored(browser)["silent_sso"]["signed_in_at"]

    clock.advance(STALE)
    page, visits = browser.surf("/page/")
    assert (page.status_code, visits, browser.user()) == (200, 1, name)
    assert stored(browser)["silent_sso"]["signed_in_at"] == signed_in_at
    assert stored(browser)["silent_sso"]["verified_at"] > signed_in_at

    clock.advance(STALE)
    with browser.provider.answer_with_error("server_error"):
        assert browser.surf("/page/")[0].status_code == 200
    assert browser.user() == name

    assert browser.post("/oidc/logout/").status_code == 302
    assert browser.user() == "nobody"
    assert SESSION not in browser.client.cookies
    assert browser.get("/page/").status_code == 200, "and nothing silent is tried"

    browser.sign_in("alice")
    assert browser.user() == name


def test_c24_a_no_of_the_provider_ends_the_session_on_each(engine: str, browser: Browser, clock: Clock) -> None:
    Member(browser, clock)
    browser.provider.sign_out()
    response = browser.follow(browser.get("/page/"))
    assert response["Location"].startswith(browser.provider.issuer), "on to interactive sign-in"
    assert browser.user() == "nobody"


@pytest.mark.parametrize("how", [{"status": 500}, {"status": 400, "body": {"error": "invalid_grant"}}], ids=str)
def test_c23_c24_a_failure_keeps_the_session_on_each(
    engine: str, browser: Browser, clock: Clock, how: dict[str, Any]
) -> None:
    Member(browser, clock)
    before = stored(browser)
    with browser.provider.fail("token", **how):
        assert browser.surf("/page/")[0].status_code == 200
    assert stored(browser) == before


def test_c66_a_session_that_is_lost_during_the_attempt_does_not_prevent_a_sign_in(
    engine: str, browser: Browser
) -> None:
    browser.provider.sign_in("alice")
    session = browser.session
    session["cart"] = 5
    session.save()
    browser.client.cookies[SESSION] = session.session_key
    begun = browser.get("/oidc/authenticate/?next=/page/")
    lose_the_session(browser, engine)
    assert browser.follow(begun)["Location"] == "/page/"
    assert browser.user() != "nobody"


def test_c68_a_session_that_is_lost_before_the_answer_of_a_renewal_is_no_error(
    engine: str, redirected: None, browser: Browser, clock: Clock, log: Log
) -> None:
    member = Member(browser, clock)
    begun = browser.get("/page/")
    lose_the_session(browser, engine)
    assert browser.follow(begun).status_code == 302
    member.page()
    browser.sign_in("alice")
    assert member.user == member.name


def test_c68_a_session_that_is_lost_in_the_middle_of_the_callback_is_no_error(
    engine: str, browser: Browser, clock: Clock, log: Log
) -> None:
    member = Member(browser, clock)
    callback = browser.at_op(browser.get("/page/")["Location"])

    def lose(answer: Any) -> Any:  # the token endpoint's
        if engine != "signed_cookies":
            session.delete()
        return answer

    session = browser.session
    with browser.provider.token_answer.change(lose):
        response = browser.get(callback)
    assert response.status_code in (302, 400), response.content
    assert browser.get("/page/").status_code == 200
    browser.sign_in("alice")
    assert member.user == member.name


def test_c67_a_session_that_is_lost_while_a_page_is_made_is_a_page(engine: str, browser: Browser, clock: Clock) -> None:
    Member(browser, clock)
    lose_the_session(browser, engine)
    for path in ("/page/", "/oidc/session/"):
        assert browser.fetch(path).status_code == 200
    assert browser.get("/page/").status_code == 200


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize("who", ["visitor", "member"])
def test_c62_c63_c74_with_a_database_in_trouble_pages_are_served(
    redirected: None, browser: Browser, clock: Clock, database_file: Path, trouble: Any, who: str
) -> None:
    trial = Member(browser, clock) if who == "member" else Visitor(browser, clock)
    with trouble(database_file):
        assert browser.surf("/page/")[0].status_code == 200
        assert browser.fetch("/page/").status_code == 200
    clock.advance(3700)
    trial.page()
    assert trial.user != "nobody", "as if nothing had happened"


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
@pytest.mark.parametrize("who", ["visitor", "member"])
def test_c62_c63_c64_c74_a_database_that_fails_at_the_callback_is_a_503_and_nothing_is_half_done(
    browser: Browser, clock: Clock, database_file: Path, log: Log, trouble: Any, who: str
) -> None:
    from django.contrib.auth import get_user_model

    trial = Member(browser, clock) if who == "member" else Visitor(browser, clock)
    begun = browser.get("/oidc/authenticate/?next=/page/")
    users = get_user_model().objects.count()
    before, cookies = browser.snapshot()[0], browser.client.cookies.get(SESSION)
    with trouble(database_file):
        response = browser.follow(begun)
        assert told(response) == (503, "storage_unavailable")
        assert "next=%2Fpage%2F" in response.content.decode(), "the way to try again"
    assert "storage_unavailable" in log.reasons
    assert browser.snapshot()[0] == before
    assert browser.client.cookies.get(SESSION) == cookies
    assert get_user_model().objects.count() == users, "no half-made account"
    browser.sign_in("alice")
    assert trial.user != "nobody"


@pytest.mark.parametrize("who", ["visitor", "member"])
def test_c62_a_database_that_fails_at_a_silent_callback_costs_nobody_a_page(
    redirected: None, browser: Browser, clock: Clock, database_file: Path, log: Log, who: str
) -> None:
    trial = Member(browser, clock) if who == "member" else Visitor(browser, clock)
    begun = browser.get("/page/")
    with down(database_file):
        assert browser.follow(begun)["Location"] == "/page/"
    assert "storage_unavailable" in log.reasons
    assert who == "visitor" or trial.user == trial.name
    clock.advance(3700)
    trial.page()
    assert trial.user != "nobody"


def test_c65_a_session_store_that_is_down_serves_everybody_anonymously_and_forgets_nobody(
    browser: Browser, clock: Clock, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "default"},
        "sessions": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "sessions"},
    }
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.SESSION_CACHE_ALIAS = "sessions"
    member = Member(browser, clock)
    working = settings.CACHES
    settings.CACHES = {**working, "sessions": {"BACKEND": "tests.broken_cache.BrokenCache"}}
    for path in ("/page/", "/oidc/session/"):
        assert browser.get(path).status_code == 200
    assert browser.fetch("/page/").status_code == 200
    assert SESSION in browser.client.cookies, "back as soon as the store is"
    settings.CACHES = working
    member.page()
    assert member.user == member.name


def test_c65_a_session_table_that_is_down_serves_everybody_anonymously_and_forgets_nobody(
    browser: Browser, clock: Clock, database_file: Path, log: Log
) -> None:
    member = Member(browser, clock)
    with down(database_file):
        for path in ("/page/", "/oidc/session/"):
            assert browser.get(path).status_code == 200
        assert "storage_unavailable" in log.reasons
    assert SESSION in browser.client.cookies
    assert member.user == member.name


def test_c65_under_asgi_too(browser: Browser, clock: Clock, database_file: Path, log: Log) -> None:
    Member(browser, clock)
    client = AsyncClient()
    client.cookies = browser.client.cookies
    with down(database_file):
        response = async_to_sync(client.get)("/page/", headers=NAVIGATION)
    assert (response.status_code, "nobody" in response.content.decode()) == (200, True)
    assert log.reasons.count("storage_unavailable") == 1


@pytest.mark.parametrize("engine", ["signed_cookies"], indirect=True)
def test_c75_twenty_one_attempts_do_not_burst_the_cookies(engine: str, browser: Browser, clock: Clock) -> None:
    Member(browser, clock)
    for number in range(21):
        browser.get(f"/oidc/authenticate/?next=/page/{number}")
    sizes = {name: len(morsel.OutputString()) for name, morsel in browser.client.cookies.items()}
    assert max(sizes.values()) < 4096
    assert sum(len(f"{name}={morsel.value}; ") for name, morsel in browser.client.cookies.items()) < 12_000
