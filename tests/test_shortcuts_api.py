"""Calling an API with the user's access token: `with_access_token()` and `awith_access_token()`."""

from __future__ import annotations

import http.client
from dataclasses import dataclass, field
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import AsyncClient, RequestFactory
from django.urls import include, path

from django_silent_sso.details import SilentSSO
from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.shortcuts import awith_access_token, with_access_token
from tests.conftest import NAVIGATION, Browser, Clock
from tests.flows.conftest import here

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@dataclass
class Answer:
    """As requests and httpx have it."""

    status_code: int


@dataclass
class OtherAnswer:
    """As urllib3 and http.client have it."""

    status: int


@dataclass
class API:
    """Refuses the first so many calls, as `kind` of answer; `calls`: the tokens it was shown."""

    refusals: int = 0
    kind: Any = Answer
    status: int = 401
    calls: list[str] = field(default_factory=list)

    def __call__(self, token: str) -> Any:
        self.calls.append(token)
        return self.kind(self.status if len(self.calls) <= self.refusals else 200)

    async def acall(self, token: str) -> Any:
        return self(token)


HERE: dict[str, API] = {}


def view(request: HttpRequest) -> HttpResponse:
    answer = with_access_token(request, HERE["api"])
    return JsonResponse({"answer": vars(answer)})


async def aview(request: HttpRequest) -> HttpResponse:
    answer = await awith_access_token(request, HERE["api"].acall)
    return JsonResponse({"answer": vars(answer)})


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse("page")


urlpatterns = [
    path("sync/", view),
    path("async/", aview),
    path("page/", page),
    path("oidc/", include("django_silent_sso.urls")),
]


@pytest.fixture
def alice(browser: Browser, clock: Clock) -> Browser:
    browser.provider.refresh_tokens = "always"
    browser.sign_in("alice")
    clock.advance(60)
    return browser


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def ask(browser: Browser, colour: str, api: API) -> Any:
    HERE["api"] = api
    if colour == "sync":
        return browser.get("/sync/").json()["answer"]
    client = AsyncClient()
    client.cookies = browser.client.cookies

    async def go() -> Any:
        return await client.get("/async/", headers=NAVIGATION)

    return async_to_sync(go)().json()["answer"]


def held(browser: Browser) -> str:
    found = here(browser)
    assert found is not None
    return found.tokens(browser.provider.now()).access_token


def test_one_call_with_the_token(alice: Browser, colour: str) -> None:
    api = API()
    assert ask(alice, colour, api) == {"status_code": 200}
    assert api.calls == [held(alice)]
    assert alice.provider.calls == []


@pytest.mark.parametrize(("kind", "name"), [(Answer, "status_code"), (OtherAnswer, "status")])
def test_a87_a_refused_token_is_replaced_and_the_call_repeated_once(
    alice: Browser, colour: str, kind: Any, name: str
) -> None:
    api, before = API(refusals=1, kind=kind), held(alice)
    assert ask(alice, colour, api) == {name: 200}
    assert api.calls == [before, held(alice)]
    assert before != held(alice)
    assert len(alice.provider.calls_to("token")) == 1


def test_the_second_refusal_stands(alice: Browser, colour: str) -> None:
    api = API(refusals=9)
    assert ask(alice, colour, api) == {"status_code": 401}
    assert len(api.calls) == 2
    assert len(alice.provider.calls_to("token")) == 1


def test_c116_where_no_other_token_can_be_had_the_refusal_stands(alice: Browser, colour: str) -> None:
    alice.provider.fail("token", status=503)
    api = API(refusals=9)
    assert ask(alice, colour, api) == {"status_code": 401}
    assert len(api.calls) == 1


@pytest.mark.parametrize("status", [400, 403, 500])
def test_another_error_says_nothing_about_the_token(alice: Browser, colour: str, status: int) -> None:
    api = API(refusals=9, status=status)
    assert ask(alice, colour, api) == {"status_code": status}
    assert len(api.calls) == 1
    assert alice.provider.calls == []


def test_c117_without_a_token_that_could_be_used_it_says_so(alice: Browser, clock: Clock, colour: str) -> None:
    alice.provider.grants.revoke_all()
    clock.advance(3600 - 60 - 5)
    api = API()
    session = alice.session
    session["silent_sso"] = {**session["silent_sso"], "verified_at": clock() - 20}
    session.save()
    assert ask(alice, colour, api) == {"status_code": 200}, "it lasts for five seconds more"
    clock.advance(6)
    with pytest.raises(TokenError) as caught:
        ask(alice, colour, api)
    assert caught.value.reason is Reason.ACCESS_TOKEN_MISSING
    assert len(api.calls) == 1


def test_a_visitor_has_none(browser: Browser, colour: str) -> None:
    with pytest.raises(TokenError) as caught:
        ask(browser, colour, API())
    assert caught.value.reason is Reason.ACCESS_TOKEN_MISSING


def test_what_the_call_raises_is_raised(alice: Browser) -> None:
    def call(token: str) -> Answer:
        raise http.client.RemoteDisconnected

    request = RequestFactory().get("/")
    with pytest.raises(RuntimeError, match="SilentSSOMiddleware"):
        with_access_token(request, call)
    HERE["api"] = call  # type: ignore[assignment]
    with pytest.raises(http.client.RemoteDisconnected):
        alice.get("/sync/")


@pytest.mark.parametrize("kind", [list, int, lambda status: None], ids=["a list", "a number", "nothing"])
def test_an_answer_without_a_status_is_not_refused(alice: Browser, kind: Any) -> None:
    calls: list[str] = []
    request = RequestFactory().get("/")

    class Seen:
        def __call__(self, token: str) -> Any:
            calls.append(token)
            return kind() if kind is list else kind(401)

    request.session = alice.session
    request.COOKIES["sessionid"] = str(alice.session.session_key)
    request.silent_sso = SilentSSO(request)
    with_access_token(request, Seen())
    assert len(calls) == 1
