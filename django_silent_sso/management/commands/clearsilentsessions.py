"""`python manage.py clearsilentsessions`: what `clearsessions` is for Django's sessions, for this app's tables."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand

from django_silent_sso.storage import logout_index, logout_memory

__all__ = ["Command"]


class Command(BaseCommand):
    help = "Deletes what is remembered of sessions that have expired and of logouts that are over. For a daily job."

    def handle(self, *args: Any, **options: Any) -> None:
        now = time.time()
        sessions, logouts = logout_index.clear_expired(now), logout_memory.clear_expired(now)
        if options["verbosity"] > 0:
            self.stdout.write(f"{sessions} expired sessions and {logouts} past logouts deleted")
