"""One of the sites, in a process of its own.

    python -m tests.differential.site KIND ISSUER DATABASE

Prints its origin and versions as a JSON line. Each JSON line on its standard input is a wish, answered by one
line; it ends when its input does. The wishes go past HTTP, so that asking changes nothing.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import django
from django.conf import settings

from tests.differential.candidates import CANDIDATES
from tests.differential.site_settings import site_settings

_REAL_TIME = time.time


class Wishes:
    """What the bench may ask of the site's process."""

    def reset(self) -> None:
        """As a site that has just been installed: no users, no sessions, nothing remembered, the right time."""
        from django.apps import apps
        from django.core.cache import cache

        self.advance(0)
        for model in apps.get_models():
            if model._meta.label not in ("contenttypes.ContentType", "auth.Permission"):
                model._default_manager.all().delete()
        cache.clear()
        if apps.is_installed("django_silent_sso"):
            from django_silent_sso.op import health, provider

            provider.forget()
            health.forget()
        if apps.is_installed("social_django"):
            from social_core.backends.open_id_connect import OpenIdConnectAuth

            OpenIdConnectAuth.get_openid_configuration.invalidate()
            OpenIdConnectAuth.get_jwks_keys_for_uri.invalidate()

    def advance(self, seconds: float) -> None:
        """This process's clock goes ahead of the real one."""
        time.time = _REAL_TIME if seconds == 0 else lambda: _REAL_TIME() + seconds

    def who(self, session: str | None) -> int | None:
        """The user of a session, by Django's own rules, and the package's backend."""
        from django.contrib.auth import get_user
        from django.contrib.sessions.backends.db import SessionStore

        if session is None:
            return None
        request: Any = SimpleNamespace(session=SessionStore(session))
        user = get_user(request)
        return user.pk if user.is_active else None

    def add_user(self, name: str, active: bool) -> int:
        """An account of the site itself, with an e-mail address of that name."""
        from django.contrib.auth.models import User

        user = User.objects.create_user(name, f"{name}@example.org", "a password of its own", is_active=active)
        return int(user.pk)

    def deactivate(self, user: int) -> None:
        from django.contrib.auth.models import User

        User.objects.filter(pk=user).update(is_active=False)

    def sessions(self) -> int:
        from django.contrib.sessions.models import Session

        return Session.objects.count()


def versions(kind: str) -> dict[str, str]:
    candidate = next(candidate for candidate in CANDIDATES if candidate.kind == kind)
    return {name: metadata.version(name) for name in (*candidate.packages, "Django", "PyJWT")}


def main(kind: str, issuer: str, database: str) -> None:
    settings.configure(**site_settings(kind, issuer, database))
    django.setup()
    # Only now that there are settings.
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.management import call_command

    from tests.interop.site_server import serving

    call_command("migrate", verbosity=0)
    wishes = Wishes()
    with serving(WSGIHandler()) as origin:
        _say({"origin": origin, "versions": versions(kind)})
        for line in sys.stdin:
            name, arguments = json.loads(line)
            _say(getattr(wishes, name)(**arguments))


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
