"""Tries every case and writes what came of it into docs/explanation/browsers.md.

python3 -m tests.browsers
python3 -m tests.browsers -k WebKitGTK      the others stay as they are
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.browsers.measured import Measured


def main() -> None:
    measured = Measured()
    folder = Path(__file__).parent
    code = pytest.main([str(folder / "test_matrix.py"), "-m", "browsers", *sys.argv[1:]], plugins=[measured])
    from tests.browsers.page import write  # pytest has configured Django by now

    if code != pytest.ExitCode.OK or not write(measured):
        print("Nothing is written: not every case was tried, and found well.")  # noqa: T201
    sys.exit(code)


main()
