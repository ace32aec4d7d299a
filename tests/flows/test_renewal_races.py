"""Renewal by refresh token, where others are at it: another request, another process, a sign-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import RequestFactory

from django_silent_sso.flows import renewal
from django_silent_sso.models import SignedInSession
from django_silent_sso.op import breaker, provider
from django_silent_sso.storage.rp_session import Tokens
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser, Clock
from tests.flows.conftest import refreshes, tokens
from tests.middleware_site import goes_silently_to_op

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.middleware_site")]


def test_h04_a_result_that_was_lost_in_the_session_is_found_again(alice: Browser) -> None:
    """Two requests save the session: the later one knows nothing of the renewal (C80)."""
    make_stale(alice.session)
    old = dict(alice.session.items())
    assert alice.get("/decided/").json()["reason"] == "renewed"
    newest = tokens(alice)
    session = alice.session
    session.update(old)
    session.save()
    assert alice.get("/decided/").json()["reason"] == "renewed"
    assert tokens(alice) == newest
    assert refreshes(alice) == 1, "a rotated token that is shown twice is taken for stolen"


def test_h04_it_is_found_again_while_the_op_is_down(alice: Browser) -> None:
    make_stale(alice.session)
    old = dict(alice.session.items())
    alice.get("/decided/")
    session = alice.session
    session.update(old)
    session.save()
    breaker.failed(alice.provider.issuer, alice.provider.now())
    assert alice.get("/decided/").json()["reason"] == "renewed"
    assert refreshes(alice) == 1


def test_a_row_that_knows_less_than_the_session_is_written_anew(alice: Browser) -> None:
    """The table was restored from a backup."""
    make_stale(alice.session)
    alice.get("/decided/")
    SignedInSession.objects.update(generation=0, renewal="")
    make_stale(alice.session)
    alice.follow(alice.get("/decided/"))
    make_stale(alice.session)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_a_result_that_was_lost_and_is_old_itself_is_renewed_once_more(alice: Browser, clock: Clock) -> None:
    clock.advance(901)
    old = dict(alice.session.items())
    alice.get("/decided/")
    lost = tokens(alice)
    session = alice.session
    session.update(old)
    session.save()
    clock.advance(901)
    assert alice.get("/decided/").json()["reason"] == "renewed"
    assert [call.parameters["refresh_token"] for call in alice.provider.calls][-1] == lost.refresh_token
    assert refreshes(alice) == 2


def test_while_another_request_is_at_it_the_page_is_served_as_it_is(alice: Browser) -> None:
    make_stale(alice.session)
    SignedInSession.objects.update(claimed_by="another", claimed_until=alice.provider.now() + 10)
    response = alice.get("/decided/")
    assert (response.status_code, response.json()["reason"]) == (200, "attempt_under_way")
    assert alice.provider.calls == []


def test_a_claim_never_outlives_its_owner(alice: Browser) -> None:
    """Killed in the middle, it left a claim; that ends by itself (C86)."""
    make_stale(alice.session)
    SignedInSession.objects.update(claimed_by="killed", claimed_until=alice.provider.now() - 0.001)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_an_overdue_page_waits_for_the_other_and_not_for_ever(
    alice: Browser, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", clock.advance)
    make_overdue(alice.session)
    now = clock.stop()
    SignedInSession.objects.update(claimed_by="another", claimed_until=now + 100)
    assert goes_silently_to_op(alice, alice.get("/decided/"))
    assert 10 <= clock() - now < 20
    SignedInSession.objects.update(claimed_by="another", claimed_until=clock() + 2)
    assert alice.get("/decided/").json()["reason"] == "renewed"


def test_a_session_that_is_signed_out_during_the_call_is_not_brought_back(alice: Browser) -> None:
    make_stale(alice.session)
    request = RequestFactory().get("/")
    request.session = alice.session
    steps = renewal._steps(request, lambda _: True, patient=False)
    turn = next(steps).function()
    answer = steps.send(turn).function()
    alice.session.flush()
    SignedInSession.objects.all().delete()
    keep = steps.send(answer)
    with pytest.raises(StopIteration) as end:
        steps.send(keep.function())
    assert end.value.value == "voided_by_sign_out"
    assert Session.objects.count() == 0


def test_a_session_that_is_gone_when_the_result_comes_is_not_brought_back(alice: Browser) -> None:
    """Without its row being gone: Django's own clean-up, or an administrator."""
    make_stale(alice.session)
    request = RequestFactory().get("/")
    request.session = alice.session
    steps = renewal._steps(request, lambda _: True, patient=False)
    answer = steps.send(next(steps).function()).function()
    Session.objects.all().delete()
    keep = steps.send(answer)
    with pytest.raises(StopIteration) as end:
        steps.send(keep.function())
    assert end.value.value == "voided_by_sign_out"
    assert Session.objects.count() == 0


def taken_to_the_end(steps: renewal.Steps, step: renewal.Step) -> str:
    try:
        while True:
            step = steps.send(step.function())
    except StopIteration as end:
        return str(end.value)


@pytest.mark.parametrize(
    ("wanted", "gone", "revoked"),
    [(True, True, ["refresh_token", "access_token"]), (True, False, []), (False, True, [])],
    ids=["signed out", "the session has moved", "not asked for"],
)
def test_what_comes_after_the_sign_out_is_revoked(
    alice: Browser, settings: Settings, wanted: bool, gone: bool, revoked: list[str]
) -> None:
    settings.SILENT_SSO_REVOKE_TOKENS = wanted
    make_stale(alice.session)
    request = RequestFactory().get("/")
    request.session = alice.session
    steps = renewal._steps(request, lambda _: True, patient=False)
    answer = steps.send(next(steps).function()).function()
    alice.session.flush()
    if gone:
        SignedInSession.objects.update(ended=True)
    assert taken_to_the_end(steps, steps.send(answer)) == "voided_by_sign_out"
    calls = alice.provider.calls_to("revocation")
    assert [call.parameters["token_type_hint"] for call in calls] == revoked
    assert {call.parameters["token"] for call in calls} <= {answer.tokens.refresh_token, answer.tokens.access_token}


@pytest.mark.parametrize("trouble", ["no endpoint", "nobody at home"])
def test_where_the_op_takes_no_revocation_nothing_else_is_different(
    alice: Browser, settings: Settings, trouble: str
) -> None:
    if trouble == "no endpoint":
        alice.provider.metadata.drop("revocation_endpoint")
    else:
        alice.provider.metadata.drop("issuer")
    provider.forget()
    cache.clear()
    renewal._withdraw(Tokens(refresh_token="r", access_token="a"))
    assert alice.provider.calls_to("revocation") == []
