"""`logout/`: here first, then at the OP; and nothing silent afterwards."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpRequest

from django_silent_sso.op import health, provider
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock, told
from tests.views.answers import SESSION, answer_to, assert_private, cookies_of, nothing_changes, with_cookies

if TYPE_CHECKING:
    from pytest_django import Settings

LOGOUT = "/oidc/logout/"


def custom_url(request: HttpRequest) -> str:
    """A site's own `OIDC_OP_LOGOUT_URL_METHOD`, as mozilla-django-oidc calls it."""
    assert request.user.is_authenticated, "asked while the session still lives"
    return "https://op.example.org/bye"


def failing_url(request: HttpRequest) -> str:
    raise RuntimeError("the site's own fault")


def no_url(request: HttpRequest) -> None:
    """Nothing to say."""


def sign_out(browser: Browser) -> Any:
    response = browser.post(LOGOUT)
    assert response.status_code == 302
    assert_private(response)
    assert not Session.objects.exists()
    assert browser.user() == "nobody"
    return response


def id_token(browser: Browser) -> str:
    found = RPSession.read(browser.session)
    assert found is not None
    return found.tokens(browser.provider.now()).id_token


def test_a43_signed_out_here_then_at_the_op(browser: Browser) -> None:
    browser.sign_in("alice")
    hint = id_token(browser)
    target = urlsplit(sign_out(browser)["Location"])
    pairs = parse_qsl(target.query)
    parameters = dict(pairs)
    assert len(pairs) == len(parameters)
    assert f"{target.scheme}://{target.netloc}{target.path}" == browser.provider.url_of("end_session")
    assert len(parameters.pop("state")) >= 16
    assert parameters == {
        "id_token_hint": hint,
        "client_id": "site",
        "post_logout_redirect_uri": "http://testserver/",
    }
    back = browser.provider.answer(target.geturl())
    assert back.location.startswith("http://testserver/?state=")
    assert not browser.provider.sessions


def test_a44_a45_p02_coming_back_changes_nothing(browser: Browser) -> None:
    browser.sign_in("alice")
    for query in ("", "?state=another", "?state=<script>"):
        with nothing_changes(browser):
            assert browser.get(f"/{query}").status_code == 200
    assert browser.user() != "nobody"


@pytest.mark.parametrize("method", ["get", "head", "options", "put"])
def test_p01_d63_no_other_method_signs_out(browser: Browser, method: str) -> None:
    browser.sign_in("alice")
    with nothing_changes(browser):
        assert getattr(browser.client, method)(LOGOUT).status_code == 405
    assert browser.user() != "nobody"


def test_p01_no_sign_out_without_a_csrf_token(make_browser: Any) -> None:
    browser = make_browser(enforce_csrf_checks=True)
    browser.sign_in("alice")
    with nothing_changes(browser):
        assert browser.post(LOGOUT).status_code == 403
    with nothing_changes(browser):
        evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert browser.post(LOGOUT, {"csrfmiddlewaretoken": browser.client.cookies["csrftoken"].value}, **evil)
    token = browser.client.cookies["csrftoken"].value
    assert browser.post(LOGOUT, {"csrfmiddlewaretoken": token}).status_code == 302
    assert browser.user() == "nobody"


def test_p01_nor_where_the_site_has_no_csrf_middleware(make_browser: Any, settings: Settings) -> None:
    settings.MIDDLEWARE = [path for path in settings.MIDDLEWARE if "Csrf" not in path]
    browser = make_browser(enforce_csrf_checks=True)
    browser.sign_in("alice")
    with nothing_changes(browser):
        assert browser.post(LOGOUT).status_code == 403


def test_p03_c115_nothing_silent_afterwards_until_the_user_signs_in(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.SILENT_SSO_TOP_LEVEL_HOP = "always"
    browser.sign_in("alice")
    sign_out(browser)
    assert browser.provider.sessions, "the OP still knows who is there"
    for _ in range(2):
        assert browser.get("/page/").status_code == 200
        for trigger in ("load", "return", "call"):
            assert told(browser.start(trigger=trigger)) == (200, "signed_out_by_user")
        assert told(browser.start(transport="top")) == (200, "signed_out_by_user")
    assert not browser.provider.calls_to("authorize")
    browser.sign_in("alice")
    assert browser.user() != "nobody"
    assert "authorization_url" in browser.start().json()


def test_p03_the_memory_outlives_the_back_off(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    sign_out(browser)
    clock.advance(20 * 24 * 3600)
    assert told(browser.start()) == (200, "signed_out_by_user")


@pytest.mark.parametrize("kept", [False, True], ids=["cookie deleted", "cookie came later"])
@pytest.mark.parametrize("seconds", [0.0, 0.4, 30.0])
def test_p07_a_silent_attempt_begun_before_is_void(browser: Browser, clock: Clock, kept: bool, seconds: float) -> None:
    clock.stop(int(clock()) + 0.3)
    browser.sign_in("alice")
    make_stale(browser.session)
    back = answer_to(browser, "/page/")
    attempts = {name: v for name, v in cookies_of(browser).items() if re.fullmatch(r"silent_sso_[0-9a-f]{24}", name)}
    clock.advance(seconds)
    sign_out(browser)
    assert not set(attempts) & set(cookies_of(browser))
    if kept:
        browser.client.cookies.load(attempts)
    answer = browser.get(back)
    assert answer.status_code == (302 if kept else 400)
    assert browser.user() == "nobody"
    assert not browser.provider.calls_to("token")
    assert told(browser.start()) == (200, "signed_out_by_user")


@pytest.mark.parametrize("kept", [False, True], ids=["cookie deleted", "cookie came later"])
@pytest.mark.parametrize("transport", ["frame", "popup"])
def test_p07_a_frame_s_or_popup_s_attempt_too(browser: Browser, transport: str, kept: bool) -> None:
    browser.sign_in("alice")
    query = browser.answered(transport=transport, trigger="call")
    attempts = {name: value for name, value in cookies_of(browser).items() if name not in (SESSION, "csrftoken")}
    sign_out(browser)
    if kept:
        attempts = {name: value for name, value in attempts.items() if re.fullmatch(r"silent_sso_[0-9a-f]{24}", name)}
        assert len(attempts) == 1
        browser.client.cookies.load(attempts)
    reason = "voided_by_sign_out" if kept else "state_unknown"
    assert told(browser.relay("/oidc/callback/", query)) == (200, reason)
    assert browser.user() == "nobody"
    assert not browser.provider.calls_to("token")
    assert told(browser.start(trigger="call")) == (200, "signed_out_by_user")


def test_p08_a_double_click_is_harmless(browser: Browser) -> None:
    browser.sign_in("alice")
    cookies = cookies_of(browser)
    sign_out(browser)
    with with_cookies(browser, cookies):
        second = browser.post(LOGOUT)
    assert (second.status_code, second["Location"]) == (302, "/")
    assert sign_out(browser)["Location"] == "/"


def test_a_visitor_who_signs_out_gets_no_session(browser: Browser) -> None:
    assert sign_out(browser)["Location"] == "/"
    assert SESSION not in cookies_of(browser)


def test_p06_only_this_browser_s_session_ends(browser: Browser, make_browser: Any) -> None:
    browser.sign_in("alice")
    other = make_browser()
    other.sign_in("alice")
    browser.post(LOGOUT)
    assert browser.user() == "nobody"
    assert other.user() != "nobody"


def test_a_password_session_ends_here_only(browser: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "/page/"
    browser.client.force_login(
        get_user_model().objects.create_user("carol"), "django.contrib.auth.backends.ModelBackend"
    )
    assert sign_out(browser)["Location"] == "/page/"
    assert not browser.provider.calls


# -- the OP fails ------------------------------------------------------------------------------------------------------


def test_c108_an_op_that_is_down_is_no_obstacle(browser: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "/page/"
    browser.sign_in("alice")
    browser.provider.stop()
    provider.forget()
    health.forget()
    assert sign_out(browser)["Location"] == "/page/"


def test_an_op_without_an_end_session_endpoint(browser: Browser) -> None:
    browser.provider.metadata.drop("end_session_endpoint")
    browser.sign_in("alice")
    assert sign_out(browser)["Location"] == "/"


def test_p05_a_hint_that_is_too_long_is_left_out(browser: Browser) -> None:
    browser.provider.id_token.replace(padding="x" * 5000)
    browser.sign_in("alice")
    parameters = dict(parse_qsl(urlsplit(sign_out(browser)["Location"]).query))
    assert set(parameters) == {"client_id", "post_logout_redirect_uri", "state"}


def test_where_to_come_back_to_is_the_site_s_choice(browser: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "https://www.example.org/bye"
    browser.provider.metadata.replace(end_session_endpoint=lambda url: f"{url}?tenant=a")
    browser.sign_in("alice")
    pairs = parse_qsl(urlsplit(sign_out(browser)["Location"]).query)
    assert ("tenant", "a") in pairs
    assert dict(pairs)["post_logout_redirect_uri"] == "https://www.example.org/bye"


def test_the_site_s_own_url(browser: Browser, settings: Settings) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = f"{__name__}.custom_url"
    browser.sign_in("alice")
    assert sign_out(browser)["Location"] == "https://op.example.org/bye"


@pytest.mark.parametrize("name", ["failing_url", "no_url", "not_there"])
def test_d61_a_method_of_the_site_that_fails_is_no_obstacle(browser: Browser, settings: Settings, name: str) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = f"{__name__}.{name}"
    browser.sign_in("alice")
    assert sign_out(browser)["Location"].startswith(browser.provider.url_of("end_session"))


def test_who_listens_hears_of_it_once(browser: Browser) -> None:
    heard: list[str] = []

    def listen(reason: Any, user: Any, **_: Any) -> None:
        heard.append(f"{user.get_username()} {reason}")

    browser.sign_in("alice")
    name = browser.user()
    session_terminated.connect(listen)
    try:
        sign_out(browser)
        sign_out(browser)
    finally:
        session_terminated.disconnect(listen)
    assert heard == [f"{name} signed_out_by_user"]


@pytest.mark.parametrize(
    ("secure", "signed_in", "expected"),
    [(True, True, '"cache"'), (False, True, None), (True, False, None)],
    ids=["https", "http", "nobody"],
)
def test_the_browser_forgets_the_pages_it_has_kept(
    browser: Browser, secure: bool, signed_in: bool, expected: str | None
) -> None:
    """Neither cookies nor storage: those are others' too."""
    if signed_in:
        user = get_user_model().objects.create_user("carol")
        browser.client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    response = browser.client.post(LOGOUT, secure=secure)
    assert response.status_code == 302
    assert response.get("Clear-Site-Data") == expected


def test_no_other_cookie_is_touched(browser: Browser) -> None:
    browser.sign_in("alice")
    browser.client.cookies.load(SimpleCookie({"basket": "full"}))
    sign_out(browser)
    assert cookies_of(browser)["basket"] == "full"
