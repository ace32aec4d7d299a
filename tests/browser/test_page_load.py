"""What happens when a page is loaded, where the OP's frame works: OP and site are the same site."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.http import HttpRequest, HttpResponse

from django_silent_sso.conf import conf
from tests.browser.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings

# Chromium says so of every frame of our own origin, and the OP's frame must end there: without `allow-same-origin` its
# message would come from nowhere.
ABOUT_THE_SANDBOX = "warning: An iframe which has both allow-scripts and allow-same-origin"
FRAMES = "document.querySelectorAll('iframe').length"


def policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a site-wide Content-Security-Policy, with what a test's page asks for in its query."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        forms = f"'self' {conf.issuer}" if request.COOKIES.get("forms") == "op" else "'self'"
        wanted = f"script-src 'self'; frame-src 'none'; form-action {forms}; require-trusted-types-for 'script'"
        response.headers.setdefault("Content-Security-Policy", wanted)
        return response

    return answer


def test_visitor_whom_the_op_knows_is_signed_in(site: Site) -> None:
    site.sign_in_at_op("alice")
    signed_in = site.open("/page/").event("signed-in")
    assert (signed_in["reason"], signed_in["transport"]) == ("signed_in", "frame")
    assert (signed_in["user"], signed_in["select_by"]) == ({"name": "alice@example.org"}, "auto")
    site.settled("alice")


def test_page_is_loaded_again_once_and_then_left_alone(site: Site) -> None:
    site.sign_in_at_op()
    site.forget()
    site.open("/page/?a=1#b").event("signed-in")
    site.settled("alice")
    assert site.tab.url == site("/page/?a=1#b")
    assert len(site.asked("/page/")) == 2
    assert site.attempts() == 1


def test_page_that_a_cache_keeps_as_it_was_is_not_loaded_for_ever(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/unchanging/").event("signed-in")
    assert site.tab.event("signed-in")["reason"] == "renewed"  # of the page that was loaded again
    site.tab.run("fetch('/api/')")  # a reload would have begun before
    assert len(site.asked("/unchanging/")) == 2


def test_visitor_whom_the_op_does_not_know_is_told_so_and_the_page_stays(site: Site) -> None:
    required = site.open("/page/").event("sign-in-required")
    assert (required["error"], required["reason"]) == ("login_required", "login_required")
    assert len(site.asked("/page/")) == 1
    assert site.user() == "nobody"


def test_page_within_the_back_off_asks_nobody(site: Site) -> None:
    site.open("/page/").event("sign-in-required")
    site.forget()
    required = site.open("/page/").event("sign-in-required")
    assert (required["error"], required["reason"]) == ("login_required", "backed_off")
    assert [one.path for one in site.asked("/oidc/.*")] == []
    assert site.provider.calls_to("authorize") == []


def test_back_off_ends_with_a_sign_in(site: Site) -> None:
    site.open("/page/").event("sign-in-required")
    site.sign_in("alice")
    site.forget_sign_in()
    assert site.open("/page/").event("signed-in")["reason"] == "signed_in"


def test_signed_in_page_asks_nobody(site: Site) -> None:
    site.sign_in("alice")
    site.open("/with-callback/").until("window.told.length")  # its script has decided by then
    assert site.attempts() == 0
    assert site.provider.calls_to("authorize") == []


def test_stale_session_of_a_page_that_could_not_be_redirected_is_renewed_by_the_frame(site: Site) -> None:
    site.sign_in("alice")
    site.make_stale()
    site.provider.stop()  # so the page is served within the grace time
    site.open("/page/elsewhere/").event("error")
    site.provider.start()
    site.come_back()
    assert site.tab.event("signed-in")["reason"] == "renewed"
    assert len(site.asked("/page/elsewhere/")) == 1  # the same user: nothing to load again
    assert site.user() == "alice"


def test_nothing_of_the_frame_remains(site: Site) -> None:
    site.open("/page/").event("sign-in-required")
    assert site.tab.run(FRAMES) == 0
    assert site.tab.run("history.length") == 2  # about:blank and the page


def test_silent_sign_in_says_nothing_on_the_console(site: Site) -> None:
    site.sign_in_at_op()
    site.tab = site.browser.new_tab()
    site.open("/page/").event("signed-in")
    site.settled("alice")
    assert [line for line in site.tab.console if not line.startswith(ABOUT_THE_SANDBOX)] == []


def test_page_that_asks_by_hand_asks_when_told(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/by-hand/")
    result = site.tab.run("import('/static/django_silent_sso/silent-sso.js').then((sso) => sso.signInSilently())")
    assert result == {
        "status": "signed_in",
        "reason": "signed_in",
        "user": {"name": "alice@example.org"},
        "select_by": "auto",
    }
    assert site.attempts() == 1


def test_page_prevents_an_attempt(site: Site) -> None:
    site.sign_in_at_op()
    site.tab.before_each_page("addEventListener('silent-sso:before-sign-in', (event) => event.preventDefault())")
    site.open("/page/").event("before-sign-in")
    result = site.tab.run("import('/static/django_silent_sso/silent-sso.js').then((sso) => sso.signInSilently())")
    assert (result["status"], result["reason"]) == ("failed", "exempt")
    assert site.attempts() == 0


@pytest.mark.parametrize("path", ["/page/", "/without-reload/"], ids=["by its listener", "by its tag"])
def test_page_prevents_the_reload(site: Site, path: str) -> None:
    site.sign_in_at_op()
    if path == "/page/":
        site.tab.before_each_page("addEventListener('silent-sso:signed-in', (event) => event.preventDefault())")
    site.open(path).event("signed-in")
    assert len(site.asked(path)) == 1
    assert site.user() == "nobody"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("<input>", "field.value = 'typed'"),
        ("<textarea>a letter</textarea>", "field.value += ', a long one'"),
        ("<input type=checkbox>", "field.checked = true"),
        ("<input type=radio checked>", "field.checked = false"),
        ("<input type=range>", "field.dispatchEvent(new Event('input', { bubbles: true }))"),
        ("<select><option>1<option>2</select>", "field.dispatchEvent(new Event('input', { bubbles: true }))"),
        ("<div contenteditable>a draft</div>", "field.focus()"),
        ("<iframe></iframe>", "field.focus()"),
    ],
)
@pytest.mark.parametrize("changed", [False, True], ids=["untouched", "changed"])
def test_page_is_loaded_again_where_nothing_was_entered(site: Site, field: str, change: str, changed: bool) -> None:
    site.sign_in_at_op()
    site.tab.before_each_page(
        "document.addEventListener('silent-sso:before-sign-in', () => {"
        f"document.body.insertAdjacentHTML('beforeend', '{field}'); const field = document.body.lastElementChild;"
        f"{change if changed else ''}}})"
    )
    site.open("/page/").event("signed-in")
    if changed:
        site.tab.run("fetch('/api/')")  # a reload would have begun before
        assert len(site.asked("/page/")) == 1
    else:
        site.settled("alice")


def test_answer_to_a_form_is_not_loaded_again(site: Site) -> None:
    site.open("/form/").event("sign-in-required")
    site.sign_in_at_op()
    site.open("/form/")
    site.tab.run("localStorage.clear()")
    site.browser.clear_cookies(name=site.marks_cookie)
    site.tab.type("#text", "once")
    site.tab.click("#form button")
    site.tab.event("signed-in")
    assert site.tab.text("#received") == "once"
    assert len([one for one in site.asked("/form/") if one.method == "POST"]) == 1


def test_visitors_are_left_alone_where_the_site_says_so(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "off"
    site.sign_in_at_op()
    site.open("/with-callback/")
    result = site.tab.run("import('/static/django_silent_sso/silent-sso.js').then((sso) => sso.signInSilently())")
    assert result == {"status": "failed", "error": "login_required", "reason": "visitors_off"}
    assert site.attempts() == 1  # that of the call


def test_c94_page_works_under_the_strictest_policy(site: Site, settings: Settings) -> None:
    """CSP with nonces, Trusted Types, `X-Frame-Options: DENY`, `LoginRequiredMiddleware`."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert settings.X_FRAME_OPTIONS == "DENY"
    site.sign_in_at_op()
    site.tab = site.browser.new_tab()
    site.open("/strict/").event("signed-in")
    site.settled("alice")
    assert [line for line in site.tab.console if not line.startswith(ABOUT_THE_SANDBOX)] == []


@pytest.fixture
def site_with_policy(site: Site, settings: Settings) -> Site:
    settings.MIDDLEWARE = [f"{__name__}.policy", *settings.MIDDLEWARE]
    return site


def test_c94_site_that_allows_no_frame_is_told_so_once_by_the_browser(site_with_policy: Site) -> None:
    site = site_with_policy
    site.sign_in_at_op()
    site.tab = site.browser.new_tab()
    error = site.open("/page/").event("error")
    assert (error["reason"], error["duration"] < 5000) == ("op_timeout", True)
    about_frames = [line for line in site.tab.console if not line.startswith(ABOUT_THE_SANDBOX)]
    assert len(about_frames) == 1
    assert "frame-src" in about_frames[0]
    assert (site.tab.run(FRAMES), site.user()) == (0, "nobody")


@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_c94_form_action_of_the_site_does_not_stand_in_the_way_of_a_sign_in(
    site_with_policy: Site, settings: Settings, mode: str
) -> None:
    """The form in `form_post` is the OP's, and our own hop after it has a policy of its own."""
    settings.SILENT_SSO_RESPONSE_MODE = mode
    site_with_policy.sign_in("alice")
    assert len(site_with_policy.asked("/oidc/callback/")) == 0  # forgotten with the rest: it went through


@pytest.mark.parametrize("forms", ["self", "op"])
def test_c94_form_action_of_the_site_never_stops_the_sign_out_here(site_with_policy: Site, forms: str) -> None:
    """Chromium applies it to the redirect to the OP as well: without the OP in it, the user stays signed in there."""
    site = site_with_policy
    site.sign_in("alice")
    site.tab.run(f"document.cookie = 'forms={forms}; path=/'")
    site.tab.reload()
    ended = len(site.provider.calls_to("end_session"))
    site.tab.click(".silent-sso-sign-out button")
    if forms == "op":
        site.settled("nobody")
    else:
        site.tab.until("fetch('/api/').then((answer) => answer.json()).then(({ user }) => user === null)")
    assert len(site.provider.calls_to("end_session")) - ended == (1 if forms == "op" else 0)
