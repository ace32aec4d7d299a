"""Another subject answers than the one whose session it is: nobody is swapped silently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session

from django_silent_sso.protocol.errors import Reason
from django_silent_sso.signals import subject_changed
from django_silent_sso.testing import make_overdue, make_stale
from tests.conftest import Browser
from tests.flows.conftest import here

if TYPE_CHECKING:
    from pytest_django import Settings


def claims_in(id_token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(id_token, options={"verify_signature": False})
    return claims


def other_subject(browser: Browser) -> Any:
    """Alice's session is renewed while Bob has signed in at an OP that goes by no hint."""
    make_stale(browser.session)
    leaving = browser.get("/page/")["Location"]
    browser.provider.switch_user("bob")
    return browser.get(browser.at_op(re.sub(r"&id_token_hint=[^&]+", "", leaving)))


@pytest.fixture
def heard() -> Iterator[list[tuple[str, str]]]:
    signals: list[tuple[str, str]] = []

    def listen(sender: Any, reaction: str, reason: Reason, **_: Any) -> None:
        signals.append((reaction, str(reason)))

    subject_changed.connect(listen)
    yield signals
    subject_changed.disconnect(listen)


def test_u08_d51_sign_out_ends_the_first_user_s_session_and_signs_nobody_in(
    browser: Browser, heard: list[tuple[str, str]]
) -> None:
    browser.sign_in("alice")
    assert other_subject(browser)["Location"] == "/page/"
    assert here(browser) is None
    assert browser.user() == "nobody"
    assert not Session.objects.exists()
    assert get_user_model().objects.count() == 1
    assert heard == [("sign_out", "subject_changed")]


def test_u08_refuse_keeps_the_first_user_s_session_untouched(
    browser: Browser, settings: Settings, heard: list[tuple[str, str]]
) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = "refuse"
    browser.sign_in("alice")
    name = browser.user()
    assert other_subject(browser)["Location"] == "/page/"
    found = here(browser)
    assert found is not None
    assert found.subject == "alice"
    assert browser.user() == name
    assert heard == [("refuse", "subject_changed")]
    make_overdue(browser.session)
    assert browser.fetch("/page/").status_code == 401


def test_u08_n07_switch_opens_a_new_session_that_has_nothing_of_the_first(
    browser: Browser, settings: Settings, heard: list[tuple[str, str]]
) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = "switch"
    browser.sign_in("alice")
    session = browser.session
    session["basket"] = "alice's"
    session.save()
    key, name = session.session_key, browser.user()
    assert other_subject(browser)["Location"] == "/page/"
    found = here(browser)
    assert found is not None
    assert found.subject == "bob"
    assert browser.user() not in (name, "nobody")
    assert browser.session.session_key != key
    assert "basket" not in browser.session
    assert not Session.objects.filter(session_key=key).exists()
    assert heard == [("switch", "subject_changed")]


def test_u09_nobody_s_tokens_lie_in_the_session_of_another(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = "refuse"
    settings.OIDC_CREATE_USER = False
    get_user_model().objects.create(username="alice", email="alice@example.org")
    browser.sign_in("alice")
    before = browser.snapshot()[0]
    other_subject(browser)
    key, *_ = browser.snapshot()[0][0]
    assert (key, len(browser.snapshot()[0])) == (before[0][0], 1)
    found = here(browser)
    assert found is not None
    assert claims_in(found.tokens(browser.provider.now()).id_token)["sub"] == "alice"


@pytest.mark.parametrize("reaction", ["sign_out", "switch", "refuse"])
def test_c82_a_renewal_does_not_replace_who_signed_in_meanwhile(
    browser: Browser, settings: Settings, reaction: str
) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = reaction
    browser.provider.tokens_outlive_session = True
    browser.sign_in("alice")
    make_stale(browser.session)
    alice_s = browser.at_op(browser.get("/page/")["Location"])
    browser.provider.switch_user("bob")
    browser.sign_in("bob")
    name = browser.user()
    browser.provider.switch_user("alice")
    browser.get(alice_s)
    assert browser.user() == name
    found = here(browser)
    assert found is not None
    assert found.subject == "bob"


def test_c82_nor_does_a_visitor_s_attempt(browser: Browser) -> None:
    browser.provider.tokens_outlive_session = True
    browser.provider.sign_in("bob")
    visitor_s = browser.answered()
    browser.provider.switch_user("alice")
    browser.sign_in("alice")
    answer = browser.relay("/oidc/callback/", visitor_s)
    found = here(browser)
    assert found is not None
    assert found.subject == "alice"
    assert (answer.json()["reason"], answer.json()["signed_in"]) == ("subject_changed", True)


def test_a_sign_in_by_hand_may_replace_anybody(browser: Browser) -> None:
    browser.sign_in("alice")
    browser.provider.switch_user("bob")
    browser.sign_in("bob")
    found = here(browser)
    assert found is not None
    assert found.subject == "bob"


@pytest.mark.parametrize(("now_at_op", "reason"), [("bob", "subject_changed"), ("alice", "signed_in")])
def test_c72_a_session_of_another_version_is_taken_over_by_its_own_user_only(
    browser: Browser, now_at_op: str, reason: str
) -> None:
    browser.sign_in("bob")
    browser.provider.switch_user("alice")
    browser.sign_in("alice")
    session = browser.session
    session["silent_sso"] = {"v": 0}
    session.save()
    browser.provider.switch_user(now_at_op)
    assert browser.relay("/oidc/callback/", browser.answered()).json()["reason"] == reason
