"""Breaks the code in small ways, one at a time, and counts how often the tests notice.

    python3 tests/mutation/run.py                         every module, in about half an hour
    python3 tests/mutation/run.py policy protocol.keys    these modules alone
    python3 tests/mutation/run.py --again                 only what survived the last time

It needs Python 3.11 or newer and Linux or macOS; what is missing is installed into `.venv-mutation` first. The
working tree is copied, and only the copy is broken. The results go to `results.json` and to the page
docs/explanation/mutation.md. What survives without a reason in `survivors.py` is printed, and the exit status is 1.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from example_project.bootstrap import ROOT, environment, run

PACKAGES = ("cosmic-ray==8.7.0",)


def main() -> None:
    os.chdir(ROOT)
    if Path(sys.prefix).resolve() != (ROOT / ".venv-mutation").resolve():
        run(environment("mutation", ["test"], PACKAGES), "-m", "tests.mutation", *sys.argv[1:])
    from tests.mutation import bench

    sys.exit(bench.main())


if __name__ == "__main__":
    main()
