"""Measures a logout by the OP: what it costs with a thousand open sessions, and with a million.

    python -m tests.benchmarks.logout [--rounds 60] [--sizes 1000 1000000] [--databases postgresql sqlite]

For each kind of database a process, with a server where it needs one, and in it a database for each size; they take
turns, so that other work on the machine hits all alike. The logout tokens are real ones, posted to
`backchannel-logout/`. Beside it what packages without an index do: a loop over all of Django's sessions that looks into
each. Prints a Markdown table. Times depend on the machine; the ratios and the numbers of queries are what to compare.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.concurrency.servers import postgresql

DATABASES = ("postgresql", "sqlite")
MANY = 10_000  # sessions of one user
WARM_UP = 5  # rounds that are not counted
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Figures:
    """Medians, in milliseconds; `walk` in seconds."""

    by_sid: float
    by_subject: float
    queries_by_sid: int
    queries_by_subject: int
    walk: float


@contextmanager
def databases(kind: str, sizes: list[int]) -> Iterator[dict[str, Any]]:
    """Django's setting for one database of each size; `default` is another one."""
    names = ["default", *(f"sessions_{size}" for size in sizes)]
    if kind == "postgresql":
        with postgresql() as port:
            site = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "PORT": port, "USER": "site"}
            address = f"host=127.0.0.1 port={port} user=site dbname=postgres"
            with psycopg.connect(address, autocommit=True) as server:
                for name in names[1:]:
                    server.execute(f"CREATE DATABASE {name}")
            yield {name: {**site, "NAME": "postgres" if name == "default" else name} for name in names}
        return
    with tempfile.TemporaryDirectory(prefix="silent-sso-") as folder:
        options = {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"}
        site = {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options}
        yield {name: {**site, "NAME": str(Path(folder) / name)} for name in names}


class Router:
    """All queries go to the database whose turn it is."""

    turn = "default"

    def db_for_read(self, model: object, **hints: object) -> str:
        return self.turn

    db_for_write = db_for_read


ROUTER = Router()


class Bench:
    """A site with `size` open sessions, and an OP that ends some of them."""

    def __init__(self, provider: Any, size: int) -> None:
        from django.db import connections
        from django.test import Client

        self.provider = provider
        self.client = Client()
        self.size = size
        self.alias = f"sessions_{size}"
        self.connection = connections[self.alias]

    def fill(self) -> None:
        """Other people's sessions, `size` in all: rows in both tables, written by the database itself."""
        from django.contrib.sessions.backends.db import SessionStore

        from django_silent_sso.models import SignedInSession

        connection = self.connection
        payload = SessionStore().encode({"_auth_user_id": "7", "_auth_user_backend": "b", "_auth_user_hash": "h" * 64})
        numbers = (
            "SELECT generate_series(%s, %s) AS n"
            if connection.vendor == "postgresql"
            else "WITH RECURSIVE c(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM c WHERE n < %s) SELECT n FROM c"
        )
        name = "substr(CAST(CAST(n AS bigint) * 7919 %% 1000003 AS text) || '-' || CAST(n AS text) || %s, 1, 64)"
        later = "2100-01-01 00:00:00+00:00"
        first, last, pad = 1, self.size, "x" * 64
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO django_session SELECT substr({name}, 1, 40), %s, %s FROM ({numbers}) AS t",  # noqa: S608
                [pad, payload, later, first, last],
            )
            made = {"handle": name, "session_key": f"substr({name}, 1, 40)", "subject_key": name, "sid_key": name}
            fields = [field for field in SignedInSession._meta.concrete_fields if not field.primary_key]
            values = {field.name: field.get_db_prep_save(field.get_default(), connection) for field in fields}
            values |= {"expires_at": later} | dict.fromkeys(made, pad)
            cursor.execute(
                f"INSERT INTO {SignedInSession._meta.db_table} ({', '.join(values)})"  # noqa: S608
                f" SELECT {', '.join(made.get(column, '%s') for column in values)} FROM ({numbers}) AS t",
                [*values.values(), first, last],
            )
            cursor.execute("ANALYZE")

    def open_session(self, subject: str, sid: str) -> str:
        from django.contrib.sessions.backends.db import SessionStore

        from django_silent_sso.storage.logout_index import open_row, set_session_key

        handle = f"{subject}-{sid}"
        session = SessionStore()
        session.update({"_auth_user_id": "1", "silent_sso": {"handle": handle}})
        session.create()
        open_row(handle, issuer=self.provider.issuer, subject=subject, op_sid=sid, expires_at=time.time() + 3600)
        set_session_key(handle, session.session_key or "")
        return session.session_key or ""

    def log_out(self, subject: str, sid: str | None) -> tuple[float, int]:
        """Milliseconds, and the number of queries."""
        from django.test.utils import CaptureQueriesContext

        body = urlencode({"logout_token": self.provider.logout_token(subject, sid=sid)})
        with CaptureQueriesContext(self.connection) as queries:
            began = time.perf_counter()
            response = self.client.post("/oidc/backchannel-logout/", body, content_type=FORM)
            seconds = time.perf_counter() - began
        if response.status_code != 200:
            raise RuntimeError(f"{response.status_code}: {response.content!r}")
        return seconds * 1000, len(queries)

    def round(self, number: int, kind: str) -> tuple[float, int]:
        subject, sid = f"{kind}-{number}", f"sid-{kind}-{number}"
        key = self.open_session(subject, sid)
        result = self.log_out(subject, sid if kind == "sid" else None)
        self.must_be_gone(key)
        return result

    def must_be_gone(self, *keys: str) -> None:
        from django.contrib.sessions.backends.db import SessionStore

        if any(SessionStore().exists(key) for key in keys):
            raise RuntimeError("a session lives on")

    def walk(self) -> float:
        """Seconds for the same without an index: every session is read and looked into."""
        from django.contrib.sessions.models import Session
        from django.utils import timezone

        key = self.open_session("walked", "walked")
        began = time.perf_counter()
        for session in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
            if session.get_decoded().get("_auth_user_id") == "1":
                session.delete()
        seconds = time.perf_counter() - began
        self.must_be_gone(key)
        self.log_out("walked", None)
        return seconds

    def sign_out_many(self) -> tuple[float, int]:
        """One user with many sessions."""
        from django.db import transaction

        with transaction.atomic(using=self.alias):
            keys = [self.open_session("busy", f"busy-{number}") for number in range(MANY)]
        result = self.log_out("busy", None)
        self.must_be_gone(keys[0], keys[-1])
        return result


def by_turns(benches: list[Bench], rounds: int) -> dict[int, Figures]:
    results: dict[tuple[int, str], list[tuple[float, int]]] = {}
    for number in range(WARM_UP + rounds):
        for bench in benches:
            ROUTER.turn = bench.alias
            for kind in ("sid", "subject"):
                results.setdefault((bench.size, kind), []).append(bench.round(number, kind))
    found = {}
    for bench in benches:
        ROUTER.turn = bench.alias
        by_sid, by_subject = (results[bench.size, kind][WARM_UP:] for kind in ("sid", "subject"))
        found[bench.size] = Figures(
            by_sid=statistics.median(time for time, _ in by_sid),
            by_subject=statistics.median(time for time, _ in by_subject),
            queries_by_sid=max(queries for _, queries in by_sid),
            queries_by_subject=max(queries for _, queries in by_subject),
            walk=bench.walk(),
        )
    return found


def site_settings(found: dict[str, Any], provider: Any) -> dict[str, Any]:
    return {
        "SECRET_KEY": "a key for measurements only, long enough for every signer",
        "ALLOWED_HOSTS": ["testserver"],
        "USE_TZ": True,
        "DATABASES": found,
        "DATABASE_ROUTERS": [ROUTER],
        "ROOT_URLCONF": "tests.benchmarks.urls_logout",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "mozilla_django_oidc",
            "django_silent_sso",
        ],
        "MIDDLEWARE": [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django_silent_sso.middleware.SilentSSOMiddleware",
        ],
        "AUTHENTICATION_BACKENDS": ["django_silent_sso.backends.SilentSSOBackend"],
        **provider.settings(),
    }


def one_database(kind: str, rounds: int, sizes: list[int]) -> dict[str, Any]:
    import django
    from django.conf import settings

    from django_silent_sso.testing import OpenIDProvider

    with databases(kind, sizes) as found, OpenIDProvider() as provider:
        settings.configure(**site_settings(found, provider))
        django.setup()
        from django.core.management import call_command
        from django.db import connections

        benches = [Bench(provider, size) for size in sizes]
        for bench in benches:
            ROUTER.turn = bench.alias
            call_command("migrate", verbosity=0, database=bench.alias)
            bench.fill()
        results = {size: asdict(figures) for size, figures in by_turns(benches, rounds).items()}
        many = benches[-1].sign_out_many()
        connections.close_all()
    return {"sizes": results, "many": many}


def table(results: dict[str, dict[str, Any]]) -> str:
    lines = [
        "| database | open sessions | by `sid`, ms (queries) | by `sub`, ms (queries) | a loop over all sessions, s |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for kind, result in results.items():
        first = next(iter(result["sizes"].values()))
        for size, f in result["sizes"].items():
            sid, subject = f["by_sid"] / first["by_sid"], f["by_subject"] / first["by_subject"]
            lines.append(
                f"| {kind} | {int(size):,} | {f['by_sid']:.2f} ({f['queries_by_sid']}), x {sid:.2f} "
                f"| {f['by_subject']:.2f} ({f['queries_by_subject']}), x {subject:.2f} | {f['walk']:.3f} |"
            )
    for kind, result in results.items():
        took, queries = result["many"]
        lines.append(f"\n{kind}: a user with {MANY:,} sessions, one request: {took / 1000:.2f} s, {queries} queries.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.logout", description=__doc__)
    parser.add_argument("--rounds", type=int, default=60, help="logouts of each kind and size (default 60)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 1_000_000], help="open sessions")
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=list(DATABASES))
    parser.add_argument("--child", choices=DATABASES, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        sys.stdout.write(json.dumps(one_database(chosen.child, chosen.rounds, chosen.sizes)))
        return
    results = {}
    for kind in chosen.databases:
        sizes = [str(size) for size in chosen.sizes]
        command = ["-m", "tests.benchmarks.logout", "--child", kind, "--rounds", str(chosen.rounds), "--sizes", *sizes]
        done = subprocess.run([sys.executable, *command], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
        results[kind] = json.loads(done.stdout)
    sys.stdout.write(table(results) + "\n")


if __name__ == "__main__":
    main()
