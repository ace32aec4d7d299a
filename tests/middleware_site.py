"""A site whose views tell what the middleware decided, and every kind of request it may get."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import include, path

from django_silent_sso.decorators import silent_sso_exempt
from django_silent_sso.shortcuts import authentication_url
from tests.conftest import FETCH, NAVIGATION, Browser
from tests.urls import page


def public(request: HttpRequest) -> HttpResponse:
    """A page that looks at no session and no user."""
    return HttpResponse("for everybody")


def by_hand(request: HttpRequest) -> HttpResponse:
    """A view that begins an attempt itself."""
    return HttpResponseRedirect(authentication_url(request, prompt=None, return_to="/public/"))


async def decided_async(request: HttpRequest) -> HttpResponse:
    details: Any = request.silent_sso  # type: ignore[attr-defined]
    user = await request.auser()
    return JsonResponse({"reason": details.reason, "user": user.get_username()})


def decided(request: HttpRequest, rest: str = "") -> HttpResponse:
    """What a site's view sees."""
    details: Any = request.silent_sso  # type: ignore[attr-defined]
    facts = {"action": details.action, "reason": details.reason, "signed_in": details.signed_in}
    return JsonResponse({**facts, "user": request.user.get_username(), "claims": sorted(details.claims)})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse([b"a", b"b"])


urlpatterns = [
    path("page/", page),
    path("public/", public),
    path("async/", decided_async),
    path("by-hand/", by_hand),
    path("decided/", decided),
    path("decided/<path:rest>", decided),
    path("stream/", stream),
    path("exempt/", silent_sso_exempt(decided)),
    path("by-name/", decided, name="by_name"),
    path("oidc/", include("django_silent_sso.urls")),
]

SCRIPTS = {
    "fetch": FETCH,
    "xhr": {"X-Requested-With": "XMLHttpRequest", "Accept": "text/html"},
    "htmx": {"HX-Request": "true", "Accept": "*/*"},
    "boosted_htmx": {**NAVIGATION, "HX-Request": "true"},
    "turbo": {**FETCH, "Turbo-Frame": "main", "Accept": "text/html"},
    "image": {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image", "Accept": "image/*"},
    "frame": {**NAVIGATION, "Sec-Fetch-Dest": "iframe"},
    "worker": {"Sec-Fetch-Mode": "same-origin", "Sec-Fetch-Dest": "worker"},
    "events": {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Accept": "text/event-stream"},
    "websocket": {"Sec-Fetch-Mode": "websocket", "Upgrade": "websocket", "Origin": "http://testserver"},
    "range": {**NAVIGATION, "Range": "bytes=0-"},
}
PASSIVE: dict[str, tuple[str, dict[str, str]]] = {
    "prefetch": ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch"}),
    "prerender": ("GET", {**NAVIGATION, "Sec-Purpose": "prefetch;prerender"}),
    "preview": ("GET", {**NAVIGATION, "X-Purpose": "preview"}),
    "head": ("HEAD", NAVIGATION),
    "options": ("OPTIONS", NAVIGATION),
    "no_browser": ("GET", {"Accept": "*/*", "User-Agent": "curl/8"}),
}
DOCUMENTS = {
    "fetch_metadata": NAVIGATION,
    "older_browser": {"Accept": "text/html,*/*"},
    "reload_without_dest": {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"},
}
FORMS = {"post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}


def ask(browser: Browser, headers: dict[str, str], method: str = "GET", url: str = "/decided/") -> Any:
    return browser.client.generic(method, url, headers=headers)


def goes_silently_to_op(browser: Browser, response: Any) -> bool:
    parts = urlsplit(response.get("Location", ""))
    wish = parse_qs(parts.query)
    return (
        response.status_code == 302
        and response["Location"].startswith(browser.provider.url_of("authorize"))
        and wish["prompt"] == ["none"]
        and "no-store" in response["Cache-Control"]
    )
