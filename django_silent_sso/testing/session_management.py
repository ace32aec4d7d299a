"""`session_state` and the OP iframe of OpenID Connect Session Management 1.0, and a dialect of it that speaks
without being asked. Off unless a test asks for it."""

from __future__ import annotations

from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from django_silent_sso.testing import pages
from django_silent_sso.testing.authentication_requests import Target
from django_silent_sso.testing.messages import NO_STORE, Reply, Request
from django_silent_sso.testing.sessions import Session

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

Frame = Literal["standard", "speaks", "changed", "error", "mute", "rubbish", "logged_in", "logged_out"]


def session_state(target: Target, session: Session) -> str:
    """Session Management 3.1: a salted hash of client, origin and what the browser's session is now."""
    parts = urlsplit(target.redirect_uri)
    return _state(target.client_id, f"{parts.scheme}://{parts.netloc}", session, token_hex(8))


def check_session(provider: OpenIDProvider, request: Request) -> Reply:
    """GET: the OP iframe. POST: what the iframe asks for each message, answered "changed", "unchanged" or
    "error"; or, without a client, "logged_in" or "logged_out"."""
    if request.method == "GET":
        page = pages.check_session(provider.path_of("check_session"), provider.check_session_frame)
        return Reply.html(page, 200, NO_STORE)
    given = dict(request.form)
    if not given:
        return Reply(200, b"logged_in" if provider.session_of(request) else b"logged_out", NO_STORE)
    _, dot, salt = given.get("session_state", "").rpartition(".")
    if not dot or given.get("client_id") not in provider.clients:
        return Reply(200, b"error", NO_STORE)
    session = provider.session_of(request)
    same = session is not None and given["session_state"] == _state(
        given["client_id"], given.get("origin", ""), session, salt
    )
    return Reply(200, b"unchanged" if same else b"changed", NO_STORE)


def _state(client_id: str, origin: str, session: Session, salt: str) -> str:
    digest = sha256(f"{client_id} {origin} {session.sid} {salt}".encode()).hexdigest()
    return f"{digest}.{salt}"
