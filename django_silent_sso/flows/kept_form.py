"""No form is lost: one that came too late is given back in a page, which signs in and sends the very same form again.

`resend_page()` seals the request into that page. What the page sends is a *wrapper*: `text/plain`, which the forms of
pages practically never are and Django does not parse. `restore()` puts the first request in its place, byte for byte,
before Django's CSRF check and the view look at it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from copy import copy
from typing import Final, NamedTuple
from urllib.parse import urlencode

from django.contrib.auth import SESSION_KEY
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import CsrfViewMiddleware
from django.templatetags.static import static
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

from django_silent_sso.browser import has_session_cookie, is_same_origin, kind_of
from django_silent_sso.conf import conf
from django_silent_sso.details import SilentSSO
from django_silent_sso.policy import Kind
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.request_body import begins_with, body_of, put_in_place, read_body, with_body
from django_silent_sso.responses import Page, ResendPage, SignInRequired, challenge
from django_silent_sso.storage.kept_form import LARGEST, LONGEST_SEALED, KeptForm, open_form, seal_form, spend
from django_silent_sso.storage.pending import digest
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.upstream import AUTHENTICATE_URL_NAME

__all__ = ["FIELD", "is_wrapper", "refuse", "resend_page", "restore"]

FIELD: Final = "silent_sso_form"
MARKER: Final = f"{FIELD}=".encode()  # how a text/plain form of ours begins (HTML, 4.10.22.8)
CONTENT_TYPE: Final = "text/plain"
# Who asked for the form to be sent: the page that sends it again must not pass for the page it came from.
HEADERS: Final = ("HTTP_ORIGIN", "HTTP_REFERER", "HTTP_SEC_FETCH_SITE")
STATUS: Final = {
    Reason.CROSS_SITE_REQUEST: 403,
    Reason.FORM_SENT: 409,
    Reason.FORM_OF_ANOTHER_USER: 409,
    Reason.STORAGE_UNAVAILABLE: 503,
}
RETRY_AFTER: Final = 30  # seconds


class Wrapper(NamedTuple):
    """What our page has sent: the sealed text, and what is in it."""

    text: str
    kept: KeptForm


def is_wrapper(request: HttpRequest) -> bool:
    """Whether our page sent this. Costs other requests a look at two headers; not a byte of theirs is lost."""
    if request.method != "POST" or request.content_type != CONTENT_TYPE or kind_of(request) is not Kind.FORM:
        return False
    return begins_with(request, MARKER)


def resend_page(
    request: HttpRequest, reason: Reason, *, start_url: Callable[[str], str] | None = None
) -> HttpResponse | None:
    """The page that keeps the form of a request that is refused; None where it cannot be kept.

    `start_url`: the sign-in that is needed, for where it shall end. Without it any will do, also a silent one, and the
    page tries that by itself.

    It cannot if it is larger than 10 MB, if somebody has read it before and left nothing, or if it belongs to nobody.
    """
    if is_wrapper(request):  # sent again too early: the same page, not a wrapper in a wrapper
        found = _unwrap(request)
        return _page(request, reason, found.text) if isinstance(found, Wrapper) else _refused(request, found)
    owners = _owners(request)
    sent = body_of(request, LARGEST) if request.method == "POST" and owners else None
    if sent is None:
        return None
    content_type, body = sent
    kept = KeptForm(
        path=request.get_full_path(),
        content_type=content_type,
        headers={name: request.META[name] for name in HEADERS if name in request.META},
        owner=owners[0],
        checked=_passes_csrf(request, body),
        number=secrets.token_urlsafe(16),
        created=time.time(),
        body=body,
    )
    try:
        text = seal_form(kept)
    except ValueError:
        return None
    return _page(request, reason, text, silently=start_url is None, start_url=start_url)


def restore(request: HttpRequest) -> HttpResponse | None:
    """Put the kept form in the place of its wrapper; for a request that `is_wrapper()` and would be served.

    None: done. A response: the form was not sent, and the page says why. As long as it may be sent at all, the page
    holds it still.
    """
    found = _unwrap(request)
    if isinstance(found, Reason):
        return _refused(request, found)
    owners = _owners(request)
    if not owners or not request.user.is_authenticated:
        return _page(request, Reason.NOT_SIGNED_IN, found.text)
    reason = spend(found.kept) if found.kept.owner in owners else Reason.FORM_OF_ANOTHER_USER
    if reason is Reason.FORM_SENT:
        return _refused(request, reason)
    if reason is not None:
        return _page(request, reason, found.text)
    put_in_place(request, found.kept.content_type, found.kept.body)
    for name in HEADERS:
        request.META.pop(name, None)
    request.META.update(found.kept.headers)
    if found.kept.checked:
        request.csrf_processing_done = True  # type: ignore[attr-defined]  # Django's own word for "it was checked"
    return None


def refuse(request: HttpRequest, reason: Reason) -> HttpResponse:
    """The answer to a request that is served no more: 401, or for a form the page that keeps it."""
    try:
        if kind_of(request) is not Kind.FORM:
            return SignInRequired(request, reason)
        kept = resend_page(request, reason)
        if kept is not None:
            return kept
        response: HttpResponse = Page(request, "sign_in_again.html", status=401, reason=reason)
    except NoReverseMatch:  # a check says so
        response = HttpResponse(status=401)
    challenge(response, request, reason)
    return response


def _unwrap(request: HttpRequest) -> Wrapper | Reason:
    if not is_same_origin(request):
        return Reason.CROSS_SITE_REQUEST
    body = read_body(request, LONGEST_SEALED + len(MARKER) + 2)
    if body is None:
        return Reason.FORM_UNREADABLE
    text = body[len(MARKER) :].decode("ascii", "replace").strip()
    kept = open_form(text, time.time())
    if isinstance(kept, Reason):
        return kept
    return Wrapper(text, kept) if kept.path == request.get_full_path() else Reason.FORM_OF_ANOTHER_PAGE


def _owners(request: HttpRequest) -> tuple[str, ...]:
    """Names for who is signed in: the OP's subject, and the user here where a session of ours has to be renewed."""
    details: SilentSSO | None = getattr(request, "silent_sso", None)
    if details is None or details.hidden or not has_session_cookie(request) or SESSION_KEY not in request.session:
        return ()
    user = digest(f"user {request.session[SESSION_KEY]}")
    found = RPSession.read(request.session)
    return (user,) if found is None else (digest(f"subject {found.issuer} {found.subject}"), user)


# -- Django's CSRF check -----------------------------------------------------------------------------------------------


class _Check(CsrfViewMiddleware):
    """Says no without a page and a log line, as Django REST framework's does."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        return HttpResponse(reason, status=403)


def _passes_csrf(request: HttpRequest, body: bytes) -> bool:
    """Judged now, while the token is good: the sign-in that follows may change it (N08).

    A form that fails is kept all the same; it is Django who refuses it when it comes again.
    """
    try:
        view = resolve(request.path_info, getattr(request, "urlconf", None)).func
    except Resolver404:
        return False
    request = copy(request)  # what is parsed here is not what the view will see
    request.META = dict(request.META)
    with_body(request, body)
    check = _Check(lambda _: HttpResponse())
    try:
        check.process_request(request)
        return check.process_view(request, view, (), {}) is None
    except (BadRequest, SuspiciousOperation, MultiPartParserError):  # too many fields, too large, broken
        return False
    finally:
        request.close()


# -- pages -------------------------------------------------------------------------------------------------------------


def _page(
    request: HttpRequest,
    reason: Reason,
    text: str,
    *,
    silently: bool = False,
    start_url: Callable[[str], str] | None = None,
) -> HttpResponse:
    """The page that holds the form. `silently`: it may try by itself; a second time somebody has to press a button."""
    status = STATUS.get(reason, 200)
    signed_in_url = reverse("silent_sso_signed_in")
    ordinary = f"{reverse(AUTHENTICATE_URL_NAME)}?{urlencode({conf.redirect_field_name: signed_in_url})}"
    config = {
        "module": static("django_silent_sso/silent-sso.js"),
        "silently": silently,
        "any_sign_in": start_url is None,
        "script": {
            "start_url": reverse("silent_sso_start"),
            "callback_url": reverse(conf.callback_url_name),
            "session_url": reverse("silent_sso_session"),
            "frame_timeout": conf.frame_timeout,
            "signed_in": bool(_owners(request)),
            # This page must stay where it is, and asks when it wants to.
            "auto": False,
            "reload": False,
            "monitor": [],
            "top_level_hop": "never",
        },
    }
    return ResendPage(
        request,
        status=status,
        reason=reason,
        retry_after=RETRY_AFTER if status == 503 else None,
        config=config,
        field=FIELD,
        sealed=text,
        silently=silently,
        sign_in=ordinary if start_url is None else start_url(signed_in_url),
    )


def _refused(request: HttpRequest, reason: Reason) -> HttpResponse:
    return Page(request, "resend_refused.html", status=STATUS.get(reason, 400), reason=reason)
