"""What the policy is told about a request, and which requests it is not asked about."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import set_script_prefix

from django_silent_sso.policy import Kind, RequestFacts, Rules
from django_silent_sso.request_facts import concerns_us, facts_of, is_exempt, rules
from django_silent_sso.storage.rp_session import KEY, RPSession, Tokens
from tests.conftest import FETCH, NAVIGATION

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.urls("tests.middleware_site")

NOW = 1_800_000_000.0
SIGN_IN = RPSession(
    issuer="https://id.example.org",
    subject="alice",
    verified_at=NOW - 100,
    confirmed_at=NOW - 200,
    seen_at=NOW - 50,
    signed_in_at=NOW - 300,
    handle="handle",
)
REFRESHABLE = SIGN_IN.with_tokens(Tokens(refresh_token="r"), NOW)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW)


def request(
    path: str = "/decided/",
    sign_in: RPSession | None = None,
    *,
    cookie: bool = True,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    data: dict[str, Any] | None = None,
) -> HttpRequest:
    made = RequestFactory().generic(method, path, headers=NAVIGATION if headers is None else headers)
    made.session = SessionBase()
    if sign_in is not None:
        made.session[SESSION_KEY] = "1"
        sign_in.write(made.session)
    made.session.update(data or {})
    made.session.accessed = made.session.modified = False
    if cookie:
        made.COOKIES["sessionid"] = "x"
    return made


# -- quick no's ----------------------------------------------------------------------------------------------------


def test_a_page_with_a_session_concerns_us() -> None:
    assert concerns_us(request())


@pytest.mark.parametrize(("visitors", "concerned"), [("off", False), ("frame", False), ("redirect", True)])
def test_one_without_a_session_only_where_visitors_are_redirected(
    settings: Settings, visitors: str, concerned: bool
) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    assert concerns_us(request(cookie=False)) is concerned


@pytest.mark.parametrize("name", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_without_its_settings_nothing_does(settings: Settings, name: str) -> None:
    setattr(settings, name, None)
    assert not concerns_us(request())


def test_g06_without_sessions_nothing_does(settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    assert not concerns_us(RequestFactory().get("/decided/"))


@pytest.mark.parametrize("path", ["callback", "authenticate", "silent", "session", "logout", "backchannel-logout"])
def test_d67_our_own_endpoints_do_not(path: str) -> None:
    assert not concerns_us(request(f"/oidc/{path}/"))
    assert concerns_us(request(f"/oidc/{path}/more/"))


def test_nor_below_a_script_prefix() -> None:
    set_script_prefix("/below/")
    try:
        assert concerns_us(request("/oidc/callback/"))
        assert not concerns_us(request("/below/oidc/callback/"))
    finally:
        set_script_prefix("/")


@pytest.mark.urls("tests.without_our_urls")
def test_a_site_that_forgot_our_urls_is_no_500() -> None:
    assert concerns_us(request("/oidc/callback/"))


# -- the rules -----------------------------------------------------------------------------------------------------


def test_the_rules_are_the_settings(settings: Settings) -> None:
    assert rules() == Rules()
    for name in ("RENEW_AFTER", "GRACE", "ASK_OP_AFTER", "SESSION_MAX", "SESSION_IDLE"):
        setattr(settings, f"SILENT_SSO_{name}_SECONDS", len(name))
    settings.SILENT_SSO_VISITORS, settings.SILENT_SSO_RENEW_WITH = "redirect", ("redirect",)
    assert rules() == Rules(
        visitors="redirect",
        renew_with=("redirect",),
        renew_after=11,
        grace=5,
        ask_op_after=12,
        session_max=11,
        session_idle=12,
    )


# -- the facts -----------------------------------------------------------------------------------------------------


def test_a_session() -> None:
    assert facts_of(request(sign_in=SIGN_IN)) == RequestFacts(
        kind=Kind.DOCUMENT,
        signed_in=True,
        verified_at=NOW - 100,
        confirmed_at=NOW - 200,
        signed_in_at=NOW - 300,
        seen_at=NOW - 50,
    )


def test_one_that_an_older_version_opened_was_confirmed_when_it_began_and_used_when_it_was_verified() -> None:
    facts = facts_of(request(sign_in=replace(SIGN_IN, confirmed_at=0.0, seen_at=0.0)))
    assert (facts.confirmed_at, facts.seen_at) == (NOW - 300, NOW - 100)


def test_n09_a_renewal_is_use_where_use_was_not_written_down_before_the_site_set_a_limit() -> None:
    assert facts_of(request(sign_in=replace(SIGN_IN, seen_at=NOW - 9000))).seen_at == NOW - 100


@pytest.mark.parametrize("garbage", [{}, "text", {"v": 99}], ids=repr)
def test_one_that_cannot_be_read_has_to_be_renewed_and_is_not_taken_for_idle(garbage: object) -> None:
    facts = facts_of(request(data={SESSION_KEY: "1", KEY: garbage}))
    assert facts == RequestFacts(kind=Kind.DOCUMENT, signed_in=True, signed_in_at=NOW, seen_at=NOW)


def test_u12_one_opened_by_other_means_is_exempt() -> None:
    assert facts_of(request(data={SESSION_KEY: "1"})) == RequestFacts(kind=Kind.DOCUMENT, exempt=True)


@pytest.mark.parametrize(
    ("sign_in", "refreshable"),
    [(REFRESHABLE, True), (SIGN_IN, False), (replace(REFRESHABLE, handle=""), False)],
    ids=["a token and a row", "no token", "no row to claim it in"],
)
def test_whether_it_may_be_refreshed(sign_in: RPSession, refreshable: bool) -> None:
    assert facts_of(request(sign_in=sign_in)).refreshable is refreshable


@pytest.mark.parametrize(
    ("method", "unsafe"),
    [("GET", False), ("HEAD", False), ("OPTIONS", False), ("TRACE", False), ("POST", True), ("DELETE", True)],
)
def test_which_methods_change_something(method: str, unsafe: bool) -> None:
    assert facts_of(request(sign_in=SIGN_IN, method=method, headers=FETCH)).unsafe is unsafe


def test_a_visitor_s_page_load_is_looked_at_only_where_it_may_be_redirected(settings: Settings) -> None:
    headers = {**NAVIGATION, "User-Agent": "Googlebot/2.1", "Sec-GPC": "1"}
    blank = RequestFacts(kind=Kind.DOCUMENT)
    assert facts_of(request(cookie=False, headers=headers)) == blank
    settings.SILENT_SSO_VISITORS = "redirect"
    facts = facts_of(request("/decided/?silent_sso_cookies=blocked", cookie=False, headers=headers))
    assert (facts.robot, facts.privacy_signal, facts.signed_in) == (True, True, False)
    script = request(cookie=False, headers={**FETCH, "Sec-GPC": "1"})
    assert facts_of(script) == RequestFacts(kind=Kind.SCRIPT)


def test_without_a_session_cookie_the_session_is_not_even_looked_at(settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    made = request(sign_in=SIGN_IN, cookie=False)
    assert not facts_of(made).signed_in
    assert not made.session.accessed


# -- exemptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "exempt"),
    [
        ("/exempt/", True),
        ("/by-name/", True),
        ("/page/", True),
        ("/public/anything", True),
        ("/decided/", False),
        ("/decided/page/", False),
        ("/nowhere/", False),
    ],
)
def test_exempt_is_what_a_mark_a_name_a_path_or_a_pattern_says(settings: Settings, path: str, exempt: bool) -> None:
    settings.OIDC_EXEMPT_URLS = ["by_name", "no_such_name", "/page/", re.compile("^/public/")]
    assert is_exempt(request(path)) is exempt


def test_a_request_s_own_urlconf_counts() -> None:
    made = request("/exempt/")
    made.urlconf = "tests.urls"  # type: ignore[attr-defined]
    assert not is_exempt(made)
