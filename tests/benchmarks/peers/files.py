"""The scripts that are compared, all of them as a site would serve them: minified, and compressed with gzip."""

from __future__ import annotations

import gzip
import subprocess
from pathlib import Path

from tests.browser import npm
from tests.repository import PACKAGE

OURS = PACKAGE / "static/django_silent_sso"
LIBRARIES = ("oidc-client-ts", "keycloak-js", "auth0-spa-js")
MINIFIED = ("oidc-client-ts", "auth0-spa-js")  # by their makers
# Where the OP sends the frame of a library; each as the library's documentation has it.
PAGES = {
    "empty": "<!doctype html><title>empty</title><link rel='icon' href='data:,'>",
    "oidc-client-ts": """<!doctype html><title>callback</title><script src="oidc-client-ts.js"></script>
<script>new oidc.UserManager({ authority: "/", client_id: "", redirect_uri: "/" }).signinSilentCallback()</script>""",
    "keycloak-js": """<!doctype html><html><body><script>
parent.postMessage(location.href, location.origin)
</script></body></html>""",
}


def make(folder: Path) -> None:
    """`NAME` as it is and `NAME.gz` for each file, below `folder`.

    Raises npm.NotAvailable.
    """
    for script in sorted(OURS.glob("*.js")):
        _write(folder / "django_silent_sso" / script.name, _minified(script))
    for name in LIBRARIES:
        source = npm.script(name)
        _write(folder / f"{name}.js", source.read_bytes() if name in MINIFIED else _minified(source))
    for name, text in PAGES.items():
        _write(folder / f"{name}.html", text.encode())


def _minified(script: Path) -> bytes:
    tool = ["node", str(npm.script("terser")), str(script), "--module", "--compress", "passes=3", "--mangle"]
    return subprocess.run(tool, capture_output=True, check=True).stdout  # noqa: S603 - our own words only


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(data, 9, mtime=0))
