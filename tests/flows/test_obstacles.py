"""Why the page's script may not begin now: the reason and its end, by what is known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.backends.cached_db import SessionStore
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.flows.obstacles import LOAD, RETURN, obstacle
from django_silent_sso.policy import MAX_HOPS
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.marks import Marks
from django_silent_sso.storage.pending import FRAME, POPUP, TOP

if TYPE_CHECKING:
    from pytest_django import Settings

NOW = 1_800_000_000.0
NEW = Marks()


@pytest.fixture
def visitor() -> HttpRequest:
    return RequestFactory().post("/oidc/silent/")


def found(
    request: HttpRequest, marks: Marks = NEW, transport: str = FRAME, *, trigger: str = LOAD, always: bool = False
) -> tuple[Reason | None, float]:
    return obstacle(request, marks, NOW, transport=transport, trigger=trigger, always=always)


@pytest.mark.parametrize("transport", [FRAME, POPUP])
def test_nothing_is_in_the_way_of_a_new_visitor(visitor: HttpRequest, transport: str) -> None:
    assert found(visitor, transport=transport) == (None, 0)


def test_visitors_may_be_left_alone(visitor: HttpRequest, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "off"
    assert found(visitor) == (Reason.VISITORS_OFF, 0)


def test_who_signed_out_is_left_alone(visitor: HttpRequest) -> None:
    assert found(visitor, NEW.silenced(Reason.SIGNED_OUT_BY_USER, NOW)) == (Reason.SIGNED_OUT_BY_USER, 0)


@pytest.mark.parametrize("known", [False, True])
def test_f24_privacy_signal_of_a_stranger_is_heeded(known: bool) -> None:
    request = RequestFactory().post("/oidc/silent/", headers={"Sec-GPC": "1"})
    assert found(request, replace(NEW, known=known))[0] == (None if known else Reason.PRIVACY_SIGNAL)


@pytest.mark.django_db
def test_session_that_is_not_ours_is_left_alone(visitor: HttpRequest) -> None:
    visitor.session = SessionStore()
    visitor.session["_auth_user_id"] = "1"
    visitor.COOKIES["sessionid"] = "x"
    assert found(visitor) == (Reason.NOT_OUR_SESSION, 0)


@pytest.mark.parametrize(("since", "stopped"), [(-1, True), (0, False), (1, False)])
def test_page_load_waits_after_a_refusal(visitor: HttpRequest, since: int, stopped: bool) -> None:
    marks = replace(NEW, frame_refused_until=int(NOW) - since)
    assert found(visitor, marks) == ((Reason.BACKED_OFF, NOW - since) if stopped else (None, 0))
    assert found(visitor, marks, trigger=RETURN) == (None, 0)
    assert found(visitor, marks, trigger="call") == (None, 0)


@pytest.mark.parametrize(("ago", "stopped"), [(-1, False), (0, True), (14, True), (15, False)])
def test_tab_s_return_waits_a_quarter_of_a_minute(visitor: HttpRequest, ago: int, stopped: bool) -> None:
    """A mark of the future is of another clock."""
    marks = replace(NEW, frame_asked_at=int(NOW) - ago)
    assert found(visitor, marks, trigger=RETURN) == ((Reason.BACKED_OFF, NOW - ago + 15) if stopped else (None, 0))
    assert found(visitor, marks) == (None, 0)


@pytest.mark.parametrize(
    ("setting", "known", "always", "reason"),
    [
        ("never", True, False, Reason.WRONG_TRANSPORT),
        ("never", True, True, None),
        ("known", False, False, Reason.WRONG_TRANSPORT),
        ("known", True, False, None),
        ("known", False, True, None),
        ("always", False, False, None),
    ],
)
def test_page_leaves_where_the_site_or_the_page_allows(
    visitor: HttpRequest, settings: Settings, setting: str, known: bool, always: bool, reason: Reason | None
) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = setting
    assert found(visitor, replace(NEW, known=known), TOP, always=always) == (reason, 0)


def test_page_does_not_leave_again_and_again(visitor: HttpRequest) -> None:
    marks = replace(NEW, known=True, hops=(int(NOW),) * MAX_HOPS)
    assert found(visitor, marks, TOP) == (Reason.LOOP_STOPPED, 0)


@pytest.mark.parametrize(("since", "stopped"), [(-1, True), (0, False)])
def test_page_does_not_leave_soon_after_a_refusal(visitor: HttpRequest, since: int, stopped: bool) -> None:
    marks = replace(NEW, known=True, refused_until=int(NOW) - since)
    assert found(visitor, marks, TOP) == ((Reason.BACKED_OFF, NOW - since) if stopped else (None, 0))


def test_session_that_cannot_be_read_is_no_visitor_s(visitor: HttpRequest) -> None:
    class Broken(SessionStore):
        def load(self) -> dict[str, object]:
            raise OSError("the store is away")

    visitor.session = Broken("k" * 32)
    visitor.COOKIES["sessionid"] = "x"
    assert found(visitor) == (Reason.STORAGE_UNAVAILABLE, 0)
