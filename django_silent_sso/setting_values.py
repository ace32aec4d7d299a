"""Reading one setting: the value if it is of the right kind, else its default. A mistake is a check, not a 500."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import Settings, settings

from django_silent_sso.defaults import CHOICES, DEFAULTS, is_seconds

__all__ = ["choice", "choices", "raw", "seconds", "text", "words"]


def _value(name: str, default: object) -> object:
    """Django has what is set at hand, but looks long for what is not, which most of ours is, with every request."""
    loaded = vars(settings).get("_wrapped")  # another kind of object where a test has changed a setting
    if type(loaded) is Settings and name not in vars(loaded):
        return default
    return getattr(settings, name, default)


def raw(name: str) -> object:
    return _value(name, DEFAULTS.get(name))


def text(name: str) -> str | None:
    value = raw(name)
    return value if isinstance(value, str) and value else None


def seconds(name: str, default: object = None) -> int:
    fallback = DEFAULTS.get(name) if default is None else default
    for value in (_value(name, fallback), fallback):
        if is_seconds(value):
            return int(value)
    return 0


def choice(name: str) -> str:
    value = raw(name)
    return value if isinstance(value, str) and value in CHOICES[name] else str(DEFAULTS[name])


def words(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def choices(name: str) -> tuple[str, ...]:
    value = raw(name)
    wanted = words(value if isinstance(value, list | tuple) else DEFAULTS[name])
    return tuple(word for word in wanted if word in CHOICES[name])
