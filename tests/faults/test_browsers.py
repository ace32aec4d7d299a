"""C.9, as far as a server sees it: back buttons, blocked cookies, requests that are no page loads, odd addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import FETCH, Browser, Clock, told
from tests.faults.conftest import STALE, Member, Visitor

if TYPE_CHECKING:
    from pytest_django import Settings

OVERDUE = 1300  # seconds
NO_PAGE_LOADS = {
    "fetch": FETCH,
    "xhr": {**FETCH, "X-Requested-With": "XMLHttpRequest"},
    "image": {**FETCH, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    "event_source": {**FETCH, "Accept": "text/event-stream"},
    "websocket": {**FETCH, "Sec-Fetch-Mode": "websocket", "Upgrade": "websocket"},
    "part_of_a_download": {"Range": "bytes=100-", "Accept": "text/html"},
    "htmx": {**FETCH, "HX-Request": "true", "Accept": "text/html"},
    "frame": {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe", "Accept": "text/html"},
}


@pytest.mark.parametrize("kind", ["silent", "interactive"])
@pytest.mark.parametrize("row", ["c88_back_button", "c89_reload"])
def test_c88_c89_the_callback_a_second_time_leads_to_the_page(trial: Visitor | Member, kind: str, row: str) -> None:
    browser = trial.browser
    path = "/page/" if kind == "silent" else "/oidc/authenticate/?next=/page/"
    callback = browser.at_op(browser.get(path)["Location"])
    assert browser.get(callback)["Location"] == "/page/"
    name = trial.user
    browser.provider.forget_calls()
    for _ in range(3):
        assert browser.get(callback)["Location"] == "/page/"
    assert browser.provider.calls == [], "a code is sent once"
    assert trial.user == name != "nobody"


def test_c88_the_start_of_a_sign_in_a_second_time_is_one_more_attempt(trial: Visitor | Member) -> None:
    for _ in range(2):
        assert trial.browser.surf("/oidc/authenticate/?next=/page/")[0].status_code == 200
    assert trial.user != "nobody"


@pytest.mark.parametrize("site", ["cross-site", "none", ""])
def test_c91_a_no_in_a_frame_of_another_site_ends_nothing(browser: Browser, clock: Clock, site: str) -> None:
    """The browser held back the provider's cookie."""
    member = Member(browser, clock)
    browser.provider.sign_out()
    for _ in range(3):
        answer = browser.relay("/oidc/callback/", browser.answered(trigger="call"), **{"Silent-SSO-Site": site}).json()
        assert (answer["status"], answer["reason"], answer["signed_in"]) == ("failed", "inconclusive_frame", True)
        member.is_unharmed()


def test_c92_without_cookies_every_page_comes_after_one_round_trip_at_most(redirected: None, browser: Browser) -> None:
    browser.provider.sign_in("alice")
    for path in ("/page/", "/page/?a=1"):
        browser.client.cookies.clear()
        page, visits = browser.surf(path, cookies=False)
        assert (page.status_code, visits) == (200, 1)


def test_c92_interactive_sign_in_without_cookies_says_so(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    assert told(browser.surf("/oidc/authenticate/?next=/page/", cookies=False)[0]) == (400, "state_unknown")


def test_c93_without_a_script_the_user_is_signed_in_renewed_and_signed_out(trial: Visitor | Member) -> None:
    browser = trial.browser
    trial.page()
    assert trial.user != "nobody"
    trial.clock.advance(STALE)
    trial.page()
    assert trial.user != "nobody"
    assert browser.post("/oidc/logout/").status_code == 302
    assert trial.user == "nobody"


@pytest.mark.parametrize("headers", NO_PAGE_LOADS.values(), ids=NO_PAGE_LOADS)
@pytest.mark.parametrize("age", ["stale", "overdue"])
def test_c99_what_is_no_page_load_is_never_redirected(
    redirected: None, browser: Browser, clock: Clock, headers: dict[str, str], age: str
) -> None:
    member = Member(browser, clock)
    clock.advance(OVERDUE if age == "overdue" else 0)
    browser.provider.forget_calls()
    response = browser.client.get("/page/", headers=headers)
    if age == "stale":
        assert (response.status_code, member.name in response.content.decode()) == (200, True)
    else:
        assert told(response) == (401, "grace_ended")
        assert response["WWW-Authenticate"].startswith("SilentSSO ")
    assert browser.provider.calls == []
    clock.advance(100)
    member.page()
    assert member.user == member.name


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_c99_c100_what_is_sent_is_taken_in_the_grace_time(
    redirected: None, browser: Browser, clock: Clock, method: str
) -> None:
    member = Member(browser, clock)
    response = getattr(browser.client, method)("/form/", headers=FETCH)
    assert (response.status_code, member.name in response.content.decode()) == (200, True)
    assert browser.post("/form/", {"text": "a long letter"}).status_code == 200


def test_c100_a_form_that_was_open_during_a_silent_sign_in_can_be_sent(
    redirected: None, make_browser: type[Browser], clock: Clock
) -> None:
    browser = make_browser(enforce_csrf_checks=True)
    browser.client.get("/oidc/session/")
    Visitor(browser, clock)
    browser.surf("/page/")
    token = browser.get("/page/").wsgi_request.META.get("CSRF_COOKIE") or browser.client.cookies["csrftoken"].value
    clock.advance(STALE)
    browser.surf("/page/")  # renewed
    assert browser.post("/form/", {"csrfmiddlewaretoken": token}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/page/?q=" + "x" * 7000,
        "/page/%C3%A4%F0%9F%98%80/%E6%97%A5?%C3%B6=%20%2B+%26",
        "/page/a%2Fb//c?x=%00%FF",
        "/page/?a=1&a=2&=&&b",
        "/page/;v=1,2@:$!'()*",
    ],
    ids=["7_kilobytes", "letters", "escapes", "odd_query", "signs"],
)
@pytest.mark.parametrize("who", ["visitor", "member"])
def test_c102_an_address_comes_back_byte_for_byte(
    redirected: None, browser: Browser, clock: Clock, path: str, who: str
) -> None:
    Visitor(browser, clock) if who == "visitor" else Member(browser, clock)
    begun = browser.client.get(path, headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    assert begun.status_code == 302
    back = urlsplit(browser.follow(begun)["Location"])
    assert back.query == urlsplit(path).query
    assert unquote(back.path) == unquote(urlsplit(path).path), (
        "WSGI decodes paths: nobody knows how this one was written"
    )


def test_c104_a_link_opened_in_a_private_window_is_a_page(redirected: None, browser: Browser) -> None:
    page, visits = browser.surf("/page/?from=mail")
    assert (page.status_code, visits, browser.user()) == (200, 1, "nobody")


def test_c105_a_browser_inside_an_app_that_says_nothing_of_itself_gets_its_pages(
    redirected: None, browser: Browser, settings: Settings
) -> None:
    browser.provider.sign_in("alice")
    response = browser.client.get("/page/")  # neither Accept nor Fetch Metadata
    assert (response.status_code, browser.client.cookies) == (200, {})
