"""The one HTTP client: what it takes for an answer, what it refuses, and what it never lets out."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.op import http
from django_silent_sso.op.http import MAX_BODY, Answer, fetch, loopback
from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable, Reason
from django_silent_sso.testing import OpenIDProvider
from tests.op.servers import Conversation, make_certificate, message, serving

if TYPE_CHECKING:
    from pytest_django import Settings

CANARY = "canary-7f3a"


def refused(call: Callable[[], object]) -> Reason:
    with pytest.raises(OPUnavailable) as caught:
        call()
    return caught.value.reason


def test_an_answer_has_the_status_the_headers_that_matter_and_the_body(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail(
        "discovery",
        status=503,
        body=b'{"a": 1}',
        headers={"Content-Type": "Text/JSON; charset=utf-8", "Retry-After": "17", "Cache-Control": "Max-Age=5"},
    )
    answer = fetch("GET", openid_provider.url_of("discovery"))
    assert (answer.status, answer.content_type, answer.cache_control) == (503, "text/json", "max-age=5")
    assert (answer.retry_after, answer.json()) == (17, {"a": 1})
    assert repr(answer) == "Answer(status=503, content_type='text/json', 8 bytes)"


@pytest.mark.parametrize("body", [b'{"a": 1}', b'\xef\xbb\xbf{"a": 1}'], ids=["plain", "byte_order_mark"])
def test_c28_json_is_taken_whatever_its_content_type_says(openid_provider: OpenIDProvider, body: bytes) -> None:
    openid_provider.fail("token", status=200, body=body, headers={"Content-Type": "text/html"})
    assert fetch("POST", openid_provider.url_of("token"), data={}).json() == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": ',
        '{"a": 1}'.encode("utf-16"),
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": [-Infinity]}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"sub": "alice", "sub": "bob"}',
        b"[" * 100_000,
    ],
    ids=[
        "empty",
        "html",
        "cut_short",
        "utf16",
        "invalid_utf8",
        "nan",
        "larger_than_a_float",
        "infinite",
        "ds05_5000_digits",
        "ds05_lone_surrogate",
        "c27_member_twice",
        "ds05_nested",
    ],
)
def test_c27_what_is_not_json_is_refused_cleanly(body: bytes) -> None:
    answer = Answer(status=200, content_type="application/json", cache_control="", retry_after=None, body=body)
    assert refused(answer.json) is Reason.OP_ANSWER_INVALID


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_i10_a_redirect_is_not_followed_and_no_secret_is_sent_again(
    openid_provider: OpenIDProvider, status: int
) -> None:
    with OpenIDProvider() as elsewhere:
        openid_provider.redirect("token", elsewhere.url_of("token"), status=status)
        call = lambda: fetch("POST", openid_provider.url_of("token"), data={"client_secret": CANARY})  # noqa: E731
        assert refused(call) is Reason.OP_REDIRECTED
        assert elsewhere.calls == []


def test_a_redirect_is_given_back_to_who_asks_for_it_and_not_followed_either(openid_provider: OpenIDProvider) -> None:
    openid_provider.redirect("authorize", openid_provider.url_of("token"), status=302)
    answer = fetch("GET", openid_provider.url_of("authorize"), redirect_is_answer=True)
    assert (answer.status, answer.headers["location"]) == (302, openid_provider.url_of("token"))
    assert openid_provider.calls_to("token") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://op.example.org/token",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "gopher://127.0.0.1/x",
        "javascript:alert(1)",
        "https://user:secret@op.example.org/",
        "http://169.254.169.254/latest",
        "",
    ],
)
def test_i09_an_unsafe_url_is_not_called(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        fetch("GET", url)
    assert caught.value.reason in (Reason.ENDPOINT_INSECURE, Reason.METADATA_INVALID)


# -- how much is read -----------------------------------------------------------------------------------------------


def test_ds04_a_body_up_to_the_cap_is_read_and_one_byte_more_is_not(openid_provider: OpenIDProvider) -> None:
    url = openid_provider.url_of("jwks")
    openid_provider.fail("jwks", body=b"x" * MAX_BODY, times=1)
    openid_provider.fail("jwks", body=b"x" * (MAX_BODY + 1), times=1)
    assert len(fetch("GET", url).body) == MAX_BODY
    assert refused(lambda: fetch("GET", url)) is Reason.OP_ANSWER_TOO_LARGE


def test_c31_an_endless_body_is_cut_at_the_cap() -> None:
    def endless(talk: Conversation) -> bool:
        talk.read_request()
        talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        return talk.drip(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    with serving(endless) as server:
        assert refused(lambda: fetch("GET", server.url)) is Reason.OP_ANSWER_TOO_LARGE
        assert server.wait() == [True]


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_a_packed_body_is_unpacked_up_to_the_cap(
    openid_provider: OpenIDProvider, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    headers = {"Content-Encoding": encoding}
    url = openid_provider.url_of("jwks")
    openid_provider.fail("jwks", status=200, body=pack(b'{"keys": []}'), headers=headers, times=1)
    openid_provider.fail("jwks", status=200, body=pack(b" " * 50_000_000), headers=headers, times=1)
    assert fetch("GET", url).json() == {"keys": []}
    assert refused(lambda: fetch("GET", url)) is Reason.OP_ANSWER_TOO_LARGE


@pytest.mark.parametrize("encoding", ["gzip", "br"], ids=["c2_gzip_that_is_not", "an_encoding_nobody_asked_for"])
def test_what_cannot_be_unpacked_is_refused(openid_provider: OpenIDProvider, encoding: str) -> None:
    openid_provider.fail("jwks", status=200, body=b'{"keys": []}', headers={"Content-Encoding": encoding})
    assert refused(lambda: fetch("GET", openid_provider.url_of("jwks"))) is Reason.OP_ANSWER_INVALID


# -- whom it calls --------------------------------------------------------------------------------------------------


@pytest.mark.openid_provider(public_host="id.corp.localhost")
def test_a_name_under_localhost_is_called_on_loopback_by_its_own_name(openid_provider: OpenIDProvider) -> None:
    answer = fetch("GET", f"{openid_provider.issuer}/.well-known/openid-configuration")
    assert answer.json()["issuer"] == openid_provider.issuer
    host = openid_provider.calls[0].headers["host"]
    assert host == f"id.corp.localhost:{openid_provider.port}"


@pytest.mark.parametrize(
    ("url", "called", "host"),
    [
        ("http://localhost/x", "http://127.0.0.1/x", "localhost"),
        ("http://ID.localhost:81/x?y", "http://127.0.0.1:81/x?y", "ID.localhost:81"),
        ("http://127.0.0.2/x", "http://127.0.0.2/x", "127.0.0.2"),
        ("https://id.localhost/x", "https://id.localhost/x", "id.localhost"),
        ("https://id.example.org:8443/x", "https://id.example.org:8443/x", "id.example.org:8443"),
    ],
)
def test_only_plain_http_to_localhost_names_is_turned_to_loopback(url: str, called: str, host: str) -> None:
    assert loopback(url) == (called, host)


def test_connections_are_kept_and_replaced_when_they_have_died(openid_provider: OpenIDProvider) -> None:
    for _ in range(5):
        fetch("GET", openid_provider.url_of("discovery"))
    assert openid_provider.connections == 1
    openid_provider.stop()
    openid_provider.start()
    assert fetch("GET", openid_provider.url_of("discovery")).status == 200


def test_c33_a_connection_that_ends_without_a_word_is_not_tried_again(openid_provider: OpenIDProvider) -> None:
    openid_provider.disconnect("token", after_work=True)
    call = lambda: fetch("POST", openid_provider.url_of("token"), data={"code": "x"})  # noqa: E731
    assert refused(call) is Reason.OP_UNREACHABLE
    assert len(openid_provider.calls_to("token")) == 1


def test_c19_a_closed_port_is_an_op_that_cannot_be_reached(openid_provider: OpenIDProvider) -> None:
    openid_provider.stop()
    assert refused(lambda: fetch("GET", openid_provider.url_of("jwks"))) is Reason.OP_UNREACHABLE


def test_c26_a_body_that_is_shorter_than_said_is_no_answer() -> None:
    def cut_short(talk: Conversation) -> None:
        talk.read_request()
        talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")

    with serving(cut_short) as server:
        assert refused(lambda: fetch("GET", server.url)) is Reason.OP_UNREACHABLE


def test_c58_c59_a_certificate_is_checked_against_the_bundle_of_the_settings(
    settings: Settings, tmp_path: Path
) -> None:
    bundle, context = make_certificate(tmp_path)

    def polite(talk: Conversation) -> None:
        talk.read_request()
        talk.send(message(b"{}", "Connection: close"))

    with serving(polite, context) as server:
        assert refused(lambda: fetch("GET", server.url)) is Reason.OP_UNREACHABLE
        settings.OIDC_VERIFY_SSL = str(bundle)
        assert fetch("GET", server.url).json() == {}
        assert refused(lambda: fetch("GET", server.url.replace("127.0.0.1", "localhost"))) is Reason.OP_UNREACHABLE


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("999999999999", 24 * 3600),
        ("soon", None),
        ("-5", None),
        ("", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds(value: str, seconds: int | None) -> None:
    assert http._retry_after(value) == seconds


def test_retry_after_may_be_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    monkeypatch.setattr("time.time", now.timestamp)
    assert http._retry_after(format_datetime(now + timedelta(seconds=90), usegmt=True)) == 90
