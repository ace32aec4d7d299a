"""Answers in a fragment: only the browser can see them, and the callback's page hands them on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.mark.parametrize(
    ("response_type", "mode"),
    [("code", "fragment"), ("id_token", None), ("code id_token token", None)],
    ids=["code", "id_token", "code id_token token"],
)
def test_sign_in_by_a_fragment_leaves_no_trace_of_it(
    site: Site, settings: Settings, response_type: str, mode: str | None
) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = response_type
    settings.SILENT_SSO_RESPONSE_MODE = mode
    site.tab.open(site("/oidc/authenticate/?next=/page/?q=1"))
    site.tab.type("input[name=username]", "alice")
    site.tab.click("#sign-in")
    site.tab.until(f"location.href === '{site('/page/?q=1')}' && document.readyState === 'complete'")
    assert site.user() == "alice"
    loaded, posted = site.asked("/oidc/callback/")
    assert (loaded.method, posted.method) == ("GET", "POST")
    # What the server's check of the form rests on: the page has no referrer, so there is no origin to look at.
    assert posted.headers["sec-fetch-site"] == "same-origin"
    assert posted.headers["sec-fetch-mode"] == "navigate"
    assert posted.headers.get("origin") in ("null", site.origin)
    site.tab.back()
    for name in ("#", "id_token", "code="):
        assert name not in site.tab.url.removeprefix(site.provider.issuer)


def test_silent_visit_by_a_fragment(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "code id_token"
    settings.SILENT_SSO_VISITORS = "redirect"
    site.sign_in_at_op()
    site.open("/page/?a=1")
    site.settled("alice")
    assert site.tab.url == site("/page/?a=1")


def test_somebody_else_s_link_with_a_fragment_signs_nobody_in(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "code id_token"
    site.open("/oidc/callback/#state=i.made-up&code=c&id_token=a.b.c&x=%3Cscript%3Ealert(1)%3C/script%3E")
    site.tab.until("document.querySelector('.code code')")
    assert site.tab.text(".code code") == "state_unknown"
    assert site.tab.run("location.hash") == ""


def test_callback_without_a_fragment_says_so(site: Site, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "id_token"
    site.open("/oidc/callback/")
    site.tab.until(
        "document.querySelector('#silent-sso-nothing') && !document.querySelector('#silent-sso-nothing').hidden"
    )
    assert len(site.asked("/oidc/callback/")) == 1
