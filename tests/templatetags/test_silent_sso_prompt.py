"""What `{% silent_sso_prompt %}` renders."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import resolve

from django_silent_sso.details import SilentSSO
from tests.conftest import Browser, Clock
from tests.repository import DOCS, PACKAGE, text
from tests.templatetags.conftest import SignedIn, render, with_session

if TYPE_CHECKING:
    from pytest_django import Settings

TAG = "{% silent_sso_prompt %}"


def data(html: str) -> dict[str, str]:
    found = re.search(r"<silent-sso-prompt([^>]*)>", html)
    assert found is not None, html
    return {name: unescape(value) for name, value in re.findall(r'data-([\w-]+)(?:="([^"]*)")?', found[1])}


def test_it_is_hidden_until_a_script_says_otherwise(visitor: HttpRequest) -> None:
    html = render(TAG, visitor)
    assert re.search(r"<silent-sso-prompt[^>]* hidden>", html)
    assert re.search(r'<section class="silent-sso-prompt"[^>]* hidden>', html)


def test_script_is_a_module_and_nothing_is_inline(visitor: HttpRequest) -> None:
    html = render(TAG, visitor)
    assert '<script type="module" src="/static/django_silent_sso/sign-in-prompt.js" async></script>' in html
    assert '<link rel="stylesheet" href="/static/django_silent_sso/prompt.css">' in html
    assert re.findall(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", html) == []


def test_addresses_and_errors(visitor: HttpRequest) -> None:
    assert data(render(TAG, visitor)) == {
        "errors": "consent_required interaction_required account_selection_required",
        "start-url": "/oidc/silent/",
        "session-url": "/oidc/session/",
        "window-url": "/oidc/authenticate/?next=%2Foidc%2Fsigned-in%2F",
    }


def test_browser_is_asked_where_the_site_says_so(visitor: HttpRequest, settings: Settings) -> None:
    settings.SILENT_SSO_FEDCM_CONFIG_URL = "https://id.example.org/fedcm.json"
    found = data(render(TAG, visitor))
    assert found["fedcm-url"] == "/static/django_silent_sso/fedcm.js"
    assert found["callback-url"] == "/oidc/callback/"


def test_link_comes_back_to_the_page(visitor: HttpRequest, settings: Settings) -> None:
    settings.OIDC_REDIRECT_FIELD_NAME = "back"
    html = render(TAG, visitor)
    assert 'href="/oidc/authenticate/?back=%2Fpage%2F%3Fq%3Da%2526b"' in html
    assert data(html)["window-url"] == "/oidc/authenticate/?back=%2Foidc%2Fsigned-in%2F"


def test_page_may_want_it_for_visitors_whom_the_op_does_not_know(visitor: HttpRequest) -> None:
    errors = data(render("{% silent_sso_prompt login=True %}", visitor))["errors"]
    assert errors.split()[-1] == "login_required"
    assert len(errors.split()) == 4


def test_there_is_a_text_for_every_error(visitor: HttpRequest) -> None:
    html = render("{% silent_sso_prompt login=True %}", visitor)
    for error in data(html)["errors"].split():
        assert f'data-text="{error}"' in html


def test_name_of_the_service(visitor: HttpRequest) -> None:
    assert ">Continue</p>" in render(TAG, visitor)
    html = render("{% silent_sso_prompt service=name %}", visitor, name="<Corp> ID")
    assert ">Continue with &lt;Corp&gt; ID</p>" in html


def test_every_text_can_be_translated() -> None:
    template = text(PACKAGE / "templates/django_silent_sso/prompt.html")
    texts = re.sub(
        r"{% comment %}.*?{% endcomment %}|{% (blocktranslate).*?%}.*?{% end\1 %}", "", template, flags=re.DOTALL
    )
    left = re.sub(r"<[^>]*>|{[%{].*?[%}]}", "", re.sub(r"<[^<>]*{%[^<]*?%}[^<>]*>", "", texts))
    assert left.split() == ["\N{MULTIPLICATION SIGN}"]  # of the button to close, whose name is a text


# Who is here


def test_visitor_s_page_can_be_cached_for_everybody(visitor: HttpRequest) -> None:
    render(TAG, visitor)
    assert "CSRF_COOKIE" not in visitor.META


def test_page_of_a_user_whom_the_op_has_just_vouched_for_says_so(alice: HttpRequest) -> None:
    assert "fresh" in data(render(TAG, alice))
    assert "Alice" not in render(TAG, alice)


def test_session_that_is_stale_is_not_fresh(alice: HttpRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SignedIn, "expires_in", 0)
    assert "fresh" not in data(render(TAG, alice))


def test_nor_is_one_that_the_op_has_not_opened(rf: RequestFactory) -> None:
    request = with_session(rf.get("/page/"))
    assert "fresh" not in data(render(TAG, request))
    assert "fresh" not in data(render(TAG, with_session(rf.get("/page/"), AnonymousUser(), SilentSSO(request))))
    del request.silent_sso  # type: ignore[attr-defined]
    assert "fresh" not in data(render(TAG, request))


# Where there is nothing


@pytest.mark.parametrize("setting", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_nothing_where_the_app_is_not_configured(visitor: HttpRequest, settings: Settings, setting: str) -> None:
    delattr(settings, setting)
    assert render(TAG, visitor) == ""


def test_nothing_where_our_urls_are_missing(alice: HttpRequest, settings: Settings) -> None:
    settings.ROOT_URLCONF = ()
    assert render(TAG, alice) == ""


def test_nothing_without_a_request() -> None:
    assert render(TAG, None) == ""


@pytest.mark.parametrize("address", ["/oidc/callback/", "/oidc/authenticate/", "/oidc/signed-in/"])
def test_nothing_on_our_own_pages(rf: RequestFactory, address: str) -> None:
    request = rf.get(address, {"code": "secret"})
    request.resolver_match = resolve(address)
    assert render(TAG, request) == ""


# Around it


class LazyNonce:
    """As Django's: falsy until it is used."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return 'fresh"<nonce'


def test_nonce_is_on_the_script_and_on_the_stylesheet(visitor: HttpRequest) -> None:
    html = render(TAG, visitor, csp_nonce=LazyNonce())
    found = re.findall(r'<(\w+) [^>]*nonce="([^"]*)">', html)
    assert [(tag, unescape(nonce)) for tag, nonce in found] == [("link", 'fresh"<nonce'), ("script", 'fresh"<nonce')]


def test_page_without_a_nonce_has_none(visitor: HttpRequest) -> None:
    assert "nonce" not in render(TAG, visitor)


def test_site_s_own_template_takes_its_place(visitor: HttpRequest, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "django_silent_sso").mkdir()
    (tmp_path / "django_silent_sso" / "prompt.html").write_text("ours: {{ service }} {{ errors }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    assert render("{% silent_sso_prompt service='X' %}", visitor).startswith("ours: X consent_required")


def test_guide_lists_every_custom_property() -> None:
    used = set(re.findall(r"var\((--silent-sso-[\w-]+)", text(PACKAGE / "static/django_silent_sso/prompt.css")))
    listed = re.findall(r"^\| `(--silent-sso-[\w-]+)`", text(DOCS / "how-to/sign-in-prompt.md"), re.MULTILINE)
    assert set(listed) == used - {"--silent-sso-prompt-height"}
    assert len(listed) == len(used) - 1


def page(browser: Browser) -> Any:
    return browser.surf("/prompt/")[0]


@pytest.mark.urls("tests.browser.urls_prompt")
def test_what_the_op_told_the_middleware_is_for_one_browser_and_no_cache(
    browser: Browser, settings: Settings, clock: Clock
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    with browser.provider.answer_with_error("consent_required"):
        asked = page(browser)
    assert data(asked.content.decode())["needed"] == "consent_required"
    assert "no-store" in asked["Cache-Control"]
    clock.advance(60)
    refused = page(browser)  # asked again, and answered otherwise
    assert "needed" not in data(refused.content.decode())
    assert "Cache-Control" not in refused


@pytest.mark.urls("tests.browser.urls_prompt")
def test_where_a_script_asks_the_page_is_everybody_s(browser: Browser) -> None:
    with browser.provider.answer_with_error("consent_required"):
        browser.relay("/oidc/callback/", browser.answered(), **{"Silent-SSO-Site": "same-site"})
    assert browser.start().json()["error"] == "consent_required"
    answer = page(browser)
    assert "needed" not in data(answer.content.decode())
    assert "Cache-Control" not in answer
