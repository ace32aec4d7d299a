"""C.8: several tabs, threads and answers at once."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from django.contrib.sessions.models import Session
from django.db import connections

from tests.conftest import FETCH, Browser, Clock
from tests.faults import urls_slow
from tests.faults.conftest import AGES, STALE, Member

if TYPE_CHECKING:
    from pytest_django import Settings

T = TypeVar("T")
MANY = 50


@pytest.fixture
def db(database_file: Path) -> None:
    """In place of pytest-django's: a file, that threads can share."""


def at_once(works: list[Callable[[], T]]) -> list[T]:
    """What each of them gives, begun at the same moment in a thread of its own."""
    start = Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait(30)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(60) for future in [pool.submit(run, work) for work in works]]


def tab(browser: Browser) -> Browser:
    """Another tab that has the cookies of this moment."""
    other = Browser(browser.provider)
    other.client.cookies = copy.deepcopy(browser.client.cookies)
    return other


def share(browser: Browser, *tabs: Browser) -> None:
    """What the tabs were told to keep, the browser keeps for all of them."""
    for other in tabs:
        browser.client.cookies.update(other.client.cookies)
    for other in tabs:
        other.client.cookies = browser.client.cookies


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in_order", "the_later_one_first"])
@pytest.mark.parametrize("who", ["visitor", "member"])
def test_c76_two_tabs_each_end_on_their_own_page(
    redirected: None, browser: Browser, clock: Clock, order: tuple[int, int], who: str
) -> None:
    browser.sign_in("alice")
    name = browser.user()
    clock.advance(5000)
    if who == "visitor":
        browser.client.cookies.clear()
    tabs = [tab(browser), tab(browser)]
    callbacks = [t.at_op(t.get(f"/page/{number}")["Location"]) for number, t in enumerate(tabs)]
    share(browser, *tabs)
    for number in order:
        assert tabs[number].get(callbacks[number])["Location"] == f"/page/{number}"
        assert browser.user() == name


@pytest.mark.parametrize("kind", ["silent", "interactive"])
def test_c77_an_answer_with_the_cookie_from_before_another_tab_s_sign_in_leaves_the_new_one(
    redirected: None, browser: Browser, clock: Clock, kind: str
) -> None:
    session = browser.session
    session["cart"] = 1
    session.save()
    browser.client.cookies["sessionid"] = session.session_key
    browser.provider.sign_in("alice")
    path = "/page/" if kind == "silent" else "/oidc/authenticate/?next=/page/"
    late = tab(browser)
    callback = late.at_op(late.get(path)["Location"])
    share(browser, late)
    slow = tab(browser)  # what the second request carries
    browser.surf("/oidc/authenticate/?next=/page/")
    name = browser.user()
    Session.objects.filter(session_key=session.session_key).delete()
    response = slow.client.get(callback, headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
    assert response.status_code == 302
    deleted = [name for name, morsel in response.cookies.items() if morsel["max-age"] == 0]
    assert "sessionid" not in deleted
    assert browser.user() == name


def test_c77_a_page_with_the_cookie_from_before_another_tab_s_sign_in_leaves_the_new_one(
    browser: Browser, clock: Clock
) -> None:
    Member(browser, clock)
    slow = tab(browser)
    browser.session.delete()
    for path in ("/page/", "/oidc/session/", "/oidc/authenticate/"):
        assert "sessionid" not in slow.get(path).cookies
    assert "sessionid" not in slow.start().cookies


def test_c78_of_fifty_page_loads_of_a_stale_session_one_asks_the_provider(
    redirected: None, browser: Browser, clock: Clock
) -> None:
    member = Member(browser, clock)
    tabs = [tab(browser) for _ in range(MANY)]
    statuses = [r.status_code for r in at_once([partial(t.get, "/page/") for t in tabs])]
    assert (statuses.count(302), statuses.count(200)) == (1, MANY - 1)
    member.is_unharmed()


def test_c79_of_fifty_first_requests_of_a_visitor_the_page_load_alone_is_redirected(
    redirected: None, browser: Browser
) -> None:
    browser.provider.sign_in("alice")
    image = {**FETCH, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    works: list[Callable[[], Any]] = [lambda: tab(browser).get("/page/")]
    works += [partial(tab(browser).client.get, "/page/x", headers=h) for h in [FETCH, image] * (MANY // 2)]
    statuses = [response.status_code for response in at_once(works)]
    assert (statuses[0], set(statuses[1:])) == (302, {200})


def test_c80_two_processes_that_write_the_session_at_once_lose_no_attempt(browser: Browser, clock: Clock) -> None:
    member = Member(browser, clock)
    for _ in range(5):
        tabs = [tab(browser), tab(browser)]
        begun = at_once([partial(t.get, "/oidc/authenticate/?next=/page/") for t in tabs])
        callbacks = [browser.at_op(response["Location"]) for response in begun]
        share(browser, *tabs)
        tabs = [tab(browser), tab(browser)]
        answers = at_once([partial(t.get, c) for t, c in zip(tabs, callbacks, strict=True)])
        assert [answer["Location"] for answer in answers] == ["/page/", "/page/"]
        share(browser, *tabs)
        assert member.user == member.name


def test_c81_a_renewal_and_then_a_sign_out_end_signed_out(redirected: None, browser: Browser, clock: Clock) -> None:
    Member(browser, clock)
    browser.follow(browser.get("/page/"))
    browser.post("/oidc/logout/")
    assert browser.surf("/page/")[0].status_code == 200
    assert browser.user() == "nobody"


def test_c81_a_sign_out_and_then_the_answer_of_a_renewal_end_signed_out(
    redirected: None, browser: Browser, clock: Clock
) -> None:
    Member(browser, clock)
    renewing = tab(browser)  # its requests have left before the sign-out
    callback = renewing.at_op(renewing.get("/page/")["Location"])
    browser.post("/oidc/logout/")
    answer = renewing.get(callback)
    browser.client.cookies.update(answer.cookies)
    for other in (browser, renewing):
        assert other.surf("/page/")[0].status_code == 200
        assert other.user() == "nobody"


def test_c81_a_sign_out_in_the_middle_of_the_renewal_ends_signed_out(
    redirected: None, browser: Browser, clock: Clock
) -> None:
    Member(browser, clock)
    renewing, leaving = tab(browser), tab(browser)
    callback = renewing.at_op(renewing.get("/page/")["Location"])
    with browser.provider.hang("token") as token, ThreadPoolExecutor(1) as pool:
        renewal = pool.submit(lambda: (renewing.get(callback), connections.close_all())[0])
        token.wait_until_reached(30)
        leaving.post("/oidc/logout/")
        token.release()
        response = renewal.result(60)
    assert response.status_code == 302
    for other in (renewing, leaving):
        assert other.surf("/page/")[0].status_code == 200
        assert other.user() == "nobody"


@pytest.mark.parametrize("setting", ["sign_out", "switch", "refuse"])
def test_c82_alice_s_attempt_ends_nothing_of_bob_s(
    redirected: None, browser: Browser, clock: Clock, settings: Settings, setting: str
) -> None:
    settings.SILENT_SSO_SUBJECT_CHANGED = setting
    Member(browser, clock)
    alices = tab(browser)
    callback = alices.at_op(alices.get("/page/")["Location"])
    clock.advance(2)
    browser.client.cookies.clear()
    browser.sign_in("bob")
    bob = browser.user()
    pending = {name: morsel for name, morsel in alices.client.cookies.items() if name != "sessionid"}
    browser.client.cookies.update(pending)
    browser.get(callback)
    assert browser.surf("/page/")[0].status_code == 200
    assert browser.user() == bob


@pytest.mark.parametrize("kind", ["silent", "interactive"])
def test_c85_an_answer_that_comes_twice_at_once_is_one_token_call(
    redirected: None, browser: Browser, clock: Clock, kind: str
) -> None:
    member = Member(browser, clock)
    path = "/page/" if kind == "silent" else "/oidc/authenticate/?next=/page/"
    for _ in range(5):
        callback = browser.at_op(browser.get(path)["Location"])
        browser.provider.forget_calls()
        tabs = [tab(browser) for _ in range(4)]
        answers = at_once([partial(t.get, callback) for t in tabs])
        assert [answer.status_code for answer in answers] == [302] * 4
        assert {answer["Location"] for answer in answers} == {"/page/"}
        assert len(browser.provider.calls_to("token")) == 1
        winner = next(t for t, a in zip(tabs, answers, strict=True) if "sessionid" in a.cookies)
        share(browser, winner)
        assert browser.user() == member.name
        clock.advance(STALE)


@pytest.fixture
def meanwhile(settings: Settings) -> Iterator[list[Callable[[], object]]]:
    """What happens while /slow/ is made."""
    settings.ROOT_URLCONF = "tests.faults.urls_slow"
    yield urls_slow.meanwhile
    urls_slow.meanwhile.clear()


def test_c87_a_page_that_takes_long_writes_nothing_over_a_newer_session(
    browser: Browser, clock: Clock, meanwhile: list[Callable[[], object]]
) -> None:
    member = Member(browser, clock)
    slow, quick = tab(browser), tab(browser)
    meanwhile.append(lambda: quick.relay("/oidc/callback/", quick.answered(trigger="call")))
    assert slow.fetch("/slow/").status_code == 200
    assert browser.session["silent_sso"]["verified_at"] == pytest.approx(clock(), abs=60), "renewed meanwhile"
    assert member.user == member.name


def test_c87_a_page_that_takes_long_and_writes_costs_a_renewal_at_most(
    browser: Browser, clock: Clock, meanwhile: list[Callable[[], object]]
) -> None:
    """Django saves a session as a whole, so the older data win; nobody is signed out by that."""
    member = Member(browser, clock)
    slow, quick = tab(browser), tab(browser)
    meanwhile.append(lambda: quick.relay("/oidc/callback/", quick.answered(trigger="call")))
    assert slow.fetch("/slow/?cart=1").status_code == 200
    clock.advance(AGES)
    member.page()
    assert (member.user, browser.session["cart"]) == (member.name, "1")


def test_c87_c67_a_page_that_takes_long_does_not_bring_back_who_signed_out(
    browser: Browser, clock: Clock, meanwhile: list[Callable[[], object]]
) -> None:
    Member(browser, clock)
    slow, leaving = tab(browser), tab(browser)
    meanwhile.append(lambda: leaving.post("/oidc/logout/"))
    assert slow.fetch("/slow/").status_code == 200
    assert slow.user() == "nobody"
