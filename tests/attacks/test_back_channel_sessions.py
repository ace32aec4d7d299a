"""Back-channel logout under attack: which sessions a good token ends, and what is in its way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.models import SignedInSession
from tests.attacks.test_back_channel import is_refused
from tests.conftest import Browser, Clock
from tests.op_logout import BACK, FORM, back_channel, is_signed_in, refused, sid_of
from tests.urls import page
from tests.views.answers import answer_to

if TYPE_CHECKING:
    from pytest_django import Settings

MakeBrowser = Callable[..., Browser]


def test_bc19_nobody_knows_who_is_signed_in_here(alice: Browser) -> None:
    tokens = [alice.provider.logout_token(*whom) for whom in (("nobody",), ("alice",))]
    tokens.append(alice.provider.logout_token(sid="none"))
    answers = []
    for token in tokens:
        with CaptureQueriesContext(connection) as queries:
            answers.append((back_channel(token), len(queries)))
    assert {(a.status_code, a.content, str(a.headers)) for a, _ in answers} == {
        (200, b"", str(answers[0][0].headers)),
    }
    assert max(count for _, count in answers) <= 25, "and takes about as long"


def test_bc20_sub_alone_ends_every_session_of_the_user(alice: Browser, make_browser: MakeBrowser, bob: Browser) -> None:
    tablet = make_browser()
    tablet.sign_in("alice")
    assert sid_of(tablet) != sid_of(alice)
    assert back_channel(alice.provider.logout_token("alice")).status_code == 200
    assert [is_signed_in(browser) for browser in (alice, tablet, bob)] == [False, False, True]


@pytest.mark.parametrize("subject", [None, "alice"], ids=["sid alone", "with sub"])
def test_bc21_sid_ends_that_session_only(
    alice: Browser, make_browser: MakeBrowser, bob: Browser, subject: str | None
) -> None:
    tablet = make_browser()
    tablet.sign_in("alice")
    assert back_channel(alice.provider.logout_token(subject, sid=sid_of(alice))).status_code == 200
    assert [is_signed_in(browser) for browser in (alice, tablet, bob)] == [False, True, True]


def test_bc22_a_session_of_one_with_the_name_of_another(alice: Browser, bob: Browser) -> None:
    token = alice.provider.logout_token("bob", sid=sid_of(alice))
    is_refused(alice, token, "logout_token_subject")
    assert is_signed_in(bob)


def test_bc23_a_sid_is_the_issuer_s_own(alice: Browser) -> None:
    SignedInSession.objects.update(sid_key=SignedInSession.key_of("https://id.example.net", sid_of(alice)))
    assert back_channel(alice.provider.logout_token(sid=sid_of(alice))).status_code == 200
    assert is_signed_in(alice)


def test_bc24_an_older_session_takes_no_newer_one_out_of_the_index(
    alice: Browser, make_browser: MakeBrowser, clock: Clock, settings: Settings
) -> None:
    clock.advance(settings.SESSION_COOKIE_AGE - 60)
    newer = make_browser()
    newer.sign_in("alice")
    clock.advance(2 * 24 * 3600)
    call_command("clearsilentsessions", verbosity=0)
    assert SignedInSession.objects.count() == 1
    alice.post("/oidc/logout/")
    back_channel(alice.provider.logout_token("alice"))
    assert not Session.objects.filter(session_key=newer.client.cookies["sessionid"].value).exists()


class SlowBackend(SilentSSOBackend):
    """The OP ends the session while the site is still busy with the sign-in."""

    tokens: list[str] = []

    def verify_claims(self, claims: dict[str, Any]) -> bool:
        assert [back_channel(token).status_code for token in self.tokens] == [200] * len(self.tokens)
        return bool(super().verify_claims(claims))


@pytest.mark.parametrize("whom", ["sub", "sid", "both"])
@pytest.mark.parametrize("silent", [False, True], ids=["asked for", "silent"])
def test_bc25_a_logout_that_comes_before_its_sign_in_is_done(
    browser: Browser, settings: Settings, monkeypatch: pytest.MonkeyPatch, whom: str, silent: bool
) -> None:
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.SlowBackend"]
    settings.SILENT_SSO_VISITORS = "redirect"
    sid = browser.provider.sign_in("alice").sid
    answer = answer_to(browser, "/page/" if silent else "/oidc/authenticate/?next=/page/")
    token = browser.provider.logout_token(None if whom == "sid" else "alice", sid=None if whom == "sub" else sid)
    monkeypatch.setattr(SlowBackend, "tokens", [token])
    browser.get(answer)
    assert not is_signed_in(browser)
    assert not SignedInSession.objects.exists()
    monkeypatch.setattr(SlowBackend, "tokens", [])
    browser.provider.sign_out()
    browser.sign_in("alice")
    assert is_signed_in(browser), "a later sign-in is another one"


def signing_out_meanwhile(request: HttpRequest, keep: str = "") -> HttpResponse:
    """A page that takes so long that the user signs out at the OP before it is ready."""
    if keep:
        request.session["basket"] = "full"
    assert back_channel(request.headers["X-Token"]).status_code == 200
    return page(request)


urlpatterns = [
    path("page/", page),
    path("slow/", signing_out_meanwhile),
    path("slow/<str:keep>/", signing_out_meanwhile),
    path("oidc/", include("django_silent_sso.urls")),
]


@pytest.mark.parametrize("address", ["/slow/", "/slow/keep/"], ids=["reads", "writes"])
@pytest.mark.parametrize("engine", ["db", "cached_db", "cache"])
def test_bc26_a_page_that_is_just_being_built(browser: Browser, settings: Settings, address: str, engine: str) -> None:
    settings.ROOT_URLCONF = __name__
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    browser.sign_in("alice")
    answer = browser.get(address, **{"X-Token": browser.provider.logout_token("alice")})
    assert answer.status_code == 200
    assert not is_signed_in(browser)
    assert not Session.objects.exists()


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_bc28_wherever_the_session_is_kept(browser: Browser, settings: Settings, engine: str, tmp_path: Any) -> None:
    """On the next request, in every process: none of them has anything left to believe in."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    browser.sign_in("alice")
    assert is_signed_in(browser)
    assert back_channel(browser.provider.logout_token("alice")).status_code == 200
    assert not is_signed_in(browser)
    browser.provider.sign_out()
    browser.sign_in("alice")
    assert is_signed_in(browser)


@pytest.mark.django_db(transaction=True)
def test_bc29_what_cannot_be_ended_is_told_and_can_be_told_again(
    alice: Browser, make_browser: MakeBrowser, settings: Settings
) -> None:
    tablet = make_browser()
    tablet.sign_in("alice")
    stuck = alice.client.cookies["sessionid"].value

    def fail(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        if sql.startswith("DELETE") and "django_session" in sql and stuck in params:
            raise DatabaseError
        return execute(sql, params, *rest)

    settings.SESSION_ENGINE = "tests.attacks.one_by_one"
    token = alice.provider.logout_token("alice")
    with connection.execute_wrapper(fail):
        assert refused(back_channel(token)) == "logout_incomplete"
    assert [is_signed_in(browser) for browser in (alice, tablet)] == [True, False]
    assert back_channel(token).status_code == 200
    assert not is_signed_in(alice)
    assert refused(back_channel(token)) == "logout_token_replayed"


@pytest.mark.parametrize(
    "change",
    [
        {"MIDDLEWARE+": "django.contrib.auth.middleware.LoginRequiredMiddleware"},
        {"SECURE_SSL_REDIRECT": True},
        {"APPEND_SLASH": True, "PREPEND_WWW": False},
        {"SILENT_SSO_VISITORS": "redirect"},
        {"SESSION_SAVE_EVERY_REQUEST": True},
        {"CSRF_USE_SESSIONS": True},
        {"OIDC_EXEMPT_URLS": ["/nothing/"]},
    ],
    ids=str,
)
def test_bc31_nothing_of_the_site_s_stands_in_its_way(
    alice: Browser, settings: Settings, change: dict[str, Any]
) -> None:
    for name, value in change.items():
        if name == "MIDDLEWARE+":
            settings.MIDDLEWARE = [*settings.MIDDLEWARE, value]
        else:
            setattr(settings, name, value)
    answer = Client(enforce_csrf_checks=True).post(
        BACK, f"logout_token={alice.provider.logout_token('alice')}", content_type=FORM, secure=True
    )
    assert (answer.status_code, answer.cookies) == (200, {})
    settings.SECURE_SSL_REDIRECT = False
    assert not SignedInSession.objects.exists()
    assert not Session.objects.exists()


def test_bc31_a_proxy_that_ends_tls_is_told_of_in_the_settings(alice: Browser, settings: Settings) -> None:
    """Without `SECURE_PROXY_SSL_HEADER` Django would redirect, and no OP follows a redirect with a POST."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    token = alice.provider.logout_token("alice")
    assert back_channel(token).status_code == 301
    assert back_channel(token, **{"X-Forwarded-Proto": "https"}).status_code == 200


def test_bc32_no_token_of_the_user_s_is_left(alice: Browser) -> None:
    SignedInSession.objects.update(renewal="sealed tokens of a renewal")
    back_channel(alice.provider.logout_token("alice"))
    assert not Session.objects.exists()
    assert not SignedInSession.objects.exists()


def test_bc33_a_password_session_of_the_same_user_is_untouched(alice: Browser, make_browser: MakeBrowser) -> None:
    user = get_user_model().objects.get()
    local = make_browser()
    local.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    back_channel(alice.provider.logout_token("alice"))
    assert [is_signed_in(browser) for browser in (alice, local)] == [False, True]


def test_bc34_a_cookie_that_comes_along_means_nothing(alice: Browser, bob: Browser) -> None:
    before = dict(bob.session.items())
    answer = back_channel(alice.provider.logout_token("alice"), client=bob.client)
    assert (answer.status_code, answer.cookies) == (200, {})
    assert dict(bob.session.items()) == before
    assert [is_signed_in(browser) for browser in (alice, bob)] == [False, True]
