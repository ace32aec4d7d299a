"""The window that the prompt opens: the sign-in is finished there, and the page stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.browser.prompt import (
    CARD,
    GONE,
    IS_TYPED,
    LINK,
    SHOWN,
    STATUS,
    allow,
    prompted,
    signed_in_without_losing_the_page,
    typed,
    with_prompt,
)
from tests.browser.site import OTHER_SITE, Site
from tests.browser.test_resend import closes, do, window_after

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    return with_prompt(make_site, settings)


@pytest.mark.parametrize("coop", ["same-origin", "same-origin-allow-popups"])
@pytest.mark.parametrize("op_coop", [None, "same-origin"])
def test_sign_in_is_finished_without_losing_the_page(
    site: Site, settings: Settings, coop: str, op_coop: str | None
) -> None:
    """Whoever cuts the window off: then it passes for closed while it is open, and cannot speak to its opener."""
    settings.SECURE_CROSS_ORIGIN_OPENER_POLICY = coop
    if op_coop:
        for endpoint in ("authorize", "consent", "resume"):
            site.provider.add_headers(endpoint, {"Cross-Origin-Opener-Policy": op_coop})
    prompted(site)
    typed(site)
    window = window_after(site, LINK)
    do(site, window.wait_for_selector("#allow"))
    assert "Go on in the small window" in site.tab.run(f"{CARD}.textContent")
    allow(site, window)
    signed_in_without_losing_the_page(site)
    site.tab.until(f"{STATUS} === 'You are signed in as alice@example.org.'")
    closes(site, window)


@pytest.mark.parametrize("home", [OTHER_SITE])
def test_works_with_an_op_on_another_site(site: Site) -> None:
    site.provider.cookie = replace(site.provider.cookie, samesite="None")
    prompted(site)
    typed(site)
    allow(site, window_after(site, LINK))
    signed_in_without_losing_the_page(site)


def test_user_who_is_signed_in_still_stays_so(site: Site) -> None:
    """Nothing changes for the page, so that the script says nothing: the prompt asks the site itself."""
    site.sign_in("alice", "/prompt/")
    typed(site)
    site.provider.withdraw_consent()
    site.make_stale()
    site.come_back()
    site.tab.until(SHOWN)
    assert site.tab.text(".silent-sso-prompt-title") == "Stay signed in"
    assert site.tab.text(LINK) == "Continue as alice@example.org"
    allow(site, window_after(site, LINK))
    site.tab.until(GONE)
    assert site.tab.run(f"{IS_TYPED} && window.stayed") is True
    answer = site.tab.run("fetch('/oidc/session/').then((answer) => answer.json())")
    assert (answer["signed_in"], answer["stale"]) == (True, False)


def test_window_that_the_person_closes_costs_nothing(site: Site) -> None:
    prompted(site)
    typed(site)
    window = window_after(site, LINK)
    do(site, window.wait_for_selector("#allow"))
    do(site, window.close())
    site.tab.run("dispatchEvent(new Event('focus'))")  # as a browser does that has a screen
    site.tab.until(f"{CARD}.textContent.includes('needs your permission')")
    site.tab.until(SHOWN)
    allow(site, window_after(site, LINK))
    signed_in_without_losing_the_page(site)


def test_refused_window_leaves_the_link_which_comes_back_to_the_page(site: Site) -> None:
    site.tab.before_each_page("window.open = () => null")
    prompted(site, "/prompt/?a=%C3%A9")
    site.tab.click(LINK)
    site.tab.until("document.querySelector('#allow')")
    site.tab.click("#allow")
    site.settled("alice")
    assert site.tab.url == site("/prompt/?a=%C3%A9")


def test_where_something_was_typed_the_link_opens_a_tab(site: Site) -> None:
    site.tab.before_each_page("window.open = () => null")
    prompted(site)
    typed(site)
    allow(site, window_after(site, LINK))
    site.tab.show()
    signed_in_without_losing_the_page(site)


def test_two_tabs_and_one_sign_in(site: Site) -> None:
    prompted(site)
    other = site.browser.new_tab(site("/prompt/"))
    other.until(SHOWN)
    site.tab.show()
    typed(site)
    allow(site, window_after(site, LINK))
    signed_in_without_losing_the_page(site)
    site.settled("alice", other)
    assert other.run(SHOWN) is False


def test_page_in_the_back_forward_cache_keeps_it(site: Site) -> None:
    prompted(site)
    site.open("/without-tag/")
    # A page that could hear this would have to leave the cache.
    site.tab.run("new BroadcastChannel('silent-sso:/oidc/silent/').postMessage(null)")
    site.tab.back()
    site.tab.event("restored")
    assert site.tab.run(SHOWN) is True
    typed(site)
    allow(site, window_after(site, LINK))
    signed_in_without_losing_the_page(site)
