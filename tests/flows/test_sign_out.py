"""Signing out: here first and always, then at the OP (RP-Initiated Logout 1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.flows.sign_out import end_session
from django_silent_sso.op import provider
from django_silent_sso.protocol.ended_by import EndedBy
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.signals import session_terminated
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import make_overdue
from tests.conftest import Browser, Clock

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def ended() -> Iterator[list[tuple[Any, str, str, str]]]:
    """What `session_terminated` told: sender, user, reason, cause."""
    told: list[tuple[Any, str, str, str]] = []

    def listen(sender: Any, user: Any, reason: Reason, cause: EndedBy, **_: Any) -> None:
        told.append((sender, str(user), str(reason), str(cause)))

    session_terminated.connect(listen)
    yield told
    session_terminated.disconnect(listen)


def own_logout_page(request: HttpRequest) -> str:
    """A site's own `OIDC_OP_LOGOUT_URL_METHOD`; the user is still there when it is asked."""
    return f"https://id.example.org/bye?who={request.user.get_username()}"


def broken_logout_page(request: HttpRequest) -> str:
    raise KeyError("no such OP")


def sign_out(browser: Browser) -> str:
    """Where the browser is sent; nobody is signed in here any more."""
    response = browser.post("/oidc/logout/")
    assert response.status_code == 302
    assert not Session.objects.exists()
    assert browser.user() == "nobody"
    return str(response["Location"])


def asked(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def test_a43_p06_the_op_is_asked_with_the_user_s_own_hint_and_sends_the_browser_back(
    browser: Browser, ended: list[Any]
) -> None:
    browser.sign_in("alice")
    name = browser.user()
    url = sign_out(browser)
    assert url.startswith(browser.provider.url_of("end_session"))
    wish = asked(url)
    assert len(wish.pop("state")) >= 16
    assert wish.pop("id_token_hint").count(".") == 2
    assert wish == {"client_id": "site", "post_logout_redirect_uri": "http://testserver/"}
    assert ended == [(get_user_model(), name, "signed_out_by_user", "user")]
    back = browser.provider.answer(url).location
    assert back.startswith("http://testserver/?state=")
    assert browser.provider.sessions == ()


@pytest.mark.parametrize("query", ["?state=another", "", "?state=", "?evil=1"], ids=["a44_p02", "a45", "empty", "link"])
def test_the_return_from_the_op_changes_nothing(browser: Browser, query: str) -> None:
    browser.sign_in("alice")
    before = browser.snapshot()
    assert browser.get(f"/{query}").status_code == 200
    assert browser.snapshot() == before


def test_the_state_is_new_each_time(browser: Browser) -> None:
    states = set()
    for _ in range(3):
        browser.sign_in("alice")
        states.add(asked(sign_out(browser))["state"])
    assert len(states) == 3


def test_p05_a_hint_that_is_too_long_is_left_out(browser: Browser) -> None:
    browser.provider.id_token.replace(padding="x" * 5000)
    browser.sign_in("alice")
    assert set(asked(sign_out(browser))) == {"client_id", "post_logout_redirect_uri", "state"}


def test_the_end_session_endpoint_s_own_query_is_kept(browser: Browser) -> None:
    browser.provider.metadata.replace(end_session_endpoint=lambda url: f"{url}?tenant=a")
    browser.sign_in("alice")
    assert asked(sign_out(browser))["tenant"] == "a"


@pytest.mark.parametrize(
    ("setting", "uri"),
    [
        ("/bye/", "http://testserver/bye/"),
        ("silent_sso_session", "http://testserver/oidc/session/"),
        ("https://www.example.org/bye", "https://www.example.org/bye"),
    ],
    ids=["path", "url_name", "another_host"],
)
def test_o10_the_way_back_is_the_setting_s_alone(browser: Browser, settings: Settings, setting: str, uri: str) -> None:
    settings.LOGOUT_REDIRECT_URL = setting
    browser.sign_in("alice")
    response = browser.post("/oidc/logout/?next=https://evil.example/", {"next": "https://evil.example/"})
    assert asked(response["Location"])["post_logout_redirect_uri"] == uri


def test_i15_the_way_back_is_built_from_the_origin_of_the_settings(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    browser.sign_in("alice")
    assert asked(sign_out(browser))["post_logout_redirect_uri"] == "https://site.example/"


# -- without the OP --------------------------------------------------------------------------------------------------


def test_an_op_without_such_an_endpoint_is_left_alone(browser: Browser, settings: Settings) -> None:
    settings.LOGOUT_REDIRECT_URL = "/bye/"
    browser.provider.metadata.drop("end_session_endpoint")
    browser.sign_in("alice")
    assert sign_out(browser) == "/bye/"


def test_c108_an_op_whose_metadata_cannot_be_had_does_not_keep_the_user(
    browser: Browser, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    browser.sign_in("alice")
    browser.provider.fail("discovery", status=503)
    provider.forget()
    clock.advance(24 * 3600)
    assert sign_out(browser) == "/"
    assert "op_status: signed out here only" in caplog.messages


def test_c108_nobody_is_sent_to_an_op_that_is_down(browser: Browser, clock: Clock) -> None:
    browser.sign_in("alice")
    browser.provider.stop()
    clock.advance(60)
    assert sign_out(browser) == "/"


def test_a_visitor_goes_straight_to_the_page(browser: Browser, ended: list[Any]) -> None:
    assert sign_out(browser) == "/"
    assert ended == []
    assert browser.provider.calls == []


def test_p08_the_second_click_is_harmless(browser: Browser, ended: list[Any]) -> None:
    browser.sign_in("alice")
    sign_out(browser)
    assert sign_out(browser) == "/"
    assert len(ended) == 1


def test_a_session_opened_by_other_means_ends_here_without_the_op(browser: Browser, ended: list[Any]) -> None:
    user = get_user_model().objects.create_user("mallory", password="secret")
    browser.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert sign_out(browser) == "/"
    assert ended == []


def test_an_overdue_session_is_ended_at_the_op_too(browser: Browser) -> None:
    browser.sign_in("alice")
    make_overdue(browser.session)
    assert sign_out(browser).startswith(browser.provider.url_of("end_session"))


def test_a_session_whose_user_is_gone_is_ended(browser: Browser, ended: list[Any]) -> None:
    browser.sign_in("alice")
    get_user_model().objects.all().delete()
    assert sign_out(browser).startswith(browser.provider.url_of("end_session"))
    assert len(ended) == 1


# -- a site's own way ------------------------------------------------------------------------------------------------


def test_upstream_s_setting_for_the_logout_url_is_asked_while_the_user_is_there(
    browser: Browser, settings: Settings
) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = "tests.flows.test_sign_out.own_logout_page"
    browser.sign_in("alice")
    name = browser.user()
    assert sign_out(browser) == f"https://id.example.org/bye?who={name}"


@pytest.mark.parametrize("path", ["tests.flows.test_sign_out.broken_logout_page", "no.such.module"])
def test_d61_a_method_that_fails_does_not_keep_the_user(
    browser: Browser, settings: Settings, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    settings.OIDC_OP_LOGOUT_URL_METHOD = path
    browser.sign_in("alice")
    assert sign_out(browser).startswith(browser.provider.url_of("end_session"))
    assert any(line.startswith("OIDC_OP_LOGOUT_URL_METHOD failed") for line in caplog.messages)
    assert "no such OP" not in caplog.text


def test_a_session_ends_also_where_no_user_is_known(browser: Browser, ended: list[Any]) -> None:
    """Without AuthenticationMiddleware, which a check demands."""
    browser.sign_in("alice")
    request = RequestFactory().get("/")
    request.session = browser.session
    end_session(request, Reason.SESSION_MAX)
    assert ended == [(get_user_model(), "None", "session_max", "limit")]
    assert not Session.objects.exists()


def test_a_session_without_a_row_ends_too(browser: Browser, ended: list[Any]) -> None:
    """As versions before the table opened it."""
    browser.sign_in("alice")
    session = browser.session
    found = RPSession.read(session)
    assert found is not None
    replace(found, handle="").write(session)
    session.save()
    assert sign_out(browser).startswith(browser.provider.url_of("end_session"))
    assert len(ended) == 1
