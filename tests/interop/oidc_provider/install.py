"""Puts the pinned versions of oidc-provider into `.cache` of this repository, once."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

VERSION = "9.13.3"
# The last major with front-channel logout and session management.
OLDER = "6.31.1"
CACHE = Path(__file__).resolve().parents[3] / ".cache"


class NotAvailable(Exception):
    """The OP cannot be run on this machine: no Node, no npm, or no package registry."""


def installed(version: str = VERSION) -> Path:
    """The folder that holds `node_modules/oidc-provider`, installed now if it is not there.

    Raises NotAvailable.
    """
    folder = CACHE / ("oidc-provider" if version == VERSION else f"oidc-provider-{version}")
    CACHE.mkdir(exist_ok=True)
    # One process at a time: the second finds what the first has installed, and never replaces it under a running OP.
    with (CACHE / "oidc-provider.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _version_in(folder) != version:
            _install(folder, version)
    return folder


def _version_in(folder: Path) -> str | None:
    try:
        package = json.loads((folder / "node_modules/oidc-provider/package.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return str(package["version"])


def _install(folder: Path, version: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotAvailable("npm is not installed")
    # Beside its place first and then renamed: a broken or parallel installation is never half there.
    with tempfile.TemporaryDirectory(dir=CACHE) as beside:
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--prefix", beside]
        try:
            subprocess.run(  # noqa: S603 - our own words only
                [*command, f"oidc-provider@{version}"],
                check=True,
                capture_output=True,
                text=True,
                timeout=300,
            )
        except subprocess.CalledProcessError as error:
            raise NotAvailable(f"npm could not install oidc-provider {version}: {error.stderr[-500:]}") from error
        except subprocess.TimeoutExpired as error:
            raise NotAvailable(f"npm did not install oidc-provider {version} within 5 minutes") from error
        shutil.rmtree(folder, ignore_errors=True)
        ready = Path(beside) / "ready"
        ready.mkdir()
        (Path(beside) / "node_modules").rename(ready / "node_modules")
        ready.replace(folder)
