"""Reading an Authentication Request (Core 3.1.2.1) and sending the response where, and how, it was asked
for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from django_silent_sso.testing import issuing, pages
from django_silent_sso.testing.defects import Point, Situation
from django_silent_sso.testing.grants import PKCE_VALUE
from django_silent_sso.testing.messages import NO_STORE, Reply, Request, first_of_each

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

RESPONSE_TYPES = ("code", "id_token", "id_token token", "code id_token", "code token", "code id_token token")
RESPONSE_MODES = ("query", "fragment", "form_post", "web_message")
PUSHED = "urn:ietf:params:oauth:request_uri:"
"""what a `request_uri` of RFC 9126 begins with"""
PROMPTS = ("none", "login", "consent", "select_account")
UNKNOWN_REFERENCE = "request_uri is invalid, expired, or was already used"

_TYPES = frozenset(frozenset(name.split()) for name in RESPONSE_TYPES)


class UnredirectableError(Exception):
    """The request cannot even be refused by redirect: nobody knows whose redirect URI it is (RFC 6749
    4.1.2.1)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class RefusalError(Exception):
    """An error for the client (Core 3.1.2.6)."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the response goes."""

    client_id: str
    redirect_uri: str
    state: str | None
    response_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """A valid Authentication Request."""

    target: Target
    response_type: frozenset[str]
    scope: tuple[str, ...]
    prompt: frozenset[str]
    nonce: str | None
    max_age: int | None
    hinted_subject: str | None
    login_hint: str
    code_challenge: str | None


def read_target(provider: OpenIDProvider, request: Request) -> Target:
    """Raises `UnredirectableError` where a redirect would be an open one."""
    given = request.parameters
    repeated = {"client_id", "redirect_uri"} & set(request.repeated())
    if repeated:
        raise UnredirectableError("invalid_request", f"'{min(repeated)}' parameter must not be provided twice")
    client = provider.clients.get(given.get("client_id", ""))
    if client is None:
        raise UnredirectableError("invalid_client", "client is invalid")
    redirect_uri = given.get("redirect_uri", "")
    parts = urlsplit(redirect_uri)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.fragment:
        raise UnredirectableError("invalid_redirect_uri", "redirect_uri must be an absolute URL without a fragment")
    if client.redirect_uris is not None and redirect_uri not in client.redirect_uris:
        raise UnredirectableError(
            "invalid_redirect_uri", "redirect_uri did not match any of the client's redirect_uris"
        )
    front_channel = {"id_token", "token"} & set(given.get("response_type", "").split())
    mode = given.get("response_mode", "")
    return Target(
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        state=None if "state" in request.repeated() else given.get("state"),
        response_mode=mode if mode in RESPONSE_MODES else ("fragment" if front_channel else "query"),
    )


def read_request(provider: OpenIDProvider, request: Request, target: Target) -> AuthorizationRequest:
    """Raises `RefusalError`, for the reasons and with the codes of oidc-provider 9."""
    given = request.parameters
    if repeated := request.repeated():
        raise RefusalError("invalid_request", f"'{repeated[0]}' parameter must not be provided twice")
    if given.get("request_uri", "").startswith(PUSHED):
        raise RefusalError("invalid_request_uri", UNKNOWN_REFERENCE)
    for name in ("request", "request_uri", "registration"):
        if name in given:
            raise RefusalError(f"{name}_not_supported")
    response_type = _response_type(given)
    scope = tuple(given.get("scope", "").split())
    if "openid" not in scope:
        raise RefusalError("invalid_request", "openid scope must be requested")
    if "id_token" in response_type and not given.get("nonce"):
        raise RefusalError("invalid_request", "missing required parameter 'nonce'")
    prompt = frozenset(given.get("prompt", "").split())
    if not prompt <= set(PROMPTS):
        raise RefusalError("invalid_request", "unsupported prompt value requested")
    if "none" in prompt and len(prompt) > 1:
        raise RefusalError("invalid_request", "prompt none must only be used alone")
    return AuthorizationRequest(
        target=target,
        response_type=response_type,
        scope=scope,
        prompt=prompt,
        nonce=given.get("nonce"),
        max_age=_max_age(given),
        hinted_subject=_hinted_subject(provider, given, target),
        login_hint=given.get("login_hint", ""),
        code_challenge=_code_challenge(provider, given, response_type),
    )


def _response_type(given: dict[str, str]) -> frozenset[str]:
    response_type = frozenset(given.get("response_type", "").split())
    if not response_type:
        raise RefusalError("invalid_request", "missing required parameter 'response_type'")
    if response_type not in _TYPES:
        raise RefusalError("unsupported_response_type", "unsupported response_type requested")
    mode = given.get("response_mode")
    if mode is not None and mode not in RESPONSE_MODES:
        raise RefusalError("unsupported_response_mode", "unsupported response_mode requested")
    if mode == "query" and response_type != {"code"}:
        raise RefusalError("invalid_request", "requested response_mode is not allowed for the requested response_type")
    return response_type


def _max_age(given: dict[str, str]) -> int | None:
    if "max_age" not in given:
        return None
    value = given["max_age"]
    if not (value.isascii() and value.isdigit()):
        raise RefusalError("invalid_request", "invalid max_age parameter value")
    return int(value)


def _hinted_subject(provider: OpenIDProvider, given: dict[str, str], target: Target) -> str | None:
    hint = given.get("id_token_hint")
    if hint is None:
        return None
    try:
        claims = issuing.read_hint(provider, hint)
    except ValueError as error:
        raise RefusalError("invalid_request", str(error)) from error
    audience = claims.get("aud")
    if target.client_id not in (audience if isinstance(audience, list) else [audience]):
        raise RefusalError("invalid_request", "could not validate id_token_hint")
    return str(claims.get("sub"))


def _code_challenge(provider: OpenIDProvider, given: dict[str, str], response_type: frozenset[str]) -> str | None:
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if challenge is None:
        if method is not None:
            raise RefusalError("invalid_request", "code_challenge must be provided with code_challenge_method")
        if provider.pkce_required and "code" in response_type:
            raise RefusalError("invalid_request", "Authorization Server policy requires PKCE to be used")
        return None
    if method != "S256":
        raise RefusalError("invalid_request", "not supported value of code_challenge_method")
    if not PKCE_VALUE.fullmatch(challenge):
        raise RefusalError("invalid_request", "code_challenge must be 43 to 128 unreserved characters")
    return challenge


def respond(provider: OpenIDProvider, target: Target, situation: Situation, parameters: dict[str, Any]) -> Reply:
    """The Authentication Response, by the response mode asked for.

    As with oidc-provider 9, `iss` (RFC 9207) comes with success and error, but not beside an ID Token, which has its
    own.
    """
    parameters = {"state": target.state, **parameters}
    if "id_token" not in parameters:
        parameters["iss"] = provider.issuer
    parameters = {name: value for name, value in parameters.items() if value is not None}
    parameters = provider.defects.transform(Point.AUTHORIZATION_RESPONSE, parameters, situation)
    pairs = [
        (name, str(item))
        for name, value in parameters.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    status = 400 if "error" in parameters else 200
    mode = provider.defects.transform(Point.RESPONSE_MODE, target.response_mode, situation)
    if mode == "web_message":
        # No framing headers here: oidc-provider takes them off this one page, which is useless outside a
        # frame.
        page = pages.web_message(target.redirect_uri, _message(provider, first_of_each(tuple(pairs))))
        return Reply.html(page, status, NO_STORE)
    headers = NO_STORE + provider.framing_headers
    if mode == "form_post":
        return Reply.html(pages.form_post(target.redirect_uri, pairs), status, headers)
    query = urlencode(pairs, quote_via=quote)
    separator = "#" if mode == "fragment" else "&" if urlsplit(target.redirect_uri).query else "?"
    return Reply.redirect(f"{target.redirect_uri}{separator}{query}", headers=headers)


def _message(provider: OpenIDProvider, response: dict[str, str]) -> dict[str, Any]:
    if not provider.credential_messages:
        return {"type": "authorization_response", "response": response}
    return {"credential": response["id_token"]} if "id_token" in response else {"error": response["error"]}
