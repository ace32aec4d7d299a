"""For sites that build a flow of their own."""

from __future__ import annotations

from django.http import HttpRequest

from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.begin import begin, destination
from django_silent_sso.storage.pending import TOP

__all__ = ["authentication_url"]


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
    details = getattr(request, "silent_sso", None)
    if not isinstance(details, SilentSSO):
        raise RuntimeError("django_silent_sso.middleware.SilentSSOMiddleware is not in MIDDLEWARE")
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
