"""A page on a host that is not ours loads, frames, fetches, posts and opens ours, and learns and changes nothing.

It is on another site or, worse, on a sibling of our host: then a browser sends our cookies with all it asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.sessions.models import Session

from tests.browser.chromium import Chromium
from tests.browser.evil_page import EVIL
from tests.browser.site import Site
from tests.browser.tab import Tab
from tests.browser.test_frame_trouble import FORGE
from tests.interop.site_server import serving

if TYPE_CHECKING:
    from pytest_django import Settings

PATHS = [
    "/oidc/silent/",
    "/oidc/authenticate/?next=/page/",
    "/oidc/callback/?code=x&state=f.x",
    "/oidc/callback/?error=login_required&state=t.x",
    "/oidc/session/",
    "/oidc/initiate/?iss=ISSUER",
    "/oidc/logout/",
    "/page/",
]
ELSEWHERE, SIBLING = "evil.attacker.localhost", "evil.corp.localhost"


def evil_application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html")])
    return [EVIL.encode()]


class EvilSite:
    """A tab with the evil page; what it sees is compared."""

    def __init__(self, tab: Tab, origin: str, site: Site) -> None:
        self.tab, self.origin, self.site = tab, origin, site
        tab.open(origin)

    def url(self, path: str) -> str:
        return self.site(path.replace("ISSUER", self.site.provider.issuer))

    def sees(self, paths: list[str] = PATHS) -> dict[str, Any]:
        """Everything there is to see, by path, from a page that has not seen anything yet."""
        seen = {}
        self.tab.show()
        for path in paths:
            self.tab.open(self.origin)
            seen[path] = self.tab.run(f"look({self.url(path)!r})")
        self.site.tab.show()
        return seen

    def opens(self, path: str) -> Any:
        """A window that a person's click opens; the page in it when everything has come to rest."""
        self.tab.run(f"void (goal = {self.url(path)!r})")

        from playwright.async_api import Error as PlaywrightError  # not installed everywhere

        async def click() -> Any:
            async with self.tab.page.context.expect_page() as opened:
                await self.tab.page.click("#go")
            page = await opened.value
            with suppress(PlaywrightError):  # a page may close itself
                await page.wait_for_load_state("networkidle")
            return page

        self.tab.show()
        return self.tab._loop.do(click())

    def close(self, page: Any) -> None:
        if not page.is_closed():
            self.tab._loop.do(page.close())
        self.site.tab.show()


@pytest.fixture(params=[ELSEWHERE, SIBLING], ids=["another site", "a sibling of ours"])
def evil_host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def evil(site: Site, browser: Chromium, evil_host: str) -> Iterator[EvilSite]:
    with serving(evil_application) as origin:
        evil = EvilSite(browser.new_tab(), f"http://{evil_host}:{urlsplit(origin).port}", site)
        site.tab.show()
        yield evil


def in_every_state(site: Site, look: Callable[[], Any]) -> list[Any]:
    """What is seen of a stranger, of somebody signed in, and of somebody who is signed in at the OP alone."""
    stranger = look()
    site.tab.show()
    site.sign_in("alice")
    signed_in = look()
    site.open("/by-hand/")
    assert site.user() == "alice", "nobody was signed out by that"
    site.forget_sign_in()
    return [stranger, signed_in, look()]


@pytest.mark.parametrize("visitors", ["frame", "redirect"])
def test_f01_f02_f03_f05_f23_who_is_signed_in_cannot_be_seen(
    site: Site, evil: EvilSite, settings: Settings, visitors: str
) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    stranger, signed_in, at_the_op = in_every_state(site, evil.sees)
    for path in PATHS:
        assert stranger[path] == signed_in[path] == at_the_op[path], path
        assert signed_in[path]["heard"] == []


def test_f01_s20_no_attempt_no_session_no_cookie(site: Site, evil: EvilSite) -> None:
    """As somebody whom the OP knows: an attempt would end in a sign-in."""
    site.sign_in_at_op()
    before = set(site.browser.cookies())
    evil.sees()
    assert site.provider.calls_to("authorize") == []
    assert set(site.browser.cookies()) == before
    assert Session.objects.count() == 0


def test_s05_p01_nobody_is_signed_out(site: Site, evil: EvilSite) -> None:
    site.sign_in("alice", path="/without-tag/")  # a page that does not renew the session when it is seen again
    before = list(Session.objects.values_list("session_key", "session_data"))
    evil.sees()
    evil.close(evil.opens("/oidc/callback/?error=login_required&state=t.x"))
    evil.close(evil.opens("/oidc/logout/"))
    assert list(Session.objects.values_list("session_key", "session_data")) == before
    site.open("/page/")
    assert site.user() == "alice"
    assert site.provider.sessions, "nor at the OP"


def test_s19_an_honest_attempt_is_not_pushed_out(site: Site, evil: EvilSite) -> None:
    """The person is at the OP's login page while the evil page does what it can, many times."""
    site.tab.show()
    site.tab.open(site("/oidc/authenticate/?next=/page/"))
    for _ in range(3):
        evil.sees(["/oidc/authenticate/?next=/page/", "/oidc/silent/", "/oidc/initiate/?iss=ISSUER"])
    site.tab.show()
    site.tab.type("input[name=username]", "alice")
    site.tab.click("#sign-in")
    site.tab.until(f"location.href === '{site('/page/')}' && document.readyState === 'complete'")
    assert site.user() == "alice"


@pytest.mark.parametrize("evil_host", [ELSEWHERE], indirect=True, ids=["another site"])
@pytest.mark.parametrize("visitors", ["frame", "redirect"])
@pytest.mark.parametrize("path", ["/page/", "/private/", "/oidc/authenticate/?next=/page/", "/oidc/session/"])
def test_f04_a_window_that_was_opened_tells_nothing(
    site: Site, evil: EvilSite, settings: Settings, path: str, visitors: str
) -> None:
    """It carries the cookies; but our answers are cut off from whoever opened them (COOP, Django's default)."""
    settings.SILENT_SSO_VISITORS = visitors

    def look() -> Any:
        evil.tab.open(evil.origin)
        page = evil.opens(path)
        seen = evil.tab.run("look_at_popup()")
        evil.close(page)
        return seen

    stranger, signed_in, at_the_op = in_every_state(site, look)
    assert stranger == signed_in == at_the_op
    assert (signed_in["heard"], signed_in["seen"]["closed"]) == ([], "true")


@pytest.mark.parametrize("evil_host", [ELSEWHERE], indirect=True, ids=["another site"])
def test_what_the_evil_page_looks_at_can_be_seen(site: Site, evil: EvilSite, settings: Settings) -> None:
    """Else the tests above would prove nothing: a file of everybody's loads, a window without that policy is open."""
    settings.SECURE_CROSS_ORIGIN_OPENER_POLICY = None
    script = "/static/django_silent_sso/silent-sso.js"
    assert evil.sees([script])[script]["seen"]["script"][0] == "load"
    page = evil.opens("/page/")
    assert evil.tab.run("look_at_popup()")["seen"]["closed"] == "false"
    evil.close(page)


CHANNEL = "window.heard = []; void (new BroadcastChannel('silent-sso:p.x').onmessage = ({ data }) => heard.push(data))"


def test_f06_f21_an_evil_opener_hears_nothing_of_an_answer(site: Site, evil: EvilSite) -> None:
    """Our own tab hears it, so the answer was told; to our own origin alone."""
    site.tab.show()
    site.open("/by-hand/").run(CHANNEL)
    page = evil.opens("/oidc/callback/?code=secret&state=p.x")
    site.tab.until("heard.length")
    evil.close(page)
    assert site.tab.run("heard[0].parameters") == "code=secret&state=p.x"
    assert evil.tab.run("new Promise((resolve) => setTimeout(() => resolve(heard)))") == []


@pytest.mark.parametrize("path", ["/oidc/callback/?code=secret&state=f.x", "/oidc/callback/?code=secret&state=p.x"])
def test_f06_f22_a_page_that_frames_an_answer_hears_nothing(site: Site, evil: EvilSite, path: str) -> None:
    """Neither another site nor a sibling of ours: the browser does not even show it."""
    site.tab.show()
    site.open("/by-hand/").run(CHANNEL)
    seen = evil.tab.run(f"framed({evil.url(path)!r})")
    assert seen == ["load", [0, True, "SecurityError"]]
    assert evil.tab.run("new Promise((resolve) => setTimeout(() => resolve(heard)))") == []
    assert site.asked("/static/django_silent_sso/relay.js") == []
    assert site.tab.run("heard") == []


def test_f08_only_one_message_counts_and_only_while_it_is_awaited(site: Site) -> None:
    """One before the attempt and three at once, as the frame would send them; then one more when all is over."""
    message = "{ type: 'silent-sso:response', parameters: 'error=login_required&state=' + (window.state ?? 'f.x') }"
    late = f"void window.postMessage({message}, '*')"
    three = "window.state = state; for (let n = 0; n < 3; n++) send(state, frame.contentWindow)"
    site.tab.before_each_page(f"{late}\n{FORGE % three}")
    site.open("/page/").until("window.state")
    site.tab.event("sign-in-required")
    site.tab.run(late)
    site.tab.run("new Promise((resolve) => setTimeout(resolve))")
    assert [asked.method for asked in site.asked("/oidc/callback/")].count("POST") == 1
    assert site.tab.names().count("sign-in-required") == 1
