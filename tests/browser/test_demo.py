"""The demo, started as its page says, in a browser: after one sign-out at the OpenID Provider no site has a user."""

from __future__ import annotations

import importlib.util
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from socket import create_server
from typing import TYPE_CHECKING

import pytest

from tests.repository import ROOT

if TYPE_CHECKING:
    from tests.browser.chromium import Chromium
    from tests.browser.tab import Tab

READY, ENDED = "The demo is ready.", "(ended)"
PATIENCE = 120  # seconds; it makes three databases
NEEDED = ("oauth2_provider", "waitress")


def free_ports(number: int) -> list[int]:
    sockets = [create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def demo() -> Iterator[dict[str, str]]:
    """The running demo: the addresses of the OP and of both sites."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        if os.environ.get("CI"):
            pytest.fail(f"missing: {missing}", pytrace=False)
        pytest.skip(f"missing: {missing}")
    ports = dict(zip(("op", "news", "shop"), free_ports(3), strict=True))
    options = [text for name, port in ports.items() for text in (f"--{name}-port", str(port))]
    lines: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.strip())
        lines.put(ENDED)

    with subprocess.Popen(  # noqa: S603 - our own words only
        [sys.executable, "-u", str(ROOT / "example_project" / "run.py"), *options],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            said = ""
            while said != READY:
                said = lines.get(timeout=PATIENCE)
                assert said != ENDED, "the demo did not start"
            hosts = {"op": "id", "news": "news", "shop": "shop"}
            yield {name: f"http://{hosts[name]}.demo.localhost:{port}" for name, port in ports.items()}
        finally:
            process.terminate()
            listener.join(PATIENCE)


def sees(tab: Tab, user: str | None) -> None:
    """Wait until the page's panel says who is signed in."""
    wanted = "in" if user else "out"
    tab.until(f"document.querySelector('[data-verdict]')?.dataset.verdict === '{wanted}'")
    if user:
        assert user in tab.text("[data-verdict]")


def sign_in(tab: Tab, demo: dict[str, str]) -> None:
    """At the OP itself."""
    tab.open(f"{demo['op']}/sign-in/")
    tab.type("input[name=username]", "demo")
    tab.type("input[name=password]", "demo")
    tab.click("form button")
    tab.until("document.body.innerText.includes('Hello, Dana')")


def sign_out(tab: Tab, demo: dict[str, str]) -> None:
    tab.open(f"{demo['op']}/")
    tab.click("form button")
    tab.until("document.body.innerText.includes('Nobody is signed in')")


def test_signing_out_at_the_op_empties_both_sites_open_tabs(demo: dict[str, str], browser: Chromium) -> None:
    op = browser.tab
    sign_in(op, demo)
    news = browser.new_tab(f"{demo['news']}/")
    sees(news, "Dana Demo")
    shop = browser.new_tab(f"{demo['shop']}/")
    sees(shop, "Dana Demo")

    op.show()
    sign_out(op, demo)

    # Before anybody looks at them: the sites know.
    for site, tab in (("news", news), ("shop", shop)):
        told = tab.run(f"fetch('{demo[site]}/oidc/session/').then((answer) => answer.json())")
        assert told["signed_in"] is False
    for tab in (news, shop):
        tab.show()
        sees(tab, None)


def test_a_page_out_of_the_back_forward_cache_notices_too(demo: dict[str, str], browser: Chromium) -> None:
    tab = browser.tab
    sign_in(tab, demo)
    tab.open(f"{demo['news']}/")
    sees(tab, "Dana Demo")
    sign_out(tab, demo)
    tab.forget_events()
    for _ in range(2):  # over the page that was there before the sign-out
        tab.back()
        tab.until("document.readyState === 'complete'")
        if tab.url.startswith(demo["news"]):
            break
    sees(tab, None)
    assert "restored" in tab.names()


def test_open_page_notices_by_itself_who_signs_in_and_out_elsewhere(demo: dict[str, str], browser: Chromium) -> None:
    """In two windows side by side: nobody comes back to a tab, the provider's frame says it."""
    sign_in(browser.tab, demo)
    browser.tab.open(f"{demo['news']}/")
    sees(browser.tab, "Dana Demo")
    browser.tab.until("document.querySelector('iframe[src*=\"/check-session/\"]')")
    # As another window does: this tab is in front all the time.
    browser.clear_cookies(name="op_sessionid")
    browser.clear_cookies(name="op_browser_state")
    sees(browser.tab, None)
    assert "signed-out" in browser.tab.names() or browser.tab.url.startswith(demo["news"])
