"""Back-channel logout under attack: what a stranger, a thief of a token, or a race can and cannot bring about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_silent_sso.models import LogoutRecord
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.defects import Change, Defect, Point
from tests.conftest import Browser, Clock
from tests.op_logout import BACK, FORM, back_channel, is_signed_in, post, refused
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def is_refused(browser: Browser, token: str, reason: str) -> None:
    """400 with this reason, and nothing else has happened."""
    records = LogoutRecord.objects.count()
    with nothing_changes(browser):
        answer = back_channel(token)
    assert refused(answer) == reason
    assert_private(answer)
    assert not answer.cookies
    assert LogoutRecord.objects.count() == records
    assert is_signed_in(browser)


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_bc01_another_method(alice: Browser, method: str) -> None:
    token = alice.provider.logout_token("alice")
    with nothing_changes(alice):
        assert getattr(alice.client, method)(f"{BACK}?logout_token={token}").status_code == 405


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        ("", "", FORM),
        ("", "logout_token={0}&logout_token={0}", FORM),
        ("?logout_token={0}", "", FORM),
        ("", '{{"logout_token": "{0}"}}', "application/json"),
        (
            "",
            '--x\r\nContent-Disposition: form-data; name="logout_token"\r\n\r\n{0}\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
    ids=["none", "twice", "in the query", "JSON", "multipart"],
)
def test_bc02_not_one_token_in_a_form(alice: Browser, query: str, body: str, content_type: str) -> None:
    token = alice.provider.logout_token("alice")
    with nothing_changes(alice):
        answer = Client().post(BACK + query.format(token), body.format(token), content_type=content_type)
    assert refused(answer) == "logout_request_malformed"
    with_charset = post(f"logout_token={token}", content_type=f"{FORM}; charset=UTF-8")
    assert with_charset.status_code == 200


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "x" * 1_000_000, ".".join(["x" * 20_000] * 3), "%00%ff"])
def test_bc03_garbage_costs_no_query_and_no_call(alice: Browser, text: str) -> None:
    alice.provider.forget_calls()
    with CaptureQueriesContext(connection) as queries:
        answer = post(f"logout_token={text}")
    assert refused(answer) in ("logout_token_malformed", "logout_request_malformed")
    assert (len(queries), alice.provider.calls) == (0, [])


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://evil.example"}, "logout_token_issuer"),
        ({"iss": None}, "logout_token_issuer"),
        ({"aud": "another"}, "logout_token_audience"),
        ({"aud": ["another"]}, "logout_token_audience"),
        ({"aud": None}, "logout_token_audience"),
    ],
    ids=str,
)
def test_bc05_from_somebody_else_or_for_somebody_else(alice: Browser, claims: dict[str, Any], reason: str) -> None:
    is_refused(alice, alice.provider.logout_token("alice", **claims), reason)


def test_bc06_for_us_and_for_others(alice: Browser) -> None:
    token = alice.provider.logout_token
    is_refused(alice, token("alice", aud=["site", "another"]), "logout_token_authorized_party")
    is_refused(alice, token("alice", aud=["site", "another"], azp="another"), "logout_token_authorized_party")
    assert back_channel(token("alice", aud=["site", "another"], azp="site")).status_code == 200
    assert not is_signed_in(alice)


@pytest.mark.parametrize("age", [None, -61, 661, 7200], ids=["none", "of the future", "11 minutes", "2 hours"])
def test_bc07_when_it_was_made(alice: Browser, clock: Clock, age: int | None) -> None:
    now = int(clock.stop())
    iat = None if age is None else now - age
    is_refused(alice, alice.provider.logout_token("alice", iat=iat, exp=now + 300), "logout_token_issued_at")


def test_bc08_until_when_it_holds(alice: Browser, clock: Clock) -> None:
    now = int(clock.stop())
    token = alice.provider.logout_token
    is_refused(alice, token("alice", iat=now - 300, exp=now - 60), "logout_token_expired")
    is_refused(alice, token("alice", iat=now - 661, exp=None), "logout_token_issued_at")
    assert back_channel(token("alice", iat=now - 600, exp=None)).status_code == 200
    assert not is_signed_in(alice)


def test_bc10_a_token_that_comes_again(alice: Browser, clock: Clock) -> None:
    token = alice.provider.logout_token("alice", exp=None)
    assert back_channel(token).status_code == 200
    for seconds in (0, 120, 500):
        clock.advance(seconds)
        alice.sign_in("alice")
        call_command("clearsilentsessions", verbosity=0)
        is_refused(alice, token, "logout_token_replayed")
    clock.advance(60)
    is_refused(alice, token, "logout_token_issued_at")


def test_bc11_an_id_is_the_issuer_s_own(alice: Browser, settings: Settings) -> None:
    assert back_channel(alice.provider.logout_token("alice", jti="one")).status_code == 200
    with OpenIDProvider() as other:
        for name, value in other.settings().items():
            setattr(settings, name, value)
        there = Browser(other)
        there.sign_in("alice")
        assert back_channel(other.logout_token("alice", jti="one")).status_code == 200
        assert not is_signed_in(there)


@pytest.mark.django_db(transaction=True)
def test_bc12_a_memory_of_used_tokens_that_cannot_be_asked(alice: Browser) -> None:
    """Fails closed: nothing is done, and the OP is asked to try again."""
    token = alice.provider.logout_token("alice")

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if "logoutrecord" in sql:
            raise DatabaseError
        return execute(sql, *rest)

    with connection.execute_wrapper(fail), nothing_changes(alice):
        answer = back_channel(token)
    assert (answer.status_code, answer.json()["reason"]) == (503, "storage_unavailable")
    assert "Retry-After" in answer
    assert back_channel(token).status_code == 200
    assert not is_signed_in(alice)


def test_bc12_a_cache_that_is_down_is_not_asked(alice: Browser, settings: Settings) -> None:
    token = alice.provider.logout_token("alice")
    settings.CACHES = {"default": {"BACKEND": "tests.broken_cache.BrokenCache"}}
    assert [back_channel(token).status_code for _ in range(2)] == [200, 400]
    assert not is_signed_in(alice)


@pytest.mark.parametrize("nonce", ["n", "", 0, False], ids=repr)
def test_bc14_a_nonce(alice: Browser, nonce: Any) -> None:
    is_refused(alice, alice.provider.logout_token("alice", nonce=nonce), "logout_token_nonce")


def test_bc14_a_nonce_that_is_null(alice: Browser) -> None:
    token = alice.provider.logout_token("alice")
    with alice.provider.logout_claims.change(lambda claims: {**claims, "nonce": None}):
        token = alice.provider.logout_token("alice")
    assert "nonce" in jwt.decode(token, options={"verify_signature": False})
    is_refused(alice, token, "logout_token_nonce")


@pytest.mark.parametrize(
    "events",
    [None, [EVENT], EVENT, {}, {EVENT + "1": {}}, *[{EVENT: value} for value in ([], "", True, None)]],
    ids=repr,
)
def test_bc15_no_event_or_an_odd_one(alice: Browser, events: Any) -> None:
    is_refused(alice, alice.provider.logout_token("alice", events=events), "logout_token_events")


def test_bc16_more_than_we_know(alice: Browser) -> None:
    token = alice.provider.logout_token("alice", events={EVENT: {}, "https://x.example": 1}, more=[1], acr="x")
    assert post(urlencode({"iss": "x", "logout_token": token, "sid": "y"})).status_code == 200
    assert not is_signed_in(alice)


def test_bc17_another_token_of_the_op(alice: Browser) -> None:
    found = RPSession.read(alice.session)
    assert found is not None
    tokens = found.tokens(alice.provider.now())
    is_refused(alice, tokens.id_token, "logout_token_events")
    is_refused(alice, tokens.access_token, "logout_token_malformed")
    other = alice.provider.logout_token("alice", events={"https://schemas.openid.net/secevent/risc/event-type/x": {}})
    is_refused(alice, other, "logout_token_events")


@pytest.mark.parametrize(
    "typ", ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT", None, "at+jwt", "secevent+jwt"]
)
def test_bc18_its_type(alice: Browser, typ: str | None) -> None:
    def other(header: dict[str, Any], situation: Any) -> dict[str, Any]:
        return {name: value for name, value in {**header, "typ": typ}.items() if value is not None}

    with alice.provider.switch_on(Defect("typ", (Change(Point.LOGOUT_TOKEN_HEADER, other),))):
        token = alice.provider.logout_token("alice")
    if typ in ("at+jwt", "secevent+jwt"):
        is_refused(alice, token, "logout_token_type")
    else:
        assert back_channel(token).status_code == 200
        assert not is_signed_in(alice)


def test_bc30_a_flood_of_bad_tokens_is_cheap(alice: Browser) -> None:
    """No query, and one call for keys in a minute at most, however many unknown ones are named."""
    good = alice.provider.logout_token("alice")
    key = ec.generate_private_key(ec.SECP256R1())
    claims = jwt.decode(good, options={"verify_signature": False})
    flood = [jwt.encode(claims, key, algorithm="ES256", headers={"kid": f"k{n}"}) for n in range(10)]
    head, _, signature = good.rpartition(".")
    flood += [f"{head}.{signature[n:]}{signature[:n]}" for n in range(1, 10)]
    alice.provider.rotate_keys()  # good ones, by a key that we have not heard of, and that nobody publishes
    flood += [alice.provider.logout_token("alice") for _ in range(3)]
    alice.provider.rotate_keys()
    alice.provider.forget_calls()
    with CaptureQueriesContext(connection) as queries:
        for token in flood:
            refused(back_channel(token))
    assert len(queries) == 0
    assert len(alice.provider.calls) <= 1
    assert is_signed_in(alice)
