"""`Marks`: what must outlive a session flush, in one signed cookie per OP and browser.

When the OP may be asked again, that the user signed out, that this browser was signed in here before, how often it went
round lately. Nothing in it is secret or personal; signing keeps it from being planted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse

from django_silent_sso.conf import conf
from django_silent_sso.policy import next_wait
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.cookies import read_cookie, set_cookie

__all__ = ["PERSON_NEEDED", "Marks", "read_marks", "write_marks"]

LIFETIME: Final = 30 * 24 * 3600  # seconds
HOP_WINDOW: Final = 30  # seconds in which round trips are counted
SALT: Final = "django_silent_sso.marks"
# Core 3.1.2.6: the OP knows who is there, but has something to ask.
PERSON_NEEDED: Final = (Reason.CONSENT_REQUIRED, Reason.INTERACTION_REQUIRED, Reason.ACCOUNT_SELECTION_REQUIRED)
SILENCE: Final = {
    reason.value: reason
    for reason in (Reason.SIGNED_OUT_BY_USER, Reason.SUBJECT_CHANGED, Reason.SESSION_MAX, Reason.SESSION_IDLE)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Times are whole seconds since the epoch."""

    refused_until: int = 0  # top-level round trips
    refusals: int = 0
    frame_refused_until: int = 0  # hidden frames: a browser that refuses them must not stop the others
    frame_refusals: int = 0
    silence: Reason | None = None  # no silent sign-in until the user signs in, and why
    silent_since: int = 0
    known: bool = False
    hops: tuple[int, ...] = ()
    sign_ins: tuple[int, ...] = ()  # interactive ones that came to an end
    asked_at: int = 0  # a round trip was begun then and has not come back
    frame_asked_at: int = 0  # the last hidden frame that a tab's return has begun
    no_hint_until: int = 0  # the OP refused our id_token_hint
    needs: Reason | None = None  # what the OP's last refusal asked of the person, one of PERSON_NEEDED
    was: str = ""  # a name for the subject whose session the OP's no has ended; nobody else follows silently

    def begun(self, now: float, *, frame: bool) -> Marks:
        """An attempt leaves. It counts as refused until its answer says otherwise: some never come back (C6, C9)."""
        if frame:
            return self.with_refusal(now, None, frame=True)
        hops = (*_within(self.hops, now), int(now))[-9:]
        return replace(self.with_refusal(now, None, frame=False), asked_at=int(now), hops=hops)

    def answered(self, reason: Reason) -> Marks:
        """The OP has seen its own cookies, and said no."""
        return replace(self, needs=reason if reason in PERSON_NEEDED else None)

    def needed(self, now: float) -> Reason | None:
        """Why only the person can help, as long as the OP is not asked again."""
        return self.needs if now < max(self.refused_until, self.frame_refused_until) else None

    def refused(self, now: float, retry_after: int | None, *, frame: bool) -> Marks:
        """The answer was no. Begun here a moment ago, it is the same refusal, not a second one."""
        if frame:
            counted = replace(self, frame_refusals=max(self.frame_refusals - 1, 0))
            return counted.with_refusal(now, retry_after, frame=True)
        counted = replace(self, refusals=max(self.refusals - 1, 0)) if self.asked_at else self
        return replace(counted.with_refusal(now, retry_after, frame=False), asked_at=0)

    def with_refusal(self, now: float, retry_after: int | None, *, frame: bool) -> Marks:
        refusals = min((self.frame_refusals if frame else self.refusals) + 1, 99)
        until = int(now) + next_wait(refusals, conf.back_off, retry_after)
        if frame:
            return replace(self, frame_refusals=refusals, frame_refused_until=until)
        return replace(self, refusals=refusals, refused_until=until)

    def signed_in(self, now: float, *, silent: bool) -> Marks:
        """Only a finished sign-in clears the waits and the silence."""
        done = self.sign_ins if silent else (*_within(self.sign_ins, now), int(now))[-9:]
        return Marks(known=True, hops=self.hops, sign_ins=done, no_hint_until=self.no_hint_until)

    def silenced(self, reason: Reason, now: float) -> Marks:
        return replace(self, silence=reason, silent_since=int(now))

    def recent_hops(self, now: float) -> int:
        return len(_within(self.hops, now))

    def recent_sign_ins(self, now: float) -> int:
        return len(_within(self.sign_ins, now))


def _within(times: tuple[int, ...], now: float) -> tuple[int, ...]:
    return tuple(time for time in times if 0 <= now - time < HOP_WINDOW)


def _name() -> str:
    return f"silent_sso_marks_{conf.issuer_key}"


def read_marks(request: HttpRequest) -> Marks:
    """This browser's marks; fresh ones where there are none, or they are not ours."""
    text = read_cookie(request, _name())
    if not text or len(text) > 1000:
        return Marks()
    known: tuple[str, Marks] | None = getattr(request, "silent_sso_marks", None)
    if known is None or known[0] != text:  # a signature is checked once, however often a request asks
        known = request.silent_sso_marks = (text, _opened(text))  # type: ignore[attr-defined]
    return known[1]


def _opened(text: str) -> Marks:
    try:
        data = signing.loads(text, salt=SALT, max_age=LIFETIME)
    except signing.BadSignature:
        return Marks()
    return _from_data(data) if isinstance(data, dict) else Marks()


def write_marks(request: HttpRequest, response: HttpResponse, marks: Marks) -> None:
    """Set the cookie where something changed."""
    if marks == read_marks(request):
        return
    data = {
        "u": marks.refused_until,
        "n": marks.refusals,
        "fu": marks.frame_refused_until,
        "fn": marks.frame_refusals,
        "ft": marks.frame_asked_at,
        "s": marks.silence or "",
        "i": marks.silent_since,
        "k": int(marks.known),
        "h": list(marks.hops),
        "d": list(marks.sign_ins),
        "t": marks.asked_at,
        "x": marks.no_hint_until,
        "e": 0 if marks.needs is None else PERSON_NEEDED.index(marks.needs) + 1,
        "w": marks.was,
    }
    packed = {key: value for key, value in data.items() if value}
    set_cookie(request, response, _name(), signing.dumps(packed, salt=SALT), LIFETIME)


def _from_data(data: dict[str, Any]) -> Marks:
    def number(key: str) -> int:
        value = data.get(key, 0)
        return value if isinstance(value, int) else 0

    def times(key: str) -> tuple[int, ...]:
        value = data.get(key, [])
        return tuple(item for item in value if isinstance(item, int)) if isinstance(value, list) else ()

    return Marks(
        refused_until=number("u"),
        refusals=number("n"),
        frame_refused_until=number("fu"),
        frame_refusals=number("fn"),
        frame_asked_at=number("ft"),
        silence=SILENCE.get(str(data.get("s", ""))),
        silent_since=number("i"),
        known=bool(data.get("k")),
        hops=times("h"),
        sign_ins=times("d"),
        asked_at=number("t"),
        no_hint_until=number("x"),
        needs=dict(enumerate(PERSON_NEEDED, 1)).get(number("e")),
        was=str(data.get("w", ""))[:24],
    )
