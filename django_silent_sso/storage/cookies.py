"""How this app's own cookies are set: one place for their flags.

`__Host-` on https (no sub-domain can plant them: N03), HttpOnly, `SameSite=Lax` (they must arrive with the OP's
top-level redirect), path "/" as the prefix demands.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers

__all__ = ["cookie_name", "delete_cookie", "for_one_browser", "read_cookie", "set_cookie"]


def cookie_name(request: HttpRequest, name: str) -> str:
    return f"__Host-{name}" if request.is_secure() else name


def read_cookie(request: HttpRequest, name: str) -> str | None:
    return request.COOKIES.get(cookie_name(request, name))


def set_cookie(request: HttpRequest, response: HttpResponse, name: str, value: str, max_age: int) -> None:
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=max_age,
        path="/",
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def delete_cookie(request: HttpRequest, response: HttpResponse, name: str) -> None:
    full = cookie_name(request, name)
    response.set_cookie(full, "", max_age=0, path="/", secure=request.is_secure(), httponly=True, samesite="Lax")


def for_one_browser(response: HttpResponse) -> None:
    """What the page says is about the browser that asked: no cache keeps it."""
    if "no-store" not in response.get("Cache-Control", ""):
        add_never_cache_headers(response)
