"""C.12: refresh tokens when the OP, the session store or the tokens themselves are in trouble."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from django_silent_sso.models import SignedInSession
from django_silent_sso.protocol.errors import TokenError
from django_silent_sso.shortcuts import with_access_token
from django_silent_sso.storage.rp_session import Tokens
from tests.conftest import NAVIGATION, Browser, Clock
from tests.faults import stores
from tests.faults.conftest import STALE, TIMEOUT, Log
from tests.faults.test_concurrency import at_once, db, tab
from tests.flows.conftest import here
from tests.urls import page

if TYPE_CHECKING:
    from pytest_django import Settings

__all__ = ["db"]  # a database that threads can share, in place of pytest-django's

pytestmark = pytest.mark.urls(__name__)


def api(request: HttpRequest) -> HttpResponse:
    """A view that calls an API for the user: it shows the token it calls with."""
    try:
        return with_access_token(request, lambda token: JsonResponse({"token": token}))
    except TokenError as error:
        return JsonResponse({"error": error.reason}, status=503)


urlpatterns = [
    path("page/", page),
    path("page/<path:rest>", page),
    path("api/", api),
    path("oidc/", include("django_silent_sso.urls")),
]


@pytest.fixture
def alice(browser: Browser, clock: Clock) -> Browser:
    """Signed in with a refresh token; the access token lasts for an hour."""
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    clock.advance(STALE)
    return browser


def tokens(browser: Browser) -> Tokens:
    found = here(browser)
    assert found is not None
    return found.tokens(browser.provider.now())


def refreshes(browser: Browser) -> int:
    return sum(call.parameters.get("grant_type") == "refresh_token" for call in browser.provider.calls)


def called_with(browser: Browser) -> Any:
    response = browser.get("/api/")
    assert response.status_code in (200, 503)
    return response.json().get("token")


@pytest.fixture
def own_store(settings: Settings) -> None:
    """Asked for before `alice`: Django picks its session engine with the first request."""
    settings.SESSION_ENGINE = "tests.faults.stores"


@pytest.fixture
def trouble(request: pytest.FixtureRequest, alice: Browser, settings: Settings) -> Iterator[None]:
    """The token endpoint is down, hangs, or fails; nothing else of the OP's is."""
    settings.SILENT_SSO_RENEW_WITH = ("refresh_token",)
    if request.param == "hangs":
        settings.OIDC_TIMEOUT = TIMEOUT
        alice.provider.hang("token")
    elif request.param == "disconnects":
        alice.provider.disconnect("token")
    else:
        alice.provider.fail("token", status=request.param)
    yield
    alice.provider.behave()


TROUBLE = pytest.mark.parametrize("trouble", [500, 503, 429, "disconnects", "hangs"], indirect=True)


@TROUBLE
def test_c116_while_the_access_token_is_good_it_is_used_and_pages_are_served(
    trouble: None, alice: Browser, clock: Clock, log: Log
) -> None:
    before = tokens(alice)
    assert called_with(alice) == before.access_token
    assert alice.user() != "nobody"
    assert tokens(alice) == before, "the refresh token may still be good"
    assert any(reason.startswith("op_") for reason in log.reasons)
    assert SignedInSession.objects.get().claimed_by == "", "and the next one may try"


OTHERS = ["invalid_client", "server_error", "temporarily_unavailable", "a_code_of_its_own"]
OF_NO_USE = ["invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_request"]


@pytest.mark.parametrize("error", [*OTHERS, *OF_NO_USE])
def test_c11_c116_an_error_that_would_come_again_is_met_once(
    alice: Browser, settings: Settings, clock: Clock, error: str
) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("refresh_token",)
    before = tokens(alice)
    with alice.provider.fail("token", status=400, body={"error": error}):
        for _ in range(5):
            assert alice.get("/page/").status_code == 200
    assert alice.user() != "nobody"
    assert refreshes(alice) == 1
    assert (tokens(alice).refresh_token == before.refresh_token) is (error in OTHERS)
    clock.advance(16)
    alice.get("/page/")
    assert (tokens(alice).access_token != before.access_token) is (error in OTHERS)


@TROUBLE
def test_c117_once_it_has_ended_callers_are_told_so_and_pages_are_served(
    trouble: None, alice: Browser, clock: Clock
) -> None:
    alice.get("/page/")
    session = alice.session
    clock.advance(3600 - STALE + 1)
    session["silent_sso"] = {**session["silent_sso"], "verified_at": clock() - STALE}
    session.save()
    response = alice.get("/api/")
    assert (response.status_code, response.json()) == (503, {"error": "access_token_missing"})
    assert alice.user() != "nobody"


def test_c117_it_heals_by_itself(alice: Browser, clock: Clock, settings: Settings) -> None:
    settings.SILENT_SSO_ASK_OP_AFTER_SECONDS = 0
    with alice.provider.fail("token", status=503):
        alice.get("/page/")
    clock.advance(3600)
    session = alice.session
    session["silent_sso"] = {**session["silent_sso"], "verified_at": clock() - STALE}
    session.save()
    assert called_with(alice) == tokens(alice).access_token
    assert refreshes(alice) == 2


@pytest.mark.parametrize("works", [("save",), ("load", "save")], ids=["cannot be written", "is down altogether"])
def test_c118_a_new_refresh_token_that_could_not_be_saved_is_kept_for_the_next_request(
    own_store: None, alice: Browser, log: Log, works: tuple[str, ...]
) -> None:
    before = tokens(alice)
    with stores.down("save"):
        assert alice.get("/page/").status_code in (200, 302)
    assert "storage_unavailable" in log.reasons
    assert tokens(alice) == before, "the session knows nothing of it"
    if "load" in works:
        with stores.down(*works):
            assert alice.get("/page/").status_code == 200
    assert alice.get("/page/").status_code == 200
    after = tokens(alice)
    assert after.refresh_token not in ("", before.refresh_token)
    assert refreshes(alice) == 1, "a spent token that is shown again looks stolen (RFC 9700 4.14.2)"


def test_c118_a_store_that_fails_between_the_call_and_the_answer_is_no_500(
    own_store: None, alice: Browser, log: Log
) -> None:
    """`load` is what follows the call to the OP: what others have saved meanwhile is read again."""
    with alice.provider.hang("token", after_work=True) as hang:

        def fail() -> None:
            hang.wait_until_reached()
            stores.failing.add("load")
            hang.release()

        try:
            response, _ = at_once([lambda: alice.get("/page/"), lambda: fail()])
        finally:
            stores.failing.clear()
    assert response.status_code in (200, 302)
    assert "storage_unavailable" in log.reasons
    alice.get("/page/")
    assert refreshes(alice) == 1
    assert tokens(alice).refresh_token


@pytest.mark.parametrize("seconds", [1, 0], ids=["one second", "none"])
def test_c119_tokens_that_end_as_they_come_are_asked_for_now_and_then(
    alice: Browser, clock: Clock, seconds: int
) -> None:
    alice.provider.access_token_seconds = seconds
    alice.get("/page/")
    assert refreshes(alice) == 1
    for _ in range(20):
        called_with(alice)
    assert refreshes(alice) == 1
    clock.advance(10)
    for _ in range(20):
        called_with(alice)
    assert refreshes(alice) == 2, "not more than once in ten seconds"


def test_h03_c78_of_many_requests_at_the_same_moment_one_asks_and_nobody_looks_like_a_thief(
    alice: Browser,
) -> None:
    tabs = [tab(alice) for _ in range(20)]
    answers = at_once([lambda other=other: other.get("/page/") for other in tabs])  # type: ignore[misc]
    assert {answer.status_code for answer in answers} == {200}
    assert refreshes(alice) == 1
    assert tokens(alice).refresh_token, "the OP has not revoked the family"
    assert alice.provider.grants.find_access_token(tokens(alice).access_token) is not None


def test_h03_overdue_requests_wait_for_the_one_that_asks(alice: Browser, clock: Clock) -> None:
    clock.advance(300)
    tabs = [tab(alice) for _ in range(8)]
    answers = at_once([lambda other=other: other.get("/page/") for other in tabs])  # type: ignore[misc]
    assert {answer.status_code for answer in answers} == {200}
    assert all(b"nobody" not in answer.content for answer in answers)
    assert refreshes(alice) == 1


def test_c86_who_was_asleep_for_longer_than_its_claim_signs_nobody_out(alice: Browser, settings: Settings) -> None:
    """A suspended worker: another has asked with the same token meanwhile, which looks like theft to the OP."""
    settings.SILENT_SSO_RENEW_WITH = ("refresh_token",)
    other = tab(alice)
    with alice.provider.hang("token", after_work=True, times=1) as hang:

        def meanwhile() -> Any:
            hang.wait_until_reached()
            SignedInSession.objects.update(claimed_until=0.0)
            response = other.get("/page/")
            hang.release()
            return response

        answers = at_once([lambda: alice.get("/page/"), meanwhile])
    for answer in answers:
        assert answer.status_code == 200
        assert b"nobody" not in answer.content
    assert tokens(alice).refresh_token == "", "the OP has revoked the family"
    assert refreshes(alice) == 2
    assert alice.user() != "nobody"
    assert refreshes(alice) == 2


def test_h03_a_request_that_comes_late_with_an_old_session_finds_the_result(alice: Browser) -> None:
    """Loaded before the renewal, decided after it."""
    slow = tab(alice)
    old = alice.session
    assert alice.get("/page/").status_code == 200
    renewed = tokens(alice)
    session = alice.session
    session.update(dict(old.items()))
    session.save()
    assert slow.client.get("/page/", headers=NAVIGATION).status_code == 200
    assert replace(tokens(alice), expires_at=None) == replace(renewed, expires_at=None)
    assert refreshes(alice) == 1
