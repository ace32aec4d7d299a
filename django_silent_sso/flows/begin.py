"""Beginning an attempt: the Authentication Request, and what must be remembered for its answer."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse

from django_silent_sso.browser import has_session_cookie, origin_of, safe_return_to
from django_silent_sso.conf import conf
from django_silent_sso.op import health, provider, pushed
from django_silent_sso.protocol.authentication_request import AuthenticationRequest, Prompt, new_secret, with_query
from django_silent_sso.protocol.errors import Reason, SilentSSOError
from django_silent_sso.storage import pending as pending_store
from django_silent_sso.storage.cookies import for_one_browser
from django_silent_sso.storage.marks import Marks, read_marks, write_marks
from django_silent_sso.storage.pending import FRAME, POPUP, TOP, PendingAuthentication
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.storage.sealing import seal, unseal
from django_silent_sso.upstream import AUTHENTICATE_URL_NAME, LOGOUT_URL_NAME

__all__ = [
    "Begun",
    "begin",
    "destination",
    "own_names",
    "own_paths",
    "preparation_is_cheap",
    "prepare",
    "redirect_uri",
    "return_to_without_cookies",
    "transport_of",
]

DOCTOR = "doctor"  # the whole page, for the doctor's eyes alone: the answer is looked at and thrown away
STATE_KINDS = {FRAME: "f", TOP: "t", POPUP: "p", DOCTOR: "d"}
INTERACTIVE_KIND = "i"
WEB_MESSAGE = "web_message"
AS_CONFIGURED = "as configured"
RETURN_PURPOSE = "return"
LONGEST_IN_STATE = 512  # characters of return_to inside a state
HINT_LIMIT = 4096  # characters; a longer ID Token is no hint but a burden on every proxy (C18)


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that may leave: where to, what to remember, and the marks that say it has left."""

    url: str = field(repr=False)
    pending: PendingAuthentication
    marks: Marks

    def remember(self, request: HttpRequest, response: HttpResponse) -> None:
        """Set the cookies that the answer will need; what carries them is for one browser, and no cache's."""
        for_one_browser(response)
        pending_store.remember(request, response, self.pending, self.pending.created)
        write_marks(request, response, self.marks)


def begin(
    request: HttpRequest,
    *,
    silent: bool,
    transport: str,
    return_to: str,
    marks: Marks | None = None,
    hinted: bool = True,
    automatic: bool = False,
    before: RPSession | None = None,
    subject: str | None = None,
    prompt: str | None = None,
    max_age: int | None = None,
    acr_values: str | None = None,
    id_token_hint: str | None = None,
    extra: Mapping[str, str] | None = None,
    response_mode: str | None = AS_CONFIGURED,
    response_type: str | None = None,
) -> Begun:
    """An Authentication Request (Core 3.1.2.1) with fresh state, nonce and verifier.

    `before`: the sign-in it renews or replaces, by default the session's own for a silent request or a step-up; its ID
    Token is the hint. `subject`: whose it is, where the sign-in itself is gone. `max_age` (seconds) and `acr_values`
    make it a step-up: the ID Token must meet them. A silent request has neither: some OPs sign the person out.
    `response_type`: of an attempt whose request is not ours to send (FedCM), in place of the setting.
    Raises `ConfigurationError` and `OPUnavailable` (the metadata cannot be had).
    """
    now = time.time()
    found = provider.metadata(now)
    marks = read_marks(request) if marks is None else marks
    demanding = not silent and (max_age is not None or acr_values is not None)
    if before is None and (silent or demanding) and has_session_cookie(request):
        before = RPSession.read(request.session)
    hint, login_hint = _hints(before, now) if hinted and before is not None else (None, None)
    if now < marks.no_hint_until:
        hint = None
    wanted = {name: value for name, value in conf.extra_parameters.items() if not (silent and name == "max_age")}
    wanted |= extra or {}
    wish = AuthenticationRequest(
        client_id=conf.client_id or "",
        redirect_uri=redirect_uri(request),
        scope=conf.scope,
        state=_new_state(request, silent=silent, transport=transport, return_to=return_to, now=now),
        nonce=new_secret(),
        code_verifier=new_secret(),
        response_type=response_type or conf.response_type,
        response_mode=response_mode_for(transport) if response_mode == AS_CONFIGURED else response_mode,
        prompt=Prompt.NONE if silent else (Prompt(prompt) if prompt else None),
        id_token_hint=id_token_hint or hint,
        login_hint=login_hint,
        max_age=max_age if demanding else None,
        acr_values=acr_values if demanding else None,
        extra=wanted,
    )
    pending = PendingAuthentication(
        state=wish.state,
        nonce=wish.nonce,
        code_verifier=wish.code_verifier,
        issuer=found.issuer,
        redirect_uri=wish.redirect_uri,
        return_to=return_to,
        transport=transport,
        silent=silent,
        created=now,
        response_type=wish.response_type,
        response_mode=wish.response_mode,
        session="" if before is None else before.handle,
        subject=subject if before is None else before.subject,
        hinted=wish.id_token_hint is not None,
        automatic=automatic,
        foreign=not (silent or automatic) and request.headers.get("Sec-Fetch-Site") == "cross-site",
        max_age=_seconds(wish.parameters().get("max_age")),
        acr_values=wish.acr_values,
    )
    if silent:
        marks = marks.begun(now, frame=transport == FRAME)
    elif demanding:
        marks = replace(marks, hops=(*marks.hops, int(now))[-9:])  # a page that is never content must not turn for ever
    if pushed.is_used(found) and response_type is None:
        reference = {"client_id": wish.client_id, "request_uri": pushed.push(found, wish.parameters())}
        return Begun(with_query(found.authorization_endpoint, reference), pending, marks)
    return Begun(wish.to_url(found.authorization_endpoint), pending, marks)


def response_mode_for(transport: str) -> str | None:
    """The `response_mode` to ask for; None for the response type's own.

    A frame hands on what its URL holds, so only `web_message` is another way there; at top level there is nobody to
    take a message.
    """
    if transport in (TOP, DOCTOR):
        return None if conf.response_mode == WEB_MESSAGE else conf.response_mode
    return WEB_MESSAGE if conf.response_mode == WEB_MESSAGE else None


def fragment_is_used() -> bool:
    """Whether answers come in a fragment as the settings are."""
    return conf.response_mode == "fragment" or (
        conf.response_type != "code" and conf.response_mode in (None, WEB_MESSAGE)
    )


def beginning_is_cheap(return_to: str) -> bool:
    """Whether `begin()` would wait for nobody: the metadata is there, requests are not pushed, the cache not needed."""
    if len(return_to.encode()) > min(LONGEST_IN_STATE, pending_store.LONGEST_IN_COOKIE):
        return False
    now = time.time()
    try:
        return provider.metadata_is_warm(now) and not pushed.is_used(provider.metadata(now))
    except SilentSSOError:
        return True


def way_back(pending: PendingAuthentication) -> str:
    """How the answer to `pending` must come: by query, fragment or form_post (Multiple Response Types 2.1)."""
    return pending.response_mode or ("query" if pending.response_type == "code" else "fragment")


def _hints(before: RPSession, now: float) -> tuple[str | None, str | None]:
    """`id_token_hint` and `login_hint` for a known user."""
    token = before.tokens(now).id_token
    names = (before.claims.get(name) for name in ("email", "preferred_username"))
    login_hint = next((name for name in names if isinstance(name, str) and 0 < len(name) <= 254), None)
    return (token if token and len(token) <= HINT_LIMIT else None), login_hint


def _seconds(asked: str | None) -> int | None:
    """The `max_age` that leaves, ours or a site's own: who sends it has to check `auth_time` (Core 3.1.2.1; T18)."""
    return int(asked) if asked and asked.isascii() and asked.isdecimal() and len(asked) < 10 else None


def _new_state(request: HttpRequest, *, silent: bool, transport: str, return_to: str, now: float) -> str:
    """A fresh `state` that tells its kind.

    A browser that sent no cookie at all may refuse them: the way back then travels, sealed, in the state itself, so
    that the visitor gets the page in place of an error and is not sent round again (C92, DS02).
    """
    state = f"{STATE_KINDS[transport] if silent else INTERACTIVE_KIND}.{new_secret()}"
    if silent and transport == TOP and not request.COOKIES:
        kept = {"return_to": return_to}
        if len(return_to) > LONGEST_IN_STATE:
            kept = {"reference": pending_store.put_aside(return_to, pending_store.SILENT_LIFETIME)}
        state = f"{state}.{seal(kept, RETURN_PURPOSE, now)}"
    return state


def return_to_without_cookies(request: HttpRequest, state: str | None, now: float) -> str | None:
    """Where a browser that keeps no cookies came from, if `state` is ours and says so."""
    kind, _, rest = (state or "").partition(".")
    if request.COOKIES or kind != STATE_KINDS[TOP]:
        return None
    opened = unseal(rest.partition(".")[2], RETURN_PURPOSE, now, pending_store.SILENT_LIFETIME) or {}
    return_to = opened.get("return_to")
    return return_to if isinstance(return_to, str) else pending_store.was_put_aside(opened.get("reference"))


def transport_of(state: str | None) -> str | None:
    """The transport a state of ours says it was made for; None for an interactive one or none of ours."""
    kind = (state or "").partition(".")[0]
    return next((name for name, letter in STATE_KINDS.items() if letter == kind), None)


def redirect_uri(request: HttpRequest) -> str:
    """The callback's absolute URL: from `SILENT_SSO_ORIGIN`, else from the validated Host header (I15)."""
    return origin_of(request) + reverse(conf.callback_url_name)


def own_names() -> tuple[str, ...]:
    return (
        conf.callback_url_name,
        AUTHENTICATE_URL_NAME,
        LOGOUT_URL_NAME,
        "silent_sso_start",
        "silent_sso_session",
        "silent_sso_initiate",
        "silent_sso_backchannel_logout",
        "silent_sso_frontchannel_logout",
        "silent_sso_doctor",
    )


def own_paths() -> frozenset[str]:
    """The paths of our own endpoints: never a destination, never intercepted."""
    return frozenset(reverse(name) for name in own_names())


def destination(request: HttpRequest, wanted: str | None) -> str:
    """`wanted` if it is a safe place to go, else the site's `LOGIN_REDIRECT_URL`."""
    return safe_return_to(request, wanted, own_paths()) or resolve_url(settings.LOGIN_REDIRECT_URL)


def preparation_is_cheap() -> bool:
    """Whether `prepare()` would answer without any network call."""
    now = time.time()
    if not provider.metadata_is_warm(now):
        return False
    try:
        return health.is_known(provider.metadata(now).authorization_endpoint, now)
    except SilentSSOError:  # the settings spoil it; `prepare()` says so at once
        return True


def prepare() -> Reason | None:
    """Why no person can be sent to the OP now, or None: its metadata is needed and its host must answer."""
    try:
        found = provider.metadata()
    except SilentSSOError as error:
        return error.reason
    return None if health.reachable(found.authorization_endpoint) else Reason.OP_UNREACHABLE
