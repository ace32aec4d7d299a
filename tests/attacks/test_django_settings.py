"""A site's own settings and the attacks that live on them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.core.checks import run_checks

from tests.conftest import NAVIGATION, Browser, told
from tests.repository import ROOT, modules, text
from tests.views.answers import answer_to, cookies_of

START = "/oidc/authenticate/?next=/page/"
CALLBACK = "/oidc/callback/"


def redirect_uri(answer: Any) -> str:
    return parse_qs(urlsplit(answer["Location"]).query)["redirect_uri"][0]


@pytest.mark.parametrize("policy", ["DENY", "SAMEORIGIN"])
def test_g02_our_frame_page_sets_its_own_policy_and_others_keep_the_site_s(
    browser: Browser, settings: Any, policy: str
) -> None:
    settings.X_FRAME_OPTIONS = policy
    settings.SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
    framed = browser.get(f"{CALLBACK}?code=x&state=f.x", **{"Sec-Fetch-Dest": "iframe"})
    assert framed["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in framed["Content-Security-Policy"]
    assert framed["Cross-Origin-Opener-Policy"] == "unsafe-none"
    for path in ("/page/", CALLBACK, START, "/oidc/session/"):
        page = browser.get(path)
        assert page["X-Frame-Options"] in (policy, "DENY"), path
        assert page["Cross-Origin-Opener-Policy"] == "same-origin", path


def test_g05_nothing_depends_on_assert() -> None:
    with_assert = [name for name in modules() if "\n    assert " in text(modules()[name])]
    assert with_assert == []


def test_g05_a_forged_answer_is_refused_under_python_o() -> None:
    done = subprocess.run(
        [sys.executable, "-O", "-m", "tests.attacks.without_assert"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == ["400", "state_unknown", "400", "state_missing"], done.stderr[-2000:]


def test_g07_a_backend_that_is_gone_makes_a_visitor_and_no_error(browser: Browser, settings: Any) -> None:
    browser.sign_in("alice")
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    for path in ("/page/", "/oidc/session/", START, CALLBACK):
        assert browser.get(path).status_code < 500, path
    assert browser.user() == "nobody"
    assert browser.fetch("/oidc/session/").json() == {"signed_in": False}


def test_g07_a_session_that_names_nonsense_too(browser: Browser) -> None:
    browser.sign_in("alice")
    for nonsense in ("no.such.Backend", "", 5, None, ["x"]):
        session = browser.session
        session[BACKEND_SESSION_KEY] = nonsense
        session.save()
        assert browser.get("/page/").status_code == 200
        assert browser.user() == "nobody"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"X-Forwarded-Host": "evil.example"}, id="I15 X-Forwarded-Host"),
        pytest.param({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "8443"}, id="I15 scheme and port"),
        pytest.param({"Forwarded": "host=evil.example;proto=https"}, id="I15 Forwarded"),
        pytest.param({"X-Original-URL": "/evil/", "X-Rewrite-URL": "/evil/"}, id="I15 other URL"),
    ],
)
def test_i15_forwarded_headers_are_not_trusted_unless_the_site_says_so(
    browser: Browser, settings: Any, headers: dict[str, str]
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    assert redirect_uri(browser.get(START, **headers)) == "http://testserver/oidc/callback/"


def test_g10_i15_the_configured_origin_wins_over_the_host_header(browser: Browser, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    answer = browser.client.get(START, headers=NAVIGATION, SERVER_NAME="evil.example")
    assert redirect_uri(answer) == "https://site.example/oidc/callback/"


def test_g10_behind_a_proxy_the_site_says_how_https_is_told(browser: Browser, settings: Any) -> None:
    assert redirect_uri(browser.get(START, **{"X-Forwarded-Proto": "https"})).startswith("http://")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert redirect_uri(browser.get(START, **{"X-Forwarded-Proto": "https"})).startswith("https://")


# -- cookies ----------------------------------------------------------------------------------------------------------


def test_n04_cookies_never_fill_the_header(browser: Browser, settings: Any) -> None:
    """200 attempts of every kind; what a browser sends in the end is far from what servers refuse (8 kB)."""
    settings.SILENT_SSO_VISITORS = "redirect"
    for number in range(100):
        browser.get(f"/oidc/authenticate/?next=/page/{'x' * 60}{number}")
        browser.start(trigger="call")
    assert len(cookies_of(browser)) <= 9
    assert sum(len(name) + len(value) + 3 for name, value in cookies_of(browser).items()) < 7000


def test_n10_every_cookie_of_ours_is_bound_to_this_host(make_browser: Any, settings: Any) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    for secure in (False, True):
        browser = make_browser()
        browser.provider.sign_in("alice")
        answers = [browser.client.get(path, headers=NAVIGATION, secure=secure) for path in (START, "/page/")]
        for answer in answers:
            assert answer.cookies
            for name, morsel in answer.cookies.items():
                assert name.startswith("__Host-") is secure
                flags = (
                    morsel["httponly"],
                    bool(morsel["secure"]),
                    morsel["samesite"],
                    morsel["domain"],
                    morsel["path"],
                )
                assert flags == (True, secure, "Lax", "", "/")
                assert 0 < morsel["max-age"] <= 366 * 86400


def test_n03_a_cookie_planted_by_a_sub_domain_replaces_none_of_ours(browser: Browser) -> None:
    """Cookie tossing on plain http, where no prefix protects: what does not open is not believed."""
    browser.provider.sign_in("alice")
    back = answer_to(browser)
    (name,) = [name for name in cookies_of(browser) if name.startswith("silent_sso") and "marks" not in name][:1]
    honest = browser.client.cookies[name].value
    browser.client.cookies[name] = "planted"
    assert told(browser.get(back)) == (400, "state_unknown")
    browser.client.cookies[name] = honest
    assert browser.get(back)["Location"] == "/page/"


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("debug", [False, True], ids=["L05 production", "L05 debug"])
@pytest.mark.parametrize("fault", ["token", "userinfo", "jwks", "discovery"])
def test_l05_no_stack_trace_at_the_callback(browser: Browser, settings: Any, debug: bool, fault: str) -> None:
    settings.DEBUG = debug
    browser.provider.sign_in("alice")
    browser.client.raise_request_exception = False
    back = answer_to(browser)
    for body in (b"\xff\xfe", b"[" * 100_000, b"{}", b"null"):
        browser.provider.fail(fault, status=200, body=body, times=1)
    for _ in range(4):
        page = browser.get(back)
        back = answer_to(browser)
        assert page.status_code in (302, 400, 503)
        for word in ("Traceback", "django_silent_sso/flows", "Error at", "Exception"):
            assert word not in page.content.decode()


def test_g06_the_checks_are_content_with_these_settings() -> None:
    """What the other tests stand on: the middleware is where it has to be."""
    assert "django_silent_sso.middleware.SilentSSOMiddleware" in django_settings.MIDDLEWARE
    assert [found.id for found in run_checks() if found.id.startswith("django_silent_sso.E")] == []
