"""A site with forms: what arrives is told back, and what the middleware does with a form that came too late."""

from __future__ import annotations

import hashlib
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from django_silent_sso.testing import make_overdue
from tests.conftest import Browser
from tests.urls import page

PATH = "/arrived/caf%C3%A9/?x=1&y=a%20b&x=2"
FIELDS = "a=1&a=2&b=%C3%A9&empty="
FILE = bytes(range(256)) * 4096  # a megabyte

BOUNDARY = "----a-browser-s-boundary"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
FORM = "application/x-www-form-urlencoded"
HEADERS = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "text/html",
    "Origin": "http://testserver",
    "Referer": "http://testserver/page/",
}


def give_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse(get_token(request))


def arrived(request: HttpRequest) -> JsonResponse:
    """Everything a view can see of a form."""
    files = {
        name: [[file.name, file.content_type, file.size, hashlib.sha256(file.read()).hexdigest()] for file in files]
        for name, files in request.FILES.lists()
    }
    headers = {name: request.headers.get(name) for name in ("Origin", "Sec-Fetch-Site", "Referer")}
    return JsonResponse(
        {
            "user": request.user.get_username(),
            "method": request.method,
            "path": request.get_full_path(),
            "fields": dict(request.POST.lists()),
            "files": files,
            "content_type": request.headers.get("Content-Type"),
            "length": request.headers.get("Content-Length"),
            "encoding": request.encoding,
            "headers": headers,
        }
    )


def raw(request: HttpRequest) -> HttpResponse:
    """A view that reads the stream itself."""
    return HttpResponse(request.read())


async def arrived_async(request: HttpRequest) -> JsonResponse:
    request.user = await request.auser()
    return arrived(request)


urlpatterns = [
    path("", page),
    path("page/", page),
    path("token/", give_token),
    path("arrived/", arrived),
    path("arrived/<path:rest>", lambda request, rest: arrived(request)),
    path("raw/", csrf_exempt(raw)),
    path("async/", arrived_async),
    path("oidc/", include("django_silent_sso.urls")),
]


def multipart(*parts: tuple[str, str, bytes]) -> bytes:
    """Name, further headers as a browser writes them, content."""
    body = b"".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + content + b"\r\n"
        for name, more, content in parts
    )
    return body + f"--{BOUNDARY}--\r\n".encode()


def send(browser: Browser, path: str, body: bytes, content_type: str, **headers: str) -> Any:
    """A form that a page of this site sends."""
    return browser.client.generic("POST", path, body, content_type, headers=HEADERS | headers)


def sealed(answer: Any) -> str:
    """What the page keeps, as its form has it."""
    text = answer.content.decode()
    assert '<form method="post" enctype="text/plain"' in text, text
    value: str = text.split('name="silent_sso_form" value="')[1].split('"')[0]
    return value


def send_again(browser: Browser, path: str, text: str, **headers: str) -> Any:
    """What that page sends, as a browser encodes it."""
    return send(browser, path, f"silent_sso_form={text}\r\n".encode(), "text/plain", **headers)


def token(browser: Browser) -> str:
    return str(browser.get("/token/").content.decode())


def fields(browser: Browser) -> bytes:
    return f"csrfmiddlewaretoken={token(browser)}&{FIELDS}".encode()


def overdue(browser: Browser) -> None:
    make_overdue(browser.session)


def kept(browser: Browser, path: str = PATH, body: bytes | None = None, content_type: str = FORM, **more: str) -> str:
    """What our page keeps of an overdue form."""
    body = fields(browser) if body is None else body
    overdue(browser)
    answer = send(browser, path, body, content_type, **more)
    assert answer.status_code == 200
    return sealed(answer)


def upload(browser: Browser) -> bytes:
    return multipart(
        ("csrfmiddlewaretoken", "", token(browser).encode()),
        ("text", "", "é\r\nline".encode()),
        ("box", "", b"1"),
        ("box", "", b"2"),
        ("file", '; filename="ph\u00f6to.bin"\r\nContent-Type: application/x-thing', FILE),
        ("none", '; filename=""\r\nContent-Type: application/octet-stream', b""),
    )
