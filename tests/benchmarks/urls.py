"""The measured page, and what only the measurement asks for."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from django.apps import apps
from django.core.cache import cache
from django.db.backends.signals import connection_created
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.utils.module_loading import import_string

OURS = apps.is_installed("django_silent_sso")
MIDDLEWARE = (
    "django_silent_sso.middleware.SilentSSOMiddleware" if OURS else "mozilla_django_oidc.middleware.SessionRefresh"
)
BATCHES, BATCH = 60, 50

_queries: list[str] = []  # every statement since the process began; appending is atomic


def _count(execute: Any, sql: str, *rest: Any) -> Any:
    _queries.append(sql)
    return execute(sql, *rest)


connection_created.connect(lambda connection, **_: connection.execute_wrappers.append(_count), weak=False)


def page(request: HttpRequest) -> HttpResponse:
    answer = JsonResponse({"user": request.user.get_username() or None})
    if "again" in request.GET:  # the next page load is to be renewed
        _age(request)
    return answer


def plain(request: HttpRequest) -> HttpResponse:
    """A page that has no interest in who is there."""
    return JsonResponse({"user": "whoever"})


def make_stale(request: HttpRequest) -> HttpResponse:
    _age(request)
    return HttpResponse(status=204)


def _age(request: HttpRequest) -> None:
    """Stale from now on; saved once, by Django's own middleware."""
    if OURS:
        from django_silent_sso.conf import conf
        from django_silent_sso.storage.rp_session import RPSession
        from django_silent_sso.storage.single_flight import _key as claimed_as

        RPSession.backdate(request.session, conf.renew_after + 1)
        # A page load within 3 seconds of an attempt is served without a new one; the next one is to be renewed.
        cache.delete(claimed_as(request.session.session_key or ""))
    else:
        request.session["oidc_id_token_expiration"] = 0


def counters(request: HttpRequest) -> HttpResponse:
    """What this process has used up: CPU seconds of all its threads, and statements."""
    writes = [sql for sql in _queries if "django_session" in sql and not sql.startswith("SELECT")]
    return JsonResponse({"cpu": time.process_time(), "queries": len(_queries), "session_writes": len(writes)})


def middleware(request: HttpRequest) -> HttpResponse:
    """Microseconds the middleware adds to a fresh request whose session and user are loaded: median of many batches."""
    assert request.user.is_authenticated
    answer = HttpResponse()
    inner: Callable[[HttpRequest], HttpResponse] = lambda _: answer  # noqa: E731 - as cheap as can be
    chain = import_string(MIDDLEWARE)(inner)

    def batch(function: Callable[[HttpRequest], Any]) -> float:
        began = time.perf_counter_ns()
        for _ in range(BATCH):
            function(request)
        took = time.perf_counter_ns() - began
        vars(request.session).pop("save", None)  # ours is wrapped again with each request
        return took / BATCH / 1000

    batch(chain)
    costs = [batch(chain) - batch(inner) for _ in range(BATCHES)]
    return JsonResponse({"microseconds": statistics.median(costs), "status": answer.status_code})


urlpatterns = [
    path("page/", page),
    path("plain/", plain),
    path("measure/make-stale/", make_stale),
    path("measure/counters/", counters),
    path("measure/middleware/", middleware),
    path("oidc/", include("django_silent_sso.urls" if OURS else "mozilla_django_oidc.urls")),
]
