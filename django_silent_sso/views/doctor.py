"""The browser doctor: every way of signing in, tried in this very browser, for staff and in `DEBUG` only.

The attempts are real, and none of their answers is used: nothing is remembered of them, so no code of theirs could be
redeemed here, and whoever looks stays signed in, or out, as before.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from django.conf import settings
from django.core.checks import Tags, run_checks
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import get_resolver, reverse

from django_silent_sso.browser import has_session_cookie, is_same_origin
from django_silent_sso.conf import conf
from django_silent_sso.flows.begin import AS_CONFIGURED, DOCTOR, WEB_MESSAGE, begin, redirect_uri
from django_silent_sso.op import provider
from django_silent_sso.protocol.authentication_response import ResponseParameters
from django_silent_sso.protocol.errors import Reason, SilentSSOError, plain_error_code
from django_silent_sso.responses import DoctorPage, FrameResult, Redirect, private
from django_silent_sso.storage.pending import FRAME, POPUP
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import endpoint, leave_session_alone

__all__ = ["doctor", "doctor_answered"]

# What may be tried: the kind of attempt, and the response mode, None for the response type's own.
WAYS: Final = {
    "frame": (FRAME, None),
    "web_message": (FRAME, WEB_MESSAGE),
    "popup": (POPUP, None),
    "top": (DOCTOR, AS_CONFIGURED),
}


@endpoint("GET", "POST")
def doctor(request: HttpRequest) -> HttpResponse:
    """GET: the page. POST, by its script: an attempt to look at."""
    allowed = _is_allowed(request)
    leave_session_alone(request)
    if not allowed:
        return _not_found(request)
    if request.method == "POST":
        return _begun(request)
    found, problem = _metadata()
    return DoctorPage(
        request,
        config=_config(found),
        configuration=_configuration(request, found),
        problem=problem,
        warnings=_warnings(),
    )


def doctor_answered(request: HttpRequest, parameters: ResponseParameters) -> HttpResponse:
    """The end of an attempt of the whole page: back to the doctor with what it was, and without what it held."""
    error = parameters.get("error")
    facts = {
        "attempt": parameters.state or "",
        "error": "" if error is None else plain_error_code(error),
        **{name: request.headers.get(f"Sec-Fetch-{name}", "")[:30] for name in ("site", "mode", "dest")},
    }
    leave_session_alone(request)
    return Redirect(f"{reverse('silent_sso_doctor')}#{urlencode(facts)}")


def _is_allowed(request: HttpRequest) -> bool:
    if settings.DEBUG:
        return True
    if not (has_session_cookie(request) and RPSession.is_readable(request.session)):
        return False
    user = request.user
    return user.is_authenticated and user.is_active and getattr(user, "is_staff", False) is True


def _not_found(request: HttpRequest) -> HttpResponse:
    """As if there were no such page; but nobody may keep it, for somebody else has one here."""
    handler: Any = get_resolver().resolve_error_handler(404)
    page: HttpResponse = handler(request, exception=Http404())
    return private(page)


def _begun(request: HttpRequest) -> HttpResponse:
    if not is_same_origin(request):
        return FrameResult("failed", Reason.CROSS_SITE_REQUEST, code=403)
    transport, response_mode = WAYS.get(request.POST.get("transport", ""), ("", None))
    if not transport:
        return FrameResult("failed", Reason.WRONG_TRANSPORT, code=400)
    try:
        begun = begin(request, silent=True, transport=transport, return_to="/", response_mode=response_mode)
    except SilentSSOError as error:
        return FrameResult("failed", error.reason)
    # Not `begun.remember()`: what nobody remembers nobody can redeem, and no back-off comes of it.
    return private(JsonResponse({"authorization_url": begun.url, "attempt": begun.pending.state}))


def _metadata() -> tuple[Any, str]:
    try:
        return provider.metadata(), ""
    except SilentSSOError as error:
        return None, str(error.reason)


def _config(found: Any) -> dict[str, Any]:
    """For the page's script; nothing in it is secret."""
    frame = None if found is None else found.check_session_iframe
    if frame is not None and "client_id" not in parse_qs(urlsplit(frame).query):
        frame += f"{'&' if '?' in frame else '?'}client_id={quote(conf.client_id or '', safe='')}"
    return {
        "doctor_url": reverse("silent_sso_doctor"),
        "session_url": reverse("silent_sso_session"),
        "callback_url": reverse(conf.callback_url_name),
        "op_url": "" if found is None else found.authorization_endpoint,
        "transports": static("django_silent_sso/doctor-transports.js"),
        "client_id": conf.client_id,
        "check_session": frame,
        "monitor": conf.monitor,
        "frame_timeout": conf.frame_timeout,
        "response_mode": conf.response_mode,
        "top_level_hop": conf.top_level_hop,
        "visitors": conf.visitors,
        "fedcm": conf.fedcm is not None,
        "web_message": found is not None and WEB_MESSAGE in found.response_modes_supported,
        "op_host": "" if found is None else urlsplit(found.authorization_endpoint).hostname,
    }


def _configuration(request: HttpRequest, found: Any) -> list[tuple[str, str]]:
    """What this site has, as the settings are read."""
    shown = {
        "SILENT_SSO_ISSUER": conf.issuer,
        "OIDC_RP_CLIENT_ID": conf.client_id,
        "redirect URI": redirect_uri(request),
        "authorization endpoint": None if found is None else found.authorization_endpoint,
        "OIDC_RP_SCOPES": conf.scope,
        "SILENT_SSO_RESPONSE_TYPE": conf.response_type,
        "SILENT_SSO_RESPONSE_MODE": conf.response_mode,
        "SILENT_SSO_VISITORS": conf.visitors,
        "SILENT_SSO_TOP_LEVEL_HOP": conf.top_level_hop,
        "SILENT_SSO_RENEW_WITH": ", ".join(conf.renew_with),
        "SILENT_SSO_MONITOR": ", ".join(conf.monitor),
        "SILENT_SSO_FRAME_TIMEOUT_SECONDS": conf.frame_timeout,
        "SILENT_SSO_PUSHED_REQUESTS": conf.pushed_requests,
        "SILENT_SSO_FEDCM_CONFIG_URL": conf.fedcm,
        "SESSION_COOKIE_SAMESITE": settings.SESSION_COOKIE_SAMESITE,
        "SESSION_COOKIE_SECURE": settings.SESSION_COOKIE_SECURE,
    }
    return [(name, "" if value is None else str(value)) for name, value in shown.items()]


def _warnings() -> list[str]:
    """What `manage.py check` says of this app's settings."""
    found = run_checks(tags=[Tags.security, Tags.urls])
    return [f"{item.id}: {item.msg}" for item in found if str(item.id).startswith("django_silent_sso.")]
