"""What a request tells about who sent it: Fetch Metadata first, older headers for clients that send none."""

from __future__ import annotations

import posixpath
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme

from django_silent_sso.conf import conf
from django_silent_sso.policy import Kind

__all__ = [
    "has_session_cookie",
    "is_prefetch",
    "is_robot",
    "is_same_origin",
    "kind_of",
    "may_start",
    "origin_of",
    "safe_return_to",
]

FRAMED: Final = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
LONGEST_RETURN_TO: Final = 8192  # characters
ROBOT: Final = re.compile(
    r"(?<!cu)bot\b|crawl|spider|slurp|preview|facebookexternalhit|embedly|pingdom|uptime|monitor|scan", re.IGNORECASE
)
# What a browser strips or folds inside a URL, and a server may not (O02).
SUSPICIOUS: Final = re.compile(r"[\x00-\x20\x7f\\]")


def is_prefetch(request: HttpRequest) -> bool:
    """A prefetch or prerender looks like a typed navigation but for these headers."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"))
    return any("prefetch" in value.lower() or "preview" in value.lower() for value in purposes)


def is_framed(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Dest", "") in FRAMED


def kind_of(request: HttpRequest) -> Kind:
    """Document, form, script or passive: contract, table 4."""
    method = request.method or ""
    if method in ("HEAD", "OPTIONS", "TRACE") or is_prefetch(request):
        return Kind.PASSIVE
    if _is_page_load(request):
        return Kind.DOCUMENT if method == "GET" else Kind.FORM
    if _is_browser(request):
        return Kind.SCRIPT
    return Kind.PASSIVE if method == "GET" else Kind.SCRIPT


def _is_page_load(request: HttpRequest) -> bool:
    headers = request.headers
    if any(name in headers for name in ("HX-Request", "Turbo-Frame", "X-Turbo-Request-Id")):
        return False
    if headers.get("X-Requested-With") or "Range" in headers or "Upgrade" in headers:
        return False
    mode, dest = headers.get("Sec-Fetch-Mode"), headers.get("Sec-Fetch-Dest")
    if mode is not None or dest is not None:
        return mode in ("navigate", None) and dest in ("document", None)
    return "text/html" in headers.get("Accept", "")


def _is_browser(request: HttpRequest) -> bool:
    headers = request.headers
    marks = ("Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-Site", "HX-Request", "X-Requested-With", "Origin")
    return any(name in headers for name in marks)


def is_robot(request: HttpRequest) -> bool:
    """Crawlers and link previews that ask for HTML like a browser (DS03)."""
    return ROBOT.search(request.headers.get("User-Agent", "")[:500]) is not None


def has_session_cookie(request: HttpRequest) -> bool:
    return conf.session_cookie_name in request.COOKIES


def origin_of(request: HttpRequest) -> str:
    """This site's origin: `SILENT_SSO_ORIGIN`, else the validated Host header."""
    return conf.origin or f"{request.scheme}://{request.get_host()}"


def is_same_origin(request: HttpRequest) -> bool:
    """Whether a page of this very origin sent the request; without any evidence the answer is no.

    `Origin: null` is what browsers send from a page with `Referrer-Policy: no-referrer`, as ours have: no evidence.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None and site != "same-origin":
        return False
    origin = request.headers.get("Origin", "null")
    if origin == "null":
        return site == "same-origin"
    return _normal(origin) in {_normal(f"{request.scheme}://{request.get_host()}"), _normal(origin_of(request))}


def _normal(origin: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return ("", origin, None)
    return (parts.scheme, parts.hostname or origin, port or {"https": 443, "http": 80}.get(parts.scheme))


def may_start(request: HttpRequest) -> bool:
    """Whether a request may begin an interactive sign-in: a page load, not an image, frame or script (S20)."""
    mode, dest = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    return mode in ("navigate", None) and dest in ("document", None)


def safe_return_to(request: HttpRequest, url: str | None, own_paths: frozenset[str]) -> str | None:
    """`url` if it stays on this site (or a host the site allows) and is not one of our own endpoints; else None."""
    if not url or len(url) > LONGEST_RETURN_TO or SUSPICIOUS.search(url):
        return None
    hosts = {request.get_host(), *conf.redirect_allowed_hosts}
    https = conf.redirect_require_https
    # Query and fragment cannot change where a URL leads, and Django's helper refuses more than 2048 characters.
    base = re.split(r"[?#]", url, maxsplit=1)[0]
    if not url_has_allowed_host_and_scheme(
        base, allowed_hosts=hosts, require_https=request.is_secure() if https is None else https
    ):
        return None
    parts = urlsplit(url)
    if not parts.netloc and (not url.startswith("/") or url.startswith("//")):
        return None
    if _plain(parts.path) in {_plain(path) for path in own_paths}:
        return None
    return url


def _plain(path: str) -> str:
    """A path as browser, proxy and server may come to read it: decoded, without dot segments and extra slashes."""
    return posixpath.normpath("/" + unquote(unquote(path)).lstrip("/"))
