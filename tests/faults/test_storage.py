"""C.7: our own cache, keys, logs and data fail, or come from another version."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache

from tests.broken_cache import BROKEN
from tests.conftest import Browser, Clock, told
from tests.faults.backends import Killed
from tests.faults.conftest import AGES, STALE, Log, Member, Visitor, forget_the_op

if TYPE_CHECKING:
    from pytest_django import Settings

GARBAGE: list[Any] = [None, 0, "text", [], {}, {"v": 1}, {"v": 99}, {"v": 1, "issuer": 5, "subject": [], "claims": 3}]
NUMBERS: list[Any] = [None, "soon", True, [], float("inf"), -1e300, 10**400]


def test_c69_without_a_cache_pages_are_served_and_the_session_is_kept(
    trial: Visitor | Member, settings: Settings, log: Log
) -> None:
    working = settings.CACHES
    settings.CACHES = BROKEN
    trial.page()
    trial.is_unharmed()
    assert "storage_unavailable" in log.reasons, "the memory of used answers fails closed"
    response = trial.browser.surf("/oidc/authenticate/?next=/page/")[0]
    assert told(response) == (503, "storage_unavailable")
    settings.CACHES = working
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c69_a_cache_flushed_at_any_moment_is_no_obstacle(trial: Visitor | Member) -> None:
    begun = trial.browser.get("/page/")
    cache.clear()
    assert trial.browser.follow(begun)["Location"] == "/page/"
    cache.clear()
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(
    "value", [None, 5, "text", b"\xff", [], {"at": "soon"}, {"at": 1e18, "document": {}}], ids=repr
)
def test_c69_c120_values_of_another_version_in_the_cache_are_passed_over(trial: Visitor | Member, value: Any) -> None:
    from django_silent_sso.op import provider

    forget_the_op()
    urls = (provider.discovery_url(), trial.browser.provider.url_of("jwks"))
    for document, url in zip((provider._discovery, provider._keys), urls, strict=True):
        cache.set(document._key(url), value)
    trial.page()
    assert trial.user != "nobody"


class FullDisk(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            raise OSError(28, "No space left on device")
        except OSError:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name in the base class)
        """As in production, where logging.raiseExceptions is off."""


def test_c71_a_log_that_cannot_be_written_changes_nothing(trial: Visitor | Member) -> None:
    logger, handler = logging.getLogger("django_silent_sso"), FullDisk()
    logger.addHandler(handler)
    try:
        trial.page()
    finally:
        logger.removeHandler(handler)
    assert trial.user != "nobody"


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_c72_c120_what_another_version_left_in_the_session_is_no_sign_in_of_ours_and_no_error(
    redirected: None, browser: Browser, clock: Clock, garbage: Any
) -> None:
    Member(browser, clock)
    session = browser.session
    session["silent_sso"] = garbage
    session.save()
    for path in ("/page/", "/oidc/session/", "/private/"):
        assert browser.get(path).status_code in (200, 302)
    assert browser.start().status_code == 200
    browser.provider.forget_calls()
    browser.sign_in("alice")
    assert browser.session["silent_sso"]["v"] == 1, "written again"


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["verified_at", "signed_in_at", "auth_time"])
def test_c72_odd_times_in_the_session_are_no_error(browser: Browser, clock: Clock, name: str, value: Any) -> None:
    Member(browser, clock)
    session = browser.session
    session["silent_sso"] = {**session["silent_sso"], name: value}
    session.save()
    for path in ("/page/", "/oidc/session/"):
        assert browser.fetch(path).status_code in (200, 401)
    assert browser.surf("/page/")[0].status_code == 200


def test_c120_members_that_a_newer_version_added_are_no_obstacle(browser: Browser, clock: Clock) -> None:
    member = Member(browser, clock)
    session = browser.session
    session["silent_sso"] = {**session["silent_sso"], "of_a_newer_version": 1}
    session.save()
    member.page()
    assert member.user == member.name


def test_c73_attempts_and_sessions_outlive_a_rotated_secret_key(trial: Visitor | Member, settings: Settings) -> None:
    browser = trial.browser
    begun = browser.get("/page/")
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another key, just as long as the one that was there before"
    settings.SECRET_KEY_FALLBACKS = [old]
    assert browser.follow(begun)["Location"] == "/page/"
    assert trial.user != "nobody"


def test_c73_without_fallbacks_everybody_starts_again(trial: Visitor | Member, settings: Settings, log: Log) -> None:
    browser = trial.browser
    begun = browser.get("/page/")
    settings.SECRET_KEY = "another key, just as long as the one that was there before"
    assert told(browser.follow(begun)) == (400, "state_unknown")
    assert "state_unknown" in log.reasons
    trial.clock.advance(STALE)
    browser.client.cookies.clear()
    browser.sign_in("alice")
    assert trial.user != "nobody"


@pytest.mark.parametrize("kind", ["silent", "interactive"])
def test_c86_a_worker_that_is_killed_in_the_callback_leaves_no_lock(
    trial: Visitor | Member, settings: Settings, kind: str
) -> None:
    browser = trial.browser
    path = "/page/" if kind == "silent" else "/oidc/authenticate/?next=/page/"
    callback = browser.at_op(browser.get(path)["Location"])
    usual = settings.AUTHENTICATION_BACKENDS
    settings.AUTHENTICATION_BACKENDS = ["tests.faults.backends.DoomedBackend", *usual]
    with pytest.raises(Killed):
        browser.get(callback)
    settings.AUTHENTICATION_BACKENDS = usual
    browser.provider.forget_calls()
    response = browser.get(callback)  # a reload
    assert response.status_code in (302, 400)
    assert browser.provider.calls_to("token") == [], "the code is not sent a second time"
    trial.clock.advance(AGES)
    browser.sign_in("alice")
    trial.page()
    assert trial.user != "nobody"
