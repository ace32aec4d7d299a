"""A sealed form: only ours opens, unchanged, for an hour, and it is sent once."""

from __future__ import annotations

import json
import random
import time
import zlib
from dataclasses import replace
from typing import Any

import pytest

from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage import sealing
from django_silent_sso.storage.kept_form import (
    LARGEST,
    LIFETIME,
    LONGEST_FACTS,
    LONGEST_SEALED,
    KeptForm,
    open_form,
    seal_form,
    spend,
)
from django_silent_sso.storage.sealing import CLOCK_SET_BACK, seal
from tests.broken_cache import BROKEN

NOW = 1_800_000_000.5
BODY = b"text=canary-\xc3\xa9&a=1&a=2\n\x00\xff"
KEPT = KeptForm(
    path="/form/?x=%C3%A9",
    content_type="application/x-www-form-urlencoded",
    headers={"HTTP_ORIGIN": "https://site.example"},
    owner="canary-owner",
    checked=True,
    number="canary-number",
    created=NOW,
    body=BODY,
)


def test_what_was_sealed_opens_again_byte_for_byte() -> None:
    assert open_form(seal_form(KEPT), NOW) == KEPT


def test_sealed_text_shows_nothing_and_fits_into_a_page() -> None:
    text = seal_form(KEPT)
    assert "canary" not in text
    assert all(character.isalnum() or character in "-_=" for character in text)


def test_secrets_are_in_no_repr() -> None:
    shown = repr(KEPT)
    assert "canary-number" not in shown
    assert "text=" not in shown


@pytest.mark.parametrize("body", [b"", b"\n", b"\n\n{}", b"x" * LARGEST], ids=["none", "newline", "lines", "largest"])
def test_any_body_up_to_ten_megabytes_is_kept(body: bytes) -> None:
    text = seal_form(replace(KEPT, body=body))
    assert open_form(text, NOW) == replace(KEPT, body=body)


def test_the_largest_file_that_does_not_shrink_fits_into_what_is_opened() -> None:
    kept = replace(KEPT, body=random.Random(1).randbytes(LARGEST))  # noqa: S311
    text = seal_form(kept)
    assert LARGEST < len(text) <= LONGEST_SEALED
    assert open_form(text, NOW) == kept


@pytest.mark.parametrize(
    "change", [{"body": b"x" * (LARGEST + 1)}, {"path": "/" + "x" * LONGEST_FACTS}], ids=["body", "facts"]
)
def test_what_is_larger_is_not_kept(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="too large"):
        seal_form(replace(KEPT, **change))


@pytest.mark.parametrize(
    ("age", "opens"),
    [(0, True), (LIFETIME, True), (LIFETIME + 1, False), (-CLOCK_SET_BACK, True), (-CLOCK_SET_BACK - 1, False)],
)
def test_age_is_judged(age: int, opens: bool) -> None:
    assert open_form(seal_form(KEPT), NOW + age) == (KEPT if opens else Reason.FORM_EXPIRED)


def test_any_changed_character_closes_it_for_good() -> None:
    text = seal_form(KEPT)
    for place in range(0, len(text) - 3, 5):  # the last ones hold spare bits and padding
        other = "A" if text[place] != "A" else "B"
        assert open_form(text[:place] + other + text[place + 1 :], NOW) is Reason.FORM_UNREADABLE


def packed(raw: bytes) -> str:
    return sealing.box("kept form").encrypt(zlib.compress(raw)).decode()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("é", id="not ascii"),
        pytest.param("\ufffd", id="replaced"),
        pytest.param("A" * (LONGEST_SEALED + 1), id="too long"),
        pytest.param(seal({"path": "/form/"}, "pending", NOW), id="sealed for something else"),
        pytest.param(packed(b"no json\n"), id="no json"),
        pytest.param(packed(b"7\n"), id="a number"),
        pytest.param(packed(b"[1, {}, 2]\n"), id="one too many"),
        pytest.param(packed(b"[1, {}]\n"), id="no facts"),
        pytest.param(packed(b"[1, 7]\n"), id="a number as facts"),
        pytest.param(packed(b'[0, {"path": "/"}]\n'), id="another version"),
        pytest.param(sealing.box("kept form").encrypt(b"plain").decode(), id="not compressed"),
    ],
)
def test_garbage_is_a_reason_and_never_an_error(text: str) -> None:
    assert open_form(text, NOW) is Reason.FORM_UNREADABLE


def test_a_date_that_is_none_is_garbage_too() -> None:
    facts = {name: getattr(KEPT, name) for name in KEPT.__slots__ if name != "body"}
    text = packed(json.dumps([1, {**facts, "created": "today"}]).encode() + b"\n")
    assert open_form(text, NOW) is Reason.FORM_UNREADABLE


def test_a_compressed_bomb_ends_early() -> None:
    opened = open_form(packed(json.dumps([1, {}]).encode() + b"\n" + b"x" * (4 * LARGEST)), NOW)
    assert opened is Reason.FORM_UNREADABLE


def test_after_a_key_change_it_opens_through_the_fallbacks_alone(settings: Any) -> None:
    old_key, text = settings.SECRET_KEY, seal_form(KEPT)
    settings.SECRET_KEY = "the new key"
    assert open_form(text, NOW) is Reason.FORM_UNREADABLE
    settings.SECRET_KEY_FALLBACKS = [old_key]
    assert open_form(text, NOW) == KEPT


def test_a_form_has_one_chance() -> None:
    assert spend(KEPT) is None
    assert spend(KEPT) is Reason.FORM_SENT
    assert spend(replace(KEPT, number="another")) is None


def test_a_memory_that_cannot_be_asked_fails_closed(settings: Any) -> None:
    settings.CACHES = BROKEN
    assert spend(KEPT) is Reason.STORAGE_UNAVAILABLE


def test_it_is_remembered_for_as_long_as_it_could_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the clock was set back an hour after it had been spent."""
    text = seal_form(KEPT)
    assert spend(KEPT) is None
    cache_s_clock = time.time() + LIFETIME + CLOCK_SET_BACK - 5
    monkeypatch.setattr(time, "time", lambda: cache_s_clock)
    assert open_form(text, NOW + LIFETIME) == KEPT
    assert spend(KEPT) is Reason.FORM_SENT
