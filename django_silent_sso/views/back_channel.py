"""`backchannel-logout/`: the OP's server says that a session of its own has ended (Back-Channel Logout 1.0, 2.5)."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import parse_qsl

from django.core.exceptions import RequestDataTooBig
from django.db import Error as AnyDatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException

from django_silent_sso.flows import op_sign_out
from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPUnavailable,
    Reason,
    ResponseError,
    SilentSSOError,
    StorageUnavailable,
)
from django_silent_sso.responses import private
from django_silent_sso.views.endpoint import RETRY_AFTER, endpoint

__all__ = ["back_channel_logout"]

logger = logging.getLogger("django_silent_sso.views")

FORM: Final = "application/x-www-form-urlencoded"
PARAMETER: Final = "logout_token"
LONGEST_BODY: Final = 128 * 1024  # bytes; twice the longest token
MOST_FIELDS: Final = 100


@endpoint("POST")
def back_channel_logout(request: HttpRequest) -> HttpResponse:
    """200 whether there was anything to end or not (BC19): who is signed in here is nobody else's business.

    No cookie is looked at: the request is the OP's, whatever it carries (BC34).
    """
    try:
        op_sign_out.back_channel(_logout_token(request))
    except SilentSSOError as error:
        return _refused(error)
    except AnyDatabaseError as error:
        logger.error("storage_unavailable: the database failed at a logout (%s)", type(error).__name__)
        return _refused(StorageUnavailable(Reason.STORAGE_UNAVAILABLE))
    return private(HttpResponse())


def _logout_token(request: HttpRequest) -> str:
    """The one `logout_token` of a form body. Other fields are not ours to judge (BC16)."""
    values = [value for name, value in _form(request) if name == PARAMETER]
    if len(values) != 1 or PARAMETER in request.GET:
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, "not one logout_token in the body")
    return values[0]


def _form(request: HttpRequest) -> list[tuple[str, str]]:
    """Read here, since Django would take 2.5 MB from anybody (BC03), and forms of another kind too (BC02)."""
    if request.content_type != FORM:
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, "not a form")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isdecimal() and int(length) <= LONGEST_BODY):
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, "too long")
    try:
        body = request.body
    except (OSError, RawPostDataException, RequestDataTooBig):  # broken off, or read by a middleware before us
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, "the body cannot be read") from None
    if len(body) > LONGEST_BODY:  # it came in pieces, without a length before it
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, "too long")
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise ResponseError(Reason.LOGOUT_REQUEST_MALFORMED, "no form that can be read") from None


def _refused(error: SilentSSOError) -> HttpResponse:
    """400 as the specification has it (BCL 2.8); 503 where nothing was done, and the OP should try again (C112)."""
    logger.warning("%s: a back-channel logout was not done", error.reason)
    failing = isinstance(error, ConfigurationError | OPUnavailable | StorageUnavailable)
    failing = failing and error.reason is not Reason.LOGOUT_INCOMPLETE
    word = Reason.TEMPORARILY_UNAVAILABLE if failing else Reason.INVALID_REQUEST
    response = JsonResponse({"error": str(word), "reason": str(error.reason)}, status=503 if failing else 400)
    if failing:
        response["Retry-After"] = str(getattr(error, "retry_after", None) or RETRY_AFTER)
    return private(response)
