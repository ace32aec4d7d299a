"""Two forged answers under `python -O`, where an `assert` checks nothing; run by `test_django_settings.py`."""

from __future__ import annotations

import os
import re

import django
from django.test import Client

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}


def main() -> None:
    django.setup()
    for query in ("?code=x&state=i.made-up", "?error=login_required"):
        page = Client(headers=NAVIGATION).get(f"/oidc/callback/{query}")
        reason = re.search("<code>(.*)</code>", page.content.decode())
        print(page.status_code, reason[1] if reason else "no reason")  # noqa: T201  told to the test


if __name__ == "__main__":
    main()
