"""`recent_sign_in_required`: a form that comes without a recent sign-in is kept, and sent again after one."""

from __future__ import annotations

import html
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.conftest import NAVIGATION, Browser, told
from tests.kept_form_site import FORM, MULTIPART, multipart, sealed, send, send_again
from tests.middleware_site import FORMS
from tests.step_up_site import MAX_AGE, confirm, wish
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

LATER = {"recent": str(MAX_AGE)}
BODY = b"text=a+long+letter&text=two&empty="
PAGES = ["/form/", "/async-form/"]


@pytest.fixture
def site(browser: Browser, settings: Settings) -> Browser:
    settings.ROOT_URLCONF = "tests.step_up_site"
    browser.sign_in("alice")
    browser.provider.age_sign_in(3 * 3600)
    return browser


def way(kept: Any) -> str:
    """The link to the sign-in that the page with the form offers."""
    return html.unescape(kept.content.decode().split('id="silent-sso-sign-in" href="')[1].split('"')[0])


def confirmed(browser: Browser, kept: Any) -> None:
    landing = confirm(browser, browser.get(way(kept)))
    assert landing["Location"] == "/oidc/signed-in/"
    assert b"You are signed in" in browser.get(landing["Location"]).content


@pytest.mark.parametrize("page", PAGES)
def test_c99_a_form_is_kept_and_nothing_silent_is_tried_for_it(site: Browser, page: str) -> None:
    """A silent sign-in is no recent one: page and site would send the form to and fro without end."""
    with nothing_changes(site):
        kept = send(site, page, BODY, FORM)
    assert told(kept) == (200, "recent_sign_in_required")
    config = kept.content.decode().split('type="application/json">')[1].split("</script>")[0]
    assert json.loads(config)["silently"] is False
    assert way(kept) == f"/oidc/authenticate/?{urlencode({'next': '/oidc/signed-in/', **LATER})}"
    assert wish(site.get(way(kept)))["max_age"] == str(MAX_AGE)


@pytest.mark.parametrize(
    ("content_type", "body", "fields", "files"),
    [
        (FORM, BODY, {"text": ["a long letter", "two"], "empty": [""]}, 0),
        (
            MULTIPART,
            multipart(("text", "", b"letter"), ("file", '; filename="a.bin"', bytes(range(256)) * 99)),
            {"text": ["letter"]},
            1,
        ),
    ],
    ids=["urlencoded", "multipart"],
)
@pytest.mark.parametrize("page", PAGES)
def test_c99_after_the_sign_in_it_arrives_as_it_was_sent(
    site: Browser, page: str, content_type: str, body: bytes, fields: dict[str, list[str]], files: int
) -> None:
    kept = send(site, page, body, content_type)
    confirmed(site, kept)
    seen = send_again(site, page, sealed(kept)).json()
    assert (seen["fields"], seen["path"], len(seen["files"])) == (fields, page, files)


def test_sent_too_early_it_is_kept_again(site: Browser) -> None:
    kept = send(site, "/form/", BODY, FORM)
    again = send_again(site, "/form/", sealed(kept))
    assert told(again) == (200, "recent_sign_in_required")
    confirmed(site, again)
    assert send_again(site, "/form/", sealed(again)).json()["fields"]["text"] == ["a long letter", "two"]


def test_c100_its_csrf_token_still_holds(make_browser: Callable[..., Browser], settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.step_up_site"
    browser = make_browser(enforce_csrf_checks=True)
    browser.sign_in("alice")
    browser.provider.age_sign_in(3 * 3600)
    token = browser.get("/csrf-token/").content.decode()
    assert send(browser, "/form/", BODY, FORM).status_code == 403, "Django looks first"
    kept = send(browser, "/form/", BODY + f"&csrfmiddlewaretoken={token}".encode(), FORM)
    confirmed(browser, kept)
    assert send_again(browser, "/form/", sealed(kept)).json()["fields"]["csrfmiddlewaretoken"] == [token]


def test_u08_another_person_s_sign_in_does_not_send_it(site: Browser) -> None:
    kept = send(site, "/form/", BODY, FORM)
    site.provider.switch_user("bob")
    assert told(confirm(site, site.get(way(kept)), "bob")) == (400, "subject_changed")
    assert told(send_again(site, "/form/", sealed(kept))) == (200, "recent_sign_in_required")
    site.client.cookies.clear()
    site.sign_in("bob")
    assert told(send_again(site, "/form/", sealed(kept)))[1] == "form_of_another_user"


# -- where it cannot be kept -------------------------------------------------------------------------------------------


def assert_page_says_what_to_do(answer: Any) -> None:
    assert told(answer) == (401, "recent_sign_in_required")
    assert answer["WWW-Authenticate"] == 'SilentSSO reason="recent_sign_in_required"'
    assert_private(answer)
    assert f'href="/oidc/authenticate/?{urlencode(LATER)}" target="_blank"' in answer.content.decode()


@pytest.mark.parametrize("method", [method for method in FORMS.values() if method != "POST"])
@pytest.mark.parametrize("name", ["plain", "async", "method", "async-method"])
def test_what_no_form_of_a_page_sends_is_not_kept(site: Browser, name: str, method: str) -> None:
    with nothing_changes(site):
        answer = site.client.generic(method, f"/guarded/{name}/", headers=NAVIGATION)
    assert_page_says_what_to_do(answer)


@pytest.mark.parametrize("page", PAGES)
def test_nor_is_a_visitor_s(site: Browser, page: str) -> None:
    site.client.cookies.clear()
    assert_page_says_what_to_do(send(site, page, BODY, FORM))


def test_the_user_confirms_in_another_tab_and_sends_it_again(site: Browser) -> None:
    site.client.cookies.clear()
    send(site, "/form/", BODY, FORM)
    confirm(site, site.get(f"/oidc/authenticate/?{urlencode(LATER)}"))
    assert send(site, "/form/", BODY, FORM).json()["fields"]["empty"] == [""]
