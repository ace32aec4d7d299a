"""What a site is told, when, and with which arguments."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.dispatch import Signal

from django_silent_sso import signals
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.testing import make_stale
from tests.conftest import Browser

User = get_user_model()
NAMES = ["silent_sign_in_succeeded", "silent_sign_in_failed", "subject_changed", "session_terminated"]

Heard = list[tuple[str, dict[str, Any]]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    """Every signal, by its name, and what it carried."""
    told: Heard = []

    def listen(name: str) -> Any:
        def receiver(**facts: Any) -> None:
            told.append((name, facts))

        return receiver

    receivers = {name: listen(name) for name in NAMES}
    for name, receiver in receivers.items():
        getattr(signals, name).connect(receiver)
    yield told
    for name, receiver in receivers.items():
        getattr(signals, name).disconnect(receiver)


def reasons(heard: Heard) -> list[tuple[str, Reason]]:
    return [(name, facts["reason"]) for name, facts in heard]


def renew(browser: Browser) -> Any:
    cache.clear()  # as if the last attempt were seconds ago
    make_stale(browser.session)
    return browser.follow(browser.get("/page/"))


def test_these_are_all() -> None:
    assert sorted(signals.__all__) == sorted(NAMES)
    assert sorted(name for name, value in vars(signals).items() if isinstance(value, Signal)) == sorted(NAMES)


def test_a_sign_in_by_the_user_is_no_silent_one(browser: Browser, heard: Heard) -> None:
    browser.sign_in("alice")
    assert heard == []


def test_a_silent_sign_in(browser: Browser, heard: Heard, settings: Any) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.sign_in("alice")
    browser.follow(browser.get("/page/"))
    assert reasons(heard) == [("silent_sign_in_succeeded", Reason.SIGNED_IN)]
    facts = heard[0][1]
    assert set(facts) == {"signal", "sender", "request", "user", "reason"}
    assert (facts["sender"], facts["user"]) == (User, User.objects.get())
    assert facts["request"].path == "/oidc/callback/"


def test_a_renewal(browser: Browser, heard: Heard) -> None:
    browser.sign_in("alice")
    renew(browser)
    assert reasons(heard) == [("silent_sign_in_succeeded", Reason.RENEWED)]
    assert heard[0][1]["user"] == User.objects.get()


def test_a_visitor_who_is_nobody_at_the_op(browser: Browser, heard: Heard, settings: Any) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.follow(browser.get("/page/"))
    assert reasons(heard) == [("silent_sign_in_failed", Reason.LOGIN_REQUIRED)]
    facts = heard[0][1]
    assert set(facts) == {"signal", "sender", "request", "user", "reason"}
    assert (facts["sender"], facts["user"]) == (User, None)


def test_a_user_for_whom_the_op_vouches_no_more(browser: Browser, heard: Heard) -> None:
    browser.sign_in("alice")
    browser.provider.sign_out()
    renew(browser)
    assert reasons(heard) == [
        ("silent_sign_in_failed", Reason.LOGIN_REQUIRED),
        ("session_terminated", Reason.LOGIN_REQUIRED),
    ]
    for _, facts in heard:
        assert (facts["sender"], facts["user"]) == (User, User.objects.get())
    assert set(heard[1][1]) == {"signal", "sender", "request", "user", "reason", "cause"}


def test_an_op_that_fails_ends_nothing(browser: Browser, heard: Heard) -> None:
    browser.sign_in("alice")
    browser.provider.answer_with_error("server_error")
    renew(browser)
    assert reasons(heard) == [("silent_sign_in_failed", Reason.SERVER_ERROR)]


@pytest.mark.parametrize(
    ("reaction", "ended"), [("sign_out", True), ("refuse", False)], ids=["signed out", "the session is kept"]
)
def test_another_user_at_the_op(browser: Browser, heard: Heard, settings: Any, reaction: str, ended: bool) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = reaction
    browser.sign_in("alice")
    browser.provider.id_token.replace(sub="bob")  # an OP that ignores the hint
    renew(browser)
    assert reasons(heard) == [
        ("subject_changed", Reason.SUBJECT_CHANGED),
        ("silent_sign_in_failed", Reason.SUBJECT_CHANGED),
        *([("session_terminated", Reason.SUBJECT_CHANGED)] if ended else []),
    ]
    facts = heard[0][1]
    assert set(facts) == {"signal", "sender", "request", "user", "reaction", "reason"}
    assert (facts["sender"], facts["user"], facts["reaction"]) == (User, User.objects.get(), reaction)


def test_a_sign_out_by_the_user(browser: Browser, heard: Heard) -> None:
    browser.sign_in("alice")
    browser.post("/oidc/logout/")
    assert reasons(heard) == [("session_terminated", Reason.SIGNED_OUT_BY_USER)]
    assert heard[0][1]["user"] == User.objects.get()


def test_none_carries_a_token_code_state_nonce_or_address(browser: Browser, heard: Heard) -> None:
    browser.sign_in("alice", email="canary@example.org")
    renew(browser)
    browser.provider.id_token.replace(sub="bob")
    renew(browser)
    assert len(heard) >= 4
    for name, facts in heard:
        told = {key: str(value) for key, value in facts.items() if key not in ("signal", "sender", "request")}
        assert "canary" not in str(told), name
        assert max(len(value) for value in told.values()) <= 30, "a user name or a word"


@pytest.mark.parametrize("name", NAMES)
def test_a_receiver_that_fails_costs_no_page(browser: Browser, name: str, settings: Any) -> None:
    def broken(**facts: Any) -> None:
        raise ValueError("broken")

    signal: Signal = getattr(signals, name)
    signal.connect(broken)
    try:
        browser.sign_in("alice")
        assert renew(browser).status_code == 302
        browser.provider.id_token.replace(sub="bob")
        assert renew(browser).status_code == 302
    finally:
        signal.disconnect(broken)
    assert browser.user() == "nobody"
