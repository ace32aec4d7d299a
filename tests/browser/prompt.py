"""What the tests of the prompt share: how it is brought about, and what is looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.browser.site import Site
from tests.browser.test_resend import do

if TYPE_CHECKING:
    from playwright.async_api import Page
    from pytest_django import Settings

CARD = "document.querySelector('.silent-sso-prompt')"
SHOWN = f"!!{CARD} && {CARD}.checkVisibility()"
GONE = f"!({SHOWN})"
LINK = ".silent-sso-prompt-continue"
LATER = ".silent-sso-prompt-later"
CLOSE = ".silent-sso-prompt-close"
STATUS = "document.querySelector('[data-part=status]').textContent"
WAITS = "JSON.parse(localStorage['silent-sso-prompt:/oidc/silent/'] ?? '{}')"
TYPED = "An hour of writing."
IS_TYPED = f"document.querySelector('#text').value === '{TYPED}'"


def with_prompt(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    """The site with these pages, and with the policy that cuts windows on other origins off: Django's default."""
    settings.ROOT_URLCONF = "tests.browser.urls_prompt"
    settings.MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", *settings.MIDDLEWARE]
    return make_site


def asks_for_consent(site: Site) -> None:
    """Somebody is signed in at the OP, which wants to ask before the site may know."""
    site.sign_in_at_op("alice")
    site.provider.withdraw_consent()


def prompted(site: Site, path: str = "/prompt/") -> None:
    asks_for_consent(site)
    site.open(path)
    site.tab.until(SHOWN)


def not_shown(site: Site) -> None:
    """The page has had its answer, and every script has heard of it."""
    site.tab.event("sign-in-required")
    assert site.tab.run(f"customElements.whenDefined('silent-sso-prompt').then(() => {SHOWN})") is False


def typed(site: Site) -> None:
    """Something is in the page that a reload would lose."""
    site.tab.run("window.stayed = true")
    site.tab.type("#text", TYPED)


def allow(site: Site, window: Page) -> None:
    do(site, window.click("#allow"))


def signed_in_without_losing_the_page(site: Site) -> None:
    site.tab.until(GONE)
    assert site.tab.event("signed-in")["user"] == {"name": "alice@example.org"}
    assert site.tab.run(f"{IS_TYPED} && window.stayed") is True
    assert site.tab.run("fetch('/oidc/session/').then((answer) => answer.json()).then((it) => it.signed_in)") is True
