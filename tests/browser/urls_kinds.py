"""Pages that ask for something in every way a page can, and a note of each answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template import engines
from django.urls import path
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.csrf import csrf_exempt

from django_silent_sso.decorators import recent_sign_in_required, silent_sso_exempt
from tests.browser import npm, urls

PATIENCE = 20.0  # seconds
GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
CONTENT = {
    "image": ("image/gif", GIF),
    "worker": ("text/javascript", b"postMessage('arrived')"),
    "event-source": ("text/event-stream", b"retry: 60000\ndata: arrived\n\n"),
}

HEAD = """{% load silent_sso static %}<!doctype html><html><head><meta charset="utf-8"><title>{{ request.path }}</title>
<link rel="icon" href="data:,">{% if tag %}{% silent_sso %}{% endif %}
{% if library %}<script src="/library/{{ library }}/"></script>{% endif %}
{% if recipe %}<script type="module" src="/recipe/"></script>{% endif %}
</head><body><p id="user">{{ request.user.email|default:"nobody"|cut:"@example.org" }}</p>"""
PLAIN = """<a id="link" href="/answer/link/">link</a> <a id="download" href="/answer/download/" download>download</a>
<a id="attachment" href="/answer/attachment/">attachment</a>
<form id="form" method="post" action="/answer/form/">{% csrf_token %}<button>Send</button></form>"""
HTMX = """<button id="get" hx-get="/part/?of=get" hx-target="#part">Get</button>
<button id="guarded" hx-get="/guarded/" hx-target="#part">Guarded</button>
<form id="post" hx-post="/part/" hx-target="#part">{% csrf_token %}<input name="text"><button>Post</button></form>
<a id="boosted" hx-boost="true" href="/{{ library }}/next/?a=%C3%A9">boosted</a>
<form id="boosted-form" hx-boost="true" method="post" action="/{{ library }}/next/">{% csrf_token %}
<input name="text"><button>Send</button></form><div id="part">before</div><p id="received">{{ received }}</p>"""
TURBO = """<a id="drive" href="/{{ library }}/next/?a=%C3%A9">drive</a>
<turbo-frame id="frame"><p id="part">before</p><a id="in-frame" href="/frame/">frame</a>
<a id="guarded" href="/guarded/">guarded</a></turbo-frame>
<form id="form" method="post" action="/{{ library }}/received/">{% csrf_token %}
<input name="text"><button name="by" value="hand">Send</button></form><p id="received">{{ received }}</p>"""


@dataclass(frozen=True)
class Note:
    """One request, and what it was answered."""

    method: str
    headers: dict[str, str]
    status: int
    answer: dict[str, str]

    def sent(self, *names: str) -> tuple[str | None, ...]:
        return tuple(self.headers.get(name) for name in names)


class Notes:
    """What was asked and answered, by path."""

    def __init__(self) -> None:
        self._notes: dict[str, list[Note]] = {}
        self._news = threading.Condition()

    def add(self, path: str, note: Note) -> None:
        with self._news:
            self._notes.setdefault(path, []).append(note)
            self._news.notify_all()

    def of(self, path: str) -> list[Note]:
        return list(self._notes.get(path, []))

    def first(self, path: str, number: int = 1) -> Note:
        """The first answer there, or the one of that number; waited for."""
        with self._news:
            enough = self._news.wait_for(lambda: len(self.of(path)) >= number, PATIENCE)
            assert enough, f"nothing but {sorted(self._notes)}"
            return self._notes[path][number - 1]

    def statuses(self, path: str) -> list[int]:
        return [note.status for note in self.of(path)]

    def forget(self) -> None:
        with self._news:
            self._notes.clear()


notes = Notes()
recipe = ""
"""The script of a site's own, as the documentation shows it."""


def note_answers(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A middleware in front of all others."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = {name.lower(): value for name, value in response.headers.items()}
        notes.add(request.path, Note(request.method or "", headers, response.status_code, answer))
        return response

    return middleware


def _page(request: HttpRequest, body: str, **context: object) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(HEAD + body).render(dict(context), request))


def plain(request: HttpRequest) -> HttpResponse:
    return _page(request, PLAIN)


@csrf_exempt
@xframe_options_sameorigin
def answer(request: HttpRequest, kind: str) -> HttpResponse:
    """Something that this kind of request can use."""
    if kind in ("download", "attachment"):
        return HttpResponse(b"downloaded", headers={"Content-Disposition": 'attachment; filename="a file.bin"'})
    if kind in CONTENT:
        content_type, content = CONTENT[kind]
        return HttpResponse(content, content_type=content_type)
    return _page(request, '<p id="received">{{ kind }}</p>', kind=kind)


def with_library(request: HttpRequest, library: str, rest: str = "") -> HttpResponse:
    """A page of htmx or Turbo."""
    if rest == "received/":  # Turbo wants a redirect after each form
        return HttpResponseRedirect(f"/{library}/next/?text={request.POST.get('text')}-{request.POST.get('by')}")
    body = TURBO if library.startswith("turbo") else HTMX
    received = request.POST.get("text") or request.GET.get("text") or request.GET.get("a") or ""
    return _page(request, body, library=library, received=received, tag=True, recipe=recipe)


def part(request: HttpRequest) -> HttpResponse:
    """What htmx puts into its page."""
    return HttpResponse(f"<b>part {request.POST.get('text') or request.GET.get('of')}</b>")


def frame(request: HttpRequest) -> HttpResponse:
    return HttpResponse('<turbo-frame id="frame"><p id="part">part of a frame</p></turbo-frame>')


@silent_sso_exempt
def library_file(request: HttpRequest, library: str) -> FileResponse:
    return FileResponse(npm.script(library).open("rb"), content_type="text/javascript")


@silent_sso_exempt
def recipe_file(request: HttpRequest) -> HttpResponse:
    return HttpResponse(recipe, content_type="text/javascript")


urlpatterns = [
    path("plain/", plain),
    path("answer/<kind>/", answer),
    path("library/<library>/", library_file),
    path("recipe/", recipe_file),
    path("part/", part),
    path("frame/", frame),
    path("guarded/", recent_sign_in_required(max_age=3600, acr="of-no-provider")(part)),
    *[path(f"{library}/", with_library, {"library": library}) for library in npm.SCRIPTS],
    *[path(f"{library}/<path:rest>", with_library, {"library": library}) for library in npm.SCRIPTS],
    *urls.urlpatterns,
]
