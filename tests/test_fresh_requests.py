"""The short way through the middleware: when it is taken, what it costs, and when it is not to be taken."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.backends.cache import SessionStore
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.utils.translation import gettext_lazy

from django_silent_sso import fresh_requests
from django_silent_sso.flows.begin import own_names, own_paths
from django_silent_sso.fresh_requests import FRESH, _endings, is_settled, is_stale, settled, withhold
from django_silent_sso.middleware import Details, SilentSSOMiddleware
from django_silent_sso.storage.rp_session import KEY, RPSession
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock
from tests.flows.conftest import here
from tests.test_fresh_requests_both_ways import COOKIE, Way, ashort, request_of, short, written

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]

ENGINE = "django.contrib.sessions.backends."


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_with_every_kind_of_session(settings: Settings, browser: Browser, clock: Clock, engine: str) -> None:
    settings.SESSION_ENGINE = ENGINE + engine
    browser.sign_in("alice")
    assert browser.get("/decided/").json()["reason"] == "fresh"
    clock.advance(901)
    assert browser.get("/decided/").status_code == 302


# -- the short way is taken, and is short ------------------------------------------------------------------------------


def is_short(request: HttpRequest) -> bool:
    return settled(request, Details(request)) is not None


@contextmanager
def counted() -> Iterator[list[str]]:
    """The Python functions that are called meanwhile."""
    called: list[str] = []

    def note(frame: Any, event: str, _: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(before)


def test_a_fresh_request_costs_a_handful_of_calls() -> None:
    answer = HttpResponse()
    middleware = SilentSSOMiddleware(lambda _: answer)
    request = request_of(written())
    middleware(request)  # the settings are read, and the session loaded
    del request.session.save
    with override_settings(), counted() as with_settings_overridden:
        middleware(request)
    with counted() as called:
        middleware(request)
    assert request.silent_sso.decision is FRESH  # type: ignore[attr-defined]
    assert len(called) <= 25, called
    assert len(with_settings_overridden) <= 120, with_settings_overridden


def test_what_a_sign_in_and_a_renewal_leave_takes_it(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_SESSION_IDLE_SECONDS = 1000
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 10_000
    browser.sign_in("alice")
    for renewed in (False, True):
        if renewed:
            make_stale(browser.session)
            browser.follow(browser.get("/decided/"))
        found = here(browser)
        assert found is not None
        assert is_short(request_of(browser.session[KEY])), found


def test_where_the_long_way_is_the_only_one(settings: Settings) -> None:
    request = request_of(written())
    assert is_short(request)
    request.urlconf = "tests.urls"
    assert not is_short(request), "endpoints may lie anywhere"
    without_session = request_of(written())
    del without_session.session
    assert not is_short(without_session)
    assert not is_short(request_of(written(), "/anything/silent/"))
    settings.SESSION_ENGINE = ENGINE + "signed_cookies"
    assert not is_short(request_of(written())), "its end has to be asked for"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SILENT_SSO_RENEW_AFTER_SECONDS", True),
        ("SESSION_COOKIE_NAME", 7),
        ("ROOT_URLCONF", 7),
        ("SESSION_SAVE_EVERY_REQUEST", True),
        ("SILENT_SSO_SESSION_MAX_SECONDS", ["x"]),
        ("OIDC_RP_CLIENT_ID", None),
    ],
)
def test_nor_with_settings_of_an_odd_kind(settings: Settings, name: str, value: object) -> None:
    setattr(settings, name, value)
    assert not is_short(request_of(written()))


def test_what_is_set_otherwise_counts_at_once(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_of(written(verified_at=time.time() - 100))
    assert is_short(request)
    with monkeypatch.context() as patch:
        patch.setattr(django_settings, "SILENT_SSO_RENEW_AFTER_SECONDS", 50, raising=False)  # set where it was not
        assert not is_short(request)
        patch.setattr(django_settings, "SILENT_SSO_RENEW_AFTER_SECONDS", 200)
        assert is_short(request)
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = 60
    assert not is_short(request)
    del settings.SILENT_SSO_RENEW_AFTER_SECONDS
    assert is_short(request), "the default"


def test_settings_that_change_while_they_are_read_are_not_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_of(written(verified_at=time.time() - 100))
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = 300
    read = fresh_requests._endings

    def meanwhile(*about: Any) -> tuple[str, ...]:
        settings.SILENT_SSO_RENEW_AFTER_SECONDS = 50
        return read(*about)

    monkeypatch.setattr(fresh_requests, "_endings", meanwhile)
    assert not is_short(request)
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = 300
    monkeypatch.undo()
    assert is_short(request)


@pytest.mark.parametrize("way", [short, ashort])
def test_a_store_that_fails_is_asked_once(way: Way, caplog: pytest.LogCaptureFixture) -> None:
    tries: list[str] = []

    class Failing(SessionStore):
        def load(self) -> Any:
            tries.append("load")
            raise OSError("down")

        async def aload(self) -> Any:
            return self.load()

    def view(request: HttpRequest) -> HttpResponse:
        details: Any = request.silent_sso  # type: ignore[attr-defined]
        assert (details.reason, details.signed_in, request.user.is_anonymous) == ("storage_unavailable", False, True)
        return HttpResponse("the page")

    request = request_of(written())
    request.session = Failing(request.session.session_key)
    assert way(SilentSSOMiddleware(view), request).content == b"the page"
    assert tries == ["load"]
    assert [message for message in caplog.messages if "cannot be loaded (OSError)" in message] == caplog.messages


# -- where our endpoints lie -------------------------------------------------------------------------------------------


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@pytest.mark.parametrize(
    ("patterns", "endings"),
    [
        ([path("a/", page), path("b/<int:x>/", page, name="x")], set()),
        ([path("a/", page, name="mine"), path("b/", include([path("c/d/", page, name="mine")]))], {"a/", "c/d/"}),
        ([path("<slug:x>/a/", page, name="mine")], {""}),
        ([path("", page, name="mine")], {""}),
        ([re_path("^a/$", page, name="mine")], {""}),
        ([path(gettext_lazy("a/"), page, name="mine")], {""}),
        ([object()], {""}),
    ],
)
def test_how_paths_end(patterns: list[Any], endings: set[str]) -> None:
    assert set(_endings.__wrapped__(tuple(patterns), frozenset({"mine"}))) == endings


def test_our_own_paths_all_end_so(settings: Settings) -> None:
    for urls in ("tests.urls", "tests.middleware_site"):
        settings.ROOT_URLCONF = urls
        endings = _endings(urls, frozenset(own_names()))
        assert "" not in endings
        assert all(path.endswith(endings) for path in own_paths())


# -- the same questions, asked at length -------------------------------------------------------------------------------


def test_without_a_session_cookie_nothing_is_settled() -> None:
    request = request_of(written())
    assert is_settled(request, Details(request))
    del request.COOKIES[COOKIE]
    assert not is_settled(request, Details(request))


def test_stale_is_what_is_not_fresh() -> None:
    for age, stale in ((0, False), (800, False), (900, True), (-5, False)):
        found = RPSession(issuer="", subject="", verified_at=time.time() - age, signed_in_at=0)
        assert is_stale(found) is stale


def test_a_session_that_cannot_be_read_is_nobody_s() -> None:
    request = request_of(written())
    details = Details(request)
    withhold(details)
    assert (details.reason, details.hidden, request.user.is_anonymous) == ("storage_unavailable", True, True)
