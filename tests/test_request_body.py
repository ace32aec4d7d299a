"""A request's body: looked at, kept, written down once more, replaced; under WSGI and ASGI."""

from __future__ import annotations

import io
from collections.abc import Callable
from copy import copy
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, RawPostDataException
from django.test import RequestFactory

from django_silent_sso.request_body import begins_with, body_of, put_in_place, read_body, with_body
from tests.kept_form_site import BOUNDARY, FORM, MULTIPART, multipart

LIMIT = 10_000
FIELDS = b"a=1&a=2&b=%C3%A9"
UPLOAD = multipart(
    ("text", "", "é\r\nline".encode()),
    ("box", "", b"1"),
    ("box", "", b"2"),
    ('a\\"b', '; filename="C:\\\\x \\"y\\".bin"\r\nContent-Type: application/x-thing', bytes(range(256))),
    ("many", '; filename="1.txt"\r\nContent-Type: text/plain', b"one"),
    ("many", '; filename="2.txt"\r\nContent-Type: text/plain', b""),
)

Make = Callable[..., HttpRequest]


def wsgi(body: bytes, content_type: str = FORM, length: int | None = None) -> HttpRequest:
    request: WSGIRequest = RequestFactory().generic("POST", "/form/?x=1", body, content_type)
    if length is not None:
        return WSGIRequest({**request.META, "CONTENT_LENGTH": str(length), "wsgi.input": io.BytesIO(body)})
    return request


def asgi(body: bytes, content_type: str = FORM, length: int | None = None) -> HttpRequest:
    told = len(body) if length is None else length
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(told).encode())]
    scope = {"type": "http", "method": "POST", "path": "/form/", "query_string": b"x=1", "headers": headers}
    return ASGIRequest(scope, io.BytesIO(body))


@pytest.fixture(params=[wsgi, asgi], ids=["wsgi", "asgi"])
def make(request: pytest.FixtureRequest) -> Make:
    found: Make = request.param
    return found


def post_of(request: HttpRequest) -> tuple[dict[str, Any], dict[str, Any]]:
    files = {
        name: [(file.name, file.content_type, file.read()) for file in files] for name, files in request.FILES.lists()
    }
    return dict(request.POST.lists()), files


class Broken(io.BytesIO):
    """A connection that ends in the middle."""

    def read(self, *args: Any) -> bytes:
        raise OSError("the client is gone")


# -- looking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "found"), [(b"a=1", True), (b"a=2", False), (FIELDS + b"&", False), (b"", True)])
def test_a_look_at_the_beginning_costs_not_a_byte(make: Make, start: bytes, found: bool) -> None:
    request = make(FIELDS)
    assert begins_with(request, start) is found
    assert begins_with(request, start) is found
    assert request.body == FIELDS
    assert begins_with(request, start) is found
    assert request.POST.getlist("a") == ["1", "2"]


def test_an_upload_can_be_parsed_after_a_look(make: Make) -> None:
    straight, looked_at = make(UPLOAD, MULTIPART), make(UPLOAD, MULTIPART)
    assert not begins_with(looked_at, b"silent_sso_form=")
    assert post_of(looked_at) == post_of(straight)


def test_a_stream_can_be_read_by_lines_after_a_look(make: Make) -> None:
    request = make(b"silent line\nand more\n", "text/plain")
    assert begins_with(request, b"silent")
    assert request.readline() == b"silent line\n"
    assert list(request) == [b"and more\n"]


def test_django_s_limit_holds_after_a_look(make: Make, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    request = make(FIELDS)
    assert begins_with(request, b"a=1")
    with pytest.raises(RequestDataTooBig):
        request.body  # noqa: B018


def test_what_was_read_by_others_is_left_to_them(make: Make) -> None:
    request = make(FIELDS)
    request.read(1)
    assert not begins_with(request, b"a")
    with pytest.raises(RawPostDataException):
        request.body  # noqa: B018


def test_a_broken_connection_begins_with_nothing(make: Make) -> None:
    request = make(FIELDS)
    vars(request)["_stream"] = Broken()
    assert not begins_with(request, b"a")


# -- reading -----------------------------------------------------------------------------------------------------------


def test_what_was_kept_is_there_for_others_too(make: Make) -> None:
    request = make(UPLOAD, MULTIPART)
    assert body_of(request, LIMIT) == (MULTIPART, UPLOAD)
    assert read_body(request, LIMIT) == UPLOAD
    assert request.body == UPLOAD
    assert request.POST.getlist("box") == ["1", "2"]


@pytest.mark.parametrize(("limit", "fits"), [(len(FIELDS), True), (len(FIELDS) - 1, False)])
def test_the_limit_is_judged_before_anything_is_read(make: Make, limit: int, fits: bool) -> None:
    request = make(FIELDS)
    assert read_body(request, limit) == (FIELDS if fits else None)
    assert request.body == FIELDS
    assert read_body(request, limit) == (FIELDS if fits else None), "read before"


@pytest.mark.parametrize("told", [None, "", "x"])
@pytest.mark.parametrize(("limit", "fits"), [(len(FIELDS), True), (len(FIELDS) - 1, False)])
def test_where_no_length_is_told_it_is_judged_by_what_comes(told: str | None, limit: int, fits: bool) -> None:
    """HTTP/1.1 in chunks, or HTTP/2, under ASGI."""
    request = asgi(FIELDS)
    request.META["CONTENT_LENGTH"] = told
    assert read_body(request, limit) == (FIELDS if fits else None)


def test_half_a_form_is_none(make: Make) -> None:
    assert read_body(make(FIELDS, FORM, len(FIELDS) + 5), LIMIT) is None
    request = make(FIELDS)
    vars(request)["_stream"] = Broken()
    assert read_body(request, LIMIT) is None
    assert body_of(request, LIMIT) is None


def test_what_was_read_and_not_parsed_cannot_be_had(make: Make) -> None:
    request = make(FIELDS)
    request.read()
    assert body_of(request, LIMIT) is None


# -- writing down once more --------------------------------------------------------------------------------------------


def test_an_upload_that_was_parsed_before_is_written_down_once_more(make: Make) -> None:
    parsed = make(UPLOAD, MULTIPART)
    expected = post_of(parsed)
    assert set(expected[1]) == {'a"b', "many"}
    content_type, body = body_of(parsed, LIMIT) or ("", b"")
    assert BOUNDARY not in content_type
    assert post_of(make(body, content_type)) == expected


def test_it_is_measured_again(make: Make) -> None:
    parsed = make(UPLOAD, MULTIPART)
    assert parsed.POST
    assert body_of(parsed, 100) is None


def test_what_a_parse_error_leaves_is_no_form(make: Make) -> None:
    request = make(UPLOAD[:40], MULTIPART)
    request.read(1)
    assert dict(request.POST) == {}
    assert body_of(request, LIMIT) is None


class Elsewhere(FileUploadHandler):
    """Stores the file in another place and gives something else to the view."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        return None

    def file_complete(self, file_size: int) -> Any:
        return Gone()


class Gone:
    name, content_type = "x", "y"

    def seek(self, position: int) -> None:
        raise ValueError("closed")

    def close(self) -> None:
        return None


def test_a_file_that_was_stored_elsewhere_cannot_be_had(make: Make, settings: Any) -> None:
    settings.FILE_UPLOAD_HANDLERS = [f"{__name__}.Elsewhere"]
    request = make(UPLOAD, MULTIPART)
    assert request.FILES
    assert body_of(request, LIMIT) is None


# -- replacing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", ["untouched", "headers", "body", "POST", "encoding"])
@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, FIELDS),
        (MULTIPART, UPLOAD),
        ("text/plain; charset=latin-1", b"\xe9"),
        (
            f"{MULTIPART}; charset=latin-1",
            multipart(("a", "", b"\xe9")),
        ),
        ("", b""),
    ],
    ids=["form", "upload", "text", "charset", "nothing"],
)
def test_the_other_body_is_as_if_the_request_had_come_with_it(
    make: Make, used: str, content_type: str, body: bytes
) -> None:
    def seen(request: HttpRequest) -> list[Any]:
        return [
            *post_of(request),
            request.encoding,
            request.content_type,
            request.content_params,
            request.headers.get("Content-Type", ""),
            dict(request.GET.lists()),
        ]

    request = make(b"wrapper=1", "text/plain; charset=utf-8")
    getattr(request, used, None)
    put_in_place(request, content_type, body)
    assert seen(request) == seen(make(body, content_type))
    assert request.META["CONTENT_LENGTH"] == str(len(body))

    request = make(b"wrapper=1", "text/plain")
    getattr(request, used, None)
    put_in_place(request, content_type, body)
    assert request.body == body


def test_a_copy_is_parsed_and_the_first_one_is_left_as_it_is(make: Make) -> None:
    request = make(UPLOAD, MULTIPART)
    body = read_body(request, LIMIT)
    assert body is not None
    twin = copy(request)
    with_body(twin, body)
    assert twin.POST.getlist("box") == ["1", "2"]
    twin.close()
    assert "_post" not in vars(request)
    assert request.FILES.getlist("many")[0].read() == b"one"
