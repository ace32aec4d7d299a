"""The daily job."""

from __future__ import annotations

import time
from io import StringIO

import pytest
from django.core.management import call_command

from django_silent_sso.models import LogoutRecord, SignedInSession
from django_silent_sso.storage.logout_index import MARGIN, open_row
from django_silent_sso.storage.logout_memory import MEMORY, remember

ISSUER = "https://id.example.org"

pytestmark = pytest.mark.django_db


def cleared(verbosity: int = 1) -> str:
    out = StringIO()
    call_command("clearsilentsessions", stdout=out, verbosity=verbosity)
    return out.getvalue()


def test_it_deletes_what_is_past_and_says_so() -> None:
    now = time.time()
    open_row("past", issuer=ISSUER, subject="alice", op_sid=None, expires_at=now - MARGIN - 1)
    open_row("present", issuer=ISSUER, subject="alice", op_sid=None, expires_at=now)
    remember(ISSUER, subject="past", op_sid=None, now=now - MEMORY - 1)
    remember(ISSUER, subject="present", op_sid=None, now=now)
    assert cleared() == "1 expired sessions and 1 past logouts deleted\n"
    assert [row.handle for row in SignedInSession.objects.all()] == ["present"]
    assert LogoutRecord.objects.count() == 1
    assert cleared() == "0 expired sessions and 0 past logouts deleted\n"


def test_it_can_be_silent() -> None:
    assert cleared(verbosity=0) == ""
