"""The whole page goes to the OP and comes back, as the middleware decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings


def test_stale_session_is_renewed_and_the_page_is_the_very_same(site: Site) -> None:
    site.sign_in("alice")
    site.make_stale()
    site.open("/page/?q=%C3%A4&empty=#part")
    assert site.tab.url == site("/page/?q=%C3%A4&empty=#part")
    assert site.user() == "alice"
    assert len(site.provider.calls_to("authorize")) == 1


def test_stale_session_of_somebody_who_left_the_op_ends_at_its_sign_in(site: Site) -> None:
    site.sign_in("alice")
    site.make_stale()
    site.sign_out_at_op()
    site.open("/page/elsewhere/#part")
    site.tab.until("document.querySelector('input[name=username]')")


def test_first_page_of_a_visitor_goes_by_the_op_where_the_site_wants_it(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    site.sign_in_at_op()
    site.open("/page/?a=1#part")
    assert site.tab.url == site("/page/?a=1#part")
    assert site.user() == "alice"


def test_visitor_whom_the_op_does_not_know_goes_there_once(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    site.open("/page/")
    site.open("/page/elsewhere/")
    assert site.user() == "nobody"
    assert len(site.provider.calls_to("authorize")) == 1


def test_sign_in_link_comes_back_to_its_page(site: Site) -> None:
    site.open("/page/?a=1").event("sign-in-required")
    site.tab.click(".silent-sso-sign-in")
    site.tab.type("input[name=username]", "alice")
    site.tab.click("#sign-in")
    site.settled("alice")
    assert site.tab.url == site("/page/?a=1")
