"""The prompt where a hidden frame cannot know: what the OP wants to ask is learned by the page's own trip."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.prompt import CARD, SHOWN, asks_for_consent, not_shown, with_prompt
from tests.browser.site import Site
from tests.browser.test_other_site import blocked, home, provider

if TYPE_CHECKING:
    from pytest_django import Settings

__all__ = ["home", "provider"]  # pytest looks for its fixtures here


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    return with_prompt(make_site, settings)


@blocked
def test_shown_after_the_trip_and_on_the_pages_that_follow(site: Site) -> None:
    asks_for_consent(site)
    site.open("/prompt/").until(SHOWN)
    assert site.tab.event("sign-in-required")["error"] == "consent_required"
    assert "needs your permission" in site.tab.run(f"{CARD}.textContent")
    assert len(site.provider.calls_to("authorize")) == 2  # the frame's, the trip's
    site.forget()
    site.open("/prompt/").until(SHOWN)
    assert (site.attempts(), site.provider.calls_to("authorize")) == (0, [])


@blocked
def test_stays_when_the_tab_comes_back_and_the_frame_still_does_not_know(site: Site) -> None:
    asks_for_consent(site)
    site.open("/prompt/").until(SHOWN)
    site.tab.event("sign-in-required")
    site.come_back()
    required = site.tab.event("sign-in-required")
    assert (required["error"], required["reason"]) == ("consent_required", "login_required")
    assert site.tab.run(SHOWN) is True


def test_shown_where_the_middleware_has_asked(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    asks_for_consent(site)
    site.open("/prompt/").until(SHOWN)
    assert "needs your permission" in site.tab.run(f"{CARD}.textContent")
    assert (site.attempts(), len(site.provider.calls_to("authorize"))) == (0, 1)


@blocked
def test_visitor_whom_the_op_does_not_know_is_left_in_peace(site: Site) -> None:
    site.open("/prompt/")
    not_shown(site)
