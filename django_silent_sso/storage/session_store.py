"""Django's session store under a slow call: what to read again before writing, and how to save at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.db import connections, router, transaction
from django.db.models import F

from django_silent_sso.protocol.errors import Reason, StorageUnavailable

__all__ = ["SIGNED_COOKIES", "alone", "bear", "bear_its_end", "reload", "save_now"]

logger = logging.getLogger("django_silent_sso.storage")

SIGNED_COOKIES = "django.contrib.sessions.backends.signed_cookies"


def reload(session: SessionBase) -> bool:
    """Take over what other requests have saved since this session was loaded (C80, C87).

    What this request itself has changed already is kept. False where the session is gone: signed out meanwhile. Raises
    `StorageUnavailable` where the store does not answer.
    """
    if settings.SESSION_ENGINE == SIGNED_COOKIES:
        return True  # it came with the request, and there is no other copy
    try:
        saved = type(session)(session.session_key).load()
    except Exception as error:  # any engine's own
        raise _failed("read again", error) from None
    if not saved:
        return False
    if not session.modified:
        session.clear()
        session.update(saved)
        session.modified = False
    return True


@contextmanager
def alone(session: SessionBase, *, at_any_price: bool = False) -> Iterator[None]:
    """Where sessions are rows: nobody writes this one between `reload()` and `save_now()` (C80).

    A view that saves it meanwhile waits, and what it has written stays. SQLite has no locks on rows: there a write that
    changes nothing keeps everybody out, where `at_any_price` asks for it. Raises `DatabaseError`.
    """
    model = getattr(type(session), "get_model_class", lambda: None)()
    if model is None or not session.session_key:
        yield
        return
    using = router.db_for_write(model)
    with transaction.atomic(using=using):
        row = model.objects.using(using).filter(pk=session.session_key)
        if connections[using].features.has_select_for_update:
            row.select_for_update().values_list("pk").first()
        elif at_any_price:
            row.update(expire_date=F("expire_date"))
        yield


def save_now(session: SessionBase) -> None:
    """Save at once: later, nobody could catch what the store says to it (C63, C68).

    Raises `StorageUnavailable` where it cannot be written (storage_unavailable) or is gone (voided_by_sign_out).
    """
    if settings.SESSION_ENGINE == SIGNED_COOKIES:
        session.modified = True  # it leaves with the response
        return
    try:
        type(session).save(session)  # its own, whatever `bear_its_end()` has put in its place
    except UpdateError:
        raise StorageUnavailable(Reason.VOIDED_BY_SIGN_OUT, "the session has ended meanwhile") from None
    except Exception as error:  # any engine's own
        raise _failed("written", error) from None
    finally:
        session.modified = False  # saved once, or not at all


def _failed(what: str, error: Exception) -> StorageUnavailable:
    logger.error("storage_unavailable: the session cannot be %s (%s)", what, type(error).__name__)
    return StorageUnavailable(Reason.STORAGE_UNAVAILABLE, f"the session cannot be {what}")


Check = Callable[[SessionBase], None]


def _no_check(session: SessionBase) -> None:
    """Where nothing can have written the session back."""


def bear_its_end(session: SessionBase, check: Check = _no_check) -> None:
    """Let a page finish whose user is signed out while it is being built (BC26, C67).

    Django answers 400 to a request that wants to save a session which is gone: the person sees an error for having
    signed out in another tab. Here nothing is saved, and the page comes out; the next request sees nobody. `check` is
    called after the session was saved, and raises `StorageUnavailable` where that should not have been.
    """
    if settings.SESSION_ENGINE != SIGNED_COOKIES:
        bear(session, check)


def bear(session: SessionBase, check: Check) -> None:
    """`bear_its_end()` where it is known that sessions do not lie in signed cookies."""
    session.save = partial(_save, session, session.save, check)  # type: ignore[method-assign]


def _save(session: SessionBase, save: Any, check: Check, must_create: bool = False) -> None:
    try:
        save(must_create=must_create)
        check(session)
    except (UpdateError, StorageUnavailable):
        logger.info("voided_by_sign_out: the session has ended meanwhile and is not written back")
        session.modified = False
