"""What the template tags render."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import include, path, resolve

from django_silent_sso.conf import conf
from tests.conftest import Browser
from tests.templatetags.conftest import SignedIn, config, render, with_session

if TYPE_CHECKING:
    from pytest_django import Settings


class Hashed(StaticFilesStorage):
    def url(self, name: str | None) -> str:
        return super().url((name or "").replace(".js", ".1a2b.js"))


urlpatterns = [path("elsewhere/", include("django_silent_sso.urls"))]


def test_script_is_a_module_and_nothing_is_inline(visitor: HttpRequest) -> None:
    html = render("{% silent_sso %}", visitor)
    assert '<script type="module" src="/static/django_silent_sso/silent-sso.js"></script>' in html
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", html) == []


def test_configuration_of_a_visitor_s_page(visitor: HttpRequest) -> None:
    assert config(render("{% silent_sso %}", visitor)) == {
        "start_url": "/oidc/silent/",
        "callback_url": "/oidc/callback/",
        "session_url": "/oidc/session/",
        "sign_in_url": "/oidc/authenticate/",
        "sign_out_url": "/oidc/logout/",
        "op_origin": "https://id.example.org",
        "visitors": "frame",
        "monitor": ["visible"],
        "poll_seconds": 900,
        "frame_timeout": 8,
        "top_level_hop": "known",
        "credential_in_page": False,
        "csrf_cookie": "csrftoken",
        "signed_in": False,
        "user": None,
        "expires_in": None,
        "auto": True,
        "reload": True,
        "modules": {},
    }


def test_modules_are_named_where_files_have_other_names(visitor: HttpRequest, settings: Settings) -> None:
    """A storage that puts a digest into each name: the script could not guess the others'."""
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": f"{__name__}.Hashed"}}
    assert config(render("{% silent_sso %}", visitor))["modules"] == {
        name: f"/static/django_silent_sso/{name}.1a2b.js"
        for name in ("fedcm", "page-calls", "session-watch", "upkeep", "without-frame")
    }


def test_configuration_of_a_signed_in_user_s_page(alice: HttpRequest) -> None:
    found = config(render("{% silent_sso %}", alice))
    assert (found["signed_in"], found["user"], found["expires_in"]) == (True, {"name": "Alice"}, 899)
    assert len(found["csrf_token"]) == 64


def test_user_without_a_name_is_called_by_the_username(alice: HttpRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SignedIn, "user_name", None)
    assert config(render("{% silent_sso %}", alice))["user"] == {"name": "alice"}


def test_name_cannot_leave_its_element(alice: HttpRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SignedIn, "user_name", "</script><script>alert(1)</script>")
    html = render("{% silent_sso %}", alice)
    assert "<script>alert" not in html
    assert config(html)["user"] == {"name": SignedIn.user_name}


def test_visitor_s_page_can_be_cached_for_everybody(visitor: HttpRequest) -> None:
    render("{% silent_sso %}{% silent_sso_sign_in %}{% silent_sso_sign_out %}", visitor)
    assert "CSRF_COOKIE" not in visitor.META


def test_visitor_with_a_session_is_a_visitor(rf: RequestFactory) -> None:
    request = with_session(rf.get("/page/"), AnonymousUser())
    found = config(render("{% silent_sso %}", request))
    assert (found["signed_in"], found["visitors"]) == (False, "frame")
    assert "CSRF_COOKIE" not in request.META


def test_user_signed_in_by_a_password_is_left_in_peace(rf: RequestFactory) -> None:
    request = with_session(rf.get("/page/"))
    html = render("{% silent_sso %}", request)
    assert (config(html)["signed_in"], config(html)["visitors"]) == (False, "off")
    assert "preconnect" not in html


def test_page_without_our_middleware_signs_nobody_in(rf: RequestFactory) -> None:
    request = with_session(rf.get("/page/"))
    del request.silent_sso  # type: ignore[attr-defined]
    assert config(render("{% silent_sso %}", request))["visitors"] == "off"


@pytest.mark.parametrize(("arguments", "auto", "reload"), [("", True, True), ("auto=False reload=False", False, False)])
def test_arguments_of_the_tag_are_in_the_configuration(
    visitor: HttpRequest, arguments: str, auto: bool, reload: bool
) -> None:
    found = config(render(f"{{% silent_sso {arguments} %}}", visitor))
    assert (found["auto"], found["reload"]) == (auto, reload)


@pytest.mark.parametrize(("method", "reload"), [("GET", True), ("HEAD", True), ("POST", False), ("PUT", False)])
def test_page_that_answers_a_form_is_not_loaded_again(rf: RequestFactory, method: str, reload: bool) -> None:
    request = rf.generic(method, "/form/")
    assert config(render("{% silent_sso %}", request))["reload"] is reload


def test_settings_are_in_the_configuration(visitor: HttpRequest, settings: Settings) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.SILENT_SSO_MONITOR = ("visible", "poll")
    settings.SILENT_SSO_POLL_SECONDS = 1800
    settings.SILENT_SSO_FRAME_TIMEOUT_SECONDS = 3
    settings.SILENT_SSO_TOP_LEVEL_HOP = "never"
    settings.SILENT_SSO_CREDENTIAL_IN_PAGE = True
    settings.SILENT_SSO_ISSUER = "https://id.example.org:8443/realms/one"
    found = config(render("{% silent_sso %}", visitor))
    assert (found["visitors"], found["monitor"], found["poll_seconds"]) == ("redirect", ["visible", "poll"], 1800)
    assert (found["frame_timeout"], found["top_level_hop"], found["credential_in_page"]) == (3, "never", True)
    assert found["op_origin"] == "https://id.example.org:8443"


@pytest.mark.parametrize("setting", ["CSRF_COOKIE_HTTPONLY", "CSRF_USE_SESSIONS"])
def test_csrf_cookie_is_named_only_where_a_script_can_read_it(
    visitor: HttpRequest, settings: Settings, setting: str
) -> None:
    setattr(settings, setting, True)
    assert config(render("{% silent_sso %}", visitor))["csrf_cookie"] == ""


@pytest.mark.parametrize("setting", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_nothing_is_rendered_where_the_app_is_not_configured(
    visitor: HttpRequest, settings: Settings, setting: str
) -> None:
    delattr(settings, setting)
    assert render("{% silent_sso %}", visitor) == ""


def test_nothing_is_rendered_where_our_urls_are_missing(alice: HttpRequest, settings: Settings) -> None:
    settings.ROOT_URLCONF = ()
    assert render("{% silent_sso %}{% silent_sso_sign_in %}{% silent_sso_sign_out %}", alice) == ""


def test_nothing_is_rendered_without_a_request() -> None:
    assert render("{% silent_sso %}{% silent_sso_sign_out %}", None) == ""


def test_urls_are_those_of_the_site(visitor: HttpRequest, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    assert config(render("{% silent_sso %}", visitor))["start_url"] == "/elsewhere/silent/"


@pytest.mark.parametrize(
    ("visitors", "arguments", "preconnects"),
    [("frame", "", True), ("frame", "auto=False", False), ("redirect", "", False), ("off", "", False)],
)
def test_connection_to_the_op_is_opened_early_where_it_will_be_needed(
    visitor: HttpRequest, settings: Settings, visitors: str, arguments: str, preconnects: bool
) -> None:
    settings.SILENT_SSO_VISITORS = visitors
    html = render(f"{{% silent_sso {arguments} %}}", visitor)
    assert ('<link rel="preconnect" href="https://id.example.org">' in html) is preconnects


def test_signed_in_page_opens_no_connection_to_the_op(alice: HttpRequest) -> None:
    assert "preconnect" not in render("{% silent_sso %}", alice)


# The nonce of the Content-Security-Policy


class LazyNonce:
    """As Django's: falsy until it is used."""

    used = False

    def __bool__(self) -> bool:
        return self.used

    def __str__(self) -> str:
        self.used = True
        return 'fresh"<nonce'


def from_the_context(request: HttpRequest) -> dict[str, object]:
    return {"csp_nonce": LazyNonce()}


def from_the_request(request: HttpRequest) -> dict[str, object]:
    request.csp_nonce = LazyNonce()  # type: ignore[attr-defined]
    return {}


@pytest.mark.parametrize("give", [from_the_context, from_the_request])
def test_nonce_is_used_although_it_is_falsy(
    visitor: HttpRequest, give: Callable[[HttpRequest], dict[str, object]]
) -> None:
    html = render("{% silent_sso %}", visitor, **give(visitor))
    found = re.search(r'<script type="module" src="[^"]*" nonce="([^"]*)"></script>', html)
    assert found is not None, html
    assert unescape(found[1]) == 'fresh"<nonce'


def test_django_s_own_nonce_is_used(visitor: HttpRequest) -> None:
    csp = pytest.importorskip("django.utils.csp", reason="Django 6")
    nonce = csp.LazyNonce()
    html = render("{% silent_sso %}", visitor, csp_nonce=nonce)
    assert f'nonce="{nonce}"' in html


def test_page_without_a_nonce_has_none(visitor: HttpRequest) -> None:
    assert "nonce" not in render("{% silent_sso %}", visitor)


# Plain sign-in and sign-out


def test_sign_in_link_comes_back_to_the_page(visitor: HttpRequest) -> None:
    html = render("{% silent_sso_sign_in %}", visitor)
    assert 'href="/oidc/authenticate/?next=%2Fpage%2F%3Fq%3Da%2526b"' in html
    assert ">Sign in</a>" in html


def test_sign_in_link_has_the_text_it_was_given(visitor: HttpRequest) -> None:
    assert ">Go &lt;in&gt;</a>" in render("{% silent_sso_sign_in text %}", visitor, text="Go <in>")


def test_sign_in_link_uses_the_site_s_name_for_the_way_back(visitor: HttpRequest, settings: Settings) -> None:
    settings.OIDC_REDIRECT_FIELD_NAME = "back"
    assert "?back=%2Fpage%2F" in render("{% silent_sso_sign_in %}", visitor)


@pytest.mark.parametrize("address", ["/oidc/callback/", "/oidc/authenticate/", "/oidc/session/"])
def test_sign_in_link_does_not_come_back_to_our_own_endpoints(rf: RequestFactory, address: str) -> None:
    """An error page there would otherwise carry the code of its own address on."""
    request = rf.get(address, {"code": "secret"})
    request.resolver_match = resolve(address)
    assert 'href="/oidc/authenticate/"' in render("{% silent_sso_sign_in %}", request)


def test_sign_in_link_needs_no_request() -> None:
    assert 'href="/oidc/authenticate/"' in render("{% silent_sso_sign_in %}", None)


def test_sign_out_form_carries_the_csrf_token(alice: HttpRequest) -> None:
    html = render("{% silent_sso_sign_out %}", alice)
    assert '<form class="silent-sso-sign-out" method="post" action="/oidc/logout/">' in html
    assert re.search(r'<input type="hidden" name="csrfmiddlewaretoken" value="\w{64}">', html)
    assert "<button>Sign out</button>" in html


def test_sign_out_form_has_the_text_it_was_given(alice: HttpRequest) -> None:
    assert "<button>Bye &amp; thanks</button>" in render(
        "{% silent_sso_sign_out text=text %}", alice, text="Bye & thanks"
    )


def test_sign_out_form_serves_a_password_session_too(rf: RequestFactory) -> None:
    assert "<form" in render("{% silent_sso_sign_out %}", with_session(rf.get("/page/")))


def test_visitor_cannot_sign_out(rf: RequestFactory, visitor: HttpRequest) -> None:
    assert render("{% silent_sso_sign_out %}", visitor) == ""
    assert render("{% silent_sso_sign_out %}", with_session(rf.get("/page/"), AnonymousUser())) == ""


# With the real middleware


def test_page_names_the_user_whom_the_op_signed_in(browser: Browser, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.browser.urls"
    browser.sign_in("alice", name="Alice Miller")
    found = config(browser.get("/page/").content.decode())
    session = browser.fetch("/oidc/session/").json()
    assert (found["signed_in"], found["user"]) == (True, session["user"])
    assert 0 < found["expires_in"] <= conf.renew_after
