"""The page shows the whole table, as it was measured. No browser is started here."""

from __future__ import annotations

import pytest

from tests.browsers.matrix import CASES, KINDS, TABLES
from tests.browsers.page import generated, generated_part, published, versions, without_time
from tests.browsers.scenarios import Outcome


def test_the_page_has_every_case_and_no_other() -> None:
    shown = published()
    assert set(shown) == set(CASES)
    assert [case for case, cell in shown.items() if without_time(cell) == cell] == [], "no time"
    assert generated_part().count("\n| ") == len(TABLES) * (1 + len(KINDS))


def test_the_page_names_the_versions() -> None:
    assert set(versions()) == {kind.browser for kind in KINDS}
    assert all(version[0].isdigit() for version in versions().values())


def test_what_is_written_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = Outcome(words="signed in by frame", milliseconds=12.4, asked=1, loads=2, longest=3)
    shown = generated(dict.fromkeys(CASES, str(outcome)), {"Chromium": "1", "Firefox": "2.3"})
    monkeypatch.setattr("tests.browsers.page.generated_part", lambda: shown)
    assert published() == dict.fromkeys(CASES, "signed in by frame; 1 request; 12 ms")
    assert versions() == {"Chromium": "1", "Firefox": "2.3"}


def test_each_browser_is_tried_whenever_the_tests_are_run() -> None:
    usual = [case for case in CASES if case.usual]
    assert {case.kind for case in usual} == set(KINDS)
    assert len(usual) < len(CASES)
