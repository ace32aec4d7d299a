"""The test project's pages: one for everybody, one for signed-in users, one that takes a form."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def page(request: HttpRequest, rest: str = "") -> HttpResponse:
    user = getattr(request, "user", None)
    name = user.get_username() if user is not None and user.is_authenticated else "nobody"
    return HttpResponse(f"<!doctype html><title>page</title><p id=user>{name}</p><p>{rest}</p>")


urlpatterns = [
    path("", page),
    path("page/", page),
    path("page/<path:rest>", page),
    path("private/", login_required(page)),
    path("form/", page),
    path("oidc/", include("django_silent_sso.urls")),
]
