"""Compares this package with others: the same attacks and faults, judged by the same code.

    python3 tests/differential/run.py                     everything, and the table in docs/explanation/comparison.md
    python3 tests/differential/run.py --rows S05 U08      these rows alone, printed
    python3 tests/differential/run.py --only allauth      one package

It needs Python 3.11 or newer; what is missing is installed into `.venv-differential` first. Takes a minute or two.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from example_project.bootstrap import ROOT, environment, run

PACKAGES = (
    "django~=5.2.0",
    "mozilla-django-oidc==5.0.2",
    "django-allauth[openid,socialaccount]==65.21.1",
    "social-auth-app-django==8.0.0",
    "social-auth-core==7.0.0",
)


def main() -> None:
    os.chdir(ROOT)
    if Path(sys.prefix).resolve() != (ROOT / ".venv-differential").resolve():
        run(environment("differential", [], PACKAGES), "-m", "tests.differential", *sys.argv[1:])
    from tests.differential import bench

    bench.main()


if __name__ == "__main__":
    main()
