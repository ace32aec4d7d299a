"""The site with a page that takes long: `meanwhile` runs between the look at the session and the answer."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path

from tests import urls

meanwhile: list[Callable[[], object]] = []


def slow(request: HttpRequest) -> HttpResponse:
    response = urls.page(request)
    while meanwhile:
        meanwhile.pop()()
    if "cart" in request.GET:
        request.session["cart"] = request.GET["cart"]
    return response


urlpatterns = [path("slow/", slow), *urls.urlpatterns]
