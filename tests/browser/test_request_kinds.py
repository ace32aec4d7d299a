"""Every kind of request a page can make, as Chromium really sends it, and what it gets (contract 4).

Only a page load at top level ever goes round by the OP. All others are served, or refused once the session is overdue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.site import Site
from tests.browser.urls_kinds import notes

if TYPE_CHECKING:
    from pytest_django import Settings

CHALLENGE = 'SilentSSO reason="grace_ended"'
REFUSED = '{"error": "login_required", "reason": "grace_ended'
FETCH = ("cors", "empty")
SPECULATE = """{ const rules = document.createElement("script"); rules.type = "speculationrules"
rules.textContent = JSON.stringify({ %s: [{ urls: ["/answer/%s/"], eagerness: "immediate" }] })
document.head.append(rules) }"""


@dataclass(frozen=True)
class Kind:
    """How a page sends it (`url` is where to), `Sec-Fetch-Mode` and `-Dest`, and what the page sees of the answer."""

    send: str
    arrives: tuple[str | None, str | None]
    served: Any
    refused: Any


def element(tag: str, address: str, more: str = "") -> str:
    return f"""new Promise((seen) => {{ const made = document.createElement("{tag}"); {more}
        made.onload = () => seen("loaded"); made.onerror = () => seen("failed")
        made.{address} = url; document.head.append(made) }})"""


FRAME = """new Promise((seen) => { const frame = document.createElement("iframe"); frame.src = url
frame.onload = () => seen(frame.contentDocument?.body.innerText.trim().slice(0, 50)); document.body.append(frame) })"""
XHR = """new Promise((seen) => { const request = new XMLHttpRequest(); request.open("GET", url)
request.onloadend = () => seen(request.status); request.send() })"""
WORKER = """new Promise((seen) => { const worker = new Worker(url)
worker.onmessage = ({ data }) => seen(data); worker.onerror = () => seen("failed") })"""
EVENTS = """new Promise((seen) => { const source = new EventSource(url)
source.onmessage = ({ data }) => { source.close(); seen(data) }
source.onerror = () => { seen(source.readyState === EventSource.CLOSED ? "closed for good" : "tries again")
source.close() } })"""
SOCKET = """new Promise((seen) => { const socket = new WebSocket(url.replace("http", "ws"))
socket.onopen = () => seen("open"); socket.onerror = () => seen("failed") })"""

SAFE = {
    "fetch": Kind("fetch(url).then(({ status }) => status)", FETCH, 200, 401),
    "head": Kind("fetch(url, { method: 'HEAD' }).then(({ status }) => status)", FETCH, 200, 401),
    "options": Kind("fetch(url, { method: 'OPTIONS' }).then(({ status }) => status)", FETCH, 200, 401),
    "xhr": Kind(XHR, FETCH, 200, 401),
    "image": Kind(element("img", "src"), ("no-cors", "image"), "loaded", "failed"),
    "iframe": Kind(FRAME, ("navigate", "iframe"), "alice\n\niframe", REFUSED),
    "worker": Kind(WORKER, ("same-origin", "worker"), "arrived", "failed"),
    "event-source": Kind(EVENTS, FETCH, "arrived", "closed for good"),
    # Without Fetch Metadata in this browser; Django's own server cannot open one.
    "websocket": Kind(SOCKET, (None, None), "failed", "failed"),
    "prefetch": Kind(element("link", "href", "made.rel = 'prefetch'"), ("no-cors", "empty"), "loaded", "failed"),
    "download": Kind("document.querySelector('#download').click()", ("navigate", "empty"), None, None),
}
UNSAFE = {
    "fetch-post": Kind("fetch(url, { method: 'POST', body: 'x' }).then(({ status }) => status)", FETCH, 200, 401),
    "fetch-delete": Kind("fetch(url, { method: 'DELETE' }).then(({ status }) => status)", FETCH, 200, 401),
    "beacon": Kind("navigator.sendBeacon(url, 'x')", ("no-cors", "empty"), True, True),
}
ALL = SAFE | UNSAFE


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    settings.ROOT_URLCONF = "tests.browser.urls_kinds"
    settings.MIDDLEWARE = ["tests.browser.urls_kinds.note_answers", *settings.MIDDLEWARE]
    return make_site


@pytest.fixture(params=["by redirect", "by refresh token"])
def refresh(request: pytest.FixtureRequest, site: Site, settings: Settings) -> bool:
    """Is there a refresh token?"""
    with_token: bool = request.param == "by refresh token"
    if with_token:
        settings.SILENT_SSO_RENEW_WITH = ("refresh_token", "redirect")
        site.provider.refresh_tokens = "always"
    return with_token


def on_page(site: Site, state: str) -> None:
    site.sign_in("alice", "/plain/")
    site.make_stale() if state == "stale" else site.make_overdue()
    notes.forget()


def send(site: Site, name: str) -> Any:
    """What the page sees of it, once it was answered."""
    seen = site.tab.run(f"((url) => {ALL[name].send})(location.origin + '/answer/{name}/')")
    notes.first(f"/answer/{name}/")
    return seen


def calls(site: Site) -> tuple[int, int]:
    """To the OP: by the browser, by the site."""
    return len(site.provider.calls_to("authorize")), len(site.provider.calls_to("token"))


def test_stale_session_is_served_to_whatever_is_no_page_load(site: Site, refresh: bool) -> None:
    on_page(site, "stale")
    assert {name: send(site, name) for name in ALL} == {name: kind.served for name, kind in ALL.items()}
    assert {name: notes.statuses(f"/answer/{name}/") for name in ALL} == {name: [200] for name in ALL}
    # Only what changes something is renewed for, on the server.
    assert calls(site) == (0, 1 if refresh else 0)


def test_overdue_session_is_refused_and_never_sent_to_the_op(site: Site, refresh: bool) -> None:
    on_page(site, "overdue")
    assert {name: send(site, name) for name in SAFE} == {name: kind.refused for name, kind in SAFE.items()}
    assert calls(site) == (0, 0)
    answers = {name: notes.of(f"/answer/{name}/") for name in SAFE}
    assert {name: [note.status for note in found] for name, found in answers.items()} == {name: [401] for name in SAFE}
    assert {note.answer["www-authenticate"] for (note,) in answers.values()} == {CHALLENGE}
    assert {note.answer["content-type"] for (note,) in answers.values()} == {"application/json"}
    assert not any("set-cookie" in note.answer for (note,) in answers.values())


def test_overdue_session_that_is_to_change_something(site: Site, refresh: bool) -> None:
    on_page(site, "overdue")
    seen = {name: send(site, name) for name in UNSAFE}
    assert seen == {name: kind.served if refresh else kind.refused for name, kind in UNSAFE.items()}
    expected = {name: [200 if refresh else 401] for name in UNSAFE}
    assert {name: notes.statuses(f"/answer/{name}/") for name in UNSAFE} == expected
    assert calls(site) == (0, 1 if refresh else 0)


def test_fetch_metadata_is_what_the_tests_without_a_browser_take_it_for(site: Site) -> None:
    site.sign_in("alice", "/plain/")
    for name in ALL:
        send(site, name)
    found = {name: notes.first(f"/answer/{name}/").sent("sec-fetch-mode", "sec-fetch-dest") for name in ALL}
    assert found == {name: kind.arrives for name, kind in ALL.items()}
    assert notes.first("/answer/prefetch/").sent("sec-purpose", "upgrade") == ("prefetch", None)
    socket = notes.first("/answer/websocket/")
    assert (socket.sent("upgrade"), socket.sent("origin")) == (("websocket",), (site.origin,))


# -- page loads --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["stale", "overdue"])
def test_link_goes_round_by_the_op_where_there_is_no_other_way(site: Site, refresh: bool, state: str) -> None:
    on_page(site, state)
    site.tab.click("#link")
    site.tab.until("document.querySelector('#received')?.textContent === 'link'")
    assert site.user() == "alice"
    assert notes.statuses("/answer/link/") == ([200] if refresh else [302, 200])
    assert notes.first("/answer/link/").sent("sec-fetch-mode", "sec-fetch-dest") == ("navigate", "document")
    assert calls(site) == ((0, 1) if refresh else (1, 1))


@pytest.mark.parametrize("state", ["stale", "overdue"])
def test_link_to_a_file_that_the_server_calls_an_attachment_is_a_page_load(site: Site, state: str) -> None:
    """In contrast to one with the attribute `download`, which browsers send as something else."""
    on_page(site, state)
    site.tab.click("#attachment")
    assert notes.first("/answer/attachment/", 2).status == 200
    assert notes.statuses("/answer/attachment/") == [302, 200]


@pytest.mark.parametrize("state", ["stale", "overdue"])
def test_form_is_served_or_kept(site: Site, refresh: bool, state: str) -> None:
    on_page(site, state)
    site.tab.click("#form button")
    site.tab.until("document.querySelector('#received')?.textContent === 'form'")
    assert site.user() == "alice"
    kept = state == "overdue" and not refresh
    assert notes.statuses("/answer/form/") == ([200, 200] if kept else [200])  # first the page that keeps it
    assert notes.first("/answer/form/").sent("sec-fetch-mode", "sec-fetch-dest") == ("navigate", "document")
    assert calls(site) == ((1, 1) if kept else (0, 1 if refresh else 0))


@pytest.mark.parametrize("way", ["prefetch", "prerender"])
@pytest.mark.parametrize("state", ["stale", "overdue"])
def test_page_that_is_loaded_before_anybody_wants_it(site: Site, state: str, way: str) -> None:
    """By speculation rules. It is a page load in everything but `Sec-Purpose`, and begins nothing."""
    on_page(site, state)
    site.tab.run(SPECULATE % (way, "link"))
    first = notes.first("/answer/link/")
    assert first.sent("sec-fetch-mode", "sec-fetch-dest") == ("navigate", "document")
    assert first.sent("sec-purpose") == ("prefetch" if way == "prefetch" else "prefetch;prerender",)
    assert (first.status, "set-cookie" in first.answer) == (200 if state == "stale" else 401, False)
    assert calls(site) == (0, 0)
    site.tab.click("#link")
    site.tab.until("document.querySelector('#received')?.textContent === 'link'")
    assert site.user() == "alice"
    if state == "overdue":  # what was refused is of no use to the browser: it asks again, and this is the page load
        assert notes.statuses("/answer/link/") == [401, 302, 200]
        assert calls(site) == (1, 1)
