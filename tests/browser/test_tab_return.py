"""What happens when the user comes back to a tab, or another tab has news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django_silent_sso.testing.authorization import Decision
from django_silent_sso.testing.defects import Change, Defect, Point
from tests.browser.site import Site

# A clock that a test can put forward; what was to happen in more than five seconds is left to the test.
CLOCK = """
const now = performance.now.bind(performance)
performance.now = () => now() + (window.skipped ?? 0)
const later = setTimeout
window.setTimeout = (work, pause, ...more) => {
  if (pause < 5000 || !pause) return later(work, pause, ...more)
  window.postponed = work
}
"""

if TYPE_CHECKING:
    from pytest_django import Settings


def test_sign_in_at_the_op_is_noticed_although_the_back_off_lasts(site: Site) -> None:
    site.open("/page/").event("sign-in-required")
    other = site.browser.new_tab()
    site.sign_in_at_op("alice", other)
    other.close()
    site.tab.show()
    assert site.tab.event("signed-in")["user"] == {"name": "alice@example.org"}
    site.settled("alice")


def test_sign_out_at_the_op_is_noticed(site: Site) -> None:
    site.sign_in("alice")
    site.sign_out_at_op()
    site.come_back()
    signed_out = site.tab.event("signed-out")
    assert (signed_out["error"], signed_out["reason"]) == ("login_required", "login_required")
    site.settled("nobody")


def test_sign_out_that_follows_a_sign_in_within_seconds_is_shown_too(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/page/").event("signed-in")
    site.settled("alice")
    site.sign_out_at_op()
    site.come_back()
    site.tab.event("signed-out")
    site.settled("nobody")


def test_another_user_at_the_op_is_noticed_and_not_signed_in(site: Site) -> None:
    site.sign_in("alice")
    site.provider.switch_user("bob")
    site.provider.switch_on(Defect("ignores the hint", (Change(Point.DECISION, lambda *_: Decision()),)))
    site.come_back()
    assert site.tab.event("subject-changed")["reason"] == "subject_changed"
    site.settled("nobody")


def test_another_user_who_signed_in_here_meanwhile_is_shown(site: Site) -> None:
    site.sign_in("alice")
    site.provider.switch_user("bob")
    other = site.browser.new_tab(site("/oidc/authenticate/?next=/by-hand/"))
    site.settled("bob", other)
    other.close()
    site.tab.show()
    changed = site.tab.event("subject-changed")
    assert (changed["transport"], changed["user"]) == ("session", {"name": "bob@example.org"})
    site.settled("bob")


def test_session_that_ended_is_opened_again_where_the_op_vouches_for_the_user(site: Site) -> None:
    site.sign_in("alice")
    site.end_session()
    site.come_back()
    assert site.tab.event("signed-in")["user"] == {"name": "alice@example.org"}
    site.tab.reload()
    assert site.user() == "alice"


def test_op_is_asked_at_most_once_in_fifteen_seconds(site: Site) -> None:
    site.sign_in("alice")
    site.come_back()
    site.tab.event("signed-in")
    asked = site.attempts()
    for _ in range(3):
        site.come_back()
    site.tab.run("fetch('/page/')")  # whatever a return leads to is sent before
    assert site.attempts() == asked == 1


def test_return_that_came_too_soon_is_asked_for_later(site: Site) -> None:
    site.tab.before_each_page(CLOCK)
    site.sign_in("alice")
    site.come_back()
    site.tab.event("signed-in")
    site.sign_out_at_op()
    site.tab.run("void (window.skipped = 1000)")  # not the same return any more
    site.come_back()
    site.tab.until("!!window.postponed")
    assert site.attempts() == 1
    site.tab.run("window.skipped = 15_000; void window.postponed()")
    site.tab.event("signed-out")
    site.settled("nobody")


def test_return_asks_nobody_where_the_site_does_not_want_it(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_MONITOR = ()
    site.sign_in("alice")
    site.sign_out_at_op()
    site.come_back()
    site.tab.run("fetch('/page/')")
    assert site.asked("/oidc/.*") == []


def test_op_that_is_down_signs_nobody_out(site: Site) -> None:
    site.sign_in("alice")
    site.provider.stop()
    site.come_back()
    assert site.tab.event("error")["reason"] == "op_timeout"
    site.tab.reload()
    assert site.user() == "alice"


def test_site_that_is_down_signs_nobody_out(site: Site) -> None:
    site.sign_in("alice")
    site.break_down("/oidc/session/")
    site.come_back()
    site.tab.until("performance.getEntriesByName(location.origin + '/oidc/session/').length")
    assert site.attempts() == 0
    site.break_down("/oidc/silent/")
    result = site.tab.run("import('/static/django_silent_sso/silent-sso.js').then((sso) => sso.signInSilently())")
    assert result["reason"] == "op_unreachable"
    assert site.tab.names() == ["before-sign-in", "error"]


def test_typed_text_is_never_lost(site: Site) -> None:
    site.open("/form/").event("sign-in-required")
    site.tab.type("#text", "a long letter")
    other = site.browser.new_tab()
    site.sign_in_at_op("alice", other)
    other.close()
    site.tab.show()
    site.tab.event("signed-in")
    assert site.tab.run("document.getElementById('text').value") == "a long letter"
    site.tab.click("#form button")  # with the token of a visitor that is no more
    site.tab.until("document.getElementById('received')?.textContent")
    assert site.tab.text("#received") == "a long letter"
    assert site.user() == "alice"


def test_page_with_an_editor_in_use_is_not_loaded_again(site: Site) -> None:
    site.sign_in("alice", "/form/")
    site.tab.type("#editor", "draft")
    site.tab.click("#button")
    site.sign_out_at_op()
    site.come_back()
    site.tab.event("signed-out")
    assert site.tab.text("#editor") == "draft"


def test_page_polls_only_where_told_and_only_while_it_is_seen(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_MONITOR = ("poll",)
    settings.SILENT_SSO_POLL_SECONDS = 5  # a check warns of it
    site.tab.before_each_page("setInterval = (poll, pause) => Object.assign(window, { poll, pause })")
    site.sign_in("alice")
    assert site.tab.run("window.pause") == 900_000
    other = site.browser.new_tab("about:blank")
    site.tab.run("void window.poll()")
    assert site.tab.run("document.hidden")
    other.close()
    site.tab.show()
    site.tab.until("!document.hidden")
    assert site.attempts() == 0
    site.tab.run("void window.poll()")
    assert site.tab.event("signed-in")["reason"] == "renewed"


def test_after_sign_out_nothing_is_tried(site: Site) -> None:
    site.sign_in("alice")
    site.tab.click(".silent-sso-sign-out button")
    site.settled("nobody")
    site.sign_in_at_op("alice")
    site.forget()
    required = site.open("/page/").event("sign-in-required")
    assert required["reason"] == "signed_out_by_user"
    site.come_back()
    site.tab.run("fetch('/page/')")
    assert site.provider.calls_to("authorize") == []
    assert site.user() == "nobody"


def test_sign_out_in_one_tab_is_seen_by_the_other(site: Site) -> None:
    first = site.sign_in("alice")
    second = site.open("/page/", site.browser.new_tab())
    second.click(".silent-sso-sign-out button")
    site.settled("nobody", second)
    assert first.event("signed-out")["reason"] == "not_signed_in"
    first.show()
    site.settled("nobody", first)


def test_sign_out_that_one_tab_has_noticed_is_seen_by_the_other(site: Site) -> None:
    first = site.sign_in("alice")
    second = site.open("/page/", site.browser.new_tab())
    site.sign_out_at_op()
    site.come_back(second)
    assert second.event("signed-out")["transport"] == "frame"
    assert first.event("signed-out")["transport"] == "session"


def test_sign_in_in_one_tab_is_seen_by_the_other(site: Site) -> None:
    first = site.open("/page/")
    first.event("sign-in-required")
    site.tab = second = site.open("/page/", site.browser.new_tab())
    second.event("sign-in-required")
    site.sign_in("alice")
    first.show()
    site.settled("alice", first)


def test_f20_message_in_the_channel_only_leads_to_a_question(site: Site) -> None:
    site.sign_in("alice")
    other = site.open("/page/", site.browser.new_tab())
    other.run("new BroadcastChannel('silent-sso:/oidc/silent/').postMessage({ signed_in: false })")
    site.tab.until("performance.getEntriesByName(location.origin + '/oidc/session/').length")
    assert site.tab.events == []
    assert site.user() == "alice"


def test_c90_page_from_the_back_forward_cache_does_not_show_who_has_left(site: Site) -> None:
    site.sign_in("alice")
    site.open("/page/elsewhere/")
    other = site.browser.new_tab(site("/page/"))
    other.click(".silent-sso-sign-out button")
    site.settled("nobody", other)
    other.close()
    site.tab.back()
    site.tab.event("restored")
    assert site.tab.event("signed-out")["transport"] == "session"
    site.settled("nobody")


def test_page_from_the_back_forward_cache_asks_the_site_alone_where_the_op_is_not_wanted(
    site: Site, settings: Settings
) -> None:
    settings.SILENT_SSO_MONITOR = ()
    site.sign_in("alice")
    site.open("/page/elsewhere/")
    site.sign_out_at_op()
    site.tab.back()
    site.tab.event("restored")
    site.tab.until("performance.getEntriesByName(location.origin + '/oidc/session/').length")
    site.tab.run("fetch('/api/')")
    assert site.attempts() == 0


def test_c106_attempt_ends_when_the_page_is_left(site: Site) -> None:
    """And does not come back with the page, out of the back-forward cache."""
    with site.provider.hang("authorize") as hang:
        site.open("/page/").until("document.querySelector('iframe')")
        hang.wait_until_reached()
        site.open("/by-hand/")
    site.tab.back()
    site.tab.until("location.pathname === '/page/'")
    assert site.tab.run("document.querySelectorAll('iframe').length") <= 1
    assert site.tab.event("sign-in-required")["error"] == "login_required"
    assert "error" not in site.tab.names()
