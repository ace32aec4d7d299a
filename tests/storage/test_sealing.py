"""Sealed text: only ours opens, only for its purpose, only while it is young."""

from __future__ import annotations

import json
import re
import zlib
from typing import Any

import pytest
from cryptography.fernet import Fernet

from django_silent_sso.storage import sealing
from django_silent_sso.storage.sealing import CLOCK_SET_BACK, MAX_OPENED, seal, unseal

NOW = 1_800_000_000.25
VALUE = {"word": "canary-é", "number": 1.5, "list": [1, None, True]}


def test_what_was_sealed_opens_again() -> None:
    assert unseal(seal(VALUE, "purpose", NOW), "purpose", NOW, 60) == VALUE


def test_sealed_text_fits_into_a_cookie_or_a_url_and_shows_nothing() -> None:
    text = seal(VALUE, "purpose", NOW)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert "canary" not in text


def test_another_purpose_has_another_key() -> None:
    assert unseal(seal(VALUE, "tokens", NOW), "pending", NOW, 60) is None


@pytest.mark.parametrize(
    ("age", "opens"),
    [
        pytest.param(60, True, id="at its last second"),
        pytest.param(61, False, id="a second too old"),
        pytest.param(-CLOCK_SET_BACK, True, id="after the clock was set back an hour"),
        pytest.param(-CLOCK_SET_BACK - 2, False, id="from a future that no clock change explains"),
    ],
)
def test_age_is_judged(age: int, opens: bool) -> None:
    assert (unseal(seal(VALUE, "purpose", int(NOW)), "purpose", int(NOW) + age, 60) is not None) is opens


def test_any_changed_character_closes_it_for_good() -> None:
    text = seal(VALUE, "purpose", NOW)
    for place in range(0, len(text) - 1, 3):  # the last one holds spare bits
        other = "A" if text[place] != "A" else "B"
        assert unseal(text[:place] + other + text[place + 1 :], "purpose", NOW, 60) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "abcde",
        "é",
        "\ud800",
        "\x00",
        "====",
        "a b",
        "gAAAAA",
        "x" * 100_000,
        Fernet(Fernet.generate_key()).encrypt(b"{}").decode(),
    ],
    ids=["nothing", "one", "odd", "not ascii", "surrogate", "nul", "padding", "blank", "short", "long", "foreign"],
)
def test_garbage_is_absent_and_never_an_error(text: str) -> None:
    assert unseal(text, "purpose", NOW, 60) is None


def sealed_by_another_version(raw: bytes, *, compressed: bool = True) -> str:
    return sealing.box("purpose").encrypt(zlib.compress(raw) if compressed else raw).decode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"{}", id="no date"),
        pytest.param(b"7", id="a number"),
        pytest.param(b"[1800000000]", id="no value"),
        pytest.param(b"[1800000000, {}, 1]", id="one too many"),
        pytest.param(b"[1800000000, []]", id="a list as value"),
        pytest.param(b'["yesterday", {}]', id="a word as date"),
        pytest.param(b"[null, {}]", id="null as date"),
        pytest.param(json.dumps([NOW, {"a": "x" * MAX_OPENED}]).encode(), id="a bomb"),
    ],
)
def test_the_content_of_another_version_is_absent_too(content: bytes) -> None:
    assert unseal(sealed_by_another_version(content), "purpose", NOW, 60) is None


def test_what_is_not_compressed_is_absent_too() -> None:
    assert unseal(sealed_by_another_version(b"[1800000000, {}]", compressed=False), "purpose", NOW, 60) is None


def test_the_largest_value_is_bounded() -> None:
    fits: dict[str, Any] = {"a": "x" * (MAX_OPENED - 40)}
    assert unseal(seal(fits, "purpose", NOW), "purpose", NOW, 60) == fits


# -- SECRET_KEY changes (C73) ------------------------------------------------------------------------------------------


def test_after_a_key_change_old_text_opens_through_the_fallbacks_alone(settings: Any) -> None:
    old_key, text = settings.SECRET_KEY, seal(VALUE, "purpose", NOW)
    settings.SECRET_KEY = "the new key"
    assert unseal(text, "purpose", NOW, 60) is None
    settings.SECRET_KEY_FALLBACKS = ["one between", old_key]
    assert unseal(text, "purpose", NOW, 60) == VALUE


def test_new_text_is_sealed_with_the_new_key(settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the new key"
    text = seal(VALUE, "purpose", NOW)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(text, "purpose", NOW, 60) == VALUE


def test_a_key_of_bytes_is_the_same_key(settings: Any) -> None:
    text = seal(VALUE, "purpose", NOW)
    settings.SECRET_KEY = settings.SECRET_KEY.encode()
    assert unseal(text, "purpose", NOW, 60) == VALUE


def test_equal_values_are_sealed_into_different_text() -> None:
    assert seal(VALUE, "purpose", NOW) != seal(VALUE, "purpose", NOW)
