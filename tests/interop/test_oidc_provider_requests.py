"""Tabs, forms, scripts and forged links, with npm's oidc-provider over loopback HTTP."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser, Visit
from tests.interop.site_under_test import ALICE, CALLBACK, Site

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.mark.usefixtures("either_way")
def test_two_stale_tabs_one_after_the_other_each_end_on_their_own_page(site: Site, alice: ScriptedBrowser) -> None:
    site.make_stale(alice)

    first, second = alice.open(site("/page/1")), alice.another_tab().open(site("/page/2"))

    assert (first.path, first.json["user"]) == ("/page/1", ALICE)
    assert (second.path, second.json["user"]) == ("/page/2", ALICE)


@pytest.mark.usefixtures("by_redirect")
@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["in order", "the later one first"])
@pytest.mark.parametrize("who", ["stale session", "visitor"])
def test_two_tabs_that_are_both_at_the_op_each_end_on_their_own_page(
    site: Site, alice: ScriptedBrowser, settings: Settings, order: tuple[int, int], who: str
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    if who == "visitor":
        alice.cookies.discard(site.origin)
    else:
        site.make_overdue(alice)  # in the grace time the second one would be served at once
    tabs = [alice, ScriptedBrowser(alice.cookies.copy())]
    visits = [tab.open(site(f"/page/{number}"), until=CALLBACK) for number, tab in enumerate(tabs)]
    assert all(visit.stopped_before for visit in visits)
    alice.cookies.take_over(tabs[1].cookies)
    tabs[1] = alice.another_tab()

    for number in order:
        tabs[number].resume(visits[number])

    assert [(v.path, v.json["user"]) for v in visits] == [("/page/0", ALICE), ("/page/1", ALICE)]
    assert site.who(alice) == ALICE


def begin_as(who: str, site: Site, browser: ScriptedBrowser) -> None:
    if who == "visitors":
        browser.cookies.discard(site.origin)
    elif who == "stale":
        site.make_stale(browser)
    else:
        site.make_overdue(browser)


@pytest.mark.parametrize("memory", ["a shared cache", "no cache"])
@pytest.mark.parametrize(
    ("who", "way"),
    [
        pytest.param("stale", ("refresh_token", "redirect"), id="stale, as it comes"),
        pytest.param("stale", ("redirect",), id="stale, by redirect"),
        pytest.param("overdue", ("refresh_token", "redirect"), id="overdue, as it comes"),
        pytest.param("overdue", ("redirect",), id="overdue, by redirect"),
        pytest.param("visitors", ("redirect",), id="visitors"),
    ],
)
def test_of_thirty_pairs_of_page_loads_at_the_same_moment_all_sixty_end_on_their_own_page(
    site: Site, settings: Settings, who: str, way: tuple[str, ...], memory: str
) -> None:
    settings.SILENT_SSO_RENEW_WITH = way
    settings.SILENT_SSO_VISITORS = "redirect"
    if memory == "no cache":  # as with several processes that have a cache of their own each
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    wrong = []

    def load(tab: ScriptedBrowser, path: str, start: Barrier) -> Visit:
        start.wait()
        return tab.open(site(path))

    with ThreadPoolExecutor(2) as pool:
        for number in range(30):
            # A browser that goes round more than 3 times in 30 seconds is stopped: a new one each time.
            browser = ScriptedBrowser()
            site.sign_in(browser)
            begin_as(who, site, browser)
            tabs, start = [browser, browser.another_tab()], Barrier(2)
            paths = [f"/page/{number}a", f"/page/{number}b"]
            visits = list(pool.map(load, tabs, paths, [start, start]))
            for path, visit in zip(paths, visits, strict=True):
                # A visitor's second page that is asked for while the first one is on its way to the OP is served as
                # it is: once per back-off.
                served_meanwhile = who == "visitors" and visit.statuses == [200]
                if (visit.path, visit.statuses[-1]) != (path, 200) or not (ALICE in visit.text or served_meanwhile):
                    wrong.append(f"{visit}: {visit.text[:80]}")
            if not any(ALICE in visit.text for visit in visits):
                wrong.append(f"nobody signed in in round {number}")
            if site.who(browser) != ALICE:
                wrong.append(f"signed out in round {number}")
            for tab in tabs:
                tab.close()
    assert wrong == []


@pytest.mark.usefixtures("either_way")
def test_a_stale_form_post_is_processed_in_the_grace_time(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    data = {"text": "a long letter", "csrfmiddlewaretoken": alice.open(site("/form/")).json["csrf_token"]}
    site.make_stale(alice)

    visit = alice.open(site("/form/"), data, method="POST", initiator=site.origin)

    assert (visit.statuses, visit.json) == ([200], {"received": "a long letter"})


@pytest.mark.usefixtures("by_redirect")
def test_an_overdue_form_post_is_not_processed_and_a_page_keeps_it(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    data = {"text": "a long letter", "csrfmiddlewaretoken": alice.open(site("/form/")).json["csrf_token"]}
    site.make_overdue(alice)

    visit = alice.open(site("/form/"), data, method="POST", initiator=site.origin)

    assert visit.statuses == [200]
    assert '{"received"' not in visit.text
    assert "a long letter" not in visit.text, "it is encrypted"
    assert "Your form has not been sent yet" in visit.text


@pytest.mark.usefixtures("by_redirect")
def test_a_fetch_is_served_in_the_grace_time_and_then_refused_without_a_redirect(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    site.make_stale(alice)
    served = alice.fetch(site("/page/data"))
    site.make_overdue(alice)
    refused = alice.fetch(site("/page/data"))

    assert (served.status_code, served.json()["user"]) == (200, ALICE)
    assert refused.status_code == 401
    assert refused.headers["Content-Type"] == "application/json"
    assert "no-store" in refused.headers["Cache-Control"]
    assert refused.json()["error"] == "login_required"
    assert oidc_provider.calls() == []


@pytest.mark.parametrize("query", ["error=x", "error=login_required&state=t.bogus", "code=c&state=bogus", "code=c", ""])
@pytest.mark.parametrize("age", ["fresh", "stale"])
def test_a_link_with_a_forged_answer_changes_nothing(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, query: str, age: str
) -> None:
    if age == "stale":
        site.make_stale(alice)
    cookies, data = alice.cookies.header(site.origin), site.session(site.session_key(alice))

    visit = alice.open(site(f"{CALLBACK}?{query}"), initiator="https://elsewhere.example")

    assert visit.statuses == [400]
    assert (alice.cookies.header(site.origin), site.session(site.session_key(alice))) == (cookies, data)
    assert site.writes == 0
    assert oidc_provider.calls() == []
    assert site.who(alice) == ALICE


@pytest.mark.usefixtures("by_redirect")
@pytest.mark.parametrize("marks", ["kept", "lost"])
def test_sixty_renewals_that_are_begun_and_abandoned_leave_at_most_seven_attempts_and_no_session_write(
    site: Site, alice: ScriptedBrowser, later: Callable[[float], None], marks: str
) -> None:
    site.make_stale(alice)
    for _ in range(60):
        alice.open(site("/page/a"), until="/auth")
        later(4)
        if marks == "lost":
            alice.cookies.discard(site.origin, "silent_sso_marks")

    assert 1 <= len(site.pending_attempts(alice)) <= 7
    assert site.writes == 0
