"""Everything secret that passes during a test, and everything that is told, to look for the one in the other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from django.contrib.auth import signals as auth_signals

from django_silent_sso import signals
from django_silent_sso.testing import OpenIDProvider

EMAIL = "canary-e-mail@example.org"
SECRET = "canary-client-secret-of-the-site-and-the-provider"
SECRET_PARAMETERS = ("code", "code_verifier", "client_secret", "state", "nonce", "id_token_hint", "refresh_token")
SECRET_MEMBERS = ("access_token", "id_token", "refresh_token")
OURS = ["silent_sign_in_succeeded", "silent_sign_in_failed", "subject_changed", "session_terminated"]
DJANGOS = ["user_logged_in", "user_logged_out", "user_login_failed"]


@dataclass
class Canaries:
    """The secrets, by what they are. `provider` tells them: what it was asked and what it answered."""

    provider: OpenIDProvider
    answers: list[dict[str, Any]] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        def keep(kept: list[dict[str, Any]]) -> Any:
            def look(document: dict[str, Any]) -> dict[str, Any]:
                kept.append(dict(document))
                return document

            return look

        self.provider.token_answer.change(keep(self.answers))
        self.provider.authorization_response.change(keep(self.responses))

    def secrets(self) -> Iterator[tuple[str, str]]:
        yield "e-mail", EMAIL
        yield "client_secret", SECRET
        for call in self.provider.calls:
            for name in SECRET_PARAMETERS:
                yield name, call.parameters.get(name, "")
        for answer in self.answers + self.responses:
            for name in (*SECRET_MEMBERS, "code"):
                yield name, str(answer.get(name, ""))

    def in_(self, text: str) -> list[str]:
        """What of it stands in `text`, as it is or encoded for a URL; never what it is."""
        plain = unquote(text)
        return sorted(
            {name for name, value in self.secrets() if len(value) > 15 and (value in plain or quote(value) in text)}
        )


class Ears(logging.Handler):
    """Every log record, of every logger from DEBUG on, and the arguments of every signal, as text."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self.setFormatter(logging.Formatter("%(name)s %(message)s %(exc_text)s"))

    def emit(self, record: logging.LogRecord) -> None:
        facts = {name: value for name, value in vars(record).items() if name != "request"}
        self.heard.append(f"log {self.format(record)} {facts!r}")

    def listen(self, **facts: Any) -> None:
        told = {name: value for name, value in facts.items() if name not in ("signal", "sender", "request")}
        user = told.pop("user", None)
        self.heard.append(f"signal {told!r} {user!r}")

    def __enter__(self) -> Ears:
        root = logging.getLogger()
        self._level = root.level
        root.setLevel(logging.DEBUG)
        root.addHandler(self)
        for module, names in ((signals, OURS), (auth_signals, DJANGOS)):
            for name in names:
                getattr(module, name).connect(self.listen)
        return self

    def __exit__(self, *error: object) -> None:
        root = logging.getLogger()
        root.setLevel(self._level)
        root.removeHandler(self)
        for module, names in ((signals, OURS), (auth_signals, DJANGOS)):
            for name in names:
                getattr(module, name).disconnect(self.listen)
