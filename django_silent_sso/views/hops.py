"""Same-site hops: how a response that came without its cookies gets another chance, once."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.protocol.errors import Reason, ResponseError
from django_silent_sso.responses import Page, Redirect
from django_silent_sso.views.endpoint import error_page

__all__ = ["COOKIES_BLOCKED", "FORM_POST", "hop_for_strict_cookies", "hop_form_post", "without_cookies"]

FORM_POST: Final = "form_post"  # the sealed parameters of a form post, after its hop
COOKIES_BLOCKED: Final = "silent_sso"  # the query parameter that says: no cookie comes back, do not try
HOPPED: Final = "silent_sso_hop"
LONGEST: Final = 7500  # characters of a URL that every server takes


def hop_form_post(request: HttpRequest, url: str) -> HttpResponse:
    """303 to ourselves: a GET at top level, where Lax cookies arrive."""
    if len(url) > LONGEST:
        return error_page(request, ResponseError(Reason.MALFORMED_RESPONSE, "the form is too large"))
    response = Redirect(url)
    response.status_code = 303
    return response


def hop_for_strict_cookies(request: HttpRequest, state: str | None) -> HttpResponse | None:
    """A page that loads this address again, from this site, where the session cookie is `SameSite=Strict` (G08).

    A redirect would not do: its chain began at the OP. None where it is not needed or has been made.
    """
    if settings.SESSION_COOKIE_SAMESITE != "Strict" or state is None or HOPPED in request.GET:
        return None
    if request.method == "POST":  # it brought the attempt's cookie, and loaded again it would have lost its form
        return None
    if has_session_cookie(request) or request.headers.get("Sec-Fetch-Site") in ("same-origin", "same-site"):
        return None
    again = f"{request.get_full_path()}&{HOPPED}=1"
    return Page(request, "hop.html", status=200, reason=Reason.STALE, again=again)


def without_cookies(return_to: str) -> HttpResponse:
    """Back to the page first asked for, with the mark that keeps the middleware from trying again (DS02)."""
    parts = urlsplit(return_to)
    query = "&".join(part for part in (parts.query, f"{COOKIES_BLOCKED}={Reason.COOKIES_BLOCKED}") if part)
    return Redirect(urlunsplit(parts._replace(query=query)))
