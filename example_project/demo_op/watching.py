"""What lets a site's open pages notice at once who signs in or out here: a frame that says it by itself.

OpenID Connect Session Management 1.0 has the page ask with a `session_state`; the toolkit makes none. This frame needs
none: it looks at a cookie that scripts may read, which says nothing but that it is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_exempt
from oauth2_provider.views import ConnectDiscoveryInfoView

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

COOKIE = "op_browser_state"


class BrowserStateMiddleware:
    """Another value for every session of a user, none for a visitor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        key = request.session.session_key if request.user.is_authenticated else None
        state = sha256(key.encode()).hexdigest()[:16] if key else ""
        if state != request.COOKIES.get(COOKIE, ""):
            response.set_cookie(COOKIE, state, samesite="Lax")
        return response


@xframe_options_exempt
def check_session(request: HttpRequest) -> HttpResponse:
    """The frame; only the demo's sites may have it, and only they hear what it says."""
    sites = f"{settings.NEWS_URL} {settings.SHOP_URL}"
    response = render(request, "demo_op/check_session.html", {"cookie": COOKIE, "sites": sites})
    response["Content-Security-Policy"] = f"default-src 'none'; script-src 'self'; frame-ancestors {sites}"
    return response


class Discovery(ConnectDiscoveryInfoView):
    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> JsonResponse:
        response: JsonResponse = super().get(request, *args, **kwargs)
        response.content = response.content.replace(
            b"{", b'{"check_session_iframe": "%s", ' % (settings.OP_URL + reverse("check_session")).encode(), 1
        )
        return response
