"""The words of `check_op`: each with a level, a text, advice, and a row in the docs."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from django_silent_sso.examination.findings import FINDINGS, GROUPS, Finding, Level, finding
from django_silent_sso.examination.texts_announced import ANNOUNCED
from django_silent_sso.examination.texts_answered import ANSWERED
from tests.repository import PACKAGE, documented, text

SOURCES = "".join(text(path) for path in sorted((PACKAGE / "examination").glob("*.py")) if "texts_" not in path.name)


def test_each_word_stands_once_and_somebody_says_it() -> None:
    assert len(FINDINGS) == len(ANNOUNCED) + len(ANSWERED)
    said = set(re.findall(r'"([a-z_]+)"', SOURCES))
    assert set(FINDINGS) - said == set()


def test_the_reference_has_a_row_for_each_and_no_other() -> None:
    assert sorted(documented("check-op.md", r"[a-z_]+")) == sorted(FINDINGS)
    rows = re.findall(r"^\| `([a-z_]+)` \| (\w+) \| (.*) \| (.*) \|$", text("docs/reference/check-op.md"), re.MULTILINE)
    documents = {word: tuple(re.sub(r"&lt;(\w+)&gt;", r"{\1}", cell) for cell in cells) for word, *cells in rows}
    assert documents == {word: (level, said, hint) for word, (level, _, said, hint) in FINDINGS.items()}


@pytest.mark.parametrize("word", FINDINGS)
def test_a_text_says_what_is_so_and_a_hint_what_to_do(word: str) -> None:
    level, group, said, hint = FINDINGS[word]
    assert group in GROUPS
    assert said.endswith((".", "}"))
    assert bool(hint) == (Level(level) is not Level.OK)
    facts = {name: "x" for part in (said, hint) for _, name, _, _ in Formatter().parse(part) if name}
    assert finding(word, **facts).level is Level(level)


def test_what_the_op_says_cannot_reach_a_terminal_s_controls() -> None:
    told = finding("keys_fit", count=1, algorithm="\x1b[2J\n" + "x" * 1000)
    assert told.text == f"1 published key(s) can sign with  [2J {'x' * 295}...."
    assert told.as_dict() == {
        "id": "keys_fit",
        "level": "OK",
        "group": "keys",
        "text": told.text,
        "hint": "",
    }
    assert isinstance(told, Finding)


def test_a_fact_that_is_missing_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        finding("keys_fit", count=1)
