"""A form that came too late is given back, and sent again as it was: once, by its owner, to its own page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest
from django.test import AsyncClient

from django_silent_sso.flows.kept_form import refuse, resend_page
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.kept_form import LARGEST
from django_silent_sso.testing import make_stale
from tests.conftest import FETCH, Browser, told
from tests.kept_form_site import (
    FILE,
    FORM,
    HEADERS,
    MULTIPART,
    PATH,
    fields,
    kept,
    overdue,
    sealed,
    send,
    send_again,
    token,
    upload,
)


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.kept_form_site"


@pytest.fixture
def alice(make_browser: Callable[..., Browser]) -> Browser:
    """Signed in, on a site that checks CSRF tokens."""
    browser = make_browser(enforce_csrf_checks=True)
    browser.sign_in("alice")
    return browser


# -- the very same form ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content_type", "make"),
    [(FORM, fields), (MULTIPART, upload), (f"{FORM}; charset=UTF-8", fields)],
    ids=["urlencoded", "multipart", "charset"],
)
@pytest.mark.parametrize("path", [PATH, "/async/?x=1"])
def test_c100_the_view_gets_what_it_would_have_got_at_once(
    alice: Browser, path: str, content_type: str, make: Callable[[Browser], bytes]
) -> None:
    body = make(alice)
    expected = send(alice, path, body, content_type).json()
    assert expected["fields"]

    text = kept(alice, path, body, content_type)
    alice.sign_in("alice")
    assert send_again(alice, path, text).json() == expected


def test_c100_under_asgi_too(alice: Browser) -> None:
    def asend(body: bytes, content_type: str) -> Any:
        client = AsyncClient(enforce_csrf_checks=True)
        client.cookies = alice.client.cookies

        async def go() -> Any:
            return await client.generic("POST", "/async/?x=1", body, content_type, headers=HEADERS)

        return async_to_sync(go)()

    body = upload(alice)
    expected = asend(body, MULTIPART).json()
    assert expected["files"]["file"][0][2] == len(FILE)
    overdue(alice)
    text = sealed(asend(body, MULTIPART))
    again = f"silent_sso_form={text}\r\n".encode()
    assert sealed(asend(again, "text/plain")) == text
    alice.sign_in("alice")
    assert asend(again, "text/plain").json() == expected
    assert told(asend(again, "text/plain")) == (409, "form_sent")


@pytest.mark.parametrize("body", [b"", b"any \xff bytes\nat all", b"silent_sso_form"], ids=["empty", "bytes", "almost"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/json", ""])
def test_a_body_of_any_kind_arrives_byte_for_byte(alice: Browser, body: bytes, content_type: str) -> None:
    text = kept(alice, "/raw/", body, content_type)
    alice.sign_in("alice")
    assert send_again(alice, "/raw/", text).content == body


def test_a_large_upload_is_no_matter_of_django_s_limit_for_fields(alice: Browser, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2000
    body = upload(alice)
    text = kept(alice, body=body, content_type=MULTIPART)
    alice.sign_in("alice")
    answer = send_again(alice, PATH, text)
    assert answer.json()["files"]["file"][0][2] == len(FILE)


def test_fields_that_django_refuses_it_refuses_again(alice: Browser, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 50
    body = fields(alice)
    text = kept(alice, body=body)
    alice.sign_in("alice")
    assert send(alice, PATH, body, FORM).status_code == send_again(alice, PATH, text).status_code == 400


class Nosy:
    """A site's middleware that looks at every form before we do."""

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Any:
        request.POST.get("x")
        return self.get_response(request)


class Reader(Nosy):
    """One that reads the stream, and leaves nothing."""

    def __call__(self, request: HttpRequest) -> Any:
        request.read()
        return self.get_response(request)


def put_first(settings: Any, middleware: type) -> None:
    settings.MIDDLEWARE = [f"{__name__}.{middleware.__name__}", *settings.MIDDLEWARE]


@pytest.mark.parametrize(
    ("content_type", "make"), [(FORM, fields), (MULTIPART, upload)], ids=["urlencoded", "multipart"]
)
def test_a_form_that_others_have_parsed_before_is_not_lost(
    make_browser: Callable[..., Browser], settings: Any, content_type: str, make: Callable[[Browser], bytes]
) -> None:
    put_first(settings, Nosy)
    browser = make_browser(enforce_csrf_checks=True)
    browser.sign_in("alice")
    body = make(browser)
    expected = send(browser, PATH, body, content_type).json()
    text = kept(browser, body=body, content_type=content_type)
    browser.sign_in("alice")
    answer = send_again(browser, PATH, text).json()
    written_anew = ("content_type", "length") if content_type == MULTIPART else ()
    for name in written_anew:
        answer.pop(name)
        expected.pop(name)
    assert answer == expected


# -- what cannot be kept -----------------------------------------------------------------------------------------------


def test_a_form_that_is_too_large_gets_the_page_that_says_how_to_go_on(alice: Browser) -> None:
    overdue(alice)
    assert told(send(alice, PATH, b"x" * (LARGEST + 1), "text/plain")) == (401, "grace_ended")


def test_so_does_one_with_an_address_that_is_too_long(alice: Browser) -> None:
    overdue(alice)
    assert told(send(alice, "/arrived/?" + "x" * 70_000, b"", FORM)) == (401, "grace_ended")


def test_so_does_one_that_others_have_used_up(make_browser: Callable[..., Browser], settings: Any) -> None:
    put_first(settings, Reader)
    browser = make_browser()
    browser.sign_in("alice")
    overdue(browser)
    assert told(send(browser, PATH, b"a=1", FORM)) == (401, "grace_ended")
    assert told(send_again(browser, PATH, "anything")) == (401, "grace_ended")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_documents_send_no_other_method(alice: Browser, method: str) -> None:
    overdue(alice)
    headers = {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document", "Accept": "text/html"}
    answer = alice.client.generic(method, PATH, b"a=1", FORM, headers=headers)
    assert told(answer) == (401, "grace_ended")


def test_a_request_of_nobody_is_not_kept(rf: Any) -> None:
    assert resend_page(rf.post("/form/"), Reason.GRACE_ENDED) is None


def test_a_script_gets_its_401(alice: Browser) -> None:
    overdue(alice)
    answer = alice.client.generic("POST", PATH, b"silent_sso_form=x", "text/plain", headers=FETCH)
    assert told(answer) == (401, "grace_ended")


def test_without_our_urls_there_is_a_bare_401(rf: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.without_our_urls"
    answer = refuse(rf.post("/form/", headers={"Accept": "text/html"}), Reason.GRACE_ENDED)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'SilentSSO reason="grace_ended"')


# -- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_holds_nothing_that_can_be_read(alice: Browser) -> None:
    overdue(alice)
    answer = send(alice, PATH, b"secret=canary-of-a-form", FORM)
    assert answer.status_code == 200
    assert "canary" not in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "same-origin", "or Django would refuse what it sends"
    assert answer["X-Frame-Options"] == "DENY"


def test_sent_too_early_it_is_the_same_page_again_and_waits_for_a_person(alice: Browser) -> None:
    body = fields(alice)
    overdue(alice)
    first = send(alice, PATH, body, FORM)
    text = sealed(first)
    again = send_again(alice, PATH, text)
    assert (again.status_code, sealed(again)) == (200, text)
    assert '"silently": true' in first.content.decode()
    assert '"silently": false' in again.content.decode(), "or it would never end"
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).json()["fields"]["a"] == ["1", "2"]


def test_c100_after_the_session_has_ended_it_is_kept_for_the_next_one(alice: Browser) -> None:
    """N08: with another CSRF token, too."""
    before, text = token(alice), kept(alice)
    alice.session.flush()
    answer = send_again(alice, PATH, text)
    assert sealed(answer) == text
    assert told(answer) == (200, "not_signed_in")
    alice.sign_in("alice")
    assert token(alice)[-32:] != before[-32:]
    assert send_again(alice, PATH, text).json()["fields"]["a"] == ["1", "2"]


def test_a_session_that_has_come_to_its_end_loses_no_form(alice: Browser, settings: Any) -> None:
    settings.SILENT_SSO_SESSION_MAX_SECONDS = 600
    body = fields(alice)
    overdue(alice)
    answer = send(alice, PATH, body, FORM)
    text = sealed(answer)
    assert told(answer) == (200, "session_max")
    assert sealed(send_again(alice, PATH, text)) == text
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).json()["fields"]["a"] == ["1", "2"]


def test_c72_a_session_of_another_version_is_known_by_its_user(alice: Browser) -> None:
    body = fields(alice)
    session = alice.session
    session["silent_sso"] = {**session["silent_sso"], "v": 0}
    session.save()
    answer = send(alice, PATH, body, FORM)
    text = sealed(answer)
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).json()["fields"]["a"] == ["1", "2"]


@pytest.mark.parametrize("age", [make_stale, lambda session: None], ids=["stale", "fresh"])
def test_a_wrapper_is_opened_whenever_forms_are_served(alice: Browser, age: Callable[[Any], None]) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    age(alice.session)
    assert send_again(alice, PATH, text).json()["fields"]["a"] == ["1", "2"]
