"""Pages of a site that lets the browser ask the OP (FedCM): with the prompt, and under a strict policy."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from django_silent_sso.conf import conf
from tests.browsers import urls

PROMPT = urls.PAGE.replace("</body>", "{% silent_sso_prompt login=True %}</body>")


def prompt(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PROMPT).render({}, request))


def strict(
    request: HttpRequest, more: str = "", page: Callable[[HttpRequest], HttpResponse] = urls.page
) -> HttpResponse:
    response = page(request)
    response["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' {more}; img-src data:; "
        f"frame-src 'self' {conf.issuer}; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return response


def told(request: HttpRequest) -> HttpResponse:
    """The OP's origin is among those that the page may connect to."""
    return strict(request, str(conf.issuer))


urlpatterns = [
    path("prompt/", prompt),
    path("strict/", strict),
    path("strict/prompt/", strict, {"page": prompt}),
    path("strict/told/", told),
    *urls.urlpatterns,
]
