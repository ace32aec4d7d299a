"""The half of the provider a test uses to make it misbehave: errors, silence, wrong answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from threading import Event
from typing import Any

from django_silent_sso.testing.authorization import Decision
from django_silent_sso.testing.defects import (
    Change,
    Defect,
    Message,
    Point,
    Situation,
    Switch,
    Switchboard,
)
from django_silent_sso.testing.known_defects import DEFECTS
from django_silent_sso.testing.messages import CLOSED_WITHOUT_A_WORD, Reply

# Core 3.1.2.6: answers to prompt=none only; an interactive request gets a page in their place.
_ONLY_SILENT = ("login_required", "consent_required", "interaction_required", "account_selection_required")


class Hang:
    """An endpoint that takes requests and does not answer, until it is released."""

    def __init__(self) -> None:
        self._reached = Event()
        self._released = Event()
        self.switch: Switch | None = None

    def wait_until_reached(self, timeout: float = 5) -> None:
        """Wait until a request hangs. Raises `TimeoutError` after `timeout` seconds."""
        if not self._reached.wait(timeout):
            raise TimeoutError(f"no request came within {timeout} seconds")

    def release(self) -> None:
        """Answer what hangs, now, and do not hang again."""
        self._released.set()
        if self.switch is not None:
            self.switch.off()

    def hold(self) -> None:
        self._reached.set()
        self._released.wait()

    def let_go(self) -> None:
        self._released.set()

    def __enter__(self) -> Hang:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class Faults:
    """Every method gives back a switch: `.off()`, or a `with` block, ends it; `times` limits it; `.hits` counts."""

    def __init__(self, endpoint_names: Collection[str]) -> None:
        self._endpoint_names = endpoint_names
        self.defects = Switchboard()
        self.id_token = Message(self.defects, Point.ID_TOKEN)
        self.id_token_header = Message(self.defects, Point.ID_TOKEN_HEADER)
        self.token_answer = Message(self.defects, Point.TOKEN_ANSWER)
        self.userinfo = Message(self.defects, Point.USERINFO)
        self.metadata = Message(self.defects, Point.METADATA)
        self.jwks = Message(self.defects, Point.JWKS)
        self.authorization_response = Message(self.defects, Point.AUTHORIZATION_RESPONSE)
        self.logout_claims = Message(self.defects, Point.LOGOUT_TOKEN)

    def switch_on(self, defect: str | Defect, *, times: int | None = None) -> Switch:
        """Switch on a defect, by its name in `known_defects.DEFECTS` or one of the test's own. `KeyError`: no
        such name."""
        return self.defects.switch_on(DEFECTS[defect] if isinstance(defect, str) else defect, times)

    def behave(self) -> None:
        """Switch everything off that was switched on here, and let go of all that hangs."""
        self.defects.clear()

    # The authorization endpoint

    def answer_with_error(self, error: str, *, description: str = "", times: int | None = None) -> Switch:
        """Answer valid Authentication Requests with this error.

        `login_required`, `consent_required`, `interaction_required` and `account_selection_required` are
        answered to `prompt=none` only, as real providers do (Core 3.1.2.6), all others to every request.
        """
        decision = Decision(error=error, description=description)
        return self._decide(f"answer with {error}", decision, times, only_silent=error in _ONLY_SILENT)

    def show_page(self, *, times: int | None = None) -> Switch:
        """Answer `prompt=none` with the login page, whoever is signed in, as some providers do."""
        return self._decide("show a page", Decision(page="login"), times, only_silent=True)

    def answer_by(self, response_mode: str, *, times: int | None = None) -> Switch:
        """Answer by this response mode, whatever was asked for."""
        change = Change(Point.RESPONSE_MODE, lambda *_: response_mode)
        return self.defects.switch_on(Defect(f"answer by {response_mode}", (change,)), times)

    # Any endpoint, by its name in `provider.endpoints`

    def fail(
        self,
        endpoint: str,
        *,
        status: int = 500,
        body: bytes | str | Mapping[str, Any] | list[Any] = b"",
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> Switch:
        """Send this in place of an answer; the endpoint does nothing. A mapping or list as `body` is sent as
        JSON."""
        return self.answer_instead(endpoint, reply(status, body, headers or {}), times=times)

    def redirect(self, endpoint: str, to: str, *, status: int = 307, times: int | None = None) -> Switch:
        """Redirect in place of an answer. 307 and 308 make a careless client send its secrets again."""
        return self.answer_instead(endpoint, Reply.redirect(to, status), times=times)

    def disconnect(self, endpoint: str, *, after_work: bool = False, times: int | None = None) -> Switch:
        """Close the connection without a word. `after_work`: the code is used up all the same."""
        return self.answer_instead(endpoint, CLOSED_WITHOUT_A_WORD, after_work=after_work, times=times)

    def answer_instead(
        self, endpoint: str, answer: Reply, *, after_work: bool = False, times: int | None = None
    ) -> Switch:
        """Send any `Reply` in place of the endpoint's own."""
        return self._at(endpoint, f"answer {answer.status}", lambda *_: answer, after_work, times)

    def add_headers(self, endpoint: str, headers: Mapping[str, str]) -> Switch:
        """Send these headers with the endpoint's answers, each in place of one of its name."""
        return self._at(endpoint, "headers", lambda answer, _: answer.with_headers(headers), True, None)

    def hang(self, endpoint: str, *, after_work: bool = False, times: int | None = None) -> Hang:
        """Take requests and do not answer until `.release()`. `after_work`: the code is used up all the
        same."""
        hang = Hang()

        def hold(value: Any, situation: Situation) -> Any:
            hang.hold()
            return value

        hang.switch = self._at(endpoint, "hang", hold, after_work, times, when_off=hang.let_go)
        return hang

    def _at(
        self,
        endpoint: str,
        what: str,
        apply: Callable[[Any, Situation], Any],
        after_work: bool,
        times: int | None,
        when_off: Callable[[], None] | None = None,
    ) -> Switch:
        point = Point.REPLY if after_work else Point.REQUEST
        change = Change(point, apply, frozenset({self._checked(endpoint)}))
        return self.defects.switch_on(Defect(f"{endpoint}: {what}", (change,), when_off=when_off), times)

    def _checked(self, endpoint: str) -> str:
        """A misspelt name would make a test pass for nothing."""
        if endpoint not in self._endpoint_names:
            raise ValueError(f"no endpoint {endpoint!r}; there are {', '.join(self._endpoint_names)}")
        return endpoint

    def _decide(self, name: str, decision: Decision, times: int | None, *, only_silent: bool) -> Switch:
        change = Change(Point.DECISION, lambda *_: decision, when=(lambda s: s.silent) if only_silent else None)
        return self.defects.switch_on(Defect(name, (change,)), times)


def reply(status: int, body: bytes | str | Mapping[str, Any] | list[Any], headers: Mapping[str, str]) -> Reply:
    """A reply of any kind: JSON for a mapping or list, text for a string, nothing said about bytes."""
    if isinstance(body, (Mapping, list)):
        return Reply.json(body, status).with_headers(headers)
    if isinstance(body, str):
        plain = Reply(status, body.encode(), (("Content-Type", "text/plain; charset=utf-8"),))
        return plain.with_headers(headers)
    return Reply(status, body).with_headers(headers)
