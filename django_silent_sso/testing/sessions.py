"""Who is signed in at the provider: one switch that holds for every browser, and real sessions by cookie."""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import token_urlsafe
from threading import RLock


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One sign-in at the provider. `cookie` is `None` for the one that holds for every browser.

    `auth_time`: seconds since the epoch; `sid`: the session's name in ID Tokens and logout tokens.
    """

    subject: str
    sid: str
    auth_time: int
    cookie: str | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionCookie:
    """How the provider's session cookie is set. `samesite`: "Lax", "None", "Strict", or `None` to leave it
    out.

    `secure` left at `None` follows `samesite`: browsers drop a `SameSite=None` cookie that is not `Secure`.
    They take `Secure` cookies over plain http from loopback names (but WebKit does not).
    """

    name: str = "_session"
    samesite: str | None = "Lax"
    secure: bool | None = None
    http_only: bool = True
    partitioned: bool = False
    path: str = "/"
    max_age: int | None = 14 * 24 * 3600

    def header(self, value: str) -> tuple[str, str]:
        """The `Set-Cookie` header; an empty value deletes the cookie."""
        secure = self.samesite == "None" if self.secure is None else self.secure
        parts = [f"{self.name}={value}", f"Path={self.path}"]
        if not value:
            parts.append("Max-Age=0")
        elif self.max_age is not None:
            parts.append(f"Max-Age={self.max_age}")
        if self.samesite is not None:
            parts.append(f"SameSite={self.samesite}")
        flags = (("Secure", secure), ("HttpOnly", self.http_only), ("Partitioned", self.partitioned))
        return "Set-Cookie", "; ".join([*parts, *(name for name, wanted in flags if wanted)])


class SessionStore:
    """All living sessions. A session that has ended, or changed hands, never comes back under its `sid`."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._everywhere: Session | None = None
        self._by_cookie: dict[str, Session] = {}

    @property
    def all(self) -> tuple[Session, ...]:
        with self._lock:
            everywhere = () if self._everywhere is None else (self._everywhere,)
            return (*everywhere, *self._by_cookie.values())

    def find(self, cookie: str | None) -> Session | None:
        """The session of a browser: its own, else the one that holds for every browser."""
        with self._lock:
            return self._by_cookie.get(cookie or "", self._everywhere)

    def is_alive(self, sid: str) -> bool:
        return any(session.sid == sid for session in self.all)

    def open_everywhere(self, subject: str, *, auth_time: int, acr: str | None, amr: tuple[str, ...]) -> Session:
        """Every browser is signed in as `subject`. Who is so already keeps the session, so that its tokens
        live on."""
        with self._lock:
            current = self._everywhere
            self._by_cookie.clear()
            sid = current.sid if current is not None and current.subject == subject else _new_sid()
            self._everywhere = Session(subject=subject, sid=sid, auth_time=auth_time, acr=acr, amr=amr)
            return self._everywhere

    def open_in_browser(self, subject: str, *, auth_time: int, cookie: str | None = None) -> Session:
        """One browser is signed in. Its cookie's value is always a new one, its old session ends."""
        with self._lock:
            old = self._by_cookie.pop(cookie or "", None)
            sid = old.sid if old is not None and old.subject == subject else _new_sid()
            session = Session(subject=subject, sid=sid, auth_time=auth_time, cookie=token_urlsafe(24))
            self._by_cookie[session.cookie or ""] = session
            return session

    def end(self, sid: str) -> list[Session]:
        return self._end([session for session in self.all if session.sid == sid])

    def end_all(self, subject: str | None = None) -> list[Session]:
        """End every session, or every one of `subject`; which there were."""
        return self._end([s for s in self.all if subject is None or s.subject == subject])

    def hand_over(self, to: str, *, auth_time: int, was: str | None = None) -> int:
        """Another person sits at the same browsers: every session (of `was`) becomes one of `to`; how many
        did."""
        with self._lock:
            mine = [s for s in self.all if was is None or s.subject == was]
            for session in mine:
                self._put(replace(session, subject=to, sid=_new_sid(), auth_time=auth_time))
            return len(mine)

    def age(self, seconds: int) -> None:
        """Move the moment of every sign-in into the past."""
        with self._lock:
            for session in self.all:
                self._put(replace(session, auth_time=session.auth_time - seconds))

    def _put(self, session: Session) -> None:
        if session.cookie is None:
            self._everywhere = session
        else:
            self._by_cookie[session.cookie] = session

    def _end(self, sessions: list[Session]) -> list[Session]:
        with self._lock:
            for session in sessions:
                if session.cookie is None:
                    self._everywhere = None
                else:
                    self._by_cookie.pop(session.cookie, None)
        return sessions


def _new_sid() -> str:
    return token_urlsafe(16)
