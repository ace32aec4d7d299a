"""Sessions that are as old as a test wants them, without waiting and without a false clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.sessions.backends.base import SessionBase


def make_stale(session: SessionBase) -> None:
    """Make a signed-in session stale now, one second past `SILENT_SSO_RENEW_AFTER_SECONDS`, and save it."""
    from django_silent_sso.conf import conf

    _make_older(session, conf.renew_after + 1)


def make_overdue(session: SessionBase) -> None:
    """Put a signed-in session one second past its grace time (`SILENT_SSO_GRACE_SECONDS`) and save it."""
    from django_silent_sso.conf import conf

    _make_older(session, conf.renew_after + conf.grace + 1)


def _make_older(session: SessionBase, seconds: int) -> None:
    from django_silent_sso.storage.rp_session import RPSession

    RPSession.backdate(session, seconds)
    session.save()
