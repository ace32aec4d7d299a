"""The pages of the site in several processes. Each answer tells who was seen, why, and which process gave it."""

from __future__ import annotations

import os

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from django_silent_sso import testing
from django_silent_sso.storage.rp_session import RPSession


@csrf_exempt
def page(request: HttpRequest) -> HttpResponse:
    if "put" in request.GET:
        request.session["basket"] = request.GET["put"]
    return JsonResponse(
        {
            "user": request.user.get_username() or None,
            "reason": str(request.silent_sso.decision.reason),  # type: ignore[attr-defined]
            "basket": request.session.get("basket"),
            "process": os.getpid(),
        }
    )


def form(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"csrf_token": get_token(request)})


def make(request: HttpRequest, age: str) -> HttpResponse:
    (testing.make_stale if age == "stale" else testing.make_overdue)(request.session)
    return HttpResponse(status=204)


def session(request: HttpRequest) -> HttpResponse:
    """What the session is like, renewing nothing: asked by a script."""
    found = RPSession.read(request.session)
    return JsonResponse({"generation": None if found is None else found.generation})


urlpatterns = [
    path("page/", page),
    path("form/", form),
    path("make/<str:age>/", make),
    path("session/", session),
    path("oidc/", include("django_silent_sso.urls")),
]
