"""`{% load silent_sso %}`: the page's script with its configuration, and plain sign-in and sign-out.

The user is looked at only where the request carries a session cookie, so that a public page stays cacheable: no `Vary:
Cookie`, no session row and no CSRF cookie come from here for a visitor.
"""

from __future__ import annotations

import time
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urljoin, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template import Context, Library
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, json_script
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from django_silent_sso.browser import has_session_cookie
from django_silent_sso.conf import conf
from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.ready_attempt import ready_attempt
from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.storage.cookies import for_one_browser
from django_silent_sso.storage.marks import PERSON_NEEDED, read_marks
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.upstream import AUTHENTICATE_URL_NAME, LOGOUT_URL_NAME

__all__ = ["register"]

register = Library()

CONFIG_ID: Final = "silent-sso-config"
SCRIPT: Final = "django_silent_sso/silent-sso.js"
RELAY: Final = "django_silent_sso/relay.js"
PARTS: Final = ("fedcm", "page-calls", "session-watch", "upkeep", "without-frame")
NOTHING: Final = SafeString("")


@register.simple_tag(takes_context=True)
def silent_sso(context: Context, *, reload: bool = True, auto: bool = True, attempt: bool = False) -> SafeString:
    """The module script and its configuration; nothing where the app is not configured or its URLs are missing.

    `reload=False`: the page is never loaded again when another user, or none, turns out to be signed in; it listens to
    the events instead. `auto=False`: nothing is tried for a visitor until the page calls `signInSilently()`.
    `attempt=True`, for pages that no cache keeps: the page brings a visitor's attempt along, a request saved.
    """
    request: HttpRequest | None = context.get("request")
    if request is None or not conf.configured:
        return NOTHING
    try:
        config = _urls() | _settings() | _sign_in(request)
    except NoReverseMatch:
        return NOTHING
    config["auto"] = auto
    script = static(SCRIPT)
    config["modules"] = _parts(script)
    if conf.fedcm is not None:
        config["fedcm"] = True
    if attempt and auto and config["visitors"] == "frame" and not config["signed_in"]:
        config["attempt"] = ready_attempt(request) or {}
    _watch(request, config)
    # Loading the answer to a POST again would send the form again.
    config["reload"] = reload and request.method in ("GET", "HEAD")
    nonce = _nonce(context, request)
    return format_html(
        '{}{}<script type="module" src="{}"{}></script>',
        _early(config, strict=nonce is not None),
        json_script(config, CONFIG_ID),
        script,
        NOTHING if nonce is None else format_html(' nonce="{}"', nonce),
    )


@register.simple_tag(takes_context=True)
def silent_sso_prompt(context: Context, *, service: str = "", login: bool = False) -> SafeString:
    """What only the person can do, offered in a corner of the page once silent sign-in has found that it is needed.

    `service`: the name of the OP, for "Continue with ...". `login=True`: also for visitors whom the OP does not know.
    Nothing where the app is not configured or its URLs are missing, nor on our own endpoints' pages.
    """
    request: HttpRequest | None = context.get("request")
    if request is None or not conf.configured or _is_ours(request) or context.template is None:
        return NOTHING
    try:
        urls = _urls() | {
            "sign_in_url": _sign_in_url(request.get_full_path()),
            "window_url": _sign_in_url(reverse("silent_sso_signed_in")),
        }
    except NoReverseMatch:
        return NOTHING
    nonce = _nonce(context, request)
    values = {
        "errors": " ".join((*PERSON_NEEDED, *([Reason.LOGIN_REQUIRED] if login else []))),
        "service": service,
        "fedcm_url": NOTHING if conf.fedcm is None else static("django_silent_sso/fedcm.js"),
        "is_fresh": _is_fresh(request),
        "needed": _needed(request),
        "nonce": NOTHING if nonce is None else format_html(' nonce="{}"', nonce),
    }
    template = context.template.engine.get_template("django_silent_sso/prompt.html")
    return template.render(context.new(urls | values))


@register.simple_tag(takes_context=True)
def silent_sso_sign_in(context: Context, text: str = "") -> SafeString:
    """A link to the interactive sign-in that comes back to this page; `text` in place of "Sign in"."""
    request: HttpRequest | None = context.get("request")
    try:
        url = _sign_in_url(None if request is None or _is_ours(request) else request.get_full_path())
    except NoReverseMatch:
        return NOTHING
    return format_html('<a class="silent-sso-sign-in" rel="nofollow" href="{}">{}</a>', url, text or gettext("Sign in"))


@register.simple_tag(takes_context=True)
def silent_sso_sign_out(context: Context, text: str = "") -> SafeString:
    """A form that signs out here and at the OP; nothing for a visitor. `text` in place of "Sign out"."""
    request: HttpRequest | None = context.get("request")
    if request is None or not _is_somebody(request):
        return NOTHING
    try:
        url = reverse(LOGOUT_URL_NAME)
    except NoReverseMatch:
        return NOTHING
    return format_html(
        '<form class="silent-sso-sign-out" method="post" action="{}">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}"><button>{}</button></form>',
        url,
        get_token(request),
        text or gettext("Sign out"),
    )


def _urls() -> dict[str, Any]:
    return {
        "start_url": reverse("silent_sso_start"),
        "callback_url": reverse(conf.callback_url_name),
        "session_url": reverse("silent_sso_session"),
        "sign_in_url": reverse(AUTHENTICATE_URL_NAME),
        "sign_out_url": reverse(LOGOUT_URL_NAME),
    }


def _parts(script: str) -> dict[str, str]:
    """The modules that the script loads when it needs them, where they are not simply beside it (hashed names)."""
    urls = {name: static(f"django_silent_sso/{name}.js") for name in PARTS}
    return {name: url for name, url in urls.items() if url != urljoin(script, f"{name}.js")}


def _sign_in_url(return_to: str | None) -> str:
    url = reverse(AUTHENTICATE_URL_NAME)
    return url if return_to is None else f"{url}?{urlencode({conf.redirect_field_name: return_to})}"


def _settings() -> dict[str, Any]:
    parts = urlsplit(conf.issuer or "")
    readable = not (settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY)
    return {
        "op_origin": f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else None,
        "visitors": conf.visitors,
        "monitor": conf.monitor,
        "poll_seconds": conf.poll_seconds,
        "frame_timeout": conf.frame_timeout,
        "top_level_hop": conf.top_level_hop,
        "credential_in_page": conf.credential_in_page,
        "csrf_cookie": settings.CSRF_COOKIE_NAME if readable else "",
    }


def _sign_in(request: HttpRequest) -> dict[str, Any]:
    """Who is signed in by the OP. A user who is signed in by other means is left in peace."""
    nobody = {"signed_in": False, "user": None, "expires_in": None}
    if not _is_somebody(request):
        return nobody
    sso = getattr(request, "silent_sso", None)
    if sso is None or not sso.signed_in:
        return {**nobody, "visitors": "off"}
    return {
        "signed_in": True,
        "user": {"name": sso.user_name or request.user.get_username()},
        "expires_in": sso.expires_in,
        "csrf_token": get_token(request),
    }


def _watch(request: HttpRequest, config: dict[str, Any]) -> None:
    """The OP's frame to watch its session by, if what is known of the OP without asking it names one."""
    tried = config["auto"] and config["visitors"] != "off"
    if "check_session" not in conf.monitor or not (config["signed_in"] or tried):
        return
    now = time.time()
    try:
        url = provider.metadata(now).check_session_iframe if provider.metadata_is_warm(now) else None
    except SilentSSOError:
        url = None  # the settings spoil it: a check says so
    config["check_session"] = None
    if url is None:
        return
    if "client_id" not in parse_qs(urlsplit(url).query):  # some want to know whose page they are in
        url += f"{'&' if '?' in url else '?'}client_id={quote(conf.client_id or '', safe='')}"
    found = RPSession.read(request.session) if config["signed_in"] else None
    state = None if found is None else found.session_state
    config["check_session"] = {"url": url, "client_id": conf.client_id, "session_state": state}


class _ForOneBrowser:
    def remember(self, request: HttpRequest, response: HttpResponse) -> None:
        for_one_browser(response)


def _needed(request: HttpRequest) -> str:
    """What the OP said to the visitor's round trip by the middleware, of which no script has heard."""
    sso: SilentSSO | None = getattr(request, "silent_sso", None)
    needed = read_marks(request).needed(time.time()) if conf.visitors == "redirect" else None
    if sso is None or needed is None or _is_somebody(request):
        return ""
    sso.begun.append(_ForOneBrowser())
    return needed


def _is_fresh(request: HttpRequest) -> bool:
    """Whether the OP has vouched for the user of this page, and need not be asked yet."""
    sso = getattr(request, "silent_sso", None)
    return _is_somebody(request) and sso is not None and sso.signed_in and bool(sso.expires_in)


def _is_somebody(request: HttpRequest) -> bool:
    user = getattr(request, "user", None) if has_session_cookie(request) else None
    return user is not None and user.is_authenticated


def _is_ours(request: HttpRequest) -> bool:
    """Whether this page is one of our own endpoints: no place to come back to, and its address may carry a code."""
    match = request.resolver_match
    names = (conf.callback_url_name, AUTHENTICATE_URL_NAME, LOGOUT_URL_NAME)
    return match is not None and (match.url_name in names or str(match.url_name).startswith("silent_sso_"))


def _nonce(context: Context, request: HttpRequest) -> object:
    """The CSP nonce of Django 6 or django-csp. Never tested for truth: Django's is falsy until it is used."""
    nonce: object = context.get("csp_nonce")
    return getattr(request, "csp_nonce", None) if nonce is None else nonce


def _early(config: dict[str, Any], *, strict: bool) -> SafeString:
    """What the attempt will need, had while the page is still being read: the connection to the OP first of all.

    `strict`: a Content-Security-Policy with nonces, which in some browsers lets nothing be fetched ahead of time.
    """
    if config["visitors"] != "frame" or config["signed_in"] or not config["auto"] or config["op_origin"] is None:
        return NOTHING
    found = format_html('<link rel="preconnect" href="{}">', config["op_origin"])
    if conf.response_mode != "web_message" and not strict:  # the frame's last page needs it, after all else
        found += format_html('<link rel="prefetch" as="script" href="{}">', static(RELAY))
    return found
