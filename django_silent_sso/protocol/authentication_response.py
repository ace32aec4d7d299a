"""The Authentication Response (Core 3.1.2.5-7, 3.2.2.5, 3.3.2.5; RFC 9207): matched, then believed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from typing import Final
from urllib.parse import unquote

from .errors import ConfigurationError, OPErrorCode, Reason, ResponseError, plain_error_code
from .response_parameters import ResponseParameters, read_parameters

__all__ = [
    "CodeResponse",
    "ErrorResponse",
    "ResponseParameters",
    "TokenResponse",
    "parse_authentication_response",
    "read_parameters",
]

#: Session Management 2 forbids the space only; quotes and brackets have no business on the way to a page.
_SESSION_STATE = re.compile(r"[!#-&(-;=?-\[\]-~]{1,1000}")
#: Response type member -> parameter (OAuth 2.0 Multiple Response Types 2.1)
_MEMBERS: Final[Mapping[str, str]] = {"code": "code", "id_token": "id_token", "token": "access_token"}
_PARSED: Final = object()


@dataclass(frozen=True, slots=True)
class CodeResponse:
    """A checked success of ``response_type=code``. Made by ``parse_authentication_response`` only."""

    code: str = field(repr=False)
    session_state: str | None = field(repr=False)
    parsed: InitVar[object]

    def __post_init__(self, parsed: object) -> None:
        _only_by_the_parser(parsed)


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A checked success of an implicit or hybrid type. Made by ``parse_authentication_response`` only.

    ``expires_in`` is in seconds; ``None`` if the OP did not say or said something odd (RFC 6749 4.2.2).
    """

    code: str | None = field(repr=False)
    id_token: str | None = field(repr=False)
    access_token: str | None = field(repr=False)
    token_type: str | None
    expires_in: int | None
    session_state: str | None = field(repr=False)
    parsed: InitVar[object]

    def __post_init__(self, parsed: object) -> None:
        _only_by_the_parser(parsed)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """A checked Authentication Error Response (Core 3.1.2.6). Made by ``parse_authentication_response`` only.

    ``error`` is the OP's code if it is plain text, else ``"op_error"``; ``code`` is it as one of ours. The
    ``description`` is at most 200 characters without control characters; it is the OP's text (an e-mail
    address may be in it), so it goes neither to a page nor to a log line.
    """

    error: str
    code: OPErrorCode | None
    description: str = field(repr=False)
    parsed: InitVar[object]

    def __post_init__(self, parsed: object) -> None:
        _only_by_the_parser(parsed)


def _only_by_the_parser(parsed: object) -> None:
    if parsed is not _PARSED:
        raise TypeError("only parse_authentication_response makes this: what has the type has been checked")


def parse_authentication_response(
    parameters: ResponseParameters, *, state: str, issuer: str, iss_required: bool, response_type: str
) -> CodeResponse | TokenResponse | ErrorResponse:
    """Match a response to our request and say what it is.

    ``state``, ``issuer`` and ``response_type`` are those of the attempt; ``iss_required`` is what the OP's
    metadata promise (RFC 9207 3).

    Raises ``ResponseError``: ``STATE_MISSING``, ``STATE_UNKNOWN``, ``UNEXPECTED_PARAMETER``,
    ``ISSUER_MISMATCH``, ``ISSUER_MISSING``, ``MALFORMED_RESPONSE``, ``TOKEN_TYPE_INVALID``; and
    ``ConfigurationError`` (``NOT_CONFIGURED``) for a response type that does not exist.
    """
    # First of all: what does not answer our request has nothing to say (Core 3.1.2.7, RFC 6749 10.12).
    _check_state(parameters, state)
    if parameters.get("response") is not None:
        raise ResponseError(Reason.UNEXPECTED_PARAMETER, "response: JARM was not asked for")
    _check_issuer(parameters, issuer, iss_required)
    if parameters.is_error:
        return _error(parameters)
    asked = _members_of(response_type)
    for name in _MEMBERS.values():
        if parameters.get(name) is not None and name not in asked:
            # Response-type switching: a token where only a code belongs is one that leaked (RFC 9700 4.3).
            raise ResponseError(Reason.UNEXPECTED_PARAMETER, f"{name}: not asked for")
        if name in asked and not parameters.get(name):
            raise ResponseError(Reason.MALFORMED_RESPONSE, f"{name}: missing")
    return _success(parameters, asked)


def _check_state(parameters: ResponseParameters, state: str) -> None:
    if not parameters.state:
        raise ResponseError(Reason.STATE_MISSING)
    # Constant time: the comparison must not tell how much of a guess was right.
    if not hmac.compare_digest(_octets(parameters.state), _octets(state)):
        raise ResponseError(Reason.STATE_UNKNOWN)


def _octets(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _check_issuer(parameters: ResponseParameters, issuer: str, iss_required: bool) -> None:
    """RFC 9207 2.4: the answer names the OP it comes from, so that no other OP's answer is taken for it."""
    iss = parameters.get("iss")
    if iss is None:
        # 2.4 wants errors refused too. But several OPs that promise "iss" leave it out of errors, every
        # login_required among them. Who forges an error needs our state, and then wins nothing by it.
        # An ID Token beside it names its issuer too, and signed (2.4): OPs leave "iss" out there.
        if iss_required and not parameters.is_error and parameters.get("id_token") is None:
            raise ResponseError(Reason.ISSUER_MISSING)
        return
    # Glewlwyd percent-encodes it once too often with form_post. Without ":" it is no issuer as it stands, so
    # decoding it once more cannot turn one OP's identifier into another's.
    if iss != issuer and (":" in iss or unquote(iss) != issuer):
        raise ResponseError(Reason.ISSUER_MISMATCH)


def _error(parameters: ResponseParameters) -> ErrorResponse:
    error = parameters.get("error") or ""
    if not error:
        raise ResponseError(Reason.MALFORMED_RESPONSE, "error: empty")
    if any(parameters.get(name) is not None for name in _MEMBERS.values()):
        raise ResponseError(Reason.MALFORMED_RESPONSE, "an error and a success in one")
    description = parameters.get("error_description") or ""
    # isprintable also leaves out marks that turn the direction of the text.
    plain = "".join(letter if letter.isprintable() else " " for letter in description)
    return ErrorResponse(plain_error_code(error), OPErrorCode.known(error), " ".join(plain.split())[:200], _PARSED)


def _members_of(response_type: str) -> frozenset[str]:
    members = response_type.split()
    if not members or not _MEMBERS.keys() >= set(members):
        raise ConfigurationError(Reason.NOT_CONFIGURED, f"response type {response_type!r}")
    return frozenset(_MEMBERS[member] for member in members)


def _success(parameters: ResponseParameters, asked: frozenset[str]) -> CodeResponse | TokenResponse:
    session_state = parameters.get("session_state")
    if session_state is not None and not _SESSION_STATE.fullmatch(session_state):
        session_state = None  # it serves the check_session iframe only: no reason to refuse the sign-in
    code = parameters.get("code")
    if code is not None and asked == {"code"}:
        return CodeResponse(code, session_state, _PARSED)
    token_type = parameters.get("token_type")
    if "access_token" in asked and (token_type or "").lower() != "bearer":
        # Required with a token (RFC 6749 4.2.2); another type would need proofs that we do not make.
        raise ResponseError(Reason.TOKEN_TYPE_INVALID)
    return TokenResponse(
        code,
        parameters.get("id_token"),
        parameters.get("access_token"),
        token_type,
        _seconds(parameters.get("expires_in")),
        session_state,
        _PARSED,
    )


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,10}", value) else None
