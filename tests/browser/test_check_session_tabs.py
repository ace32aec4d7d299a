"""Of all the tabs of a browser one watches the OP's session: one that is seen, and online."""

from __future__ import annotations

from tests.browser.site import Site
from tests.browser.watching import FRAME, MEMO, QUICK, asked_again, memo, new_window, set_offline, skip


def test_m11_only_the_tab_that_is_seen_watches_and_the_next_takes_over(watched: Site) -> None:
    first = watched.sign_in("alice")
    first.until(FRAME)
    second = watched.browser.new_tab()
    second.before_each_page(QUICK)
    watched.open("/page/", second)
    second.until(FRAME)
    first.until(f"document.hidden && !{FRAME}")
    second.close()
    first.show()
    first.until(FRAME)


def test_m11_of_two_windows_that_are_seen_one_watches(watched: Site) -> None:
    first = watched.sign_in("alice")
    first.until(FRAME)
    second = new_window(watched, "/page/")
    asked_again(watched)
    assert (first.run("document.hidden"), second.run("document.hidden")) == (False, False)
    assert second.run(FRAME) is None
    first.close()
    second.until(FRAME)
    watched.sign_out_at_op()
    second.event("signed-out")


def test_m11_without_web_locks_each_tab_that_is_seen_watches(watched: Site) -> None:
    watched.tab.before_each_page("Object.defineProperty(navigator, 'locks', { value: undefined })")
    watched.sign_in("alice")
    asked_again(watched)
    other = watched.browser.new_tab("about:blank")
    watched.tab.until(f"!{FRAME}")
    other.close()
    watched.tab.show()
    asked_again(watched)
    watched.sign_out_at_op()
    watched.tab.event("signed-out")


def test_m11_nobody_watches_offline(watched: Site) -> None:
    watched.sign_in("alice")
    watched.tab.until(FRAME)
    set_offline(watched.tab, True)
    watched.tab.until(f"!{FRAME}")
    set_offline(watched.tab, False)
    watched.tab.until(FRAME)
    asked_again(watched)
    assert watched.tab.names() == []


def test_m11_page_from_the_back_forward_cache_watches_again(watched: Site) -> None:
    watched.sign_in("alice")
    watched.tab.until(FRAME)
    watched.open("/page/elsewhere/").until(FRAME)
    watched.tab.back()
    watched.tab.event("restored")
    watched.tab.until(FRAME)
    asked_again(watched)
    watched.sign_out_at_op()
    watched.tab.event("signed-out")


def test_m11_m05_tab_that_takes_over_gets_the_newer_session_state_from_the_site(watched: Site) -> None:
    first = watched.sign_in("alice")
    first.until(FRAME)
    second = new_window(watched, "/page/")
    watched.provider.sign_in("alice")  # once more, in a new session
    assert first.event("signed-in")["reason"] == "renewed"
    first.until(MEMO % "user")
    skip(watched, 31)
    asked_again(watched)
    first.close()
    watched.tab = second
    second.until("performance.getEntriesByName(location.origin + '/oidc/session/').length")
    asked_again(watched, 3)
    assert (watched.attempts(), memo(watched)["doubts"], second.names()) == (1, 0, [])
