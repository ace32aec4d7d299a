"""Content Security Policy with nonces. Django 6.0 brings its own; the demo runs on 5.2 too.

The policy is the setting `DEMO_CSP`. Templates get the nonce as `csp_nonce`, the name Django 6.0 uses.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

HEADER = "Content-Security-Policy"


class ContentSecurityPolicyMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        nonce = secrets.token_urlsafe(16)
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        response = self.get_response(request)
        # A view that brings a policy of its own keeps it: django_silent_sso's callback page may be framed.
        if HEADER not in response:
            directives = (f"{name} {value}" for name, value in settings.DEMO_CSP.items())
            response[HEADER] = "; ".join(directives).replace("<nonce>", f"'nonce-{nonce}'")
        return response


def csp_nonce(request: HttpRequest) -> dict[str, str]:
    """Context processor."""
    return {"csp_nonce": getattr(request, "csp_nonce", "")}
