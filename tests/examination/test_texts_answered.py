"""The texts of the findings: tests/examination/test_findings.py reads every one; here, that none is written twice."""

from __future__ import annotations

import re

from django_silent_sso.examination.texts_answered import ANSWERED
from tests.repository import PACKAGE, text


def test_each_word_is_written_once() -> None:
    written = re.findall(r'^    "([a-z_]+)": \(', text(PACKAGE / "examination/texts_answered.py"), re.MULTILINE)
    assert written == list(ANSWERED)
    assert len(written) > 20
