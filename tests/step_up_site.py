"""A site with pages that ask for a recent sign-in, in every colour, and the way to them."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

from django_silent_sso.decorators import recent_sign_in_required, silent_sso_exempt
from tests.conftest import Browser
from tests.kept_form_site import arrived, arrived_async
from tests.urls import urlpatterns as usual

MAX_AGE = 300
recent = recent_sign_in_required(max_age=MAX_AGE)
gold = recent_sign_in_required(max_age=MAX_AGE, acr="gold")
silver = recent_sign_in_required(max_age=MAX_AGE, acr="silver")


def plain(request: HttpRequest, word: str = "plain") -> HttpResponse:
    """A view."""
    return HttpResponse(f"open: {word}")


async def waiting(request: HttpRequest, word: str = "async") -> HttpResponse:
    """An asynchronous view."""
    return HttpResponse(f"open: {word}")


class Plain(View):
    def get(self, request: HttpRequest, word: str = "class") -> HttpResponse:
        return HttpResponse(f"open: {word}")

    post = get


class Waiting(View):
    async def get(self, request: HttpRequest, word: str = "async class") -> HttpResponse:
        return HttpResponse(f"open: {word}")

    post = get


@method_decorator(recent, name="dispatch")
class Guarded(Plain):
    pass


@method_decorator(recent, name="dispatch")
class GuardedWaiting(Waiting):
    pass


@method_decorator([silent_sso_exempt, recent], name="dispatch")
class ExemptGuardedWaiting(Waiting):
    pass


@method_decorator([recent, silent_sso_exempt], name="dispatch")
class GuardedExemptWaiting(Waiting):
    pass


class GuardedGet(View):
    @method_decorator(recent)
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("open: get")


def csrf_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


VIEWS: dict[str, Any] = {
    "plain": recent(plain),
    "async": recent(waiting),
    "class": recent(Plain.as_view()),
    "async-class": recent(Waiting.as_view()),
    "method": Guarded.as_view(),
    "async-method": GuardedWaiting.as_view(),
    "exempt": silent_sso_exempt(recent(plain)),
    "exempt-inside": recent(silent_sso_exempt(plain)),
    "exempt-method": ExemptGuardedWaiting.as_view(),
    "method-exempt": GuardedExemptWaiting.as_view(),
    "async-get": GuardedGet.as_view(),
}

urlpatterns = [
    *[path(f"guarded/{name}/", view) for name, view in VIEWS.items()],
    path("guarded/<str:word>/of/", recent(plain)),
    path("guarded/patient/", recent_sign_in_required(max_age=86400)(plain)),
    path("gold/", gold(plain)),
    path("gold-or-silver/", recent_sign_in_required(max_age=MAX_AGE, acr=["gold", "silver"])(plain)),
    path("form/", recent(arrived)),
    path("async-form/", recent(arrived_async)),
    path("csrf-token/", csrf_token),
    path("contradiction/", gold(silver(plain))),
    *usual,
]


def wish(response: Any) -> dict[str, str]:
    """What the OP is asked for by this redirect."""
    assert response.status_code == 302, response.content
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def is_open(response: Any) -> bool:
    return bool(response.status_code == 200 and response.content.startswith(b"open: "))


def confirm(browser: Browser, response: Any, subject: str = "alice") -> Any:
    """The person signs in at the OP, as it asks: the callback's answer."""
    back = urlsplit(browser.provider.answer(response["Location"], sign_in_as=subject).location)
    return browser.get(f"{back.path}?{back.query}", **{"Sec-Fetch-Site": "cross-site"})
