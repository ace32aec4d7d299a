"""The browser doctor sends the whole page to the OP: it comes back as a word, without the code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from django.contrib.auth.models import User

from tests.conftest import NAVIGATION, Browser
from tests.views.answers import assert_private, nothing_changes
from tests.views.test_doctor import PATH, assert_hidden, begun, debugging, staff

if TYPE_CHECKING:
    from pytest_django import Settings

__all__ = ["debugging", "staff"]


def back(browser: Browser) -> Any:
    url = browser.at_op(begun(browser, "top").json()["authorization_url"])
    with nothing_changes(browser):
        return browser.get(url, **{"Sec-Fetch-Site": "cross-site"})


def facts_of(response: Any) -> dict[str, str]:
    assert response.status_code == 302
    assert_private(response)
    path, _, facts = response["Location"].partition("#")
    assert path == PATH
    return dict(parse_qsl(facts, keep_blank_values=True))


def test_the_whole_page_comes_back_without_the_code(staff: Browser) -> None:
    facts = facts_of(back(staff))
    assert facts.keys() == {"attempt", "error", "site", "mode", "dest"}
    assert (facts["error"], facts["site"], facts["mode"], facts["dest"]) == ("", "cross-site", "navigate", "document")
    assert staff.user() == User.objects.get().get_username()
    assert staff.provider.calls_to("token") == []


def test_the_whole_page_comes_back_with_the_error(debugging: Browser) -> None:
    assert facts_of(back(debugging))["error"] == "login_required"
    debugging.provider.answer_with_error("a <strange> one")
    assert facts_of(back(debugging))["error"] == "op_error"


def test_it_comes_back_by_form_too(debugging: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    answer = debugging.provider.answer(begun(debugging, "top").json()["authorization_url"])
    hop = debugging.from_op("/oidc/callback/", answer.parameters)
    assert hop.status_code == 303
    assert facts_of(debugging.get(hop["Location"]))["error"] == "login_required"


def test_it_comes_back_in_a_fragment_too(debugging: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = "id_token"
    debugging.provider.sign_in("alice")
    answer = debugging.provider.answer(begun(debugging, "top").json()["authorization_url"])
    token = answer.parameters["id_token"]
    response = debugging.client.post(
        "/oidc/callback/",
        urlencode({**answer.parameters, "silent_sso_fragment": "1"}),
        content_type="application/x-www-form-urlencoded",
        headers={**NAVIGATION, "Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
    )
    assert facts_of(response)["error"] == ""
    assert token not in response["Location"]
    assert debugging.user() == "nobody"


def test_anybody_may_send_a_browser_there_and_nothing_comes_of_it(browser: Browser) -> None:
    browser.sign_in("alice")
    with nothing_changes(browser):
        response = browser.get("/oidc/callback/?state=d.forged&error=login_required")
        assert facts_of(response)["attempt"] == "d.forged"
        assert_hidden(browser.get(PATH))
