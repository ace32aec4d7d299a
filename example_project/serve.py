"""One server of the demo: `serve.py <settings module> <port>`. Started by `run.py`, not by hand.

Prints "ready" as soon as it listens, and stops when its standard input ends. That happens when `run.py`
closes it, but also when `run.py` is killed, so that no server is ever left behind.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading

import django
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from waitress import create_server


def main(settings_module: str, port: int) -> None:
    threading.Thread(target=_stop_when_input_ends, daemon=True).start()
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
    django.setup()
    call_command("migrate", verbosity=0)
    if settings_module.startswith("demo_op"):
        from demo_op.seed import seed

        seed()
    # The handler of Django's own runserver, so that no collectstatic is needed.
    application = StaticFilesHandler(get_wsgi_application())
    server = create_server(application, listen=" ".join(addresses(port)), threads=8)
    print("ready", flush=True)
    server.run()


def addresses(port: int) -> list[str]:
    """Browsers try ::1 too for names below .localhost, and first."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:  # no IPv6 here
        return [f"127.0.0.1:{port}"]
    return [f"127.0.0.1:{port}", f"[::1]:{port}"]


def _stop_when_input_ends() -> None:
    while os.read(0, 1024):  # not sys.stdin: its lock would be in the way of an early exit
        pass
    os.kill(os.getpid(), signal.SIGINT)  # waitress finishes the requests under way, then ends


if __name__ == "__main__":
    try:
        main(sys.argv[1], int(sys.argv[2]))
    except KeyboardInterrupt:
        pass
    except OSError as error:
        sys.exit(f"Port {sys.argv[2]}: {error}")
