"""`python manage.py check_op`: asks the live OP and says what will and what will not work."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError

from django_silent_sso.conf import conf
from django_silent_sso.examination.examine import examine
from django_silent_sso.examination.findings import GROUPS, Finding, Level

__all__ = ["Command"]

SECONDS = 30.0


class Command(BaseCommand):
    help = "Asks the live OpenID Provider and says what will and what will not work. Exit status 1: there are errors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--origin", help="This site's address, https://site.example; by default SILENT_SSO_ORIGIN.")
        parser.add_argument("--format", choices=("text", "json"), default="text")
        parser.add_argument("--seconds", type=float, default=SECONDS, help="Time for all questions (30).")

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(examine(_origin(options["origin"]), options["seconds"]))
        if options["format"] == "json":
            self.stdout.write(json.dumps([item.as_dict() for item in found], indent=2))
        else:
            self._write(found, quiet=options["verbosity"] == 0)
        if any(item.level is Level.ERROR for item in found):
            sys.exit(1)

    def _write(self, found: list[Finding], *, quiet: bool) -> None:
        """`quiet`: only what needs somebody."""
        shown = [item for item in found if not (quiet and item.level is Level.OK)]
        for group, title in GROUPS.items():
            mine = [item for item in shown if item.group == group]
            if mine:
                self.stdout.write(self.style.MIGRATE_HEADING(title))
            for item in mine:
                self.stdout.write(f"  {self._style(item.level)(f'{item.level:<7}')} {item.text} ({item.id})")
                if item.hint:
                    self.stdout.write(f"          -> {item.hint}")
        errors, warnings = (sum(item.level is level for item in found) for level in (Level.ERROR, Level.WARNING))
        self.stdout.write(f"{len(found)} findings: {errors} errors, {warnings} warnings.")

    def _style(self, level: Level) -> Callable[[str], str]:
        return {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}[level]


def _origin(given: str | None) -> str | None:
    """`--origin`, else the setting's. Raises `CommandError` for what is none."""
    if given is None:
        return conf.origin
    parts = urlsplit(given)
    if parts.scheme not in ("https", "http") or not parts.netloc or parts.path not in ("", "/"):
        raise CommandError("--origin is not an address like https://site.example")
    return f"{parts.scheme}://{parts.netloc}"
