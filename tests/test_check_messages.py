"""The text and the hint of every check."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from django_silent_sso import check_messages, checks
from django_silent_sso.check_messages import MESSAGES
from tests.repository import PACKAGE, text

IDS = sorted(MESSAGES)


def test_each_id_stands_once() -> None:
    """Written twice, the first text would be lost without a word."""
    written = re.findall(r'^    "([EW]\d{3})":', text(PACKAGE / "check_messages.py"), re.MULTILINE)
    assert sorted(written) == IDS
    assert check_messages.__all__ == ["MESSAGES"]


@pytest.mark.parametrize("letter", ["E", "W"])
def test_ids_are_counted_without_a_gap(letter: str) -> None:
    numbers = [int(code[1:]) for code in IDS if code[0] == letter]
    assert numbers == list(range(1, len(numbers) + 1))


def test_each_is_used_by_a_check_and_none_that_is_used_is_missing() -> None:
    used = re.findall(r'"([EW]\d{3})"', text(PACKAGE / "checks.py"))
    assert set(used) == set(MESSAGES)
    assert checks.MESSAGES is MESSAGES


@pytest.mark.parametrize("code", IDS)
def test_a_message_says_what_is_wrong_and_a_hint_what_to_do(code: str) -> None:
    message, hint = MESSAGES[code]
    assert message[0].isupper() or message.startswith(("{", "mozilla-django-oidc"))
    assert hint.endswith((".", "'."))
    assert len(message) < 150
    assert 5 <= len(hint) < 250
    fields = {name for part in (message, hint) for _, name, _, _ in Formatter().parse(part) if name is not None}
    assert fields <= {"issuer", "name", "choices", "code", "algorithm", "backend"}
