"""The module's functions, as a page's own script uses them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings

SSO = "import('/static/django_silent_sso/silent-sso.js').then((sso) => %s)"


def told(site: Site, number: int = 1) -> list[dict[str, object]]:
    """What the page's callback was told, once that was so often."""
    site.tab.until(f"window.told?.length >= {number}")
    return list(site.tab.run("window.told.map((news) => ({ ...news, ...('credential' in news && { told: true }) }))"))


def test_callback_hears_who_is_signed_in_and_the_page_is_not_loaded_again(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/with-callback/")
    assert told(site) == [{"user": {"name": "alice@example.org"}, "select_by": "auto", "told": True}]
    assert len(site.asked("/with-callback/")) == 1


def test_callback_hears_that_nobody_is_signed_in(site: Site) -> None:
    site.open("/with-callback/")
    assert told(site) == [{"error": "login_required", "reason": "login_required", "told": True}]
    site.open("/with-callback/")
    assert told(site) == [{"error": "login_required", "reason": "backed_off", "told": True}]


def test_callback_hears_who_was_signed_in_before(site: Site) -> None:
    site.sign_in("alice")
    site.open("/with-callback/")
    assert told(site) == [{"user": {"name": "alice@example.org"}, "select_by": "user", "told": True}]
    assert site.attempts() == 0


def test_callback_gets_the_credential_where_the_site_gives_it(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_CREDENTIAL_IN_PAGE = True
    site.sign_in_at_op()
    site.open("/with-callback/")
    credential = told(site)[0]["credential"]
    assert str(credential).count(".") == 2
    assert site.tab.run("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])").count("ey") == 0


def test_credential_is_kept_until_it_is_about_to_end(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_CREDENTIAL_IN_PAGE = True
    site.sign_in_at_op()
    site.open("/with-callback/")
    told(site)
    site.forget()
    assert site.tab.run(SSO % "sso.signInSilently()")["reason"] == "fresh"
    assert site.attempts() == 0


def test_credential_that_is_about_to_end_is_asked_for_anew(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_CREDENTIAL_IN_PAGE = True
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = 20
    site.sign_in_at_op()
    site.open("/with-callback/")
    told(site)
    site.forget()
    assert site.tab.run(SSO % "sso.signInSilently()")["reason"] == "renewed"
    assert site.attempts() == 1


def test_callback_that_throws_breaks_nothing(site: Site) -> None:
    site.open("/by-hand/")
    site.tab.run(SSO % "sso.initialize({ callback() { throw new Error('of the page') } })")
    assert site.tab.run(SSO % "sso.signInSilently()")["error"] == "login_required"


def test_page_that_does_not_want_to_be_selected_for_is_left_alone(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/with-callback/?auto_select=false")
    site.come_back()
    site.tab.run("fetch('/page/')")
    assert site.attempts() == 0
    assert site.tab.run(SSO % "sso.signInSilently()")["status"] == "signed_in"


def test_callback_that_comes_late_hears_the_last_news(site: Site) -> None:
    site.open("/page/").event("sign-in-required")
    site.tab.run(SSO % "void sso.initialize({ callback: (news) => (window.told = [news]) })")
    assert told(site)[0]["error"] == "login_required"


def test_calls_at_the_same_time_share_one_attempt(site: Site) -> None:
    site.open("/by-hand/")
    calls = "Promise.all([1, 2, 3].map(() => sso.signInSilently()))"
    assert [result["reason"] for result in site.tab.run(SSO % calls)] == ["login_required"] * 3
    assert site.attempts() == 1


def test_page_without_the_tag_names_the_urls(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/without-tag/")
    assert site.tab.run(SSO % "sso.signInSilently()")["reason"] == "not_configured"
    missing = site.tab.run(SSO % "{ try { sso.initialize() } catch (error) { return error.name } }")
    assert missing == "TypeError"
    urls = "{ start_url: '/oidc/silent/', callback_url: '/oidc/callback/', session_url: '/oidc/session/' }"
    site.tab.run(SSO % f"void sso.initialize({urls})")
    assert site.tab.event("signed-in")["user"] == {"name": "alice@example.org"}


def test_fetch_is_repeated_after_a_silent_sign_in(site: Site) -> None:
    site.sign_in("alice")
    site.make_overdue()
    answer = site.tab.run(
        SSO % "sso.fetchSignedIn('/api/', { method: 'POST', body: 'kept' }).then((answer) => answer.json())"
    )
    assert answer == {"user": "alice@example.org", "body": "kept"}
    assert (len(site.asked("/api/")), site.attempts()) == (2, 1)


def test_fetch_is_not_repeated_where_the_user_has_left(site: Site) -> None:
    site.sign_in("alice", "/without-reload/")
    site.make_overdue()
    site.sign_out_at_op()
    assert site.tab.run(SSO % "sso.fetchSignedIn('/api/').then((answer) => answer.status)") == 401
    assert len(site.asked("/api/")) == 1


def test_fetch_of_somebody_who_is_signed_in_is_a_fetch(site: Site) -> None:
    site.sign_in("alice")
    assert site.tab.run(SSO % "sso.fetchSignedIn('/api/').then((answer) => answer.status)") == 200
    assert (len(site.asked("/api/")), site.attempts()) == (1, 0)


def test_sign_out_ends_the_session_here_and_at_the_op(site: Site) -> None:
    site.sign_in("alice")
    site.tab.run(SSO % "sso.signOut()")
    assert site.tab.event("sign-in-required")["reason"] == "signed_out_by_user"  # said by the page it ended on
    assert site.user() == "nobody"
    assert len(site.provider.calls_to("end_session")) == 1
    assert site.attempts() == 0


def test_sign_out_works_on_a_page_that_was_loaded_by_a_visitor(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/without-reload/").event("signed-in")
    site.tab.run(SSO % "sso.signOut()")
    site.tab.until("location.pathname === '/page/'")
    site.settled("nobody")
