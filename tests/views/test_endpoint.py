"""What all our endpoints share: methods, prefetches, open doors, private answers, readable errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import RequestFactory

from django_silent_sso.protocol.errors import (
    ConfigurationError,
    OPRefused,
    OPUnavailable,
    Reason,
    ResponseError,
    SilentSSOError,
    StorageUnavailable,
    TokenError,
    UserNotAdmitted,
)
from django_silent_sso.signals import silent_sign_in_succeeded
from django_silent_sso.views.endpoint import error_page, leave_session_alone
from tests.conftest import NAVIGATION, Browser, told

if TYPE_CHECKING:
    from pytest_django import Settings

ENDPOINTS = {
    "/oidc/authenticate/": ("GET", "POST"),
    "/oidc/callback/": ("GET", "POST"),
    "/oidc/logout/": ("POST",),
    "/oidc/silent/": ("POST",),
    "/oidc/session/": ("GET",),
}
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE")
PREFETCHES = [
    {"Sec-Purpose": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"X-Purpose": "preview"},
    {"X-Moz": "prefetch"},
]


def is_private(response: Any) -> bool:
    """No cache keeps it, no address leaks from it, no robot lists it (N01, F15)."""
    caching = set(response["Cache-Control"].replace(" ", "").split(","))
    return (
        {"no-store", "private"} <= caching
        and response["Referrer-Policy"] == "no-referrer"
        and response["X-Robots-Tag"] == "noindex"
        and "Cookie" in response["Vary"]
    )


@pytest.mark.parametrize(("path", "method"), [(p, m) for p, own in ENDPOINTS.items() for m in METHODS if m not in own])
def test_s26_another_method_is_405_and_changes_nothing(browser: Browser, path: str, method: str) -> None:
    browser.sign_in("alice")
    callback = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    url = callback if path == "/oidc/callback/" else path
    before = browser.snapshot()
    response = browser.client.generic(method, url, headers=NAVIGATION)
    assert (response.status_code, response["Allow"]) == (405, ", ".join(ENDPOINTS[path]))
    assert is_private(response)
    assert not response.cookies
    assert browser.snapshot() == before
    assert browser.get(callback)["Location"] == "/page/", "the state was not consumed"


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("headers", PREFETCHES, ids=lambda headers: "; ".join(f"{k}: {v}" for k, v in headers.items()))
def test_a_prefetch_is_204_and_changes_nothing(browser: Browser, path: str, headers: dict[str, str]) -> None:
    browser.sign_in("alice")
    callback = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    before = browser.snapshot()
    url = callback if path == "/oidc/callback/" else path
    response = browser.client.generic(ENDPOINTS[path][0], url, headers={**NAVIGATION, **headers})
    assert (response.status_code, response.content) == (204, b"")
    assert is_private(response)
    assert not response.cookies
    assert browser.snapshot() == before
    assert browser.get(callback)["Location"] == "/page/", "the state was not consumed"


@pytest.mark.parametrize(
    ("method", "url", "headers"),
    [
        ("GET", "/oidc/authenticate/", {}),
        ("GET", "/oidc/authenticate/", {"Sec-Fetch-Dest": "image", "Sec-Fetch-Mode": "no-cors"}),
        ("GET", "/oidc/callback/", {}),
        ("GET", "/oidc/callback/?state=f.x&code=1", {"Sec-Fetch-Dest": "iframe"}),
        ("GET", "/oidc/callback/?state=f.x&code=1", {}),
        ("GET", "/oidc/callback/?state=x&state=y", {}),
        ("POST", "/oidc/callback/", {}),
        ("POST", "/oidc/callback/", {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
        ("POST", "/oidc/silent/", {}),
        ("POST", "/oidc/silent/", {"Sec-Fetch-Site": "same-origin"}),
        ("GET", "/oidc/session/", {}),
        ("POST", "/oidc/logout/", {}),
    ],
)
def test_n01_every_answer_is_private(browser: Browser, method: str, url: str, headers: dict[str, str]) -> None:
    response = browser.client.generic(
        method,
        url,
        b"state=i.x&code=1",
        content_type="application/x-www-form-urlencoded",
        headers={**NAVIGATION, **headers},
    )
    assert is_private(response), response.status_code


def test_f02_our_pages_may_not_be_framed_and_load_nothing_from_elsewhere(browser: Browser) -> None:
    response = browser.get("/oidc/callback/")
    assert response["X-Frame-Options"] == "DENY"
    policy = dict(rule.split(" ", 1) for rule in response["Content-Security-Policy"].split("; "))
    assert policy["frame-ancestors"] == "'none'"
    assert policy["default-src"] == "'none'"
    assert "<script" not in response.content.decode()


def test_g01_login_required_middleware_leaves_our_doors_open(browser: Browser, settings: Settings) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    settings.LOGIN_URL = "oidc_authentication_init"
    browser.provider.sign_in("alice")
    page, visits = browser.surf("/page/?x=1")
    assert (page.status_code, visits) == (200, 1)
    assert browser.fetch("/oidc/session/").json()["signed_in"]
    browser.post("/oidc/logout/")
    assert browser.fetch("/oidc/session/").json() == {"signed_in": False}
    assert browser.start().json()["reason"] == "signed_out_by_user"


def test_g03_our_views_are_outside_the_transaction_of_the_request(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    depths: list[int] = []

    def listen(**_: Any) -> None:
        depths.append(len(connection.savepoint_ids))

    browser.provider.sign_in("alice")
    silent_sign_in_succeeded.connect(listen)
    try:
        assert browser.relay("/oidc/callback/", browser.answered()).json()["status"] == "signed_in"
    finally:
        silent_sign_in_succeeded.disconnect(listen)
    assert depths == [0]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ResponseError(Reason.STATE_UNKNOWN), 400),
        (TokenError(Reason.ID_TOKEN_NONCE), 400),
        (UserNotAdmitted(Reason.USER_INACTIVE), 400),
        (OPRefused(Reason.ACCESS_DENIED), 400),
        (OPRefused(Reason.INVALID_GRANT), 400),
        (OPRefused(Reason.SERVER_ERROR), 503),
        (OPRefused(Reason.TEMPORARILY_UNAVAILABLE), 503),
        (OPUnavailable(Reason.OP_TIMEOUT), 503),
        (StorageUnavailable(Reason.STORAGE_UNAVAILABLE), 503),
        (ConfigurationError(Reason.METADATA_INVALID), 503),
    ],
    ids=lambda value: f"{type(value).__name__}:{value.reason}" if isinstance(value, SilentSSOError) else str(value),
)
def test_a_refused_answer_is_400_and_a_failure_503(browser: Browser, error: SilentSSOError, status: int) -> None:
    response = error_page(RequestFactory().get("/"), error, "/page/?a=1&b=2")
    assert told(response) == (status, error.reason)
    assert response.get("Retry-After") == ("30" if status == 503 else None)
    assert "?next=%2Fpage%2F%3Fa%3D1%26b%3D2" in response.content.decode()


def test_the_op_s_own_retry_after_is_passed_on(browser: Browser) -> None:
    error = OPUnavailable(Reason.OP_STATUS, retry_after=120)
    assert error_page(RequestFactory().get("/"), error)["Retry-After"] == "120"


# -- the session cookie ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("save_every_request", [False, True])
def test_c77_the_cookie_of_a_session_that_is_gone_is_not_deleted(
    browser: Browser, settings: Settings, save_every_request: bool
) -> None:
    """Another tab's sign-in may have set a new one since this request left."""
    settings.SESSION_SAVE_EVERY_REQUEST = save_every_request
    browser.client.cookies["sessionid"] = "gone-meanwhile"
    for response in (browser.fetch("/oidc/session/"), browser.get("/oidc/callback/?state=i.x&code=1")):
        assert "sessionid" not in response.cookies


@pytest.mark.parametrize("state", ["no_cookie", "changed", "full"])
def test_a_session_that_is_used_is_left_as_it_is(browser: Browser, state: str) -> None:
    browser.sign_in("alice")
    request = RequestFactory().get("/")
    request.session = session = browser.session
    if state != "no_cookie":
        request.COOKIES["sessionid"] = str(session.session_key)
    if state == "changed":
        session.flush()
    leave_session_alone(request)
    assert request.session is session


def test_n07_a_session_with_data_of_a_visitor_survives_our_endpoints(browser: Browser) -> None:
    session = browser.session
    session["basket"] = 1
    session.save()
    browser.get("/oidc/callback/?state=i.x&code=1")
    browser.fetch("/oidc/session/")
    browser.start()
    assert Session.objects.count() == 1
    assert browser.session["basket"] == 1


@pytest.mark.parametrize(
    ("table", "method", "path", "status"),
    [
        ("auth_user", "GET", "/oidc/session/", 503),
        ("django_session", "POST", "/oidc/silent/", 200),
        ("django_session", "POST", "/oidc/logout/", 503),
    ],
)
def test_c62_a_database_in_trouble_is_told_and_is_no_500(
    browser: Browser, table: str, method: str, path: str, status: int
) -> None:
    browser.sign_in("alice")
    headers = {**NAVIGATION, "Sec-Fetch-Site": "same-origin"}
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO gone")
    response = browser.client.generic(method, path, headers=headers)
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE gone RENAME TO {table}")
    assert told(response) == (status, "storage_unavailable")
    assert "sessionid" not in response.cookies
    assert browser.user() != "nobody"
