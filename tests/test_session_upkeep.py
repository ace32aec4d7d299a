"""A session and its row: ended by the row, followed when it moves, noted when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model, update_session_auth_hash
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from django_silent_sso.models import SignedInSession
from django_silent_sso.session_upkeep import moved, note_use, revocable
from django_silent_sso.storage import logout_index
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.storage.session_store import SIGNED_COOKIES
from django_silent_sso.testing import make_stale
from tests.conftest import FETCH, NAVIGATION, Browser, Clock
from tests.flows.conftest import here
from tests.middleware_site import ask, decided

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


def change_password(request: HttpRequest) -> HttpResponse:
    """As Django's own view: the session gets a new key."""
    user: Any = request.user
    user.set_password("another")
    user.save()
    update_session_auth_hash(request, user)
    return HttpResponse("changed")


async def achange_password(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(change_password)(request)


urlpatterns = [
    path("page/", decided),
    path("decided/", decided),
    path("password/", change_password),
    path("apassword/", achange_password),
    path("oidc/", include("django_silent_sso.urls")),
]


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def get(browser: Browser, colour: str, url: str = "/decided/", headers: dict[str, str] = NAVIGATION) -> Any:
    if colour == "sync":
        return ask(browser, headers, url=url)
    client = AsyncClient()
    client.cookies = browser.client.cookies

    async def go() -> Any:
        return await client.get(url, headers=headers)

    return async_to_sync(go)()


@contextmanager
def without_table() -> Iterator[None]:
    table = SignedInSession._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
        yield
        cursor.execute(f"ALTER TABLE gone RENAME TO {table}")


def queries_of(table: str, queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"].split(" ")[0] for query in queries if f'"{table}"' in query["sql"]]


ROWS = SignedInSession._meta.db_table


# -- inside a signed cookie ----------------------------------------------------------------------------------------


@pytest.fixture
def cookie(browser: Browser, settings: Settings) -> Browser:
    settings.SESSION_ENGINE = SIGNED_COOKIES
    browser.sign_in("alice")
    return browser


def test_g01_a_signed_cookie_ends_with_its_row(cookie: Browser, colour: str) -> None:
    copy = cookie.client.cookies["sessionid"].value
    assert get(cookie, colour).json()["signed_in"]
    SignedInSession.objects.all().delete()
    seen = get(cookie, colour)
    assert {name: seen.json()[name] for name in ("action", "reason", "user", "signed_in")} == {
        "action": "serve_anonymously",
        "reason": "voided_by_sign_out",
        "user": "",
        "signed_in": False,
    }
    assert seen.cookies["sessionid"]["max-age"] == 0
    cookie.client.cookies["sessionid"] = copy
    assert get(cookie, colour).json()["user"] == "", "nor does a copy live on"


def test_that_costs_one_query_for_each_request(cookie: Browser, colour: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        get(cookie, colour)
    assert queries_of(ROWS, queries) == ["SELECT"]


def test_c62_where_the_table_cannot_be_asked_nobody_is_signed_out(
    cookie: Browser, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    with without_table():
        assert get(cookie, colour).json()["user"]
    (line,) = [message for message in caplog.messages if message.startswith("storage_unavailable")]
    assert "whether a session was ended is unknown" in line


def test_a_password_session_in_a_cookie_is_none_of_ours(cookie: Browser, colour: str) -> None:
    user = get_user_model().objects.create_user("mallory")
    cookie.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    SignedInSession.objects.all().delete()
    assert get(cookie, colour).json()["user"] == "mallory"


def test_a_request_without_the_cookie_asks_nothing(settings: Settings) -> None:
    settings.SESSION_ENGINE = SIGNED_COOKIES
    assert revocable(RequestFactory().get("/")) == ""


def test_other_engines_need_no_question(browser: Browser, colour: str) -> None:
    browser.sign_in("alice")
    with CaptureQueriesContext(connection) as queries:
        assert get(browser, colour).json()["signed_in"]
    assert queries_of(ROWS, queries) == []


# -- a session that moves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache"])
def test_a_session_that_django_gave_a_new_key_is_found_by_a_sign_out(
    browser: Browser, settings: Settings, colour: str, engine: str
) -> None:
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    browser.sign_in("alice")
    before = browser.session.session_key
    get(browser, colour, "/password/" if colour == "sync" else "/apassword/")
    after = browser.session.session_key
    assert after != before
    assert SignedInSession.objects.get().session_key == after
    logout_index.end(str(browser.provider.issuer), subject="alice", op_sid=None)
    assert get(browser, colour).json()["user"] == ""


@pytest.mark.django_db(transaction=True)
def test_a_move_that_cannot_be_written_down_is_told_and_costs_no_page(
    browser: Browser, colour: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser.sign_in("alice")
    with without_table():
        assert get(browser, colour, "/password/" if colour == "sync" else "/apassword/").content == b"changed"
    assert "storage_unavailable: a session has moved unnoticed (OperationalError)" in caplog.messages


def test_a_session_that_stays_where_it_is_costs_no_query(browser: Browser, colour: str) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    with CaptureQueriesContext(connection) as queries:
        get(browser, colour, headers=FETCH)
    assert queries_of(ROWS, queries) == []


def moving(browser: Browser) -> HttpRequest:
    request = RequestFactory().get("/")
    request.session = browser.session
    request.COOKIES["sessionid"] = "another key"
    request.session.modified = True
    return request


def test_what_counts_as_a_move(browser: Browser, settings: Settings) -> None:
    browser.sign_in("alice")
    found = here(browser)
    assert found is not None
    request = moving(browser)
    assert moved(request) == (found.handle, request.session.session_key)
    request.session.modified = False
    assert moved(request) is None, "nothing happened to it"
    request = moving(browser)
    del request.COOKIES["sessionid"]
    assert moved(request) is None, "a new one"
    request = moving(browser)
    request.COOKIES["sessionid"] = str(request.session.session_key)
    assert moved(request) is None, "changed, and still where it was"
    request = moving(browser)
    request.session.flush()
    assert moved(request) is None, "signed out"
    request = moving(browser)
    settings.SESSION_ENGINE = SIGNED_COOKIES
    assert moved(request) is None, "lies nowhere"


def test_a_password_session_that_moves_has_no_row(browser: Browser) -> None:
    user = get_user_model().objects.create_user("mallory")
    browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert moved(moving(browser)) is None


def test_nor_has_one_of_ours_that_an_older_version_opened(browser: Browser) -> None:
    browser.sign_in("alice")
    session = browser.session
    session["silent_sso"] = {**session["silent_sso"], "handle": ""}
    session.save()
    assert moved(moving(browser)) is None


# -- use (more of it in test_session_idle.py) ----------------------------------------------------------------------


def test_n09_use_is_noted_where_the_site_limits_how_long_a_session_may_lie_idle(
    browser: Browser, settings: Settings, clock: Clock
) -> None:
    browser.sign_in("alice")
    request = RequestFactory().get("/")
    request.COOKIES["sessionid"] = "x"
    request.session = browser.session
    before = RPSession.read(request.session)
    assert before is not None
    clock.advance(61)
    note_use(request)
    assert RPSession.read(request.session) == before
    settings.SILENT_SSO_SESSION_IDLE_SECONDS = 600
    note_use(request)
    after = RPSession.read(request.session)
    assert after is not None
    assert after.seen_at >= before.seen_at + 61
