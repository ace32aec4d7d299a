"""django-oauth-toolkit as an OpenID Provider in a process of its own: the demo's, but with the toolkit's own sign-out.

    python -m tests.interop.toolkit_process SITE_ORIGIN DATABASE

Prints its issuer as a JSON line, and ends when its standard input does. The toolkit lets refresh tokens outlive the
user's session; the demo does not, and here that is taken back.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.core.servers.basehttp import ThreadedWSGIServer

from tests.interop.oidc_provider.process import CLIENT_SECRET
from tests.interop.site_server import QuietHandler

DEMO = Path(__file__).resolve().parents[2] / "example_project"
PERSON = {"username": "demo", "password": "demo"}


def main(site: str, folder: str) -> None:
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler, allow_reuse_address=False)
    issuer = f"http://127.0.0.1:{server.server_port}"
    sys.path.insert(0, str(DEMO))
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.interop.toolkit_settings",
        "DEMO_DIR": folder,
        "DEMO_OP_URL": issuer,
        "DEMO_NEWS_URL": site,
        "DEMO_SHOP_URL": "http://nobody.localhost",
        "DEMO_SECRET_KEY": "a key for tests only, long enough for every signer in use",
        "DEMO_NEWS_SECRET": CLIENT_SECRET,
        "DEMO_SHOP_SECRET": CLIENT_SECRET,
    }
    import django

    django.setup()
    # Only now that there are settings.
    from demo_op import views
    from demo_op.seed import seed
    from django.contrib.auth.signals import user_logged_out
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command

    user_logged_out.disconnect(views.end_tokens)
    user_logged_out.disconnect(views.end_it_everywhere)
    call_command("migrate", verbosity=0)
    seed()
    server.set_app(WSGIHandler())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"issuer": issuer}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


@contextmanager
def running(site: str, folder: Path) -> Iterator[str]:
    """The issuer; its client `news` lives at the origin `site`."""
    command = [sys.executable, "-m", "tests.interop.toolkit_process", site, str(folder)]
    with subprocess.Popen(  # noqa: S603 - our own words only
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, "the OP did not start"
            yield json.loads(line)["issuer"]
        finally:
            process.stdin.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
