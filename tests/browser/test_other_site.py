"""OP and site are different sites: whether the OP's cookie arrives in a frame is the browser's choice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.testing import OpenIDProvider
from tests.browser.site import OTHER_SITE, Site

if TYPE_CHECKING:
    from pytest_django import Settings

blocked = pytest.mark.parametrize("third_party", [False], ids=["third-party cookies blocked"])


@pytest.fixture
def home() -> str:
    return OTHER_SITE


@pytest.fixture
def provider(provider: OpenIDProvider) -> OpenIDProvider:
    """A frame on another site needs a `SameSite=None` cookie."""
    provider.cookie = replace(provider.cookie, samesite="None")
    return provider


def test_visitor_is_signed_in_by_the_frame_where_its_cookie_arrives(site: Site) -> None:
    site.sign_in_at_op()
    assert site.open("/page/").event("signed-in")["transport"] == "frame"
    site.settled("alice")
    assert len(site.asked("/page/")) == 2  # the page, and the page again: it never left for the OP


@blocked
def test_browser_that_was_never_signed_in_here_stays_on_the_page(site: Site) -> None:
    site.sign_in_at_op()
    assert site.open("/page/").event("sign-in-required")["error"] == "login_required"
    assert len(site.asked("/page/")) == 1
    assert len(site.provider.calls_to("authorize")) == 1


@blocked
def test_c103_known_browser_is_signed_in_by_one_trip_to_the_op_and_back(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.open("/page/?a=1#part")
    site.settled("alice")
    assert site.tab.url == site("/page/?a=1#part")
    assert [event["detail"]["transport"] for event in site.tab.events] == ["frame", "top"]
    assert len(site.provider.calls_to("authorize")) == 2


@blocked
def test_known_browser_that_is_signed_out_at_the_op_makes_one_trip_and_no_other(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.sign_out_at_op()
    tab = site.open("/page/")
    tab.event("before-sign-in")
    assert tab.event("before-sign-in")["transport"] == "top"
    assert tab.event("sign-in-required")["reason"] == "backed_off"  # said by the page it came back to
    site.forget()
    assert site.open("/page/").event("sign-in-required")["reason"] == "backed_off"
    assert site.provider.calls_to("authorize") == []


@blocked
def test_page_does_not_leave_while_something_is_typed(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.open("/by-hand/")
    site.tab.run("document.body.append(document.createElement('input'))")
    site.tab.before_each_page(
        "addEventListener('DOMContentLoaded', () => {"
        " document.body.append(document.createElement('input')); document.querySelector('input').value = 'typed' })"
    )
    assert site.open("/page/").event("sign-in-required")["error"] == "login_required"
    assert len(site.provider.calls_to("authorize")) == 1


@blocked
@pytest.mark.parametrize("answer", ["never", "always"])
def test_setting_says_whether_the_page_may_leave(site: Site, settings: Settings, answer: str) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = answer
    site.sign_in_at_op()
    tab = site.open("/page/")
    if answer == "always":
        site.settled("alice")
    else:
        tab.event("sign-in-required")
    assert len(site.provider.calls_to("authorize")) == (2 if answer == "always" else 1)


@blocked
def test_page_says_whether_it_may_leave(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.open('/with-callback/?top_level_hop="never"').event("sign-in-required")
    assert len(site.provider.calls_to("authorize")) == 1


@blocked
def test_page_never_leaves_because_of_a_call(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.open("/by-hand/")
    result = site.tab.run("import('/static/django_silent_sso/silent-sso.js').then((sso) => sso.signInSilently())")
    assert result == {"status": "failed", "error": "login_required", "reason": "login_required"}
    assert len(site.provider.calls_to("authorize")) == 1


@blocked
def test_trip_that_brought_a_user_does_not_stand_in_the_way_of_the_next(site: Site, settings: Settings) -> None:
    """A session that ends at once, by a back-channel logout and another sign-in there, is begun again at once."""
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    site.sign_in_at_op()
    site.open("/page/")
    site.settled("alice")
    site.forget_sign_in()
    site.open("/page/")
    site.settled("alice")
    assert [event["detail"]["transport"] for event in site.tab.events] == ["frame", "top"]


@blocked
def test_page_that_wants_itp_support_leaves_for_the_op(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/with-callback/?itp_support=true")
    site.settled("alice")
    assert len(site.provider.calls_to("authorize")) == 2


@blocked
def test_no_of_a_frame_never_ends_a_session(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = "never"
    site.sign_in("alice")
    site.come_back()
    assert site.tab.event("error")["reason"] == "inconclusive_frame"
    site.tab.reload()
    assert site.user() == "alice"


@blocked
def test_sign_out_at_the_op_is_confirmed_by_one_trip_of_the_page(site: Site) -> None:
    site.sign_in("alice")
    site.sign_out_at_op()
    site.come_back()
    site.tab.event("before-sign-in")
    assert site.tab.event("before-sign-in")["transport"] == "top"
    site.tab.until("document.querySelector('input[name=username]')")  # the OP asks who is there


def left_once(site: Site) -> None:
    """Somebody is signed in, came back to the tab, and the page has made its trip."""
    site.sign_in("alice")
    site.come_back()
    site.tab.event("before-sign-in")
    assert site.tab.event("before-sign-in")["transport"] == "top"
    site.tab.until("performance.getEntriesByType('navigation')[0].redirectCount === 0 && !document.hidden")
    site.settled("alice")


@blocked
def test_signed_in_page_leaves_for_the_op_once_and_not_at_each_return(site: Site) -> None:
    left_once(site)
    site.come_back()
    assert site.tab.event("error")["reason"] == "inconclusive_frame"
    assert site.user() == "alice"
    assert len(site.provider.calls_to("authorize")) == 2  # frame, page; the frame is known to be blind by now


@blocked
def test_nor_after_another_tab_was_opened(site: Site) -> None:
    left_once(site)
    other = site.browser.new_tab(site("/page/elsewhere/"))
    site.settled("alice", other)
    site.tab.show()
    assert site.tab.event("error")["reason"] == "inconclusive_frame"
    assert len(site.provider.calls_to("authorize")) == 2


@blocked
def test_page_that_wants_itp_support_hears_what_the_op_said_to_its_trip(site: Site) -> None:
    site.sign_in_at_op()
    site.provider.withdraw_consent()
    site.open("/with-callback/?itp_support=true")
    assert site.tab.event("sign-in-required")["error"] == "consent_required"
    assert len(site.provider.calls_to("authorize")) == 2


@blocked
def test_frame_that_was_blind_is_not_asked_again_today(site: Site) -> None:
    """What this browser did with this OP is remembered, with an end."""
    site.sign_in("alice")
    site.forget_sign_in()
    site.open("/page/")
    site.settled("alice")
    site.forget_sign_in()
    later = "const name = 'silent-sso:/oidc/silent/', memo = JSON.parse(localStorage.getItem(name));"
    site.tab.run(f"{{ {later} localStorage.setItem(name, JSON.stringify({{ blind: memo.blind }})) }}")
    site.open("/page/?again")
    site.settled("alice")
    assert [event["detail"]["transport"] for event in site.tab.events] == ["frame", "top"]
    assert len(site.provider.calls_to("authorize")) == 1  # the page's own trip
    memo = site.tab.run("JSON.parse(localStorage.getItem('silent-sso:/oidc/silent/'))")
    day = 86_400_000
    assert 0 < memo["blind"] - site.tab.run("Date.now()") <= day


@blocked
@pytest.mark.parametrize("end", ["1", "Date.now() + 1e10"], ids=["over", "the clock was changed"])
def test_frame_is_asked_again_where_the_memory_has_ended(site: Site, end: str) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.open("/without-tag/")
    site.tab.run(f"localStorage.setItem('silent-sso:/oidc/silent/', JSON.stringify({{ blind: {end} }}))")
    site.open("/page/")
    site.settled("alice")
    assert len(site.provider.calls_to("authorize")) == 2


@blocked
def test_page_is_where_it_was_after_the_trip(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.tab.before_each_page(
        "document.addEventListener('DOMContentLoaded', () => { document.body.style.height = '9000px'; "
        "if (!sessionStorage.scrolled) { sessionStorage.scrolled = 1; scrollTo(0, 4321) } })"
    )
    site.open("/page/?a=1#part")
    site.settled("alice")
    site.tab.until("document.readyState === 'complete'")
    assert site.tab.run("scrollY") == 4321
    assert site.tab.url == site("/page/?a=1#part")


@blocked
def test_page_does_not_leave_while_it_plays(site: Site) -> None:
    site.sign_in("alice")
    site.forget_sign_in()
    site.tab.before_each_page(
        "history.scrollRestoration = 'manual';"
        "Object.defineProperty(HTMLMediaElement.prototype, 'paused', { get: () => false });"
        "addEventListener('DOMContentLoaded', () => document.body.append(document.createElement('video')))"
    )
    assert site.open("/page/").event("sign-in-required")["error"] == "login_required"
    assert len(site.provider.calls_to("authorize")) == 1
