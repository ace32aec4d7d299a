"""The prompt in the demo: consent is withdrawn at the OpenID Provider, and given again in a window of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.prompt import GONE, LINK, SHOWN
from tests.browser.test_demo import demo, sees, sign_in

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.browser.chromium import Chromium
    from tests.browser.tab import Tab

__all__ = ["demo"]  # pytest looks for its fixtures here


def window_after_click(browser: Chromium, tab: Tab) -> Page:
    async def click() -> Page:
        async with browser.context.expect_page() as opened:
            await tab.page.click(LINK)
        return await opened.value

    return browser._loop.do(click())


def test_consent_that_was_withdrawn_is_given_again_in_a_window(demo: dict[str, str], browser: Chromium) -> None:
    op = browser.tab
    sign_in(op, demo)
    news = browser.new_tab(f"{demo['news']}/")
    sees(news, "Dana Demo")

    op.show()
    op.open(f"{demo['op']}/")
    op.click("text=Withdraw my consent")
    op.until("document.body.innerText.includes('You have withdrawn your consent')")

    news.show()
    sees(news, None)
    news.until(SHOWN)
    assert news.text(LINK) == "Continue with Demo ID"

    window = window_after_click(browser, news)
    browser._loop.do(window.click("text=Deny"))
    browser._loop.do(window.wait_for_selector("text=access was declined"))
    assert news.run(SHOWN) is True
    browser._loop.do(window.close())

    window = window_after_click(browser, news)
    browser._loop.do(window.click("text=Allow"))
    sees(news, "Dana Demo")
    news.until(GONE)
