"""The site's pages: plain ones with the tag, and a script that reports what happens in them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

# Beacons: they are sent even while the page is being left. The clock is the page's own.
WATCH = """
const tell = (name, detail = {}) => navigator.sendBeacon("/told/", JSON.stringify({
  name, detail, began: performance.timeOrigin, at: performance.timeOrigin + performance.now(),
  url: location.href, user: document.getElementById("user")?.textContent ?? "",
}))
for (const name of ["before-sign-in", "signed-in", "sign-in-required", "signed-out", "subject-changed", "error"]) {
  document.addEventListener(`silent-sso:${name}`, ({ detail }) => tell(name, detail))
}
document.addEventListener("DOMContentLoaded", () => tell("page"))
document.addEventListener("visibilitychange", () => document.hidden || tell("visible"))
"""
PAGE = """{% load silent_sso %}<!doctype html>
<html><head><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<script src="/watch.js"></script>{% silent_sso %}</head><body>
<p id="user">{{ request.user.email|default:"nobody"|cut:"@example.org" }}</p>
<p><input id="text"></p>
</body></html>"""

ELSEWHERE = """<!doctype html><html><head><meta charset="utf-8"><title>elsewhere</title><link rel="icon" href="data:,">
</head><body id="elsewhere"><a id="here" href="/oidc/authenticate/?next=/page/">Sign in</a></body></html>"""


def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


def watch(request: HttpRequest) -> HttpResponse:
    return HttpResponse(WATCH, content_type="text/javascript", headers={"Cache-Control": "max-age=600"})


def elsewhere(request: HttpRequest) -> HttpResponse:
    """A page without our script, from which a person signs in."""
    return HttpResponse(ELSEWHERE)


urlpatterns = [
    path("page/", page),
    path("watch.js", watch),
    path("elsewhere/", elsewhere),
    path("oidc/", include("django_silent_sso.urls")),
]
