"""Telling the sites that a session has ended: Back-Channel and Front-Channel Logout 1.0, from the provider's side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urlsplit

from django_silent_sso.testing import issuing
from django_silent_sso.testing.people import Client
from django_silent_sso.testing.sessions import Session

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

_SECONDS = 10
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class LogoutCall:
    """One logout token that was sent. `status`: what the site answered; `None`: it did not."""

    client_id: str
    url: str
    token: str = field(repr=False)
    status: int | None


class Logouts:
    """Sends a logout token to every site that was signed in by a session which has ended, and is registered for it.

    That is real HTTP: the site needs a server (`live_server`). With Django's test client, post
    `provider.logout_token(...)` by hand, and get `front_channel_urls(...)`.
    """

    def __init__(self, provider: OpenIDProvider) -> None:
        self._provider = provider
        self._visited: dict[str, set[str]] = {}
        self.calls: list[LogoutCall] = []
        self.style: Literal["logout+jwt", "JWT"] = "logout+jwt"
        """logout tokens as oidc-provider 9 makes them; "JWT": as older providers do, without `exp` and with the type of
        any other token"""

    def note(self, sid: str, client_id: str) -> None:
        """This session has signed somebody in at this site."""
        self._visited.setdefault(sid, set()).add(client_id)

    def end(self, session: Session) -> None:
        """Tell the sites, once, one after the other."""
        parties = self._parties(session)
        self._visited.pop(session.sid, None)
        for client in parties:
            if client.backchannel_logout_uri is not None:
                self.calls.append(self.send(client, session))

    def send(self, client: Client, session: Session, **claims: Any) -> LogoutCall:
        """POST one logout token about `session` (Back-Channel Logout 2.5); `claims` are added or replace others."""
        sid = session.sid if client.logout_session_required else None
        token = self.token(client_id=client.client_id, subject=session.subject, sid=sid, claims=claims)
        url = client.backchannel_logout_uri or ""
        return LogoutCall(client.client_id, url, token, _post(url, urlencode({"logout_token": token})))

    def token(self, *, client_id: str, subject: str | None, sid: str | None, claims: Mapping[str, Any]) -> str:
        """A logout token in the style of the day."""
        older = {"exp": None} if self.style == "JWT" else {}
        return issuing.logout_token(
            self._provider, client_id=client_id, subject=subject, sid=sid, claims={**older, **claims}, typ=self.style
        )

    def front_channel_urls(self, session: Session) -> list[str]:
        """What the sign-out page frames (Front-Channel Logout 2)."""
        urls = []
        for client in self._parties(session):
            if client.frontchannel_logout_uri is not None:
                asked = {"iss": self._provider.issuer, "sid": session.sid} if client.logout_session_required else {}
                joint = "&" if urlsplit(client.frontchannel_logout_uri).query else "?"
                urls.append(client.frontchannel_logout_uri + (joint + urlencode(asked) if asked else ""))
        return urls

    def register(
        self,
        *,
        back_channel: str | None = None,
        front_channel: str | None = None,
        session_required: bool = True,
        client_id: str | None = None,
    ) -> Client:
        """The addresses of a site that is registered already. `session_required`: name the session (`sid`) too."""
        client = self._provider.clients[client_id or self._provider.client_id]
        changed = replace(
            client,
            backchannel_logout_uri=back_channel,
            frontchannel_logout_uri=front_channel,
            logout_session_required=session_required,
        )
        self._provider.clients[client.client_id] = changed
        return changed

    @property
    def by_frames(self) -> bool:
        """Does any site want frames?"""
        return any(client.frontchannel_logout_uri for client in self._provider.clients.values())

    def _parties(self, session: Session) -> list[Client]:
        visited = self._visited.get(session.sid, set())
        return [client for client in self._provider.clients.values() if client.client_id in visited]


def _post(url: str, body: str) -> int | None:
    """The status; `None`: no connection, no answer, or none in time."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    # Names under .localhost do not resolve in Python everywhere (RFC 6761 6.3).
    address = "127.0.0.1" if host.endswith(".localhost") else host
    make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = make(address, parts.port, timeout=_SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, {**_FORM, "Host": parts.netloc})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()
