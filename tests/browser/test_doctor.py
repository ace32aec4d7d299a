"""The browser doctor, in a browser: what it finds out, what it advises, and that it changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse

from tests.browser.site import OTHER_SITE, Site

if TYPE_CHECKING:
    from pytest_django import Settings

DOCTOR = "/oidc/doctor/"
blocked = pytest.mark.parametrize("third_party", [False], ids=["third-party cookies blocked"])
elsewhere = pytest.mark.parametrize("home", [OTHER_SITE], ids=["another site"])
ATTEMPT = "silent_sso_"


@pytest.fixture(autouse=True)
def _debug(settings: Settings) -> None:
    settings.DEBUG = True


def done(site: Site) -> None:
    """Wait until it has tried what it can try by itself."""
    site.tab.until("document.getElementById('silent-sso-progress')?.textContent.trim() === 'Done.'")


def examine(site: Site) -> Site:
    site.open(DOCTOR)
    done(site)
    return site


def try_(site: Site, way: str) -> None:
    """Press the button; the whole page goes away and comes back."""
    site.tab.run("void (document.getElementById('silent-sso-progress').textContent = '')")
    site.tab.click(f"#silent-sso-{way}")
    done(site)


def cell(site: Site, way: str, part: str = "result") -> str:
    return str(site.tab.run(f"document.getElementById('silent-sso-{way}-{part}').innerText"))


def mark(site: Site, way: str) -> str:
    return str(site.tab.run(f"document.querySelector('#silent-sso-{way}-result .mark')?.className.split(' ')[1]"))


def has(site: Site, name: str) -> str:
    return str(site.tab.run(f"document.getElementById('silent-sso-has-{name}').textContent"))


def conclusion(site: Site) -> str:
    return site.tab.text("#silent-sso-status")


def report(site: Site) -> str:
    return str(site.tab.run("document.getElementById('silent-sso-report').textContent"))


def session_data(site: Site) -> dict[str, Any]:
    return dict(site._session.items())


def test_same_site_and_signed_in_there(site: Site) -> None:
    site.sign_in_at_op()
    examine(site)
    assert [mark(site, way) for way in ("frame", "web_message", "check_session")] == ["works", "works", "absent"]
    assert "A sign-in came back." in cell(site, "frame")
    assert "SILENT_SSO_RESPONSE_MODE" in cell(site, "web_message", "advice")
    assert has(site, "third_party") == "arrives: provider and site are one site"
    assert has(site, "seen") == "same-site / navigate / iframe"
    assert conclusion(site) == "Silent sign-in works in this browser by a hidden frame."
    for word in ("this site", "provider", "our page", "in all"):
        assert word in cell(site, "frame", "time")
    assert site.tab.run("document.querySelectorAll('#silent-sso-frame-time .part').length") == 4
    assert [line for line in site.tab.console if "Policy" in line or line.startswith("error: Uncaught")] == []


def test_same_site_and_nobody_signed_in(site: Site) -> None:
    examine(site)
    assert (mark(site, "frame"), "nobody is signed in there" in cell(site, "frame")) == ("works", True)


@pytest.mark.parametrize("way", ["popup", "top"])
def test_ways_that_need_a_person(site: Site, way: str) -> None:
    site.sign_in_at_op()
    examine(site)
    try_(site, way)
    assert (mark(site, way), "A sign-in came back." in cell(site, way)) == ("works", True)
    assert "ms" in cell(site, way, "time")
    assert mark(site, "frame") == "works"
    assert site.tab.url == site(DOCTOR)
    try_(site, "run")
    assert (mark(site, "frame"), cell(site, way), cell(site, way, "time")) == ("works", "Not tried yet", "")


@elsewhere
@blocked
def test_another_site_with_the_cookie_held_back(site: Site) -> None:
    site.provider.cookie = replace(site.provider.cookie, samesite="None")
    site.sign_in_at_op()
    examine(site)
    assert (mark(site, "frame"), has(site, "third_party")) == ("unknown", "not known: try the popup")
    assert "Try the popup" in cell(site, "frame", "advice")
    try_(site, "popup")
    assert (mark(site, "frame"), mark(site, "popup")) == ("fails", "works")
    assert "held the provider's cookie back" in cell(site, "frame")
    assert "SameSite=None; Secure" in cell(site, "frame", "advice")
    assert 'SILENT_SSO_TOP_LEVEL_HOP is "known"' in cell(site, "frame", "advice")
    assert has(site, "third_party") == "is held back"
    assert conclusion(site).startswith("In this browser a hidden frame cannot sign you in")
    try_(site, "top")
    assert (mark(site, "frame"), mark(site, "top")) == ("fails", "works")


@elsewhere
@blocked
def test_another_site_where_nobody_is_signed_in(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_TOP_LEVEL_HOP = "never"
    examine(site)
    try_(site, "popup")
    assert (mark(site, "popup"), mark(site, "frame")) == ("works", "unknown")
    assert "Sign in at the provider" in cell(site, "frame", "advice")
    site.sign_in_at_op()
    examine(site)
    try_(site, "popup")
    assert '= "known" lets the page' in cell(site, "frame", "advice")


@elsewhere
def test_another_site_whose_cookie_arrives(site: Site) -> None:
    site.provider.cookie = replace(site.provider.cookie, samesite="None")
    site.sign_in_at_op()
    examine(site)
    assert (mark(site, "frame"), has(site, "third_party")) == ("works", "arrives")
    assert has(site, "seen") == "cross-site / navigate / iframe"


def test_a_page_that_may_not_be_framed_is_found_early(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_FRAME_TIMEOUT_SECONDS = 15
    site.provider.show_page()
    site.provider.framing = "DENY"
    examine(site)
    assert (mark(site, "frame"), mark(site, "web_message")) == ("fails", "absent")
    assert "a page is shown in its place" in cell(site, "frame")
    assert "X-Frame-Options" in cell(site, "frame", "advice")
    assert "Register the redirect URI" in cell(site, "frame", "advice")
    milliseconds = int(cell(site, "frame", "time").rpartition(" ms")[0].rpartition(" ")[2])
    assert 1000 <= milliseconds < 8000
    assert conclusion(site) == "Silent sign-in does not work in this browser as things are."


def test_an_op_that_shows_a_page_keeps_the_whole_page(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_FRAME_TIMEOUT_SECONDS = 2
    site.provider.show_page()
    examine(site)
    try_(site, "popup")
    assert mark(site, "popup") == "fails"
    assert "SILENT_SSO_RENEW_WITH" in cell(site, "popup", "advice")
    site.tab.click("#silent-sso-top")
    site.tab.until("document.querySelector('input[name=username]')")
    examine(site)
    assert (mark(site, "top"), "not sent back" in cell(site, "top")) == ("fails", True)


@pytest.mark.parametrize("error", ["consent_required", "unauthorized_client"])
def test_other_answers(site: Site, error: str) -> None:
    site.provider.answer_with_error(error)
    examine(site)
    assert mark(site, "frame") == ("works" if error == "consent_required" else "fails")
    assert error in cell(site, "frame")
    assert cell(site, "frame", "advice")


def test_an_op_without_web_message(site: Site, settings: Settings) -> None:
    site.provider.answer_by("query")
    examine(site)
    assert (mark(site, "frame"), mark(site, "web_message")) == ("works", "absent")
    settings.SILENT_SSO_RESPONSE_MODE = "web_message"
    examine(site)
    assert (mark(site, "frame"), mark(site, "web_message")) == ("works", "fails")
    assert "Leave SILENT_SSO_RESPONSE_MODE out" in cell(site, "web_message", "advice")


@pytest.mark.parametrize(
    ("frame", "found"), [("standard", "works"), ("changed", "fails"), ("mute", "fails"), ("speaks", "works")]
)
def test_the_session_frame(site: Site, settings: Settings, frame: Any, found: str) -> None:
    site.provider.session_management = True
    site.provider.check_session_frame = frame
    for name, url in site.provider.endpoint_settings().items():
        setattr(settings, name, url)
    site.sign_in_at_op()
    examine(site)
    assert mark(site, "check_session") == found


def test_nobody_s_sign_in_is_changed(site: Site) -> None:
    site.sign_in("alice")
    before, key = session_data(site), site.browser.cookies()["sessionid"]["value"]
    site.provider.sign_in("bob")
    examine(site)
    try_(site, "popup")
    try_(site, "top")
    assert session_data(site) == before
    assert site.browser.cookies()["sessionid"]["value"] == key
    assert not [name for name in site.browser.cookies() if name.startswith(ATTEMPT) and "marks" not in name]
    assert site.provider.calls_to("token", "userinfo") == []
    site.open("/page/")
    assert site.user() == "alice"


def test_nothing_secret_is_in_page_or_report(site: Site) -> None:
    site.sign_in_at_op()
    examine(site)
    try_(site, "top")
    asked = [call.parameters for call in site.provider.calls_to("authorize")]
    secrets = [one[name] for one in asked for name in ("state", "nonce", "code_challenge")]
    secrets.append(site.provider.client_secret)
    shown = site.tab.run("document.documentElement.outerHTML") + report(site) + site.tab.url
    assert len(secrets) >= 10
    assert [one for one in secrets if one in shown] == []
    assert "code=" not in shown
    assert "Hidden frame: ✓ works" in report(site)


def test_for_staff_alone(site: Site, settings: Settings) -> None:
    settings.DEBUG = False
    site.sign_in("alice")
    site.open(DOCTOR)
    assert site.tab.run("document.getElementById('silent-sso-doctor')") is None
    get_user_model().objects.update(is_staff=True)
    examine(site)
    assert mark(site, "frame") == "works"


def test_it_is_operated_by_keyboard_and_read_aloud(site: Site) -> None:
    examine(site)
    names = site.tab.run("[...document.querySelectorAll('[role=status]')].map((one) => one.id)")
    assert names == ["silent-sso-status", "silent-sso-progress"]
    assert site.tab.run(
        "[...document.querySelectorAll('button')].every((one) => one.textContent.trim() && one.tabIndex === 0)"
    )
    assert site.tab.run("document.querySelectorAll('tbody th[scope=row]').length") == 5
    assert site.tab.run("document.querySelectorAll('.bar:not([aria-hidden=true])').length") == 0


@pytest.mark.parametrize("width", [320, 700, 1400])
def test_it_fits_every_width(site: Site, width: int) -> None:
    site.tab._loop.do(site.tab.page.set_viewport_size({"width": width, "height": 800}))
    examine(site)
    assert site.tab.run("document.documentElement.scrollWidth <= innerWidth")
    assert site.tab.run("[...document.querySelectorAll('.bar')].every((bar) => bar.offsetWidth > 100)")


def proxy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Something before the site that knows better."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith(DOCTOR):
            response["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
        return response

    return answer


def test_headers_of_the_site_s_own(site: Site) -> None:
    examine(site)
    assert (has(site, "own_page"), has(site, "policy")) == ("yes", "yes")


def test_headers_that_somebody_adds(site: Site, settings: Settings) -> None:
    settings.MIDDLEWARE = [f"{__name__}.proxy", *settings.MIDDLEWARE]
    examine(site)
    assert has(site, "own_page").startswith("no: something before this site adds")
    assert has(site, "policy") == f"no: add frame-src 'self' {site.provider.issuer}"
    assert mark(site, "frame") == "fails"
    assert "Let callback/ keep the headers it has" in cell(site, "frame", "advice")
