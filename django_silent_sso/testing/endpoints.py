"""The endpoints that servers and signing-out browsers call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from django_silent_sso.testing import fedcm, issuing, pages
from django_silent_sso.testing.authentication_requests import PROMPTS, RESPONSE_MODES, RESPONSE_TYPES
from django_silent_sso.testing.client_authentication import (
    ASYMMETRIC,
    AUTH_METHODS,
    SYMMETRIC,
    authenticated_client,
    invalid_client,
    oauth_error,
)
from django_silent_sso.testing.defects import Point, Situation
from django_silent_sso.testing.grants import Grant, GrantError
from django_silent_sso.testing.keys import SUPPORTED_ALGORITHMS
from django_silent_sso.testing.messages import NO_STORE, Reply, Request

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider


def discovery(provider: OpenIDProvider, request: Request) -> Reply:
    """OpenID Connect Discovery 4."""
    document: dict[str, Any] = {
        "issuer": provider.issuer,
        "authorization_endpoint": provider.url_of("authorize"),
        "token_endpoint": provider.url_of("token"),
        "userinfo_endpoint": provider.url_of("userinfo"),
        "jwks_uri": provider.url_of("jwks"),
        "end_session_endpoint": provider.url_of("end_session"),
        "pushed_authorization_request_endpoint": provider.url_of("pushed_request"),
        "revocation_endpoint": provider.url_of("revocation"),
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_supported": ["sub", "sid", "auth_time", "iss", "name", "email", "email_verified"],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "implicit", "refresh_token"],
        "id_token_signing_alg_values_supported": sorted(
            {provider.keys.algorithm, *(a for a in SUPPORTED_ALGORITHMS if not a.startswith("HS"))}
        ),
        "prompt_values_supported": list(PROMPTS),
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "response_modes_supported": list(RESPONSE_MODES),
        "response_types_supported": list(RESPONSE_TYPES),
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": list(AUTH_METHODS),
        "token_endpoint_auth_signing_alg_values_supported": [*ASYMMETRIC, *SYMMETRIC],
    }
    if provider.logouts.by_frames:
        document |= {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}
    if provider.require_pushed_requests:
        document["require_pushed_authorization_requests"] = True
    if provider.session_management:
        document["check_session_iframe"] = provider.url_of("check_session")
    situation = Situation(provider=provider, endpoint="discovery", request=request)
    return Reply.json(provider.defects.transform(Point.METADATA, document, situation))


def jwks(provider: OpenIDProvider, request: Request) -> Reply:
    situation = Situation(provider=provider, endpoint="jwks", request=request)
    document = provider.defects.transform(Point.JWKS, provider.keys.jwk_set(), situation)
    return Reply.json(document).with_headers({"Content-Type": "application/jwk-set+json; charset=utf-8"})


def token(provider: OpenIDProvider, request: Request) -> Reply:
    """Code or refresh token for tokens (Core 3.1.3, 12)."""
    client_id = authenticated_client(provider, request)
    if client_id is None:
        return invalid_client(request)
    given = dict(request.form)
    try:
        grant, refresh_token = _redeem(provider, given, client_id)
    except GrantError as error:
        return oauth_error(error.error, str(error))
    refreshing = given["grant_type"] == "refresh_token"
    situation = Situation(provider=provider, endpoint="token", request=request, refreshing=refreshing)
    answer = _tokens(provider, grant, refresh_token, situation)
    return Reply.json(provider.defects.transform(Point.TOKEN_ANSWER, answer, situation), headers=NO_STORE)


def userinfo(provider: OpenIDProvider, request: Request) -> Reply:
    """Core 5.3."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    presented = value.strip() if scheme.lower() == "bearer" else dict(request.form).get("access_token", "")
    grant = provider.grants.find_access_token(presented)
    if grant is None:
        problem = "invalid token provided" if presented else "no access token provided"
        challenge = f'Bearer realm="{provider.issuer}"'
        if presented:
            challenge += f', error="invalid_token", error_description="{problem}"'
        headers = (*NO_STORE, ("WWW-Authenticate", challenge))
        return oauth_error("invalid_token", problem, 401, headers)
    situation = Situation(provider=provider, endpoint="userinfo", request=request)
    claims = issuing.user_claims(provider, grant)
    claims = provider.defects.transform(Point.USERINFO, claims, situation)
    if provider.userinfo_signed:
        body = issuing.signed_userinfo(provider, claims, grant.client_id).encode()
        return Reply(200, body, (("Content-Type", "application/jwt"), *NO_STORE))
    return Reply.json(claims, headers=NO_STORE)


def revocation(provider: OpenIDProvider, request: Request) -> Reply:
    """RFC 7009."""
    client_id = authenticated_client(provider, request)
    if client_id is None:
        return invalid_client(request)
    provider.grants.revoke(dict(request.form).get("token", ""), client_id=client_id)
    return Reply(200, b"", NO_STORE)


def end_session(provider: OpenIDProvider, request: Request) -> Reply:
    """RP-Initiated Logout 1.0. With `provider.confirm_sign_out` the person is asked first, as the text
    wants."""
    given = request.parameters
    client_id = given.get("client_id")
    if "id_token_hint" in given:
        try:
            audience = issuing.read_hint(provider, given["id_token_hint"]).get("aud")
        except ValueError as error:
            return Reply.html(pages.error(400, "invalid_request", str(error)), 400, NO_STORE)
        client_id = audience if isinstance(audience, str) else client_id
    client = provider.clients.get(client_id or "")
    uri = given.get("post_logout_redirect_uri") if client is not None else None
    registered = client.post_logout_redirect_uris if client is not None else None
    if uri is not None and registered is not None and uri not in registered:
        description = "post_logout_redirect_uri not registered"
        return Reply.html(pages.error(400, "invalid_request", description), 400, NO_STORE)
    session = provider.session_of(request)
    if provider.confirm_sign_out and session is not None and "choice" not in given:
        page = pages.sign_out(provider.path_of("end_session"), given.items())
        return Reply.html(page, 200, NO_STORE + provider.framing_headers)
    frames: list[str] = []
    if session is not None and given.get("choice") != "no":
        frames = provider.logouts.front_channel_urls(session)
        provider.end_one_session(session)
    headers = (*NO_STORE, provider.cookie.header(""), *fedcm.login_status(provider, signed_in=False))
    query = urlencode({"state": given["state"]}, quote_via=quote) if "state" in given else ""
    if uri is not None and query:
        uri += ("&" if urlsplit(uri).query else "?") + query
    if frames:
        return Reply.html(pages.signing_out(frames, uri), 200, headers)
    if uri is None:
        return Reply.html(pages.page("Signed out", "<p>You are signed out here.</p>"), 200, headers)
    return Reply.redirect(uri, headers=headers)


def _redeem(provider: OpenIDProvider, given: dict[str, str], client_id: str) -> tuple[Grant, str | None]:
    """The grant behind a code or refresh token, and the refresh token to go on with."""
    kind = _required(given, "grant_type")
    if kind == "refresh_token":
        return provider.grants.redeem_refresh_token(
            _required(given, "refresh_token"), client_id=client_id, rotate=provider.rotate_refresh_tokens
        )
    if kind != "authorization_code":
        raise GrantError("unsupported grant_type requested", "unsupported_grant_type")
    grant = provider.grants.redeem_code(
        _required(given, "code"),
        client_id=client_id,
        redirect_uri=_required(given, "redirect_uri"),
        code_verifier=given.get("code_verifier"),
    )
    policy = provider.refresh_tokens
    wanted = policy == "always" or (policy == "offline" and "offline_access" in grant.scope)
    return grant, provider.grants.new_refresh_token(grant) if wanted else None


def _required(given: dict[str, str], name: str) -> str:
    if not given.get(name):
        raise GrantError(f"missing required parameter '{name}'", "invalid_request")
    return given[name]


def _tokens(provider: OpenIDProvider, grant: Grant, refresh_token: str | None, situation: Situation) -> dict[str, Any]:
    access_token = provider.grants.new_access_token(grant, seconds=provider.access_token_seconds)
    answer: dict[str, Any] = {
        "access_token": access_token,
        "expires_in": provider.access_token_seconds,
        "id_token": issuing.id_token(
            provider,
            grant,
            situation,
            access_token=access_token,
            with_user_claims=provider.claims_in_id_token,
        ),
        "scope": " ".join(grant.scope),
        "token_type": "Bearer",
    }
    return answer if refresh_token is None else {**answer, "refresh_token": refresh_token}
