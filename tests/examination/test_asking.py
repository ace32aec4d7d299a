"""The questions of an examination: within one time limit, and what they tell of the OP's clock."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate

import pytest

from django_silent_sso.examination.asking import Asking
from django_silent_sso.protocol.errors import OPUnavailable, Reason
from django_silent_sso.testing import OpenIDProvider
from tests.conftest import Clock
from tests.op.servers import Conversation, message, serving


def dated(date: str | None) -> Callable[[Conversation], None]:
    """A server that says this is the date."""

    def answer(talk: Conversation) -> None:
        talk.read_request()
        talk.send(message(b"{}", *([] if date is None else [f"Date: {date}"])))

    return answer


def test_a_redirect_is_an_answer(openid_provider: OpenIDProvider) -> None:
    openid_provider.redirect("jwks", "/elsewhere")
    answer = Asking(10)("GET", openid_provider.url_of("jwks"))
    assert (answer.status, answer.headers["Location"]) == (307, "/elsewhere")


def test_when_time_is_up_nobody_is_asked(openid_provider: OpenIDProvider) -> None:
    asking = Asking(0)
    assert asking.time_is_up
    with pytest.raises(OPUnavailable) as caught:
        asking("GET", openid_provider.url_of("jwks"))
    assert caught.value.reason is Reason.OP_TIMEOUT
    assert openid_provider.calls == []


def test_one_question_takes_no_longer_than_all_may(openid_provider: OpenIDProvider) -> None:
    asking = Asking(0.2)
    with openid_provider.hang("jwks"), pytest.raises(OPUnavailable) as caught:
        asking("GET", openid_provider.url_of("jwks"))
    assert caught.value.reason is Reason.OP_TIMEOUT
    assert not Asking(60).time_is_up


@pytest.mark.parametrize("ahead", [-3600, 0, 90])
def test_the_first_date_tells_how_far_the_clock_is_ahead(clock: Clock, ahead: int) -> None:
    now = clock.stop(1_900_000_000.5)
    asking = Asking(10)
    for seconds in (ahead, 7):
        with serving(dated(formatdate(now + seconds, usegmt=True))) as server:
            asking("GET", server.url)
    assert asking.clock == ahead


@pytest.mark.parametrize("date", [None, "", "yesterday", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_date_that_is_none_tells_nothing(date: str | None) -> None:
    asking = Asking(10)
    with serving(dated(date)) as server:
        asking("GET", server.url)
    assert asking.clock is None
