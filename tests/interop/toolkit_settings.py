"""The demo's OP, at an address that every resolver knows."""

from demo_op.settings import *  # noqa: F403 - all of them

ALLOWED_HOSTS = ["127.0.0.1"]
