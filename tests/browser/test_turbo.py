"""Turbo 8, the real script: what a person sees whose session is overdue (contract 4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser import npm, urls_kinds
from tests.browser.site import Site
from tests.browser.test_htmx import at_op, on_page, recipe_of
from tests.browser.urls_kinds import notes

if TYPE_CHECKING:
    from pytest_django import Settings

CHALLENGE = 'SilentSSO reason="grace_ended"'
TURBO = "turbo-8"
IDLE = "!document.querySelector('[busy], [aria-busy]')"
HEARD = """for (const name of ["turbo:before-fetch-response", "turbo:submit-end"])
document.addEventListener(name, ({ detail }) => { window.heard = detail.fetchResponse.statusCode })"""


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    npm.needed(TURBO)
    settings.ROOT_URLCONF = "tests.browser.urls_kinds"
    settings.MIDDLEWARE = ["tests.browser.urls_kinds.note_answers", *settings.MIDDLEWARE]
    return make_site


@pytest.fixture
def with_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls_kinds, "recipe", recipe_of("Turbo"))


def received(site: Site, text: str) -> None:
    site.tab.until(f"document.querySelector('#received')?.textContent === '{text}'")


def follow(site: Site) -> None:
    """Click the link, by script: a pointer over it would fetch its page before."""
    site.tab.run("document.querySelector('#drive').click()")


def test_within_the_grace_time_turbo_is_served(site: Site) -> None:
    on_page(site, TURBO)
    site.make_stale()
    site.tab.click("#in-frame")
    site.tab.until("document.querySelector('#part').textContent === 'part of a frame'")
    site.tab.type("#form input[name=text]", "typed")
    site.tab.click("#form button")
    received(site, "typed-hand")
    follow(site)
    received(site, "é")
    assert site.tab.run("window.stayed") is True
    asked = [*notes.of("/frame/"), *notes.of(f"/{TURBO}/received/"), *notes.of(f"/{TURBO}/next/")]
    assert [note.status for note in asked] == [200, 302, 200, 200]
    assert at_op(site) == 0


@pytest.mark.parametrize("way", ["by keyboard or script", "by pointer, after a prefetch"])
def test_link_becomes_a_page_load_that_renews_the_session(site: Site, way: str) -> None:
    on_page(site, TURBO)
    site.make_overdue()
    if way == "by keyboard or script":
        follow(site)
    else:
        site.browser._loop.do(site.tab.page.hover("#drive"))
        assert notes.first(f"/{TURBO}/next/").sent("x-sec-purpose") == ("prefetch",)
        site.tab.click("#drive")
    received(site, "é")
    assert site.tab.url == site(f"/{TURBO}/next/?a=%C3%A9")
    assert site.user() == "alice"
    assert site.tab.run("window.stayed") is None
    first, *_, left, back = notes.of(f"/{TURBO}/next/")
    assert (first.status, first.answer["www-authenticate"]) == (401, CHALLENGE)
    assert first.sent("sec-fetch-mode", "sec-fetch-dest") == ("cors", "empty")
    assert "x-turbo-request-id" in first.headers
    assert (left.status, left.sent("sec-fetch-dest", "x-turbo-request-id")) == (302, ("document", None))
    assert back.status == 200
    assert at_op(site) == 1


@pytest.mark.parametrize("element", ["#in-frame", "#form button"])
def test_refused_request_leaves_the_page_as_it_is(site: Site, element: str) -> None:
    on_page(site, TURBO)
    site.tab.run(HEARD)
    site.tab.type("#form input[name=text]", "typed")
    site.make_overdue()
    site.tab.run(f"document.querySelector('{element}').click()")
    assert site.tab.until("window.heard") == 401
    site.tab.until(IDLE)
    note = notes.first("/frame/" if element == "#in-frame" else f"/{TURBO}/received/")
    assert (note.status, note.answer["www-authenticate"]) == (401, CHALLENGE)
    assert note.sent("turbo-frame") == ("frame" if element == "#in-frame" else None,)
    assert site.tab.text("#part") == "before"
    assert site.tab.run("document.querySelector('#form input[name=text]').value") == "typed"
    assert site.tab.run("window.stayed") is True
    assert site.tab.url == site(f"/{TURBO}/")
    assert "login_required" not in site.tab.text("body")
    assert at_op(site) == 0


@pytest.mark.usefixtures("with_recipe")
def test_with_the_documented_script_a_frame_is_filled_after_a_silent_sign_in(site: Site) -> None:
    on_page(site, TURBO)
    site.make_overdue()
    site.tab.run("document.querySelector('#in-frame').click()")
    site.tab.event("signed-in")
    site.tab.until("document.querySelector('#part').textContent === 'part of a frame'")
    assert notes.statuses("/frame/") == [401, 200]
    assert site.tab.run("window.stayed") is True
    assert (site.attempts(), at_op(site)) == (1, 1)


@pytest.mark.usefixtures("with_recipe")
def test_with_the_documented_script_a_form_arrives_after_a_silent_sign_in(site: Site) -> None:
    on_page(site, TURBO)
    site.tab.type("#form input[name=text]", "typed")
    site.make_overdue()
    site.tab.click("#form button")
    site.tab.event("signed-in")
    received(site, "typed-hand")
    assert [(note.method, note.status) for note in notes.of(f"/{TURBO}/received/")] == [("POST", 401), ("POST", 302)]
    assert site.tab.run("window.stayed") is True
    assert (site.attempts(), at_op(site)) == (1, 1)


@pytest.mark.usefixtures("with_recipe")
def test_with_the_documented_script_a_request_is_repeated_once(site: Site, settings: Settings) -> None:
    on_page(site, TURBO)
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = settings.SILENT_SSO_GRACE_SECONDS = 0  # overdue, as soon as signed in
    for time in (1, 2):  # and the next click is tried anew
        site.tab.run("document.querySelector('#in-frame').click()")
        site.tab.event("signed-in")
        assert notes.first("/frame/", 2 * time).status == 401
        site.tab.until(IDLE)
        site.tab.run("fetch('/page/')")
        assert (len(notes.of("/frame/")), site.attempts()) == (2 * time, time)


@pytest.mark.usefixtures("with_recipe")
def test_with_the_documented_script_nothing_is_tried_where_it_would_not_help(site: Site) -> None:
    """A view may want more than a silent sign-in can bring."""
    on_page(site, TURBO)
    site.tab.run(HEARD)
    site.tab.run("document.querySelector('#guarded').click()")
    site.tab.until("window.heard")
    assert notes.first("/guarded/").answer["www-authenticate"] == 'SilentSSO reason="recent_sign_in_required"'
    site.tab.run("document.querySelector('#in-frame').click()")
    site.tab.until("document.querySelector('#part').textContent === 'part of a frame'")
    assert (len(notes.of("/guarded/")), site.attempts()) == (1, 0)
