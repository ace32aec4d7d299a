"""The body of a request as the browser has sent it: looked at without being used up, kept, and replaced by another.

Django has no public way to any of this. Its own attributes (`_stream`, `_body`, `_post`, ...) are touched in this
module alone, by their names in `vars(request)`.
"""

from __future__ import annotations

import io
import secrets
from typing import Any, cast

from django.http import HttpRequest, UnreadablePostError

__all__ = ["begins_with", "body_of", "put_in_place", "read_body", "with_body"]


class _Joined(io.RawIOBase):
    """What was read of a stream already, and the rest of it."""

    def __init__(self, first: bytes, rest: Any) -> None:
        self._first, self._rest = first, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data: bytes = self._first[: len(buffer)] or self._rest.read(len(buffer))
        self._first = self._first[len(data) :]
        buffer[: len(data)] = data
        return len(data)


def begins_with(request: HttpRequest, start: bytes) -> bool:
    """Whether this is how the body begins. Whoever reads it afterwards finds all of it."""
    inside = vars(request)
    if "_body" in inside:
        return bool(inside["_body"].startswith(start))
    if inside["_read_started"]:
        return False
    try:
        first = request.read(len(start))
    except UnreadablePostError:
        return False
    inside.update(_stream=io.BufferedReader(_Joined(first, inside["_stream"])), _read_started=False)
    return bool(first == start)


def read_body(request: HttpRequest, largest: int) -> bytes | None:
    """The whole body; None if it has more than `largest` bytes, is not complete, or was read before."""
    inside = vars(request)
    declared = str(request.META.get("CONTENT_LENGTH") or "")
    if "_body" in inside:
        body: bytes = inside["_body"]
        return body if len(body) <= largest else None
    if inside["_read_started"] or (declared.isdecimal() and int(declared) > largest):
        return None
    try:
        body = request.read(largest + 1)
    except UnreadablePostError:
        return None
    if len(body) > largest or (declared.isdecimal() and len(body) != int(declared)):
        return None
    inside["_body"] = body
    return body


def body_of(request: HttpRequest, largest: int) -> tuple[str, bytes] | None:
    """Content type and body as the browser has sent them; if they were parsed before, written down once more."""
    body = read_body(request, largest)
    if body is not None:
        return str(request.META.get("CONTENT_TYPE", "")), body
    if "_files" not in vars(request) or request.content_type != "multipart/form-data":
        return None
    try:
        return _multipart(request, largest)
    except (OSError, ValueError):  # an upload handler has put a file somewhere else, or closed it
        return None


def _multipart(request: HttpRequest, largest: int) -> tuple[str, bytes] | None:
    """RFC 7578, from what Django has parsed. None where that is nothing: it is what a parse error leaves behind."""
    charset = request.encoding or "utf-8"
    parts: list[tuple[str, bytes]] = []
    for name, values in request.POST.lists():
        parts += [(f"name={_quoted(name)}", str(value).encode(charset)) for value in values]
    for name, files in request.FILES.lists():
        for file in files:
            file.seek(0)
            head = f"name={_quoted(name)}; filename={_quoted(file.name or '')}\r\nContent-Type: {file.content_type}"
            parts.append((head, file.read()))
    boundary = secrets.token_hex(16)
    begin = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(begin + head.encode(charset) + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    body += f"--{boundary}--\r\n".encode()
    return (f"multipart/form-data; boundary={boundary}", body) if parts and len(body) <= largest else None


def _quoted(text: str) -> str:
    """As Django's parser reads it back."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_body(request: HttpRequest, body: bytes) -> None:
    """Let this request, a copy, be parsed from `body` without handlers or files of the one it was copied from."""
    vars(request).update(_body=body, _upload_handlers=[])


def put_in_place(request: HttpRequest, content_type: str, body: bytes) -> None:
    """Give the request another body, as if it had come with it."""
    inside = vars(request)
    for name in ("_body", "_post", "_files", "_encoding", "headers"):
        inside.pop(name, None)
    inside.update(_stream=io.BytesIO(body), _read_started=False)
    request.META.update(CONTENT_TYPE=content_type, CONTENT_LENGTH=str(len(body)))
    cast("Any", request)._set_content_type_params(request.META)  # noqa: SLF001
