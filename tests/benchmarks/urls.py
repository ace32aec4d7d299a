"""The measured page, and two that only the measurement asks for."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

OURS = apps.is_installed("django_silent_sso")

_written: list[str] = []  # one entry a write; appending is atomic


def _session_written(**facts: Any) -> None:
    _written.append(facts["instance"].session_key)


post_save.connect(_session_written, sender=Session)
post_delete.connect(_session_written, sender=Session)


def page(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"user": request.user.get_username() or None})


def make_stale(request: HttpRequest) -> HttpResponse:
    if OURS:
        from django_silent_sso import testing

        testing.make_stale(request.session)
        # A page load within 3 seconds of an attempt is served without a new one; the next one is to be renewed.
        cache.clear()
    else:
        request.session["oidc_id_token_expiration"] = 0
    return HttpResponse(status=204)


def session_writes(request: HttpRequest) -> HttpResponse:
    """How often session rows were saved or deleted since the process began."""
    return JsonResponse({"writes": len(_written)})


urlpatterns = [
    path("page/", page),
    path("measure/make-stale/", make_stale),
    path("measure/session-writes/", session_writes),
    path("oidc/", include("django_silent_sso.urls" if OURS else "mozilla_django_oidc.urls")),
]
