"""Marks on views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar

__all__ = ["EXEMPT_MARK", "silent_sso_exempt"]

EXEMPT_MARK = "silent_sso_exempt"

View = TypeVar("View", bound=Callable[..., Any])


def silent_sso_exempt(view: View) -> View:
    """The middleware lets requests for this view pass: no round trip, no 401. Wrap a class-based view's `as_view()`."""
    wrapper: Any
    if iscoroutinefunction(view):

        @wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)

    else:

        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

    setattr(wrapper, EXEMPT_MARK, True)
    marked: View = wrapper
    return marked
