"""`backchannel-logout/` as HTTP: what is read, and what is answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection
from django.test import AsyncClient, Client, RequestFactory

from django_silent_sso.op import provider
from django_silent_sso.views.back_channel import LONGEST_BODY, MOST_FIELDS, back_channel_logout
from django_silent_sso.views.endpoint import RETRY_AFTER
from tests.conftest import Browser
from tests.op_logout import BACK, FORM, back_channel, post, refused, sid_of
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def alice(browser: Browser) -> Browser:
    browser.sign_in("alice")
    return browser


@contextmanager
def failing_database(error: type[Exception] = DatabaseError, word: str = "") -> Iterator[None]:
    """Every statement with this word in it fails."""

    def fail(execute: Any, sql: str, *rest: Any) -> Any:
        if word in sql:
            raise error("canary")
        return execute(sql, *rest)

    with connection.execute_wrapper(fail):
        yield


def test_done(alice: Browser) -> None:
    answer = back_channel(alice.provider.logout_token("alice", sid=sid_of(alice)))
    assert (answer.status_code, answer.content, answer.cookies) == (200, b"", {})
    assert_private(answer)
    assert alice.user() == "nobody"


def test_bc19_nobody_to_sign_out_gets_the_same_answer(alice: Browser) -> None:
    known = back_channel(alice.provider.logout_token("alice"))
    unknown = back_channel(alice.provider.logout_token("nobody", sid="none"))
    assert (known.status_code, known.content, known.headers) == (unknown.status_code, unknown.content, unknown.headers)


def test_refused(alice: Browser) -> None:
    with nothing_changes(alice):
        answer = back_channel(alice.provider.logout_token("alice", nonce="n"))
    assert refused(answer) == "logout_token_nonce"
    assert_private(answer)
    assert not answer.cookies
    assert "Location" not in answer


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_bc01_other_methods(alice: Browser, method: str) -> None:
    token = alice.provider.logout_token("alice")
    with nothing_changes(alice):
        answer = getattr(Client(), method)(f"{BACK}?{urlencode({'logout_token': token})}")
    assert (answer.status_code, answer["Allow"], answer.cookies) == (405, "POST", {})
    assert_private(answer)


FIELD = "logout_token={token}"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("", FORM),
        ("logout_token=", FORM),
        ("token={token}", FORM),
        ("LOGOUT_TOKEN={token}", FORM),
        (f"{FIELD}&{FIELD}", FORM),
        (f"{FIELD}&logout_token=", FORM),
        ("&".join([FIELD, *["a=b"] * MOST_FIELDS]), FORM),
        (f"{FIELD}&a=" + "b" * LONGEST_BODY, FORM),
        (FIELD, "application/json"),
        ('{{"logout_token": "{token}"}}', "application/json"),
        ("{token}", "application/jwt"),
        (FIELD, "text/plain"),
        (FIELD, ""),
        (
            '--x\r\nContent-Disposition: form-data; name="logout_token"\r\n\r\n{token}\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bc02_what_is_not_one_token_in_a_form(alice: Browser, body: str, content_type: str) -> None:
    body = body.format(token=alice.provider.logout_token("alice"))
    with nothing_changes(alice):
        answer = post(body, content_type=content_type)
    expected = "logout_token_malformed" if body == "logout_token=" else "logout_request_malformed"
    assert refused(answer) == expected


def test_bc02_a_token_in_the_query(alice: Browser) -> None:
    token = alice.provider.logout_token("alice")
    with nothing_changes(alice):
        for body in (f"logout_token={token}", "a=b"):
            answer = Client().post(f"{BACK}?logout_token={token}", body, content_type=FORM)
            assert refused(answer) == "logout_request_malformed"


def test_bytes_that_are_no_text(alice: Browser) -> None:
    token = alice.provider.logout_token("alice")
    with nothing_changes(alice):
        answer = post(b"a=\xff&logout_token=" + token.encode())
    assert refused(answer) == "logout_request_malformed"


@pytest.mark.parametrize(
    "content_type",
    [f"{FORM}; charset=utf-8", f"{FORM};charset=ISO-8859-1", FORM.upper()],
)
def test_bc02_a_form_with_its_charset(alice: Browser, content_type: str) -> None:
    assert back_channel(alice.provider.logout_token("alice"), content_type=content_type).status_code == 200
    assert alice.user() == "nobody"


def test_bc16_other_fields_are_not_ours_to_judge(alice: Browser) -> None:
    token = quote(alice.provider.logout_token("alice"))
    assert post(f"iss=x&logout_token={token}&a=1&a=2&=&empty=").status_code == 200
    assert alice.user() == "nobody"


@pytest.mark.parametrize("length", ["-1", "1e3", "x", str(LONGEST_BODY + 1)])
def test_bc03_a_length_that_is_none_or_too_much_is_not_read(alice: Browser, length: str) -> None:
    token = alice.provider.logout_token("alice")
    request = RequestFactory().post(BACK, f"logout_token={token}", content_type=FORM)
    request.META["CONTENT_LENGTH"] = length
    assert refused(with_json(back_channel_logout(request))) == "logout_request_malformed"
    assert not hasattr(request, "_body")


class Broken:
    """A connection that was closed on the way."""

    def read(self, *args: Any) -> bytes:
        raise OSError("closed")

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        pass


def with_json(response: Any) -> Any:
    """As the test client's answers."""
    response.json = lambda: json.loads(response.content)
    return response


def test_a_body_that_cannot_be_read(settings: Settings) -> None:
    broken, read_before, too_big = (RequestFactory().post(BACK, "logout_token=x", content_type=FORM) for _ in range(3))
    broken._stream = Broken()
    read_before.read(1)
    for request in (broken, read_before):
        assert refused(with_json(back_channel_logout(request))) == "logout_request_malformed"
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1  # the site's own limit
    assert refused(with_json(back_channel_logout(too_big))) == "logout_request_malformed"


def test_bc03_a_body_that_comes_without_its_length() -> None:
    """As from an ASGI server that was sent it in pieces."""
    request = RequestFactory().post(BACK, content_type=FORM)
    request._body = b"logout_token=x&a=" + b"b" * LONGEST_BODY
    assert refused(with_json(back_channel_logout(request))) == "logout_request_malformed"
    request._body = b"logout_token=x"
    assert refused(with_json(back_channel_logout(request))) == "logout_token_malformed"


@pytest.mark.parametrize(
    ("endpoint", "retry_after", "expected"),
    [("jwks", None, str(RETRY_AFTER)), ("jwks", "77", "77"), ("discovery", None, str(RETRY_AFTER))],
)
def test_the_op_s_own_keys_cannot_be_had(
    alice: Browser, endpoint: str, retry_after: str | None, expected: str, settings: Settings
) -> None:
    token = alice.provider.logout_token("alice")
    cache.clear()
    provider.forget()
    alice.provider.fail(endpoint, status=503, headers={"Retry-After": retry_after} if retry_after else None)
    answer = back_channel(token)
    assert (answer.status_code, answer["Retry-After"]) == (503, expected)
    assert answer.json() == {"error": "temporarily_unavailable", "reason": "op_status"}
    assert_private(answer)
    assert alice.user() != "nobody"


def test_a_site_without_an_op(alice: Browser, settings: Settings) -> None:
    token = alice.provider.logout_token("alice")
    settings.SILENT_SSO_ISSUER = None
    answer = back_channel(token)
    assert (answer.status_code, answer.json()["reason"]) == (503, "not_configured")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_c112_a_database_that_is_down(alice: Browser, error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    token = alice.provider.logout_token("alice")
    with failing_database(error):
        answer = back_channel(token)
    assert (answer.status_code, answer["Retry-After"]) == (503, str(RETRY_AFTER))
    assert answer.json() == {"error": "temporarily_unavailable", "reason": "storage_unavailable"}
    assert "canary" not in caplog.text
    assert alice.user() != "nobody"
    assert back_channel(token).status_code == 200, "the OP tries again"
    assert alice.user() == "nobody"


def test_what_is_logged_names_nobody(alice: Browser, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for claims in ({}, {"nonce": "canary"}):
        token = alice.provider.logout_token("alice-canary", sid="canary", jti=f"canary{claims}", **claims)
        back_channel(token)
        assert token not in caplog.text
    assert "canary" not in caplog.text
    assert "logout_token_nonce" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_under_asgi(alice: Browser) -> None:
    body = f"logout_token={alice.provider.logout_token('alice')}"
    answer = async_to_sync(AsyncClient().post)(BACK, body, content_type=FORM)
    assert (answer.status_code, answer.content) == (200, b"")
    assert alice.user() == "nobody"
