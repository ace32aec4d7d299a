"""The prompt for eye, keyboard and screen reader: contrast, order, names, and that it takes nothing by force."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.prompt import CARD, CLOSE, GONE, LATER, LINK, SHOWN, STATUS, WAITS, prompted, with_prompt
from tests.browser.site import Site
from tests.browser.test_resend import do

if TYPE_CHECKING:
    from pytest_django import Settings

FOCUSED = "document.activeElement.id || document.activeElement.className"
STILL = "Promise.all(document.getAnimations().map((animation) => animation.finished)).then(() => true)"
BOX = f"{CARD}.getBoundingClientRect().toJSON()"


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    return with_prompt(make_site, settings)


def press(site: Site, *keys: str) -> None:
    for key in keys:
        do(site, site.tab.page.keyboard.press(key))


def tree(site: Site) -> list[dict[str, Any]]:
    """What a screen reader is told: role, name and description of everything that is not ignored."""
    nodes = do(site, site.tab._cdp.send("Accessibility.getFullAXTree"))["nodes"]
    return [
        {name: node.get(name, {}).get("value", "") for name in ("role", "name", "description")}
        for node in nodes
        if not node["ignored"]
    ]


def named(site: Site, name: str) -> dict[str, Any] | None:
    roles = ("region", "link", "button", "heading")
    return next((node for node in tree(site) if node["name"] == name and node["role"] in roles), None)


# Screen reader


def test_every_part_has_a_role_and_a_name(site: Site) -> None:
    site.open("/prompt/").event("sign-in-required")
    assert [named(site, name) for name in ("Finish signing in", "Continue", "Not now", "Close")] == [None] * 4
    site.tab.run("localStorage.clear()")
    site.browser.clear_cookies()
    prompted(site)
    parts = {node["name"]: node for node in tree(site) if node["role"] in ("region", "link", "button")}
    assert [parts[name]["role"] for name in ("Finish signing in", "Continue", "Not now", "Close")] == [
        "region",
        "link",
        "button",
        "button",
    ]
    assert parts["Continue"]["description"] == site.tab.text(".silent-sso-prompt-text")
    assert {"role": "heading", "name": "Finish signing in", "description": ""} in tree(site)


def test_it_is_announced_politely(site: Site) -> None:
    prompted(site)
    assert site.tab.until(STATUS).startswith("Finish signing in. The sign-in service needs your permission")
    assert "status" in [node["role"] for node in tree(site)]


# Keyboard


def test_focus_stays_where_it_is_when_it_comes(site: Site) -> None:
    site.open("/prompt/").event("sign-in-required")
    site.tab.click("#text")
    site.tab.type_on("so")
    site.provider.answer_with_error("consent_required")
    site.come_back()
    site.tab.until(SHOWN)
    site.tab.type_on(" far")
    assert site.tab.run("document.querySelector('#text').value") == "so far"


def test_tab_goes_through_it_where_it_stands(site: Site) -> None:
    prompted(site)
    site.tab.run("document.querySelector('#without').focus()")
    order = []
    for _ in range(4):
        press(site, "Tab")
        order.append(site.tab.run(FOCUSED))
    assert order == [LINK[1:], LATER[1:], CLOSE[1:], "after"]


@pytest.mark.parametrize("way", ["Escape", LATER, CLOSE])
def test_focus_returns_to_where_it_was(site: Site, way: str) -> None:
    prompted(site)
    site.tab.run("document.querySelector('#without').focus()")
    press(site, "Tab", "Tab")
    assert site.tab.run(FOCUSED) == LATER[1:]
    if way == "Escape":
        press(site, "Escape")
    else:
        site.tab.run(f"document.querySelector('{way}').focus()")
        press(site, "Enter")
    site.tab.until(GONE)
    assert site.tab.run(FOCUSED) == "without"
    assert site.tab.run(WAITS)["count"] == 1, "said once, however it was said"


def test_escape_elsewhere_is_not_for_it(site: Site) -> None:
    prompted(site)
    site.tab.run("document.querySelector('#text').focus()")
    press(site, "Escape")
    assert site.tab.run(SHOWN) is True


def test_what_has_the_focus_can_be_seen_to_have_it(site: Site) -> None:
    prompted(site)
    site.tab.run("document.querySelector('#without').focus()")
    for selector in (LINK, LATER, CLOSE):
        press(site, "Tab")
        outline = site.tab.run(f"getComputedStyle(document.querySelector('{selector}')).outline")
        assert "solid 3px" in outline


# Eye


def luminance(colour: str) -> float:
    """WCAG 2, relative luminance."""
    found = [float(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3]]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in found]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(site: Site, scheme: Any) -> None:
    do(site, site.tab.page.emulate_media(color_scheme=scheme))
    prompted(site)
    ground = site.tab.run(f"getComputedStyle({CARD}).backgroundColor")
    assert (luminance(ground) > 0.5) is (scheme == "light")
    for selector in (".silent-sso-prompt-title", ".silent-sso-prompt-text", LINK, LATER, CLOSE):
        style = f"getComputedStyle(document.querySelector('{selector}'))"
        own = site.tab.run(f"{style}.backgroundColor")
        on = ground if own == "rgba(0, 0, 0, 0)" else own
        assert contrast(site.tab.run(f"{style}.color"), on) >= 4.5, selector
    site.tab.run(f"document.querySelector('{LATER}').focus({{ focusVisible: true }})")
    outline = site.tab.run("getComputedStyle(document.activeElement).outlineColor")
    assert contrast(outline, ground) >= 3


def test_site_that_is_never_dark_can_say_so(site: Site) -> None:
    do(site, site.tab.page.emulate_media(color_scheme="dark"))
    prompted(site)
    ground = f"getComputedStyle({CARD}).backgroundColor"
    assert luminance(site.tab.run(ground)) < 0.5
    site.tab.run("document.documentElement.style.setProperty('--silent-sso-color-scheme', 'light')")
    assert luminance(site.tab.run(ground)) > 0.5
    site.tab.run("document.documentElement.style.setProperty('--silent-sso-background', 'rgb(1, 2, 3)')")
    assert site.tab.run(ground) == "rgb(1, 2, 3)"


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_card_in_the_corner_where_there_is_room(site: Site, direction: str) -> None:
    prompted(site)
    site.tab.run(f"document.documentElement.dir = '{direction}'")
    site.tab.run(STILL)
    box = site.tab.run(BOX)
    width, height = site.tab.run("[innerWidth, innerHeight]")
    assert box["width"] < width / 2
    assert round(height - box["bottom"]) == 16
    assert round(width - box["right"] if direction == "ltr" else box["left"]) == 16


def test_bar_at_the_foot_of_a_narrow_page_covers_no_end_of_it(site: Site) -> None:
    do(site, site.tab.page.set_viewport_size({"width": 360, "height": 640}))
    prompted(site)
    site.tab.run("document.querySelector('#form').style.paddingTop = '2000px'")  # before its end
    site.tab.run(STILL)
    box = site.tab.run(BOX)
    width = site.tab.run("document.documentElement.clientWidth")  # without the scrollbar
    assert (box["left"], box["right"], box["bottom"]) == (0, width, 640)
    assert box["height"] < 640 / 3
    padding = "parseFloat(getComputedStyle(document.documentElement).paddingBottom)"
    site.tab.until(f"Math.abs({padding} - {box['height']}) <= 1")
    site.tab.run("document.querySelector('#text').scrollIntoView({ block: 'nearest' })")
    assert site.tab.run("document.querySelector('#text').getBoundingClientRect().bottom") <= box["top"]
    site.tab.run("scrollTo(0, 100000)")
    site.tab.until(f"document.querySelector('#after').getBoundingClientRect().bottom <= {box['top']}")
    site.tab.click(LATER)
    site.tab.until(f"{padding} === 0")


def test_nothing_moves_for_those_who_do_not_want_it(site: Site) -> None:
    do(site, site.tab.page.emulate_media(reduced_motion="reduce"))
    prompted(site)
    assert site.tab.run("document.getAnimations().length") == 0


def test_rules_of_the_page_for_its_own_buttons_do_not_change_it(site: Site) -> None:
    site.tab.before_each_page(
        """addEventListener("DOMContentLoaded", () => {
          const style = document.createElement("style")
          style.textContent = "button, a, p, h2 { float: left; letter-spacing: 1em; text-transform: uppercase }"
          document.head?.append(style)
        })"""
    )
    prompted(site)
    for selector in (".silent-sso-prompt-title", ".silent-sso-prompt-text", LINK, LATER, CLOSE):
        style = site.tab.run(
            f"(({{ float, letterSpacing, textTransform }}) => [float, letterSpacing, textTransform])"
            f"(getComputedStyle(document.querySelector('{selector}')))"
        )
        assert style == ["none", "normal", "none"]
