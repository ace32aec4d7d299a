"""The callback: an answer in a fragment, which only the browser sees, is posted by a page of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from django_silent_sso.testing import make_stale
from tests.conftest import NAVIGATION, Browser, told
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

CALLBACK = "/oidc/callback/"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}  # what a page without referrer sends


@pytest.fixture(autouse=True)
def by_fragment(settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "id_token token"


def fragment(browser: Browser, path: str = "/oidc/authenticate/?next=/page/") -> dict[str, str]:
    location = urlsplit(browser.provider.answer(browser.get(path)["Location"]).location)
    assert not location.query
    return dict(parse_qsl(location.fragment))


def posted(browser: Browser, fields: dict[str, str], **headers: str) -> Any:
    return browser.client.post(
        CALLBACK,
        urlencode({**fields, "silent_sso_fragment": "1"}),
        content_type="application/x-www-form-urlencoded",
        headers={**NAVIGATION, **SAME_ORIGIN, **headers},
    )


def test_r08_the_page_posts_and_the_person_is_signed_in(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    fields = fragment(browser)
    with nothing_changes(browser):
        page = browser.get(CALLBACK, **{"Sec-Fetch-Site": "cross-site"})
    assert page.status_code == 200
    assert_private(page)
    assert "silent_sso/fragment.js" in page.content.decode()
    done = posted(browser, fields)
    assert (done.status_code, done["Location"]) == (302, "/page/")
    assert browser.user() != "nobody"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_r06_r08_another_site_s_form_is_no_fragment(browser: Browser, site: str) -> None:
    browser.provider.sign_in("alice")
    fields = fragment(browser)
    with nothing_changes(browser):
        assert told(posted(browser, fields, **{"Sec-Fetch-Site": site})) == (400, "unexpected_response_mode")
    assert posted(browser, fields)["Location"] == "/page/"


def test_r08_a_forged_fragment_changes_nothing(browser: Browser) -> None:
    with nothing_changes(browser):
        assert told(posted(browser, {"state": "i.x", "id_token": "a.b.c"})) == (400, "state_unknown")


def test_r01_the_same_by_query_is_refused(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    fields = fragment(browser)
    with nothing_changes(browser):
        assert told(browser.get(f"{CALLBACK}?{urlencode(fields)}")) == (400, "unexpected_response_mode")
    assert posted(browser, fields)["Location"] == "/page/"


def test_a_refusal_that_leads_on_to_the_op_is_a_redirect_after_the_form(browser: Browser) -> None:
    """So the page's policy must not have a `form-action`: Chromium applies it to that redirect."""
    browser.provider.sign_in("alice")
    posted(browser, fragment(browser))
    make_stale(browser.session)
    browser.provider.sign_out()
    response = posted(browser, fragment(browser, "/page/"))
    assert response["Location"].startswith(browser.provider.url_of("authorize"))
    assert "form-action" not in browser.get(CALLBACK)["Content-Security-Policy"]


def test_where_answers_come_by_query_there_is_no_such_page(browser: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "code"
    assert told(browser.get(CALLBACK)) == (400, "state_missing")
