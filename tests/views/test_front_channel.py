"""`frontchannel-logout/` as HTTP: a hidden page that ends one session, and says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError
from django.test import Client

from django_silent_sso.op import provider
from django_silent_sso.views.endpoint import RETRY_AFTER
from django_silent_sso.views.front_channel import LONGEST
from tests.conftest import Browser, told
from tests.op_logout import FRONT, front_channel, sid_of
from tests.views.answers import assert_private, nothing_changes
from tests.views.test_back_channel import failing_database

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def alice(browser: Browser) -> Browser:
    browser.sign_in("alice")
    return browser


def assert_hidden_page(answer: Any, status: int, reason: str) -> None:
    assert told(answer) == (status, reason)
    assert answer["Content-Type"].startswith("text/html")
    assert len(answer.content) < 100
    assert not answer.cookies
    assert "Location" not in answer
    assert "X-Frame-Options" not in answer
    assert_private(answer)


def test_done(alice: Browser) -> None:
    answer = front_channel(alice.provider.issuer, sid_of(alice))
    assert_hidden_page(answer, 200, "op_front_channel")
    assert alice.user() == "nobody"


def test_c114_who_is_signed_out_already_is_no_trouble(alice: Browser) -> None:
    sid = sid_of(alice)
    answers = [front_channel(alice.provider.issuer, sid) for _ in range(2)]
    answers.append(front_channel(alice.provider.issuer, "unknown"))
    assert {(answer.status_code, answer.content, str(answer.headers)) for answer in answers} == {
        (200, answers[0].content, str(answers[0].headers))
    }


def test_only_the_op_may_put_it_into_a_frame(alice: Browser) -> None:
    answer = front_channel(alice.provider.issuer, "unknown")
    policy = answer["Content-Security-Policy"]
    assert policy == f"default-src 'none'; frame-ancestors {alice.provider.issuer}"


def test_its_sign_out_page_may_be_on_another_host(alice: Browser, settings: Settings) -> None:
    settings.OIDC_OP_LOGOUT_ENDPOINT = "https://login.example.org/bye?x=1"
    policy = front_channel(alice.provider.issuer, "unknown")["Content-Security-Policy"]
    assert policy.endswith(f" frame-ancestors {alice.provider.issuer} https://login.example.org")


def test_without_metadata_at_hand_nobody_is_asked_for_it(alice: Browser) -> None:
    cache.clear()
    provider.forget()
    alice.provider.forget_calls()
    answer = front_channel(alice.provider.issuer, "unknown")
    assert answer["Content-Security-Policy"].endswith(f"frame-ancestors {alice.provider.issuer}")
    assert alice.provider.calls == []


def test_metadata_that_cannot_be_used_is_no_reason_to_fail(alice: Browser, settings: Settings) -> None:
    settings.OIDC_OP_LOGOUT_ENDPOINT = "http://login.example.org/"
    for name, url in alice.provider.endpoint_settings().items():
        if name != "OIDC_OP_LOGOUT_ENDPOINT":
            setattr(settings, name, url)
    answer = front_channel(alice.provider.issuer, sid_of(alice))
    assert answer.status_code == 200
    assert answer["Content-Security-Policy"].endswith(f"frame-ancestors {alice.provider.issuer}")


@pytest.mark.parametrize("issuer", [None, "https://id.example.net"], ids=["no OP", "another OP"])
def test_fc03_another_issuer_than_the_site_s(alice: Browser, settings: Settings, issuer: str | None) -> None:
    sid, op = sid_of(alice), alice.provider.issuer
    settings.SILENT_SSO_ISSUER = issuer
    with nothing_changes(alice):
        answer = front_channel(op, sid)
    assert_hidden_page(answer, 400, "issuer_mismatch")
    assert answer["Content-Security-Policy"].endswith(f"frame-ancestors {issuer or chr(39) + 'none' + chr(39)}")


GOOD = "iss={iss}&sid={sid}"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "iss={iss}",
        "sid={sid}",
        "iss=&sid=",
        "iss={iss}&sid=",
        f"{GOOD}&sid={{sid}}",
        f"{GOOD}&iss={{iss}}",
        f"{GOOD}&sid=another",
        f"{GOOD}&iss=",
        "iss={iss}&sid=" + "s" * (LONGEST + 1),
        "ISS={iss}&SID={sid}",
    ],
    ids=lambda value: str(value)[:40],
)
def test_fc01_fc11_not_one_of_each(alice: Browser, query: str) -> None:
    parts = {"iss": urlencode({"": alice.provider.issuer})[1:], "sid": urlencode({"": sid_of(alice)})[1:]}
    with nothing_changes(alice):
        answer = alice.client.get(f"{FRONT}?{query.format(**parts)}")
    assert_hidden_page(answer, 400, "logout_request_malformed")


@pytest.mark.parametrize("method", ["post", "head", "put", "delete", "options"])
def test_fc11_other_methods(alice: Browser, method: str) -> None:
    query = urlencode({"iss": alice.provider.issuer, "sid": sid_of(alice)})
    with nothing_changes(alice):
        answer = getattr(Client(), method)(f"{FRONT}?{query}")
    assert (answer.status_code, answer["Allow"], answer.cookies) == (405, "GET", {})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_c112_a_database_that_is_down(alice: Browser, error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    sid = sid_of(alice)
    with failing_database(error):
        answer = front_channel(alice.provider.issuer, sid)
    assert_hidden_page(answer, 503, "storage_unavailable")
    assert answer["Retry-After"] == str(RETRY_AFTER)
    assert "canary" not in caplog.text
    assert alice.user() != "nobody"


def test_a_prefetch_ends_nothing(alice: Browser) -> None:
    query = urlencode({"iss": alice.provider.issuer, "sid": sid_of(alice)})
    with nothing_changes(alice):
        assert alice.client.get(f"{FRONT}?{query}", headers={"Sec-Purpose": "prefetch"}).status_code == 204
