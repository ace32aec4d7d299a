"""For sites that build a flow of their own, or call an API with the user's access token."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from django.http import HttpRequest

from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.protocol.errors import Reason, TokenError
from django_silent_sso.storage.pending import TOP

__all__ = ["authentication_url", "awith_access_token", "with_access_token"]

Response = TypeVar("Response")


def authentication_url(
    request: HttpRequest,
    prompt: str | None = "none",
    id_token_hint: str | None = None,
    return_to: str | None = None,
    **params: str,
) -> str:
    """The URL of an Authentication Request (Core 3.1.2.1) to redirect the browser to, at top level.

    `prompt`: "none" for a silent one, None, "login", "consent" or "select_account". `id_token_hint`: an ID Token of
    this user; by default the session's own. `return_to`: where the answer leads, by default this page. Other
    parameters (`audience`,
    `acr_values`, ...) are added; none replaces state, nonce, redirect_uri, prompt or response_type. What the answer
    will need is put into cookies of the response to this request, so the middleware must be installed.

    Raises `ConfigurationError` and `OPUnavailable` (`django_silent_sso.protocol.errors`), and ValueError for another
    prompt.
    """
    details = _details(request)
    begun = begin(
        request,
        silent=prompt == "none",
        transport=TOP,
        return_to=destination(request, return_to or request.get_full_path()),
        prompt=None if prompt == "none" else prompt,
        id_token_hint=id_token_hint,
        extra=params,
    )
    details.begun.append(begun)
    return begun.url


def with_access_token(request: HttpRequest, call: Callable[[str], Response]) -> Response:
    """`call(token)` with the user's access token, once more with another one if the API refuses the first (401).

    What `call` returns is returned; its `status_code` (requests, httpx) or `status` (urllib3, http.client) tells.
    A token that is about to end is renewed before the call, and one that is refused after it, if there is a refresh
    token (RFC 6750 3.1). At most two calls; the second answer stands, whatever it is.

    Raises `TokenError` (access_token_missing) where there is no token to be had, and whatever `call` raises. Not on the
    event loop: there it is `awith_access_token()`.
    """
    details = _details(request)
    token = _there(details.access_token)
    response = call(token)
    if not _is_refused(response):
        return response
    other = details.replace_access_token(token)
    return response if other is None else call(other)


async def awith_access_token(request: HttpRequest, call: Callable[[str], Awaitable[Response]]) -> Response:
    """`with_access_token()` for async views; `call` is a coroutine function."""
    details = _details(request)
    token = _there(await details.aaccess_token())
    response = await call(token)
    if not _is_refused(response):
        return response
    other = await details.areplace_access_token(token)
    return response if other is None else await call(other)


def _details(request: HttpRequest) -> SilentSSO:
    details = getattr(request, "silent_sso", None)
    if not isinstance(details, SilentSSO):
        raise RuntimeError("django_silent_sso.middleware.SilentSSOMiddleware is not in MIDDLEWARE")
    return details


def _there(token: str | None) -> str:
    if token is None:
        raise TokenError(Reason.ACCESS_TOKEN_MISSING, "the user has no access token that could be used now")
    return token


def _is_refused(response: object) -> bool:
    status = getattr(response, "status_code", None)
    return bool((getattr(response, "status", None) if status is None else status) == 401)  # RFC 6750 3.1
