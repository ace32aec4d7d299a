"""The test's end of a site in two processes: started, signed in to, and asked by many at once."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

from tests.concurrency.gunicorn_site import WORKERS
from tests.interop.oidc_provider.process import CLIENT_SECRET
from tests.interop.scripted_browser import ScriptedBrowser

NAVIGATION = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "same-origin"}
FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty", "Sec-Fetch-Site": "same-origin"}
PATIENCE = 60  # seconds: a busy machine is no fault of the site's


def site_settings(issuer: str, store: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """What the README says, over the store's databases and sessions."""
    return {
        "SECRET_KEY": "a key for tests only, long enough for every signer in use",
        "ALLOWED_HOSTS": ["localhost"],
        "USE_TZ": True,
        "ROOT_URLCONF": "tests.concurrency.site_urls",
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
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django_silent_sso.middleware.SilentSSOMiddleware",
        ],
        "AUTHENTICATION_BACKENDS": ["django_silent_sso.backends.SilentSSOBackend"],
        "TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
        # Tracebacks to where the test's own output goes.
        "LOGGING": {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"console": {"class": "logging.StreamHandler"}},
            "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR"}},
        },
        "OIDC_RP_CLIENT_ID": "site",
        "OIDC_RP_CLIENT_SECRET": CLIENT_SECRET,
        "OIDC_TIMEOUT": PATIENCE,
        "SILENT_SSO_ISSUER": issuer,
        **store,
        **more,
    }


@dataclass(frozen=True)
class Ask:
    """One request to come."""

    path: str = "/page/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=lambda: NAVIGATION)


@dataclass(frozen=True)
class Answer:
    """What came back; `lost` where nothing did: the process died."""

    status: int
    text: str
    location: str = ""
    set_cookies: tuple[str, ...] = ()
    lost: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.text) if self.status == 200 else {}

    def __str__(self) -> str:
        return "no answer" if self.lost else f"{self.status} {self.text[:120]}"


class RunningSite:
    def __init__(self, origin: str, process: int, workers: int) -> None:
        self.origin = origin
        self._port = urlsplit(origin).port
        self._process = process
        self._workers = workers
        self._threads = ThreadPoolExecutor(64)

    def __call__(self, path: str) -> str:
        return self.origin + path

    def close(self) -> None:
        self._threads.shutdown()

    def workers(self) -> list[int]:
        """Their process ids."""
        found: list[int] = []
        while len(found) < self._workers:  # one that was killed is replaced at once
            command = ["pgrep", "-P", str(self._process)]
            listed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
            found = [int(line) for line in listed.stdout.split()]
        return found

    def kill_workers(self) -> None:
        """As the kernel does when memory runs out: at once, without a word. gunicorn starts others."""
        for worker in self.workers():
            os.kill(worker, signal.SIGKILL)

    def begin(self, ask: Ask, browser: ScriptedBrowser) -> Future[Answer]:
        """The request is under way when this returns, or will be soon."""
        return self._threads.submit(self._answer, ask, browser.cookies.header(self("/")), None)

    def sign_in(self, browser: ScriptedBrowser) -> None:
        """By the OP's sign-in page the first time; it lets a browser in at once that it knows."""
        # Who signs in again and again within half a minute is taken for a loop: the memory of that is taken away.
        browser.cookies.discard(self.origin, "silent_sso_marks")
        visit = browser.open(self("/oidc/authenticate/?next=/page/"))
        if "/interaction/" in visit.url:
            visit = browser.submit(visit, login="alice", password="any")
        assert visit.path == "/page/", f"{visit}: {visit.text[:2000]}"
        assert visit.json["user"], str(visit)

    def make(self, age: str, browser: ScriptedBrowser) -> None:
        """`stale` or `overdue`; nothing is renewed by that."""
        answer = self.send(Ask(f"/make/{age}/", headers=FETCH), browser)
        assert answer.status == 204, str(answer)

    def send(self, ask: Ask, browser: ScriptedBrowser) -> Answer:
        return self._answer(ask, browser.cookies.header(self("/")), None)

    def at_once(self, asks: Sequence[Ask], browser: ScriptedBrowser) -> list[Answer]:
        """All of them begun at the same moment with the cookies of this one, which then are the browser's."""
        start = Barrier(len(asks))
        cookies = browser.cookies.header(self("/"))
        under_way = [self._threads.submit(self._answer, ask, cookies, start) for ask in asks]
        answers = [one.result(3 * PATIENCE) for one in under_way]
        for answer in answers:
            for line in answer.set_cookies:
                browser.cookies.store(self.origin, line)
        return answers

    def _answer(self, ask: Ask, cookies: str, start: Barrier | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * PATIENCE)
        headers = {"Host": f"localhost:{self._port}", "Origin": self.origin, "Cookie": cookies, **ask.headers}
        try:
            connection.connect()
            if start is not None:
                start.wait(PATIENCE)
            connection.request(ask.method, ask.path, headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
            cookies_set = tuple(response.headers.get_all("Set-Cookie") or ())
            return Answer(response.status, text, response.headers.get("Location", ""), cookies_set)
        except (OSError, http.client.HTTPException):
            return Answer(0, "", lost=True)
        finally:
            connection.close()


@contextmanager
def running_site(settings: Mapping[str, Any]) -> Iterator[RunningSite]:
    command = [sys.executable, "-m", "tests.concurrency.gunicorn_site", json.dumps(settings)]
    with subprocess.Popen(  # noqa: S603 - our own words only
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, "the site did not start"
            site = RunningSite(json.loads(line)["origin"], process.pid, settings.get("workers", WORKERS))
            try:
                yield site
            finally:
                site.close()
        finally:
            process.stdin.close()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
