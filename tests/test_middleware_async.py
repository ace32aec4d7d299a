"""The asynchronous colour: the same answers as the synchronous one, and nothing that stops the event loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth import get_user_model
from django.core.cache.backends.locmem import LocMemCache
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, AsyncRequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils.asyncio import async_unsafe

from django_silent_sso.middleware import SilentSSOMiddleware
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import FETCH, NAVIGATION, Browser, Clock, told
from tests.middleware_site import DOCUMENTS, FORMS, PASSIVE, SCRIPTS, ask, goes_silently_to_op

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.middleware_site")


class LoopSafeCache(LocMemCache):
    """A cache as Django's database cache: it may not be asked inside an event loop."""

    get = async_unsafe(LocMemCache.get)
    set = async_unsafe(LocMemCache.set)
    add = async_unsafe(LocMemCache.add)


def asks_the_database(request: HttpRequest) -> dict[str, int]:
    """A site's context processor."""
    return {"users": get_user_model().objects.count()}


@pytest.fixture(autouse=True)
def _strict_cache(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.test_middleware_async.LoopSafeCache"}}


def aask(browser: Browser, headers: dict[str, str], method: str = "GET", url: str = "/decided/") -> Any:
    """A request to the asynchronous handler, with the browser's cookies."""
    client = AsyncClient()
    client.cookies = browser.client.cookies

    async def go() -> Any:
        return await client.generic(method, url, headers=headers)

    return async_to_sync(go)()


@contextmanager
def renamed(table: str) -> Iterator[None]:
    """A database that has lost a table."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
        yield
        cursor.execute(f"ALTER TABLE gone RENAME TO {table}")


def summary(response: Any) -> tuple[Any, ...]:
    location = response.get("Location", "").partition("?")[0]
    body = response.content if "json" in response["Content-Type"] else b""
    return response.status_code, location, response.get("Vary"), response.get("Cache-Control"), body


KINDS = {
    **{f"document_{name}": ("GET", headers) for name, headers in DOCUMENTS.items()},
    **{f"script_{name}": ("GET", headers) for name, headers in SCRIPTS.items()},
    **{f"passive_{name}": how for name, how in PASSIVE.items()},
    **{f"script_{method}": (method, FETCH) for method in FORMS.values()},
    "form": ("POST", {**NAVIGATION, "Origin": "http://testserver"}),
}


@pytest.mark.parametrize(("method", "headers"), KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("age", [None, make_stale, make_overdue], ids=["fresh", "stale", "overdue"])
def test_both_colours_give_the_same_answer(
    make_browser: Callable[..., Browser], method: str, headers: dict[str, str], age: Any
) -> None:
    answers = []
    for how in (ask, aask):
        browser = make_browser()
        browser.sign_in("alice")
        if age is not None:
            age(browser.session)
        answers.append(summary(how(browser, headers, method)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("method", "headers"), KINDS.values(), ids=KINDS)
def test_both_colours_give_visitors_the_same_answer(
    make_browser: Callable[..., Browser], settings: Settings, method: str, headers: dict[str, str]
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    answers = [summary(how(make_browser(), headers, method)) for how in (ask, aask)]
    assert answers[0] == answers[1]


def test_a_stale_session_is_renewed_by_one_round_trip(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    leaving = aask(browser, NAVIGATION, url="/async/")
    assert goes_silently_to_op(browser, leaving)
    callback = browser.at_op(leaving["Location"])
    assert aask(browser, NAVIGATION, url=callback)["Location"] == "/async/"
    seen = aask(browser, NAVIGATION, url="/async/").json()
    assert (seen["reason"], seen["user"] != "") == ("fresh", True)


@pytest.mark.parametrize("length", [10, 3000], ids=["short", "long"])
@pytest.mark.parametrize("signed_in", [True, False], ids=["session", "visitor"])
def test_c102_a_long_address_is_remembered_outside_the_event_loop(
    browser: Browser, settings: Settings, length: int, signed_in: bool
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    if signed_in:
        browser.sign_in("alice")
        make_stale(browser.session)
    url = "/decided/?" + "x" * length
    leaving = aask(browser, NAVIGATION, url=url)
    assert aask(browser, NAVIGATION, url=browser.at_op(leaving["Location"]))["Location"] == url


def test_c1_an_op_that_is_down_costs_nobody_a_page(browser: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.sign_in("alice")
    browser.provider.stop()
    clock.advance(60)
    make_stale(browser.session)
    assert aask(browser, NAVIGATION, url="/async/").json()["reason"] == "op_unreachable"
    make_overdue(browser.session)
    assert aask(browser, NAVIGATION, url="/async/").json() == {"reason": "grace_ended", "user": ""}
    browser.client.cookies.clear()
    assert aask(browser, NAVIGATION, url="/async/").json()["reason"] == "op_unreachable"


def test_settings_that_spoil_an_endpoint_are_no_500(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    for name, url in browser.provider.endpoint_settings().items():
        setattr(settings, name, url)
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = "http://op.example.org/authorize"
    assert aask(browser, NAVIGATION).json()["reason"] == "endpoint_insecure"


def test_u10_a_user_who_may_not_be_here_any_more_is_nobody(browser: Browser) -> None:
    browser.sign_in("alice")
    make_overdue(browser.session)
    get_user_model().objects.update(is_active=False)
    assert aask(browser, NAVIGATION, url="/async/").json()["user"] == ""


def test_c78_one_attempt_of_a_session_at_a_time(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    cookies = browser.client.cookies.output(header="", sep="")
    assert goes_silently_to_op(browser, aask(browser, NAVIGATION))
    browser.client.cookies.clear()
    browser.client.cookies.load(cookies)
    assert aask(browser, NAVIGATION).json()["reason"] == "attempt_under_way"


def test_an_attempt_that_cannot_begin_after_all_costs_nobody_a_page(browser: Browser, settings: Settings) -> None:
    """The OP is there, but takes no pushed requests."""
    browser.provider.metadata.drop("pushed_authorization_request_endpoint")
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    for how in (ask, aask):
        assert how(browser, NAVIGATION).json()["reason"] == "endpoint_missing"


def test_cookies_of_an_attempt_begun_by_hand_are_set_on_the_way_out(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    for how in (ask, aask):
        leaving = how(browser, NAVIGATION, url="/by-hand/")
        assert how(browser, NAVIGATION, url=browser.at_op(leaving["Location"]))["Location"] == "/public/"


def test_n09_a_session_past_its_absolute_length_ends(browser: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 100
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.sign_in("alice")
    clock.advance(100)
    assert aask(browser, NAVIGATION, url="/async/").json() == {"reason": "session_max", "user": ""}
    assert aask(browser, NAVIGATION, url="/async/").json()["reason"] == "session_max"


@pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["document", "fetch"])
def test_exempt_views_are_left_alone(browser: Browser, headers: dict[str, str], age: Any) -> None:
    browser.sign_in("alice")
    age(browser.session)
    assert aask(browser, headers, url="/exempt/").json()["signed_in"] is True


@pytest.mark.parametrize("url", ["/async/", "/decided/"])
def test_c65_a_session_table_that_is_down_costs_nobody_a_page_and_forgets_nobody(browser: Browser, url: str) -> None:
    browser.sign_in("alice")
    with renamed("django_session"):
        for how in (ask, aask):
            seen = how(browser, NAVIGATION, url=url).json()
            assert (seen["reason"], seen["user"]) == ("storage_unavailable", "")
    for how in (ask, aask):
        assert how(browser, NAVIGATION, url=url).json()["user"] != ""


@pytest.mark.parametrize("age", [make_stale, make_overdue], ids=["stale", "overdue"])
def test_c62_a_user_table_that_is_down_is_no_reason_to_leave(browser: Browser, settings: Settings, age: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    browser.sign_in("alice")
    age(browser.session)
    with renamed("auth_user"):
        for how in (ask, aask):
            response = how(browser, NAVIGATION, url="/public/")
            assert (response.status_code, response.content) == (200, b"for everybody")


def test_a_page_of_ours_may_be_made_with_the_database_s_help(browser: Browser, settings: Settings) -> None:
    (templates,) = settings.TEMPLATES
    options = {"context_processors": ["tests.test_middleware_async.asks_the_database"]}
    settings.TEMPLATES = [{**templates, "OPTIONS": options}]
    browser.sign_in("alice")
    make_overdue(browser.session)
    response = aask(browser, {**NAVIGATION, "Origin": "http://testserver"}, "POST")
    assert response.status_code in (200, 401)


# -- the hot path ----------------------------------------------------------------------------------------------------


def run_without_waiting(request: HttpRequest) -> Any:
    """Drive the middleware by hand: it must come to its end without once waiting for a thread or a socket."""

    async def get_response(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.silent_sso.reason)  # type: ignore[attr-defined]

    middleware = SilentSSOMiddleware(get_response)
    assert iscoroutinefunction(middleware)
    coroutine: Any = middleware(request)
    with pytest.raises(StopIteration) as caught:
        coroutine.send(None)
    return caught.value.value


def test_d75_a_fresh_request_makes_no_thread_hop_and_no_query(browser: Browser) -> None:
    browser.sign_in("alice")
    request = AsyncRequestFactory().get("/decided/", headers=NAVIGATION)
    request.session = browser.session
    request.session.get("any")  # as an earlier middleware may have done; loading it is the session's own affair
    request.COOKIES["sessionid"] = request.session.session_key
    with CaptureQueriesContext(connection) as queries:
        response = run_without_waiting(request)
    assert (response.content, len(queries)) == (b"fresh", 0)


@pytest.mark.parametrize("visitors", ["off", "frame"])
def test_d75_nor_does_a_visitor_s(browser: Browser, settings: Settings, visitors: str) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    request = AsyncRequestFactory().get("/decided/", headers=NAVIGATION)
    request.session = browser.session
    request.session.accessed = False
    assert run_without_waiting(request).content == b"not_signed_in"
    assert not request.session.accessed


def test_d75_a_fresh_page_costs_the_session_s_own_query_and_no_more(browser: Browser) -> None:
    browser.sign_in("alice")
    for how in (ask, aask):
        with CaptureQueriesContext(connection) as queries:
            assert how(browser, NAVIGATION, url="/public/").content == b"for everybody"
        assert [query["sql"].split('FROM "')[1].split('"')[0] for query in queries] == ["django_session"]


def test_a_public_page_varies_by_nothing_in_either_colour(browser: Browser) -> None:
    for how in (ask, aask):
        response = how(browser, NAVIGATION, url="/public/")
        assert "Vary" not in response
        assert not response.cookies


def test_an_overdue_form_is_not_handed_on(browser: Browser) -> None:
    browser.sign_in("alice")
    make_overdue(browser.session)
    assert told(aask(browser, FETCH, "POST")) == (401, "grace_ended")
