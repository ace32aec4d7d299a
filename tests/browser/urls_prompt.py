"""Pages with the prompt: last or first, in a box that cuts what it holds, under a strict policy, with Turbo."""

from __future__ import annotations

from django.http import FileResponse, HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from tests.browser import npm, urls

PAGE = """{% load silent_sso %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title><meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
{% if place != "first" %}{% silent_sso %}{% endif %}
{% if turbo %}<script src="/library/turbo-8/"></script>{% endif %}
</head><body>
{% if place == "first" %}PROMPT{% silent_sso %}{% endif %}
<p id="user">{{ request.user.email|default:"nobody"|cut:"@example.org" }}</p>
<form id="form" method="post">{% csrf_token %}<textarea id="text" name="text"></textarea>
<button id="before" type="button">Before</button></form>
{% if place == "cut" %}<div style="transform: scale(1); overflow: hidden; height: 1px">PROMPT</div>{% endif %}
{% if place == "late" %}<div id="place"></div>{% endif %}
<a id="next" href="/turbo/next/">next</a> <a id="without" href="/turbo/without/">without</a>
{% if place == "last" %}PROMPT{% endif %}
<button id="after" type="button">After</button>
</body></html>"""


def _page(request: HttpRequest, tag: str = "", place: str = "last", **context: object) -> HttpResponse:
    template = engines["django"].from_string(PAGE.replace("PROMPT", "{% silent_sso_prompt " + tag + " %}"))
    return HttpResponse(template.render({"place": place, "title": request.path, **context}, request))


def strict(request: HttpRequest) -> HttpResponse:
    request.csp_nonce = "bm9uY2U"  # type: ignore[attr-defined]  # as django-csp's middleware does
    response = _page(request)
    response["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'nonce-bm9uY2U'; style-src 'nonce-bm9uY2U'; connect-src 'self'; img-src data:; "
        f"base-uri 'none'; frame-src 'self' {urls.conf.issuer}; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return response


def strict_self(request: HttpRequest) -> HttpResponse:
    """Static files by their origin alone; no nonce."""
    response = _page(request)
    response["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
        f"frame-src 'self' {urls.conf.issuer}; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return response


def fragment(request: HttpRequest) -> HttpResponse:
    """What a script puts into a page."""
    return HttpResponse(
        engines["django"].from_string("{% load silent_sso %}{% silent_sso_prompt %}").render({}, request)
    )


def library(request: HttpRequest, name: str) -> FileResponse:
    return FileResponse(npm.script(name).open("rb"), content_type="text/javascript")


urlpatterns = [
    path("prompt/", _page),
    path("prompt/first/", lambda request: _page(request, place="first")),
    path("prompt/cut/", lambda request: _page(request, place="cut")),
    path("prompt/late/", lambda request: _page(request, place="late")),
    path("prompt/login/", lambda request: _page(request, "login=True")),
    path("prompt/named/", lambda request: _page(request, 'service="Corp ID"')),
    path("prompt/strict/", strict),
    path("prompt/strict-self/", strict_self),
    path("fragment/", fragment),
    path("turbo/", lambda request: _page(request, turbo=True)),
    path("turbo/next/", lambda request: _page(request, turbo=True)),
    path("turbo/without/", lambda request: _page(request, place="nowhere", turbo=True)),
    path("library/<str:name>/", library),
    *urls.urlpatterns,
]
