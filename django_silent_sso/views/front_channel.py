"""`frontchannel-logout/`: the OP's sign-out page loads it in a hidden frame (Front-Channel Logout 1.0, 2)."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from django.db import Error as AnyDatabaseError
from django.http import HttpRequest, HttpResponse

from django_silent_sso.conf import conf
from django_silent_sso.flows import op_sign_out
from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import Reason, ResponseError, SilentSSOError
from django_silent_sso.responses import private
from django_silent_sso.views.endpoint import RETRY_AFTER, endpoint

__all__ = ["front_channel_logout"]

logger = logging.getLogger("django_silent_sso.views")

LONGEST: Final = 2048  # characters of `iss` and of `sid`
# A page because it lies in a frame, and nobody sees it. Not a word of the request is in it (FC09).
PAGE: Final = "<!doctype html><title>{status}</title><code>{reason}</code>"


@endpoint("GET")
def front_channel_logout(request: HttpRequest) -> HttpResponse:
    """200 whether there was anything to end or not.

    By `iss` and `sid` alone: in a frame of another site no cookie can be counted on (FC06), and one that came would
    name whoever is signed in in this browser now (FC07). Without them anybody could sign anybody out (FC01).
    """
    try:
        op_sign_out.front_channel(_one(request, "iss"), _one(request, "sid"))
    except SilentSSOError as error:
        logger.warning("%s: a front-channel logout was not done", error.reason)
        return _page(400, error.reason)
    except AnyDatabaseError as error:
        logger.error("storage_unavailable: the database failed at a logout (%s)", type(error).__name__)
        response = _page(503, Reason.STORAGE_UNAVAILABLE)
        response["Retry-After"] = str(RETRY_AFTER)
        return response
    return _page(200, Reason.OP_FRONT_CHANNEL)


def _one(request: HttpRequest, name: str) -> str:
    """A parameter that is there, once."""
    values = request.GET.getlist(name)
    if len(values) != 1 or not 0 < len(values[0]) <= LONGEST:
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, f"not one {name}")
    return values[0]


def _page(status: int, reason: Reason) -> HttpResponse:
    response = private(HttpResponse(PAGE.format(status=status, reason=reason), status=status))
    response["Content-Security-Policy"] = f"default-src 'none'; frame-ancestors {_origins_of_the_op()}"
    response.xframe_options_exempt = True  # Django's own mark: it would say DENY
    return response


def _origins_of_the_op() -> str:
    """Who may put this page into a frame: the OP, under the names of its issuer and of its sign-out page."""
    urls = [conf.issuer or ""]
    now = time.time()
    if provider.metadata_is_warm(now):  # no call to the OP for this
        with suppress(SilentSSOError):
            urls.append(provider.metadata(now).end_session_endpoint or "")
    parts = [urlsplit(url) for url in urls]
    return " ".join(sorted({f"{part.scheme}://{part.netloc}" for part in parts if part.netloc})) or "'none'"
