"""A browser as far as cookies go, for tests of what is below the views."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.cookie import parse_cookie
from django.test import RequestFactory


class CookieJar:
    """Keeps what responses set, sends it with the next request."""

    def __init__(self, *, secure: bool = False) -> None:
        self.secure = secure
        self.cookies: dict[str, str] = {}

    def request(self, path: str = "/", **headers: Any) -> HttpRequest:
        request: HttpRequest = RequestFactory().get(path, secure=self.secure, headers=headers)
        header = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        request.COOKIES.update(parse_cookie(header))
        return request

    def keep(self, response: HttpResponse) -> None:
        for name, morsel in response.cookies.items():
            if morsel["max-age"] == 0:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value
