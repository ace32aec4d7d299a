"""A cache whose server is down."""

from __future__ import annotations

from typing import Any, NoReturn

from django.core.cache.backends.base import BaseCache

BROKEN = {"default": {"BACKEND": "tests.broken_cache.BrokenCache"}}


class BrokenCache(BaseCache):
    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def _fail(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise ConnectionError("the cache does not answer")

    add = get = set = touch = delete = _fail

    def clear(self) -> None:
        """So that fixtures can tidy up."""
