"""Marks on views: `silent_sso_exempt`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from django_silent_sso.decorators import EXEMPT_MARK, recent_sign_in_required, silent_sso_exempt
from django_silent_sso.testing import make_overdue
from tests.conftest import FETCH, Browser


def plain(request: HttpRequest, word: str = "plain") -> HttpResponse:
    """A view."""
    return HttpResponse(word)


async def waiting(request: HttpRequest, word: str = "async") -> HttpResponse:
    """An asynchronous view."""
    return HttpResponse(word)


class Plain(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("class")


class Waiting(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("async class")


@method_decorator(silent_sso_exempt, name="dispatch")
class Marked(Plain):
    pass


@method_decorator(silent_sso_exempt, name="dispatch")
class MarkedWaiting(Waiting):
    pass


VIEWS: dict[str, Any] = {"plain": plain, "async": waiting, "class": Plain.as_view(), "async class": Waiting.as_view()}

MARKED: dict[str, Any] = {
    **{name: silent_sso_exempt(view) for name, view in VIEWS.items()},
    "by dispatch": Marked.as_view(),
    "by async dispatch": MarkedWaiting.as_view(),
}
OTHERS = {
    "csrf_exempt": csrf_exempt,
    "never_cache": never_cache,
    "login_not_required": login_not_required,
    "recent_sign_in_required": recent_sign_in_required(max_age=300),
}
WORDS = {**{name: name for name in VIEWS}, "by dispatch": "class", "by async dispatch": "async class"}

urlpatterns = [
    *[path(f"{name.replace(' ', '-')}/", view) for name, view in MARKED.items()],
    path("guarded/", plain),
]


@pytest.mark.parametrize("name", VIEWS)
def test_a_marked_view_keeps_its_name_and_colour(name: str) -> None:
    view = VIEWS[name]
    marked = silent_sso_exempt(view)
    assert getattr(marked, EXEMPT_MARK) is True
    assert not hasattr(view, EXEMPT_MARK), "the view itself may be guarded elsewhere"
    assert (marked.__name__, marked.__doc__) == (view.__name__, view.__doc__)
    assert iscoroutinefunction(marked) is iscoroutinefunction(view)


def test_arguments_go_through() -> None:
    request = RequestFactory().get("/")
    assert silent_sso_exempt(plain)(request, word="x").content == b"x"
    assert async_to_sync(silent_sso_exempt(waiting))(request, word="y").content == b"y"
    assert inspect.iscoroutinefunction(silent_sso_exempt(waiting))


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", VIEWS)
def test_the_mark_outlives_other_decorators_in_either_order(name: str, other: str) -> None:
    for view in (OTHERS[other](silent_sso_exempt(VIEWS[name])), silent_sso_exempt(OTHERS[other](VIEWS[name]))):
        assert getattr(view, EXEMPT_MARK) is True
        assert iscoroutinefunction(view) is iscoroutinefunction(VIEWS[name])


@pytest.mark.parametrize("name", MARKED)
def test_a_marked_view_works_under_both_kinds_of_server(settings: Any, name: str) -> None:
    settings.ROOT_URLCONF = __name__
    url = f"/{name.replace(' ', '-')}/"
    assert Client().get(url).content.decode() == WORDS[name]
    assert async_to_sync(AsyncClient().get)(url).content.decode() == WORDS[name]


@pytest.mark.parametrize("name", MARKED)
def test_an_overdue_session_passes_where_the_view_is_exempt(browser: Browser, settings: Any, name: str) -> None:
    browser.sign_in("alice")
    make_overdue(browser.session)
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if "csrf" not in m]
    assert browser.client.get(f"/{name.replace(' ', '-')}/", headers=FETCH).content.decode() == WORDS[name]
    settings.ROOT_URLCONF = "tests.urls"
    assert browser.fetch("/page/").status_code == 401
