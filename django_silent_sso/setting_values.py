"""Reading one setting: the value if it is of the right kind, else its default. A mistake is a check, not a 500."""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Final

from django.conf import Settings, settings

from django_silent_sso.defaults import CHOICES, DEFAULTS, is_seconds

__all__ = ["Watch", "choice", "choices", "raw", "seconds", "text", "words"]

_SETTINGS: Final = vars(settings)  # Django's own dictionary: it stays the same one, whatever is set or overridden


def _value(name: str, default: object) -> object:
    """Django has what is set at hand, but looks long for what is not, which most of ours is, with every request."""
    loaded = _SETTINGS.get("_wrapped")  # another kind of object where a test has changed a setting
    if type(loaded) is Settings:
        return vars(loaded).get(name, default)
    return getattr(settings, name, default)


class Watch:
    """Some settings as they stood once, and whether they still do: one look for all of them, with every request."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._loaded = _SETTINGS.get("_wrapped")
        self._state = vars(self._loaded) if type(self._loaded) is Settings else {}
        self._size = len(self._state)
        set_here = [name for name in names if name in self._state]
        # Of two at least `itemgetter` makes a tuple, whatever they hold.
        self._pick = itemgetter(*set_here) if len(set_here) > 1 else None
        self._picked = self._pick(self._state) if self._pick else None
        self.values: tuple[object, ...] = tuple([getattr(settings, name, None) for name in names])

    def is_up_to_date(self) -> bool:
        if self._pick is not None and _SETTINGS.get("_wrapped") is self._loaded:
            state = self._state
            # Where as many are set as there were, none has come that was not.
            try:
                return len(state) == self._size and self._pick(state) == self._picked
            except KeyError:
                return False
        return tuple([getattr(settings, name, None) for name in self._names]) == self.values


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
