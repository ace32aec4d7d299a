"""The parameters of an Authentication Response as they came, before anybody believes them.

Query, fragment, form_post and web_message differ in how the parameters travel, not in what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Final

from .errors import Reason, ResponseError

#: Characters. A token may be long; nothing else has a reason to be.
_LONG, _SHORT = 16 * 1024, 4 * 1024
_CAPS: Final[Mapping[str, int]] = {
    "state": _SHORT,
    "code": _LONG,
    "iss": _SHORT,
    "error": _SHORT,
    "error_description": _SHORT,
    "error_uri": _SHORT,
    "id_token": _LONG,
    "access_token": _LONG,
    "token_type": _SHORT,
    "expires_in": _SHORT,
    "scope": _SHORT,
    "response": _LONG,
    "session_state": _SHORT,
}
_MOST_PAIRS = 50
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class ResponseParameters:
    """The parameters of a response that we know, each of them once. ``repr`` shows names only."""

    values: Mapping[str, str]

    def __repr__(self) -> str:
        return f"ResponseParameters({', '.join(f'{name}=***' for name in self.values)})"

    def get(self, name: str) -> str | None:
        """The value, or ``None`` if the parameter did not come. An empty value is a value."""
        return self.values.get(name)

    @property
    def state(self) -> str | None:
        """The ``state``, to find the attempt this may answer; ``None`` if it is missing or empty."""
        return self.values.get("state") or None

    @property
    def is_error(self) -> bool:
        """Whether it claims to be an Authentication Error Response (Core 3.1.2.6). Not yet checked."""
        return "error" in self.values


def read_parameters(pairs: Iterable[tuple[str, str]]) -> ResponseParameters:
    """Read decoded name/value pairs of a response. Unknown names are dropped (RFC 6749 4.1.2).

    Raises ``ResponseError``: ``REPEATED_PARAMETER`` (RFC 6749 3.1), ``MALFORMED_RESPONSE`` for more than 50
    pairs, a value that is too long or one with control characters.
    """
    values: dict[str, str] = {}
    for count, (name, value) in enumerate(islice(pairs, _MOST_PAIRS + 1)):
        if count == _MOST_PAIRS:
            raise ResponseError(Reason.MALFORMED_RESPONSE, f"more than {_MOST_PAIRS} parameters")
        if name not in _CAPS:
            continue
        if name in values:
            # Two values mean two readers: a proxy or a log believes the one, we would believe the other.
            raise ResponseError(Reason.REPEATED_PARAMETER, name)
        if len(value) > _CAPS[name]:
            raise ResponseError(Reason.MALFORMED_RESPONSE, f"{name}: longer than {_CAPS[name]} characters")
        # OPs put line breaks into descriptions, and we never show that text raw anyway.
        if name != "error_description" and _CONTROL.search(value):
            raise ResponseError(Reason.MALFORMED_RESPONSE, f"{name}: control characters")
        values[name] = value
    return ResponseParameters(MappingProxyType(values))
