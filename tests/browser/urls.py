"""The pages of the site under test: each a plain page with the tag, and what the tests look at."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required, login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import engines
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from django_silent_sso.conf import conf

PAGE = """{% load silent_sso static %}<!doctype html>
<html><head><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
{% block tag %}{% silent_sso %}{% endblock %}
{% if script %}<script type="module">{{ script|safe }}</script>{% endif %}
</head><body>
<p id="user">{{ request.user.email|default:"nobody"|cut:"@example.org" }}</p>
{% if form %}<form id="form" method="post" action="/form/">{% csrf_token %}
<input id="text" name="text"><button>Send</button></form>
<p id="received">{{ received }}</p>
<div id="editor" contenteditable></div>{% endif %}
<button id="button">Button</button>
{% silent_sso_sign_in %} {% silent_sso_sign_out %}
</body></html>"""
WITH_CALLBACK = """
import { initialize } from "/static/django_silent_sso/silent-sso.js"
window.told = []
const options = Object.fromEntries(new URLSearchParams(location.search).entries().map(([k, v]) => [k, JSON.parse(v)]))
initialize({ callback: (news) => window.told.push(news), unknown: 1, ...options })
"""


def _page(request: HttpRequest, tag: str = "{% silent_sso %}", **context: object) -> HttpResponse:
    template = engines["django"].from_string(PAGE.replace("{% block tag %}{% silent_sso %}{% endblock %}", tag))
    return HttpResponse(template.render(dict(context), request))


def page(request: HttpRequest) -> HttpResponse:
    return _page(request)


def unchanging(request: HttpRequest) -> HttpResponse:
    """As a cache gives it to everybody, made for a visitor."""
    request.COOKIES = {}
    return _page(request)


def by_hand(request: HttpRequest) -> HttpResponse:
    return _page(request, "{% silent_sso auto=False %}")


def ready(request: HttpRequest) -> HttpResponse:
    """Made for one visitor, and for no cache."""
    return _page(request, "{% silent_sso attempt=True %}")


def without_reload(request: HttpRequest) -> HttpResponse:
    return _page(request, "{% silent_sso reload=False %}")


def without_tag(request: HttpRequest) -> HttpResponse:
    return _page(request, "")


def with_callback(request: HttpRequest) -> HttpResponse:
    return _page(request, script=WITH_CALLBACK)


def form(request: HttpRequest) -> HttpResponse:
    return _page(request, form=True, received=request.POST.get("text", ""))


def api(request: HttpRequest) -> HttpResponse:
    name = request.user.email if request.user.is_authenticated else None
    return JsonResponse({"user": name, "body": request.body.decode()})


@login_not_required
def strict(request: HttpRequest) -> HttpResponse:
    """As strict as a Content-Security-Policy can be where something of the OP is to be framed."""
    request.csp_nonce = "bm9uY2U"  # type: ignore[attr-defined]  # as django-csp's middleware does
    response = _page(request)
    response["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'nonce-bm9uY2U'; connect-src 'self'; img-src data:; base-uri 'none'; "
        f"frame-src 'self' {conf.issuer}; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return response


urlpatterns = [
    path("", page),
    path("page/", page),
    path("page/<path:rest>", lambda request, rest: page(request)),
    path("private/", login_required(page)),
    path("unchanging/", unchanging),
    path("by-hand/", by_hand),
    path("ready/", ready),
    path("without-reload/", without_reload),
    path("without-tag/", without_tag),
    path("with-callback/", with_callback),
    path("form/", form),
    path("api/", csrf_exempt(api)),
    path("strict/", strict),
    path("oidc/", include("django_silent_sso.urls")),
]
