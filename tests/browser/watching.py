"""What the tests of session watching share."""

from __future__ import annotations

import json
from typing import Any

from django_silent_sso.storage.rp_session import KEY
from tests.browser.site import Site
from tests.browser.tab import Tab

# Twelve questions in the time of one; and a clock that a test can put forward, in every page of the browser.
QUICK = """
const every = setInterval
window.setInterval = (work, pause, ...more) => every(work, pause === 5000 ? 400 : pause, ...more)
const date = Date.now.bind(Date)
Date.now = () => date() + Number(localStorage.getItem("skipped") ?? 0)
"""
FRAME = "document.querySelector('iframe[title=Session]')"
MEMO = "localStorage.getItem('silent-sso:/oidc/silent/:watch:%s')"


def questions(site: Site) -> int:
    """How often the OP's frame was asked, and asked its OP."""
    return sum(call.method == "POST" for call in site.provider.calls_to("check_session"))


def asked_again(site: Site, times: int = 2) -> None:
    """Wait until the frame has said something so often from now on."""
    site.tab.run(
        f"addEventListener('message', ({{ source }}) => {{ window.words += source === {FRAME}?.contentWindow }})"
    )
    site.tab.run("void (window.words = 0)")
    site.tab.until(f"window.words >= {times}")


def memo(site: Site, whose: str = "user") -> dict[str, Any]:
    """What the watching remembers in this browser."""
    found: dict[str, Any] = json.loads(site.tab.run(MEMO % whose) or "{}")
    return found


def skip(site: Site, seconds: int) -> None:
    """Put the clock of the site's pages forward."""
    before = "Number(localStorage.getItem('skipped') ?? 0)"
    site.tab.run(f"localStorage.setItem('skipped', {before} + {seconds * 1000})")


def sign_in_of(site: Site) -> dict[str, Any]:
    """What the site keeps of the sign-in."""
    found: dict[str, Any] = site._session[KEY]
    return found


def serve(tab: Tab, url: str, body: str, content_type: str = "text/html") -> None:
    """What a host that is not there answers."""

    async def answer(route: Any) -> None:
        await route.fulfill(body=body, content_type=content_type, headers={"Access-Control-Allow-Origin": "*"})

    tab._loop.do(tab.page.route(url, answer))


def set_offline(tab: Tab, offline: bool) -> None:
    tab._loop.do(tab.page.context.set_offline(offline))


def new_window(site: Site, path: str) -> Tab:
    """A window beside the first one, both seen."""

    async def make() -> Tab:
        async with site.tab.page.context.expect_page() as opened:
            await site.tab.page.evaluate("void window.open('about:blank', '', 'popup,width=300,height=300,left=600')")
        return await Tab.attach(site.tab._loop, await opened.value)

    tab = site.tab._loop.do(make())
    tab.before_each_page(QUICK)
    tab.open(site(path))
    return tab
