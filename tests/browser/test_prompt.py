"""The prompt of `{% silent_sso_prompt %}`: when it comes, and when it stays away."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser import npm
from tests.browser.prompt import (
    CARD,
    GONE,
    LATER,
    LINK,
    SHOWN,
    WAITS,
    allow,
    asks_for_consent,
    not_shown,
    prompted,
    signed_in_without_losing_the_page,
    typed,
    with_prompt,
)
from tests.browser.site import Site
from tests.browser.test_resend import do, sign_in_there, window_after

if TYPE_CHECKING:
    from pytest_django import Settings

HOUR = 3_600_000  # milliseconds
DAY = 24 * HOUR
ABOUT_THE_SANDBOX = "warning: An iframe which has both allow-scripts and allow-same-origin"


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    return with_prompt(make_site, settings)


# When it comes


@pytest.mark.parametrize(
    ("error", "text", "link"),
    [
        ("consent_required", "needs your permission", "Continue"),
        ("interaction_required", "has a question for you", "Continue"),
        ("account_selection_required", "several accounts", "Choose an account"),
    ],
)
def test_shown_where_the_op_has_something_to_ask(site: Site, error: str, text: str, link: str) -> None:
    site.provider.answer_with_error(error)
    site.open("/prompt/").until(SHOWN)
    assert site.tab.text(".silent-sso-prompt-title") == "Finish signing in"
    assert text in site.tab.text(".silent-sso-prompt-text")
    assert site.tab.text(LINK) == link
    assert site.tab.run("document.activeElement === document.body") is True


def test_visitor_whom_the_op_does_not_know_is_left_in_peace(site: Site) -> None:
    site.open("/prompt/")
    not_shown(site)


def test_nor_is_anybody_bothered_by_an_op_that_fails(site: Site) -> None:
    site.provider.answer_with_error("temporarily_unavailable")
    site.open("/prompt/").event("error")
    assert site.tab.run(f"customElements.whenDefined('silent-sso-prompt').then(() => {SHOWN})") is False


def test_page_that_wants_it_offers_a_visitor_to_sign_in(site: Site) -> None:
    site.open("/prompt/login/").until(SHOWN)
    assert site.tab.text(".silent-sso-prompt-title") == "Sign in"
    typed(site)
    window = window_after(site, LINK)
    sign_in_there(site, window, "alice")
    signed_in_without_losing_the_page(site)


def test_but_not_to_somebody_who_has_just_signed_out(site: Site) -> None:
    site.sign_in("alice")
    site.tab.click(".silent-sso-sign-out button")
    site.settled("nobody")
    site.open("/prompt/login/")
    not_shown(site)


def test_name_of_the_service_is_on_the_button(site: Site) -> None:
    prompted(site, "/prompt/named/")
    assert site.tab.text(LINK) == "Continue with Corp ID"


def test_nothing_is_shown_without_javascript(site: Site) -> None:
    do(site, site.tab._cdp.send("Emulation.setScriptExecutionDisabled", {"value": True}))
    silent = site.provider.answer_with_error("consent_required")
    site.open("/prompt/")
    assert site.tab.run("document.querySelector('silent-sso-prompt').checkVisibility()") is False
    assert silent.hits == 0


@pytest.mark.parametrize("path", ["/prompt/first/", "/prompt/cut/"])
def test_works_wherever_it_stands_in_the_page(site: Site, path: str) -> None:
    prompted(site, path)
    assert site.tab.run(f"""(() => {{
      const {{ left, right, top, bottom }} = {CARD}.getBoundingClientRect()
      const inside = left > 0 && top > 0 && right < innerWidth && bottom < innerHeight
      const corners = [[left + 20, top + 20], [right - 20, bottom - 20]]
      return inside && corners.every(([x, y]) => {CARD}.contains(document.elementFromPoint(x, y)))
    }})()""")


def test_event_may_be_older_than_the_prompt(site: Site) -> None:
    asks_for_consent(site)
    site.open("/prompt/late/").event("sign-in-required")
    site.tab.run("""void fetch("/fragment/").then((answer) => answer.text()).then((html) => {
      document.querySelector("#place").append(document.createRange().createContextualFragment(html))
    })""")
    site.tab.until(SHOWN)
    assert "needs your permission" in site.tab.text(".silent-sso-prompt-text")


def test_lies_over_no_dialog_of_the_page(site: Site) -> None:
    site.provider.answer_with_error("consent_required")
    site.tab.before_each_page(
        """addEventListener("DOMContentLoaded", () => {
          const dialog = document.createElement("dialog")
          document.body?.append(dialog)
          dialog.showModal()
        })"""
    )
    site.open("/prompt/").until(SHOWN)
    assert site.tab.run(f"{CARD}.matches(':popover-open')") is False
    assert site.tab.run("document.querySelector('dialog').matches(':modal')") is True


# "Not now"


def test_not_now_is_remembered_with_growing_waits(site: Site) -> None:
    prompted(site)
    for count, wait in enumerate([HOUR, DAY, 7 * DAY, 30 * DAY, 30 * DAY], 1):
        before = site.tab.run("Date.now()")
        site.tab.click(LATER)
        site.tab.until(GONE)
        found = site.tab.run(WAITS)
        assert found["count"] == count
        assert before + wait <= found["until"] <= site.tab.run("Date.now()") + wait
        site.forget()
        site.open("/prompt/")
        not_shown(site)
        site.tab.run(
            f"localStorage['silent-sso-prompt:/oidc/silent/'] = JSON.stringify({{ count: {count}, until: 1 }})"
        )
        site.open("/prompt/").until(SHOWN)


@pytest.mark.parametrize(
    "stored",
    ["{ count: 1, until: Date.now() + 2 * 3_600_000 }", "{ count: 'x', until: Date.now() + 60_000 }", "17", "null"],
)
def test_wait_that_nobody_can_have_set_does_not_count(site: Site, stored: str) -> None:
    """The clock was changed, or something else has written there."""
    site.open("/without-tag/")
    site.tab.run(f"localStorage['silent-sso-prompt:/oidc/silent/'] = JSON.stringify({stored})")
    prompted(site)
    site.tab.click(LATER)
    site.forget()
    site.tab.reload()
    not_shown(site)


def test_sign_in_ends_all_waits(site: Site) -> None:
    prompted(site)
    site.tab.click(LATER)
    assert site.tab.run(WAITS)["count"] == 1
    site.tab.open(site("/oidc/authenticate/?next=/prompt/"))
    site.tab.click("#allow")
    site.settled("alice")
    site.tab.until(f"Object.keys({WAITS}).length === 0")


def test_not_now_in_one_tab_is_not_now_in_all(site: Site) -> None:
    prompted(site)
    other = site.browser.new_tab(site("/prompt/"))
    other.until(SHOWN)
    other.click(LATER)
    site.tab.until(GONE)


def test_without_storage_not_now_holds_for_the_page(site: Site) -> None:
    site.tab.before_each_page("Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused') } })")
    prompted(site)
    site.tab.click(LATER)
    site.tab.until(GONE)
    site.tab.run(
        """document.dispatchEvent(new CustomEvent("silent-sso:sign-in-required", {
          detail: { error: "consent_required" }
        }))"""
    )
    assert site.tab.run(SHOWN) is False


# In other people's pages


@pytest.mark.parametrize("path", ["/prompt/strict/", "/prompt/strict-self/"])
def test_c94_works_under_the_strictest_policy(site: Site, path: str) -> None:
    """Nonces or origins, Trusted Types, no inline style."""
    asks_for_consent(site)
    site.tab = site.browser.new_tab(site(path))
    site.tab.until(SHOWN)
    assert site.tab.run(f"getComputedStyle({CARD}).display") == "grid"
    typed(site)
    allow(site, window_after(site, LINK))
    signed_in_without_losing_the_page(site)
    assert [line for line in site.tab.console if not line.startswith(ABOUT_THE_SANDBOX)] == []


def test_page_swaps_of_turbo_bring_it_again_and_nothing_twice(site: Site) -> None:
    npm.needed("turbo-8")
    prompted(site, "/turbo/")
    site.tab.run("window.stayed = true")
    for path in ("/turbo/next/", "/turbo/without/", "/turbo/"):
        site.tab.run(f"void Turbo.visit('{path}')")
        site.tab.until(f"location.pathname === '{path}' && document.title === '{path}'")
        site.tab.until(GONE if "without" in path else SHOWN)
    site.tab.back()  # over a page without it, and then to one that Turbo has kept
    site.tab.back()
    site.tab.until(f"location.pathname === '/turbo/next/' && document.title === location.pathname && {SHOWN}")
    assert site.tab.run("window.stayed") is True
    assert site.tab.run(f"{CARD}.matches(':popover-open')") is True
    site.tab.click(LATER)
    site.tab.until(GONE)
    assert site.tab.run(WAITS)["count"] == 1
    site.tab.run("void Turbo.visit('/turbo/')")
    site.tab.until("document.title === '/turbo/'")
    assert site.tab.run(SHOWN) is False
    assert site.attempts() == 1
