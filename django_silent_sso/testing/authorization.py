"""The authorization endpoint, the login and consent pages, and the way back to the client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any

from django_silent_sso.testing import fedcm, issuing, pages, session_management
from django_silent_sso.testing.authentication_requests import (
    AuthorizationRequest,
    RefusalError,
    UnredirectableError,
    read_request,
    read_target,
    respond,
)
from django_silent_sso.testing.defects import Point, Situation
from django_silent_sso.testing.grants import Grant
from django_silent_sso.testing.messages import NO_STORE, Reply, Request
from django_silent_sso.testing.pushed_requests import resolved
from django_silent_sso.testing.sessions import Session

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the authorization endpoint is going to do: refuse with `error`, show the `page` "login" or "consent", or
    (with neither) answer with what was asked for."""

    error: str | None = None
    description: str = ""
    page: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction:
    """A request that waits for the person, and what the person has done since."""

    request: AuthorizationRequest
    signed_in: bool = False
    consented: bool = False
    cancelled: bool = False

    @property
    def silent(self) -> bool:
        """`prompt=none`, unless the person was shown a page all the same and has answered it."""
        return "none" in self.request.prompt and not (self.signed_in or self.consented)


def authorize(provider: OpenIDProvider, request: Request) -> Reply:
    try:
        request, pushed = resolved(provider, request)
        target = read_target(provider, request)
    except UnredirectableError as error:
        return _error_page(provider, error.error, str(error))
    try:
        wanted = read_request(provider, request, target)
        if provider.require_pushed_requests and not pushed:
            raise RefusalError("invalid_request", "Pushed Authorization Request must be used")
    except RefusalError as error:
        situation = Situation(provider=provider, endpoint="authorize", request=request)
        refusal = {"error": error.error, "error_description": str(error) or None}
        return respond(provider, target, situation, refusal)
    return _proceed(provider, request, Interaction(request=wanted))


def resume(provider: OpenIDProvider, request: Request) -> Reply:
    """Back from the login or consent page."""
    interaction = provider.interactions.pop(request.parameters.get("interaction", ""), None)
    if interaction is None:
        return _error_page(provider, "invalid_request", "interaction session not found")
    return _proceed(provider, request, interaction)


def login(provider: OpenIDProvider, request: Request) -> Reply:
    """The login page's form. Any password will do."""
    key = request.parameters.get("interaction", "")
    interaction = provider.interactions.get(key)
    if interaction is None:
        return _error_page(provider, "invalid_request", "interaction session not found")
    name = request.parameters.get("username", "").strip()
    cancelled = request.parameters.get("choice") == "no"
    if not name and not cancelled:
        return _page(provider, pages.login(provider.path_of("login"), key))
    provider.interactions[key] = replace(interaction, signed_in=True, cancelled=cancelled)
    back = Reply.redirect(f"{provider.path_of('resume')}?interaction={key}", headers=NO_STORE)
    if cancelled:
        return back
    signed_in = (provider.open_browser_session(name, request), *fedcm.login_status(provider, signed_in=True))
    return replace(back, headers=(*back.headers, *signed_in))


def consent(provider: OpenIDProvider, request: Request) -> Reply:
    """The consent page's form."""
    key = request.parameters.get("interaction", "")
    interaction = provider.interactions.get(key)
    session = provider.session_of(request)
    if interaction is None or session is None:
        return _error_page(provider, "invalid_request", "interaction session not found")
    allowed = request.parameters.get("choice") == "yes"
    provider.interactions[key] = replace(interaction, consented=allowed, cancelled=not allowed)
    if allowed:
        provider.give_consent(session.subject, interaction.request.target.client_id)
    return Reply.redirect(f"{provider.path_of('resume')}?interaction={key}", headers=NO_STORE)


def _proceed(provider: OpenIDProvider, request: Request, interaction: Interaction) -> Reply:
    wanted = interaction.request
    session = provider.session_of(request)
    situation = Situation(provider=provider, endpoint="authorize", request=request, silent=interaction.silent)
    decision: Decision = provider.defects.first(Point.DECISION, _decide(provider, interaction, session), situation)
    if decision.page is not None:
        return _ask(provider, interaction, decision.page)
    parameters: dict[str, Any]
    if decision.error is not None:
        parameters = {"error": decision.error, "error_description": decision.description or None}
    elif session is not None:
        parameters = _success(provider, wanted, session, situation)
    else:  # a defect said so
        parameters = {}
    return respond(provider, wanted.target, situation, parameters)


def _decide(provider: OpenIDProvider, interaction: Interaction, session: Session | None) -> Decision:
    wanted = interaction.request
    if interaction.cancelled:
        return Decision(error="access_denied", description="End-User aborted interaction")
    problem = _login_problem(provider, interaction, session)
    if session is None or problem:
        return Decision(error="login_required", description=problem) if interaction.silent else Decision(page="login")
    asked_again = "consent" in wanted.prompt and not interaction.consented
    if asked_again or not provider.has_consent(session.subject, wanted.target.client_id):
        if interaction.silent:
            return Decision(error="consent_required", description="End-User consent is required")
        return Decision(page="consent")
    return Decision()


def _login_problem(provider: OpenIDProvider, interaction: Interaction, session: Session | None) -> str:
    """Why the person has to sign in; empty: no reason."""
    wanted = interaction.request
    if session is None:
        return "End-User authentication is required"
    if interaction.signed_in:
        return ""
    if wanted.prompt & {"login", "select_account"}:
        return "login prompt was requested"
    age = provider.now() - session.auth_time
    if wanted.max_age is not None and (wanted.max_age == 0 or age > wanted.max_age):
        return "End-User authentication could not be obtained"
    if wanted.hinted_subject not in (None, session.subject):
        return "id_token_hint and authenticated subject do not match"
    return ""


def _success(
    provider: OpenIDProvider, wanted: AuthorizationRequest, session: Session, situation: Situation
) -> dict[str, Any]:
    grant = Grant(
        client_id=wanted.target.client_id,
        session=session,
        scope=wanted.scope,
        nonce=wanted.nonce,
        wants_auth_time=wanted.max_age is not None or provider.always_auth_time,
    )
    provider.logouts.note(session.sid, grant.client_id)
    parameters: dict[str, Any] = {}
    if "code" in wanted.response_type:
        parameters["code"] = provider.grants.new_code(
            grant,
            redirect_uri=wanted.target.redirect_uri,
            code_challenge=wanted.code_challenge,
            seconds=provider.code_seconds,
        )
    if "token" in wanted.response_type:
        parameters["access_token"] = provider.grants.new_access_token(grant, seconds=provider.access_token_seconds)
        parameters["token_type"] = "Bearer"  # noqa: S105 (the kind of token, RFC 6750)
        parameters["expires_in"] = provider.access_token_seconds
        parameters["scope"] = " ".join(grant.scope)
    if "id_token" in wanted.response_type:
        parameters["id_token"] = issuing.id_token(
            provider,
            grant,
            situation,
            access_token=parameters.get("access_token"),
            code=parameters.get("code"),
            state=wanted.target.state if provider.state_hash else None,
            # With no access token in sight there is no UserInfo to ask (Core 5.4).
            with_user_claims=provider.claims_in_id_token or wanted.response_type == {"id_token"},
        )
    if provider.session_management:
        parameters["session_state"] = session_management.session_state(wanted.target, session)
    return parameters


def _ask(provider: OpenIDProvider, interaction: Interaction, page: str) -> Reply:
    wanted = interaction.request
    key = token_urlsafe(16)
    provider.interactions[key] = interaction
    if page == "consent":
        action = provider.path_of("consent")
        return _page(provider, pages.consent(action, key, wanted.target.client_id, wanted.scope))
    return _page(provider, pages.login(provider.path_of("login"), key, wanted.login_hint))


def _page(provider: OpenIDProvider, html: str, status: int = 200) -> Reply:
    return Reply.html(html, status, NO_STORE + provider.framing_headers)


def _error_page(provider: OpenIDProvider, error: str, description: str) -> Reply:
    return _page(provider, pages.error(400, error, description), 400)
