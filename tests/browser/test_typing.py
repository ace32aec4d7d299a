"""Who types for long is renewed in the background, and the form is sent by a fresh session (C100)."""

from __future__ import annotations

from typing import Any

import pytest

from django_silent_sso.testing import OpenIDProvider
from tests.browser.site import OTHER_SITE, Site
from tests.browser.tab import Tab
from tests.browser.test_other_site import blocked
from tests.browser.test_tab_return import CLOCK

ALMOST = 850_000  # milliseconds after the page was loaded; the session lasts 900 seconds
LATER = 40_000


@pytest.fixture
def form(site: Site) -> Tab:
    """A page with a form that was open for long."""
    site.tab.before_each_page(CLOCK)
    site.sign_in("alice")
    site.open("/form/")
    site.forget()
    return site.tab


def wait(tab: Tab, milliseconds: int) -> None:
    tab.run(f"void (window.skipped = (window.skipped ?? 0) + {milliseconds})")


def settle(site: Site) -> None:
    """Whatever typing leads to was sent before this."""
    site.tab.run("fetch('/page/')")


def test_nothing_is_asked_while_the_session_is_fresh(site: Site, form: Tab) -> None:
    form.type("#text", "at once")
    settle(site)
    assert site.attempts() == 0


def test_session_that_is_about_to_end_is_renewed_once_while_the_user_types(site: Site, form: Tab) -> None:
    wait(form, ALMOST)
    form.type("#text", "half ")
    assert form.event("before-sign-in")["reason"] == "input"
    assert form.event("signed-in")["transport"] == "frame"
    form.type("#text", "written")
    settle(site)
    assert site.attempts() == 1
    assert form.names() == ["before-sign-in", "signed-in"]
    assert len(site.asked("/form/")) == 0, "neither loaded again nor left"
    assert form.run("document.querySelector('#text').value") == "half written"
    wait(form, ALMOST)  # and once more, when the renewed one is about to end
    form.type("#text", "!")
    form.event("signed-in")
    assert site.attempts() == 2


def test_session_that_is_always_about_to_end_is_not_renewed_with_every_key(site: Site, settings: Any) -> None:
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = 45
    site.tab.before_each_page(CLOCK)
    site.sign_in("alice")
    site.open("/form/")
    site.tab.type("#text", "a")
    site.tab.event("signed-in")
    site.tab.type("#text", "b")
    settle(site)
    assert site.attempts() == 1
    wait(site.tab, 15_000)
    site.tab.type("#text", "c")
    site.tab.event("signed-in")


def test_overdue_session_is_renewed_too_and_the_form_is_simply_sent(site: Site, form: Tab) -> None:
    site.make_overdue()
    wait(form, 2 * ALMOST)
    form.type("#text", "long")
    form.event("signed-in")
    form.click("#form button")
    form.until("document.querySelector('#received')?.textContent === 'long'")
    assert len(site.asked("/form/")) == 1, "not refused first"


def test_op_s_no_ends_no_session_under_a_form(site: Site, form: Tab) -> None:
    """It may ask for a person: the page is told, the site is not, and the form is sent in the grace time."""
    site.sign_out_at_op()
    site.make_stale()
    wait(form, ALMOST)
    form.type("#text", "still ")
    required = form.event("sign-in-required")
    assert (required["error"], required["reason"]) == ("login_required", "login_required")
    assert site.asked("/oidc/callback/")[1:] == [], "the relay page in the frame and nothing after it"
    wait(form, LATER)
    form.type("#text", "here")  # the back-off lasts
    settle(site)
    assert site.attempts() == 1
    form.click("#form button")
    form.until("document.querySelector('#received')?.textContent === 'still here'")
    assert site.user() == "alice"


def test_page_is_never_left_for_the_op_while_somebody_types(site: Site, form: Tab) -> None:
    site.provider.withdraw_consent()
    wait(form, ALMOST)
    form.type("#text", "still ")
    assert form.event("sign-in-required")["error"] == "consent_required"
    assert form.names() == ["before-sign-in", "sign-in-required"]
    assert form.url == site("/form/")


@blocked
@pytest.mark.parametrize("home", [OTHER_SITE])
def test_frame_that_cannot_know_says_nothing_about_the_user(site: Site, form: Tab, home: str) -> None:
    wait(form, ALMOST)
    form.type("#text", "still ")
    assert form.event("error")["reason"] == "inconclusive_frame"
    settle(site)
    assert form.names() == ["before-sign-in", "error"]
    assert form.url == site("/form/")


def test_visitor_s_typing_asks_nothing(site: Site, provider: OpenIDProvider) -> None:
    site.tab.before_each_page(CLOCK)
    site.open("/form/").event("sign-in-required")
    site.forget()
    wait(site.tab, ALMOST)
    site.tab.type("#text", "somebody")
    settle(site)
    assert site.attempts() == 0
