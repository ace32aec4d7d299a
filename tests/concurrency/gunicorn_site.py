"""A Django site behind gunicorn: two processes, each with many threads.

    python -m tests.concurrency.gunicorn_site '{"a setting": "its value", ...}'

Not Django's, but taken too: `workers` (processes) and `threads` (in each).
Prints its origin as a JSON line, and ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from types import ModuleType
from typing import Any

import django
from gunicorn.app.base import BaseApplication

WORKERS = 2
THREADS = 26  # a worker: of fifty requests at once none waits for a thread


class Server(BaseApplication):
    def __init__(self, listening: socket.socket, *, workers: int, threads: int) -> None:
        self.listening = listening
        self.workers = workers
        self.threads = threads
        super().__init__()

    def load_config(self) -> None:
        port = self.listening.getsockname()[1]
        options = {
            "bind": f"fd://{self.listening.fileno()}",
            "workers": self.workers,
            "worker_class": "gthread",
            "threads": self.threads,
            "timeout": 120,
            "keepalive": 75,  # seconds
            "graceful_timeout": 1,
            "loglevel": "critical",
            "when_ready": lambda _: say({"origin": f"http://localhost:{port}"}),
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from django.core.handlers.wsgi import WSGIHandler

        return WSGIHandler()


def say(facts: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def end_with_input() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main(chosen: dict[str, Any]) -> None:
    size = {"workers": chosen.pop("workers", WORKERS), "threads": chosen.pop("threads", THREADS)}
    # As a site has them: `settings.configure()` leaves another kind of object, where each look takes longer.
    module = ModuleType("site_settings")
    vars(module).update(chosen)
    sys.modules[module.__name__] = module
    os.environ["DJANGO_SETTINGS_MODULE"] = module.__name__
    django.setup()
    # Only now that there are settings.
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    connections.close_all()  # the workers open their own
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    listening.set_inheritable(True)
    threading.Thread(target=end_with_input, daemon=True).start()
    Server(listening, **size).run()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
