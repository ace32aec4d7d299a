"""htmx 2 and 4, the real scripts: what a person sees whose session is overdue (contract 4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser import npm, urls_kinds
from tests.browser.site import Site
from tests.browser.urls_kinds import notes
from tests.repository import text

if TYPE_CHECKING:
    from pytest_django import Settings

CHALLENGE = 'SilentSSO reason="grace_ended"'
NEXT = "/next/?a=%C3%A9"


def recipe_of(heading: str) -> str:
    """A script that the documentation shows, word by word."""
    page = text("docs/how-to/htmx-and-turbo.md")
    return str(re.findall(rf"^## {heading}.*?^```js\n(.*?)^```", page, re.MULTILINE | re.DOTALL)[0])


@pytest.fixture(params=["htmx-2", "htmx-4"])
def htmx(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    npm.needed(name)
    return name


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    settings.ROOT_URLCONF = "tests.browser.urls_kinds"
    settings.MIDDLEWARE = ["tests.browser.urls_kinds.note_answers", *settings.MIDDLEWARE]
    return make_site


@pytest.fixture
def with_recipe(htmx: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls_kinds, "recipe", recipe_of(htmx.replace("-", " ")))


def on_page(site: Site, library: str) -> None:
    """A page that was loaded while the session was fresh."""
    site.sign_in("alice", f"/{library}/")
    site.tab.run("window.stayed = true")
    notes.forget()


def hears_htmx(site: Site) -> None:
    site.tab.run("document.addEventListener('silent-sso:sign-in-required', (e) => { window.heard = e.target.id })")


def at_op(site: Site) -> int:
    return len(site.provider.calls_to("authorize"))


def test_within_the_grace_time_htmx_is_served(site: Site, htmx: str) -> None:
    on_page(site, htmx)
    site.make_stale()
    site.tab.click("#get")
    site.tab.until("document.querySelector('#part').textContent === 'part get'")
    site.tab.type("#post input[name=text]", "typed")
    site.tab.click("#post button")
    site.tab.until("document.querySelector('#part').textContent === 'part typed'")
    site.tab.click("#boosted")
    site.tab.until("document.querySelector('#received').textContent === 'é'")
    assert site.tab.run("window.stayed") is True
    assert notes.statuses("/part/") + notes.statuses(f"/{htmx}/next/") == [200, 200, 200]
    assert at_op(site) == 0


@pytest.mark.parametrize("element", ["get", "post", "boosted-form"])
def test_refused_request_leaves_the_page_as_it_is_and_tells_its_script(site: Site, htmx: str, element: str) -> None:
    on_page(site, htmx)
    hears_htmx(site)
    site.tab.run("document.querySelectorAll('form input[name=text]').forEach((field) => { field.value = 'typed' })")
    site.make_overdue()
    site.tab.click("#get" if element == "get" else f"#{element} button")
    assert site.tab.until("window.heard") == element
    note = notes.first(f"/{htmx}/next/" if element == "boosted-form" else "/part/")
    assert (note.status, note.answer["www-authenticate"], note.headers["hx-request"]) == (401, CHALLENGE, "true")
    assert ("hx-boosted" in note.headers) is (element == "boosted-form")
    assert site.tab.text("#part") == "before"
    assert site.tab.run("document.querySelector('#post input[name=text]').value") == "typed"
    assert site.tab.run("window.stayed") is True
    assert "login_required" not in site.tab.text("body")


def test_refused_request_is_followed_by_a_silent_sign_in_and_the_next_click_works(site: Site, htmx: str) -> None:
    on_page(site, htmx)
    site.make_overdue()
    site.tab.click("#get")
    site.tab.event("signed-in")
    site.tab.click("#get")
    site.tab.until("document.querySelector('#part').textContent === 'part get'")
    assert notes.statuses("/part/") == [401, 200]
    assert (site.tab.run("window.stayed"), site.attempts(), at_op(site)) == (True, 1, 1)


def test_boosted_link_becomes_a_page_load_that_renews_the_session(site: Site, htmx: str) -> None:
    on_page(site, htmx)
    site.make_overdue()
    site.tab.click("#boosted")
    site.tab.until("document.querySelector('#received')?.textContent === 'é'")
    assert site.tab.url == site(f"/{htmx}{NEXT}")
    assert site.user() == "alice"
    assert site.tab.run("window.stayed") is None
    answers = notes.of(f"/{htmx}/next/")
    assert [note.status for note in answers] == [401, 302, 200]
    assert answers[0].sent("hx-boosted", "sec-fetch-dest") == ("true", "empty")
    assert answers[0].answer["hx-redirect"] == f"/{htmx}{NEXT}"
    assert answers[1].sent("hx-request", "sec-fetch-dest") == (None, "document")
    assert at_op(site) == 1


def test_back_button_of_htmx_4_loads_the_page(site: Site) -> None:
    npm.needed("htmx-4")
    on_page(site, "htmx-4")
    site.tab.click("#boosted")
    site.tab.until("document.querySelector('#received').textContent === 'é'")
    notes.forget()
    site.make_overdue()
    site.tab.back()
    site.tab.until("document.querySelector('#received')?.textContent === '' && !window.stayed")
    assert site.tab.url == site("/htmx-4/")
    assert site.user() == "alice"
    first = notes.first("/htmx-4/")
    assert (first.status, first.sent("hx-history-restore-request")) == (401, ("true",))
    assert site.tab.run("history.length") == 4, "no step more: about:blank, the OP, this page, the one after it"


@pytest.mark.usefixtures("with_recipe")
@pytest.mark.parametrize("element", ["get", "post", "boosted-form"])
def test_with_the_documented_script_the_same_request_arrives_after_a_silent_sign_in(
    site: Site, htmx: str, element: str
) -> None:
    on_page(site, htmx)
    site.tab.run("document.querySelectorAll('form input[name=text]').forEach((field) => { field.value = 'typed' })")
    site.make_overdue()
    site.tab.click("#get" if element == "get" else f"#{element} button")
    site.tab.event("signed-in")
    shown = "#received" if element == "boosted-form" else "#part"
    expected = {"get": "part get", "post": "part typed", "boosted-form": "typed"}[element]
    site.tab.until(f"document.querySelector('{shown}').textContent === '{expected}'")
    note, again = notes.of(f"/{htmx}/next/" if element == "boosted-form" else "/part/")
    assert (note.status, again.status, note.method == again.method) == (401, 200, True)
    assert site.tab.run("window.stayed") is True
    assert (site.attempts(), at_op(site)) == (1, 1)


@pytest.mark.usefixtures("with_recipe")
def test_with_the_documented_script_a_request_is_repeated_once(site: Site, htmx: str, settings: Settings) -> None:
    on_page(site, htmx)
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = settings.SILENT_SSO_GRACE_SECONDS = 0  # overdue, as soon as signed in
    site.tab.click("#get")
    site.tab.event("signed-in")
    assert notes.first("/part/", 2).status == 401
    settings.SILENT_SSO_GRACE_SECONDS = 300
    site.tab.click("#post button")
    site.tab.until("document.querySelector('#part').textContent.startsWith('part ')")
    assert notes.statuses("/part/") == [401, 401, 200]


@pytest.mark.usefixtures("with_recipe")
def test_with_the_documented_script_nothing_is_tried_where_it_would_not_help(site: Site, htmx: str) -> None:
    """A view may want more than a silent sign-in can bring."""
    on_page(site, htmx)
    hears_htmx(site)
    site.tab.click("#guarded")
    site.tab.until("window.heard")
    assert notes.first("/guarded/").answer["www-authenticate"] == 'SilentSSO reason="recent_sign_in_required"'
    site.tab.click("#get")
    site.tab.until("document.querySelector('#part').textContent === 'part get'")
    assert notes.statuses("/guarded/") == [401]
