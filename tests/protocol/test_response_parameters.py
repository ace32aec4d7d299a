"""The parameters as they came: each once, short enough, plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from django_silent_sso.protocol.errors import Reason, ResponseError
from django_silent_sso.protocol.response_parameters import ResponseParameters, read_parameters

STATE = "state-canary"
LONG = ["code", "id_token", "access_token", "response"]
SHORT = ["state", "iss", "error", "error_description", "error_uri", "token_type", "expires_in", "scope"]
SHORT += ["session_state"]
KNOWN = LONG + SHORT
MALFORMED = Reason.MALFORMED_RESPONSE


def refused(call: Callable[[], object]) -> Reason:
    with pytest.raises(ResponseError) as caught:
        call()
    assert "canary" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("name", KNOWN)
def test_s14_a_known_parameter_comes_once(name: str) -> None:
    assert read_parameters([(name, "a")]).get(name) == "a"
    assert refused(lambda: read_parameters([(name, "a"), (name, "a")])) is Reason.REPEATED_PARAMETER


@pytest.mark.parametrize("name", ["client_id", "State", "state ", "ui", "__proto__", ""])
def test_unknown_parameters_are_dropped_however_often_they_come(name: str) -> None:
    parameters = read_parameters([(name, "a"), ("state", STATE), (name, "b" * 10_000), (name, "\0")])
    assert dict(parameters.values) == {"state": STATE}


@pytest.mark.parametrize(("name", "cap"), [(name, 16 * 1024) for name in LONG] + [(name, 4 * 1024) for name in SHORT])
def test_r09_values_are_capped(name: str, cap: int) -> None:
    assert read_parameters([(name, "a" * cap)]).get(name)
    assert refused(lambda: read_parameters([(name, "a" * (cap + 1))])) is MALFORMED


def test_fifty_parameters_are_read_and_no_more() -> None:
    def endless() -> Iterator[tuple[str, str]]:
        yield "state", STATE
        while True:
            yield "x", ""

    assert refused(lambda: read_parameters(endless())) is MALFORMED
    assert refused(lambda: read_parameters([("x", "")] * 51)) is MALFORMED
    assert read_parameters([*[("x", "")] * 49, ("state", STATE)]).state == STATE


@pytest.mark.parametrize("control", ["\0", "\n", "\r", "\t", "\x1b", "\x7f"], ids=repr)
@pytest.mark.parametrize("name", [name for name in KNOWN if name != "error_description"])
def test_l02_control_characters_are_malformed(name: str, control: str) -> None:
    assert refused(lambda: read_parameters([(name, f"a{control}b")])) is MALFORMED


def test_l02_descriptions_may_have_line_breaks() -> None:
    assert read_parameters([("error_description", "a\r\nb")]).get("error_description") == "a\r\nb"


def test_empty_values_are_there_but_an_empty_state_is_none() -> None:
    parameters = read_parameters([("state", ""), ("error", "")])
    assert (parameters.get("state"), parameters.state) == ("", None)
    assert parameters.is_error
    assert (read_parameters([]).get("code"), read_parameters([]).is_error) == (None, False)


def test_l03_parameters_show_their_names_only() -> None:
    shown = repr(read_parameters([("state", STATE), ("code", "code-canary"), ("x", "y")]))
    assert shown == "ResponseParameters(state=***, code=***)"


def test_parameters_can_be_made_by_hand_for_a_relay() -> None:
    assert ResponseParameters({"state": STATE}).state == STATE
