"""When a kept form is not sent: a second time, by somebody else, from elsewhere; and no way around the CSRF check."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.kept_form import is_wrapper, restore
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.kept_form import LARGEST, LIFETIME, open_form
from tests.broken_cache import BROKEN
from tests.conftest import Browser, Clock, told
from tests.kept_form_site import (
    FORM,
    PATH,
    fields,
    kept,
    overdue,
    sealed,
    send,
    send_again,
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


# -- not sent ----------------------------------------------------------------------------------------------------------


def test_it_is_sent_once(alice: Browser) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).status_code == 200
    assert told(send_again(alice, PATH, text)) == (409, "form_sent")


def test_another_user_does_not_send_it_and_its_owner_still_can(alice: Browser) -> None:
    text = kept(alice)
    alice.provider.switch_user("bob")
    alice.sign_in("bob")
    answer = send_again(alice, PATH, text)
    assert told(answer) == (409, "form_of_another_user")
    assert sealed(answer) == text
    alice.provider.switch_user("alice")
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).status_code == 200


def test_a_user_who_is_switched_off_does_not_send_it(alice: Browser, django_user_model: Any) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    django_user_model.objects.update(is_active=False)
    assert told(send_again(alice, PATH, text)) == (200, "not_signed_in")


def test_a_cache_that_is_down_sends_nothing_and_loses_nothing(alice: Browser, settings: Any) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    working, settings.CACHES = settings.CACHES, BROKEN
    answer = send_again(alice, PATH, text)
    assert told(answer) == (503, "storage_unavailable")
    assert (sealed(answer), answer["Retry-After"]) == (text, "30")
    settings.CACHES = working
    assert send_again(alice, PATH, text).status_code == 200


def test_it_is_valid_for_an_hour(alice: Browser, clock: Clock) -> None:
    text = kept(alice)
    clock.advance(LIFETIME + 1)
    assert told(send_again(alice, PATH, text)) == (400, "form_expired")
    alice.sign_in("alice")
    assert told(send_again(alice, PATH, text)) == (400, "form_expired")


@pytest.mark.parametrize("path", ["/arrived/", "/arrived/caf%C3%A9/", PATH + "&z=1", "/oidc/silent/"])
def test_another_page_does_not_take_it(alice: Browser, path: str) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    assert told(send_again(alice, path, text)) == (400, "form_of_another_page")


def test_what_was_changed_is_not_sent(alice: Browser) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    for changed in (text[:50] + ("A" if text[50] != "A" else "B") + text[51:], text[:-40], "", "é", "x" * 100):
        assert told(send_again(alice, PATH, changed)) == (400, "form_unreadable")


def test_a_wrapper_that_is_longer_than_any_is_not_read(alice: Browser) -> None:
    assert told(send_again(alice, PATH, "A" * (LARGEST * 3 // 2))) == (400, "form_unreadable")


FROM_ELSEWHERE = {
    "site": {"Sec-Fetch-Site": "cross-site"},
    "subdomain": {"Sec-Fetch-Site": "same-site"},
    "origin": {"Origin": "https://evil.example"},
}


@pytest.mark.parametrize("headers", FROM_ELSEWHERE.values(), ids=FROM_ELSEWHERE)
@pytest.mark.parametrize("late", [False, True])
def test_only_our_own_page_sends_it(alice: Browser, headers: dict[str, str], late: bool) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    if late:
        overdue(alice)
    assert told(send_again(alice, PATH, text, **headers)) == (403, "cross_site_request")


# -- no way around Django's CSRF check ---------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", FROM_ELSEWHERE.values(), ids=FROM_ELSEWHERE)
@pytest.mark.parametrize("body", [b"a=1", b"a=1&csrfmiddlewaretoken=" + b"x" * 64], ids=["no token", "wrong token"])
def test_what_another_site_has_sent_is_refused_as_it_would_have_been(
    alice: Browser, headers: dict[str, str], body: bytes
) -> None:
    """Our page sends it from this site; the check sees from where it came first."""
    at_once = send(alice, PATH, body, FORM, **headers)
    text = kept(alice, body=body, **headers)
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).status_code == at_once.status_code == 403


def test_a_good_token_from_a_foreign_page_is_no_good(alice: Browser) -> None:
    body = fields(alice)
    text = kept(alice, body=body, Origin="https://evil.example")
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).status_code == 403


def test_a_view_without_that_check_sees_where_the_form_came_from(
    make_browser: Callable[..., Browser], settings: Any
) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Csrf" not in name]
    alice = make_browser()
    alice.sign_in("alice")
    where = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Referer": "https://evil.example/x"}
    text = kept(alice, body=b"a=1", **where)
    alice.sign_in("alice")
    assert send_again(alice, PATH, text).json()["headers"] == where


def test_a_form_that_named_no_origin_names_none_later(make_browser: Callable[..., Browser]) -> None:
    browser = make_browser()
    browser.sign_in("alice")
    overdue(browser)
    headers = {"Accept": "text/html"}
    answer = browser.client.generic("POST", "/arrived/", b"a=1", FORM, headers=headers)
    text = sealed(answer)
    browser.sign_in("alice")
    seen = send_again(browser, "/arrived/", text).json()["headers"]
    assert seen == {"Origin": None, "Sec-Fetch-Site": None, "Referer": None}


def test_judging_the_token_early_writes_no_log_and_an_address_of_no_view_is_404(
    alice: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "django.security.csrf")
    text = kept(alice, "/nowhere/", b"a=1")
    assert caplog.records == []
    alice.sign_in("alice")
    assert send_again(alice, "/nowhere/", text).status_code == 404


def test_a_broken_upload_is_refused_by_django_when_it_comes_again(alice: Browser) -> None:
    body = upload(alice)
    at_once = send(alice, PATH, body, "multipart/form-data; boundary=")
    text = kept(alice, body=body, content_type="multipart/form-data; boundary=")
    alice.sign_in("alice")
    assert at_once.status_code == send_again(alice, PATH, text).status_code == 400


# -- seldom ------------------------------------------------------------------------------------------------------------


def test_a_session_that_cannot_be_read_owns_nothing(alice: Browser, rf: Any) -> None:
    text = kept(alice)
    alice.sign_in("alice")
    request = rf.generic("POST", PATH, f"silent_sso_form={text}".encode(), "text/plain")
    request.META.update(HTTP_ACCEPT="text/html", HTTP_SEC_FETCH_SITE="same-origin")
    request.session = alice.session
    request.COOKIES["sessionid"] = "x"
    request.silent_sso = SilentSSO(request)
    request.silent_sso.hide_user()
    assert is_wrapper(request)
    answer = restore(request)
    assert answer is not None
    assert (told(answer), sealed(answer)) == ((200, "not_signed_in"), text)


def test_what_is_kept_names_no_person(alice: Browser, clock: Clock) -> None:
    clock.stop()
    opened = open_form(kept(alice), clock())
    assert not isinstance(opened, Reason)
    assert "alice" not in opened.owner
    assert opened.path == PATH
