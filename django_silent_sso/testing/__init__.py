"""For the tests of your own site: an OpenID Provider you can program, and sessions that grow old at once.

The names are loaded when they are first used: pytest imports this package at start-up to find the plugin, and
must not drag in an HTTP server, cryptography or Django for test runs that never ask for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django_silent_sso.testing.ageing import make_overdue, make_stale
    from django_silent_sso.testing.provider import OpenIDProvider

__all__ = ["OpenIDProvider", "make_overdue", "make_stale"]

_HOMES = {
    "OpenIDProvider": "django_silent_sso.testing.provider",
    "make_overdue": "django_silent_sso.testing.ageing",
    "make_stale": "django_silent_sso.testing.ageing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
