"""One setting: its value if it is of the right kind, else its default."""

from __future__ import annotations

import re
from typing import Any

import pytest

from django_silent_sso.defaults import DEFAULTS
from django_silent_sso.setting_values import choice, choices, raw, seconds, text, words


def test_raw_is_what_the_site_wrote_or_the_default(settings: Any) -> None:
    assert raw("SILENT_SSO_VISITORS") == DEFAULTS["SILENT_SSO_VISITORS"]
    settings.SILENT_SSO_VISITORS = ["anything"]
    assert raw("SILENT_SSO_VISITORS") == ["anything"]
    assert raw("NO_SUCH_SETTING") is None


@pytest.mark.parametrize(
    ("value", "read"), [("x", "x"), ("", None), (None, None), (7, None), (b"x", None), (["x"], None)]
)
def test_text(settings: Any, value: object, read: str | None) -> None:
    settings.SILENT_SSO_ISSUER = value
    assert text("SILENT_SSO_ISSUER") == read


@pytest.mark.parametrize(("value", "read"), [(0, 0), (7, 7), (7.9, 7), (-1, 300), ("7", 300), (None, 300), (True, 300)])
def test_seconds(settings: Any, value: object, read: int) -> None:
    settings.SILENT_SSO_GRACE_SECONDS = value
    assert seconds("SILENT_SSO_GRACE_SECONDS") == read


def test_seconds_have_a_default_of_their_own_or_the_callers_or_none(settings: Any) -> None:
    assert seconds("SILENT_SSO_GRACE_SECONDS") == 300
    assert seconds("SILENT_SSO_GRACE_SECONDS", 5) == 5
    assert seconds("SILENT_SSO_SESSION_MAX_SECONDS") == 0
    settings.SILENT_SSO_GRACE_SECONDS = "soon"
    assert seconds("SILENT_SSO_GRACE_SECONDS", 5) == 5
    assert seconds("SILENT_SSO_GRACE_SECONDS", "later") == 0


@pytest.mark.parametrize(("value", "read"), [("off", "off"), ("OFF", "frame"), (None, "frame"), (["off"], "frame")])
def test_choice(settings: Any, value: object, read: str) -> None:
    settings.SILENT_SSO_VISITORS = value
    assert choice("SILENT_SSO_VISITORS") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (["poll", "visible"], ("poll", "visible")),
        (("poll", "nonsense", 7), ("poll",)),
        ((), ()),
        ("poll", ("visible",)),
        (None, ("visible",)),
        ({"poll"}, ("visible",)),
    ],
)
def test_choices(settings: Any, value: object, read: tuple[str, ...]) -> None:
    settings.SILENT_SSO_MONITOR = value
    assert choices("SILENT_SSO_MONITOR") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (["a", "b"], ("a", "b")),
        ("ab", ()),
        (None, ()),
        (7, ()),
        (["a", None, 7], ("a",)),
        ([re.compile("a")], ()),
        ({}, ()),
    ],
)
def test_words(value: object, read: tuple[str, ...]) -> None:
    assert words(value) == read
