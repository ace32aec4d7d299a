"""A response is a type: what this app may answer, each with its status and headers in one place.

Every one is `no-store`, private and unlinked from its URL (`Referrer-Policy: no-referrer`): they carry states and
codes in their addresses (N01, F15).
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import escape_leading_slashes

from django_silent_sso.conf import conf
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.upstream import AUTHENTICATE_URL_NAME

__all__ = [
    "DoctorPage",
    "FragmentPage",
    "FrameResult",
    "Page",
    "Redirect",
    "RelayPage",
    "ResendPage",
    "SignInRequired",
    "SignedInPage",
    "nothing",
    "private",
]

R = TypeVar("R", bound=HttpResponse)

# How htmx says that it wants a page in place of the one that is shown: after a boosted link, or the back button (for
# which htmx 4 does not send `HX-Request`).
WHOLE_PAGE: Final = ("HX-Boosted", "HX-History-Restore-Request")


def _policy(**directives: str) -> str:
    """A Content-Security-Policy that lets in our own static files, wherever the site serves them."""
    parts = urlsplit(static("django_silent_sso/silent-sso.js"))
    origin = f"'self' {parts.scheme}://{parts.netloc}" if parts.netloc else "'self'"
    rules = {"default-src": "'none'", "base-uri": "'none'"}
    rules |= {name.replace("_", "-"): value.replace("STATIC", origin) for name, value in directives.items()}
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def private(response: R) -> R:
    """The headers every answer of ours has."""
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    patch_vary_headers(response, ("Cookie",))
    return response


def nothing() -> HttpResponse:
    """204: a prefetch is neither refused nor answered (C9)."""
    return private(HttpResponse(status=204))


class Redirect(HttpResponseRedirect):
    """302 to the OP, or back to the page first asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        private(self)


class FrameResult(JsonResponse):
    """What the page's script is told: a status and a reason, never a token (F06)."""

    def __init__(self, status: str, reason: Reason, *, code: int = 200, **facts: Any) -> None:
        super().__init__({"status": status, "reason": str(reason), **facts}, status=code)
        private(self)


class SignInRequired(JsonResponse):
    """401 for whoever cannot be redirected."""

    def __init__(self, request: HttpRequest, reason: Reason, *, sign_in_url: str | None = None) -> None:
        super().__init__(
            {
                "error": str(Reason.LOGIN_REQUIRED),
                "reason": str(reason),
                "silent_url": reverse("silent_sso_start"),
                "sign_in_url": sign_in_url or reverse(AUTHENTICATE_URL_NAME),
            },
            status=401,
        )
        challenge(self, request, reason)


def challenge(response: HttpResponse, request: HttpRequest, reason: Reason) -> None:
    private(response)
    response["WWW-Authenticate"] = f'SilentSSO reason="{reason}"'
    whole_page = any(name in request.headers for name in WHOLE_PAGE)
    if whole_page or "HX-Request" in request.headers:
        response["HX-Trigger"] = "silent-sso:sign-in-required"
        # htmx 4 puts refusals into the page as well, and this one is not made to be looked at.
        response["HX-Reswap"] = "none"
    if whole_page and request.method == "GET":
        # A link like any other: loaded at top level, its page can be sent round by the OP.
        response["HX-Redirect"] = escape_leading_slashes(request.get_full_path())  # `//host/` would leave the site


class Page(HttpResponse):
    """A readable page: what happened (in our own words, never the OP's: L01) and what to do next."""

    def __init__(
        self,
        request: HttpRequest,
        template: str,
        *,
        status: int,
        reason: Reason,
        retry_after: int | None = None,
        **context: Any,
    ) -> None:
        content = render_to_string(
            f"django_silent_sso/{template}",
            {"reason": str(reason), "status": status, "redirect_field_name": conf.redirect_field_name, **context},
            request=request,
        )
        super().__init__(content, status=status)
        private(self)
        # No form-action: Chromium applies it to the redirects after a form, and ours lead to the OP.
        self["Content-Security-Policy"] = _policy(style_src="STATIC", frame_ancestors="'none'")
        self["X-Frame-Options"] = "DENY"
        if retry_after is not None:
            self["Retry-After"] = str(retry_after)


class ResendPage(Page):
    """The page that keeps an overdue form, signs in silently and sends the form again (C99, C100)."""

    def __init__(self, request: HttpRequest, *, status: int, reason: Reason, **context: Any) -> None:
        super().__init__(request, "resend.html", status=status, reason=reason, **context)
        self["Content-Security-Policy"] = _policy(
            script_src="STATIC",
            style_src="STATIC",
            connect_src="'self'",
            # An OP may answer by way of other hosts of its own, which nobody here knows.
            frame_src="*",
            frame_ancestors="'none'",
        )
        # What it sends must say from where it comes; and there is no code in its address.
        self["Referrer-Policy"] = "same-origin"
        # The window for the sign-in must be able to close itself, whatever the site's own policy says.
        self["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"


class SignedInPage(Page):
    """Where a sign-in in a window of its own ends: it tells the page that waits for it, and closes itself."""

    def __init__(self, request: HttpRequest, *, signed_in: bool) -> None:
        reason = Reason.SIGNED_IN if signed_in else Reason.NOT_SIGNED_IN
        # The channel on which the pages of this site tell one another that there is news.
        relay = {"parameters": urlencode({"state": reverse("silent_sso_start")})} if signed_in else None
        super().__init__(request, "signed_in.html", status=200, reason=reason, relay=relay)
        self["Content-Security-Policy"] = _policy(script_src="STATIC", style_src="STATIC", frame_ancestors="'none'")
        # As on the relay page: whoever opened this window may hear of it.
        self["Cross-Origin-Opener-Policy"] = "unsafe-none"


class FragmentPage(HttpResponse):
    """The page that a response in a fragment ends on: it cleans the URL and posts the parameters to itself (R08)."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(render_to_string("django_silent_sso/fragment.html", {}, request=request))
        private(self)
        # No form-action, as in `Page`: what follows the form may be a redirect to the OP.
        self["Content-Security-Policy"] = _policy(script_src="STATIC", style_src="STATIC", frame_ancestors="'none'")
        self["X-Frame-Options"] = "DENY"


def _word(header: str | None) -> str | None:
    return header if header is not None and re.fullmatch(r"[a-z-]{1,30}", header) else None


class RelayPage(HttpResponse):
    """The page without state that a frame or popup ends on; it may be framed by its own origin alone (F01)."""

    def __init__(self, request: HttpRequest) -> None:
        site = request.headers.get("Sec-Fetch-Site")
        known = site if site in ("same-origin", "same-site", "cross-site", "none") else None
        seen = {name: _word(request.headers.get(f"Sec-Fetch-{name}")) for name in ("mode", "dest")}  # for the doctor
        content = render_to_string("django_silent_sso/relay.html", {"relay": {"site": known, **seen}}, request=request)
        super().__init__(content)
        private(self)
        self["Content-Security-Policy"] = _policy(script_src="STATIC", frame_ancestors="'self'")
        self["X-Frame-Options"] = "SAMEORIGIN"
        # A popup's opener must hear of the answer, whatever the site's own policy says.
        self["Cross-Origin-Opener-Policy"] = "unsafe-none"


class DoctorPage(HttpResponse):
    """The page that tries every way of signing in in this very browser, and uses none of the answers."""

    def __init__(self, request: HttpRequest, **context: Any) -> None:
        super().__init__(render_to_string("django_silent_sso/doctor.html", context, request=request))
        private(self)
        self["Content-Security-Policy"] = _policy(
            script_src="STATIC",
            style_src="STATIC",
            connect_src="'self'",
            frame_src="*",  # an OP may answer by way of other hosts of its own, which nobody here knows
            frame_ancestors="'none'",
            require_trusted_types_for="'script'",
            trusted_types="'none'",
        )
        self["X-Frame-Options"] = "DENY"
        # What it sends must say from where it comes; and there is no code in its address.
        self["Referrer-Policy"] = "same-origin"
        # Its popups must be able to answer, whatever the site's own policy says.
        self["Cross-Origin-Opener-Policy"] = "same-origin-allow-popups"
