"""The pages of the site under test. They answer JSON, so that a test need not read HTML."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path


def page(request: HttpRequest, name: str = "") -> HttpResponse:
    user = getattr(request.user, "email", None)  # AnonymousUser has none
    return JsonResponse({"page": name, "user": user, "basket": request.session.get("basket")})


def form(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return JsonResponse({"received": request.POST["text"]})
    return JsonResponse({"csrf_token": get_token(request)})


def fill_basket(request: HttpRequest) -> HttpResponse:
    request.session["basket"] = "three apples"
    return HttpResponse(status=204)


urlpatterns = [
    path("", page),
    path("page/<path:name>", page),
    path("private/", login_required(page), {"name": "private"}),
    path("form/", form),
    path("basket/", fill_basket),
    path("oidc/", include("django_silent_sso.urls")),
]
