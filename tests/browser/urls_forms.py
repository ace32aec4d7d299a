"""A page with a form as people fill them in for an hour: text, boxes with one name, a file."""

from __future__ import annotations

import hashlib
import json

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from django_silent_sso.decorators import recent_sign_in_required
from tests.browser import urls

PAGE = """{% load silent_sso %}<!doctype html>
<html><head><meta charset="utf-8"><title>form</title><link rel="icon" href="data:,">{% silent_sso %}</head><body>
<p id="user">{{ request.user.email|cut:"@example.org" }}</p>
<form method="post" enctype="multipart/form-data">{% csrf_token %}
<textarea id="text" name="text"></textarea>
<input type="checkbox" name="box" value="1"><input type="checkbox" name="box" value="2">
<input type="file" id="file" name="file"><button id="send">Send</button></form>
{% if received %}<p id="received">{{ received }}</p>{% endif %}
</body></html>"""

executed: list[str] = []
"""What the view has worked on, one entry for each form."""


@login_required
def form(request: HttpRequest) -> HttpResponse:
    received = ""
    if request.method == "POST":
        files = [[file.name, hashlib.sha256(file.read()).hexdigest()] for file in request.FILES.getlist("file")]
        fields = {name: values for name, values in request.POST.lists() if name != "csrfmiddlewaretoken"}
        received = json.dumps({**fields, "files": files, "query": request.GET.dict()})
        executed.append(received)
    return HttpResponse(engines["django"].from_string(PAGE).render({"received": received}, request))


def weighty(request: HttpRequest) -> HttpResponse:
    """Everybody may fill it in; who sends it must have signed in a moment ago."""
    guarded = recent_sign_in_required(max_age=60)(form) if request.method == "POST" else form
    return guarded(request)


urlpatterns = [path("form/long/", form), path("form/weighty/", weighty), *urls.urlpatterns]
