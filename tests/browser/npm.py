"""Packages of npm that the tests use, put into `.cache` of this repository, once; none of it is ours to keep."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

CACHE = Path(__file__).resolve().parents[2] / ".cache"
SCRIPTS = {
    "htmx-2": ("htmx.org", "2.0.11", "dist/htmx.js"),
    "htmx-4": ("htmx.org", "4.0.1", "dist/htmx.js"),
    "turbo-8": ("@hotwired/turbo", "8.0.23", "dist/turbo.es2017-umd.js"),
    "jssha-2": ("jssha", "2.3.1", "src/sha256.js"),  # oidc-provider 6's session frame loads it from elsewhere
    "typescript": ("typescript", "5.9.3", "bin/tsc"),
    # Those that tests/benchmarks/peers compares with.
    "oidc-client-ts": ("oidc-client-ts", "3.5.0", "dist/browser/oidc-client-ts.min.js"),
    "keycloak-js": ("keycloak-js", "26.2.4", "lib/keycloak.js"),
    "auth0-spa-js": ("@auth0/auth0-spa-js", "2.27.0", "dist/auth0-spa-js.production.js"),
    "terser": ("terser", "5.44.1", "bin/terser"),
}


class NotAvailable(Exception):
    """The package cannot be had on this machine: no npm, or no package registry."""


def script(name: str) -> Path:
    """The file of one of `SCRIPTS`, installed now if it is not there.

    Raises NotAvailable.
    """
    package, version, path = SCRIPTS[name]
    folder = CACHE / name
    CACHE.mkdir(exist_ok=True)
    # One process at a time: the second finds what the first has installed.
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _version_in(folder / "node_modules" / package) != version:
            _install(folder, f"{package}@{version}")
    return folder / "node_modules" / package / path


def needed(name: str) -> Path:
    """`script()` for a test: where it cannot be had the test is skipped; in CI it fails."""
    try:
        return script(name)
    except NotAvailable as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


def _version_in(package: Path) -> str | None:
    try:
        return str(json.loads((package / "package.json").read_text(encoding="utf-8"))["version"])
    except FileNotFoundError:
        return None


def _install(folder: Path, package: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotAvailable("npm is not installed")
    # Beside its place first and then renamed: a broken installation is never half there.
    with tempfile.TemporaryDirectory(dir=CACHE) as beside:
        # Somebody else's code: what it would do at its installation has no use here.
        command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"]
        try:
            subprocess.run(  # noqa: S603 - our own words only
                [*command, beside, package], check=True, capture_output=True, text=True, timeout=300
            )
        except subprocess.CalledProcessError as error:
            raise NotAvailable(f"npm could not install {package}: {error.stderr[-500:]}") from error
        except subprocess.TimeoutExpired as error:
            raise NotAvailable(f"npm did not install {package} within 5 minutes") from error
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (Path(beside) / "node_modules").rename(folder / "node_modules")
