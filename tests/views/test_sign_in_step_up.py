"""`authenticate/` with demands, and the page after an answer that did not meet them."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from django_silent_sso.protocol.step_up import Demand
from django_silent_sso.testing import make_stale
from django_silent_sso.views.sign_in import start_url
from tests.conftest import Browser, told
from tests.views.answers import assert_private

if TYPE_CHECKING:
    from pytest_django import Settings

START = "/oidc/authenticate/"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
RETURN_TO = "/page/?a=1&b=2"


def asked(response: Any) -> dict[str, str]:
    assert response.status_code == 302, response.content
    return dict(parse_qsl(urlsplit(response["Location"]).query))


def links(page: Any) -> list[str]:
    return [html.unescape(link) for link in re.findall(r'(?:href|action)="([^"]+)"', page.content.decode())]


@pytest.mark.parametrize(
    ("return_to", "demand", "anew", "url"),
    [
        (None, None, False, START),
        ("/page/", None, False, f"{START}?next=%2Fpage%2F"),
        (None, Demand(300), False, f"{START}?recent=300"),
        ("/x/", Demand(300, ("a", "b")), True, f"{START}?next=%2Fx%2F&recent=300&acr=a+b&anew=1"),
    ],
)
def test_a_link_to_the_start(return_to: str | None, demand: Demand | None, anew: bool, url: str) -> None:
    assert start_url(return_to, demand, anew=anew) == url


def test_the_start_asks_for_what_its_link_says(browser: Browser) -> None:
    wish = asked(browser.get(start_url("/page/", Demand(300, ("gold", "silver")))))
    assert (wish["max_age"], wish["acr_values"]) == ("300", "gold silver")
    assert "prompt" not in wish


def test_and_for_a_new_sign_in_where_that_is_said(browser: Browser) -> None:
    assert asked(browser.get(start_url("/page/", Demand(300), anew=True)))["prompt"] == "login"
    assert "prompt" not in asked(browser.get(start_url("/page/", anew=True))), "nothing is to be confirmed"


@pytest.mark.parametrize(
    "query",
    [
        {"recent": "soon", "acr": "gold"},
        {"acr": "gold", "anew": "1"},
        {"max_age": "0", "acr_values": "gold", "prompt": "login", "claims": "{}"},
        {"recent": "300", "acr": "\x00"},
    ],
)
def test_i13_anything_else_in_the_link_begins_an_ordinary_sign_in(browser: Browser, query: dict[str, str]) -> None:
    wish = asked(browser.get(f"{START}?{urlencode({'next': '/page/', **query})}"))
    assert {"max_age", "acr_values", "prompt", "claims"} & set(wish) == set()


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Dest": "iframe"}, {"Sec-Fetch-Dest": "image"}])
def test_s20_what_is_no_page_load_begins_no_step_up_either(browser: Browser, headers: dict[str, str]) -> None:
    assert told(browser.get(start_url("/page/", Demand(0)), **headers)) == (403, "cross_site_request")


def test_u08_the_question_after_another_person_keeps_the_demands(browser: Browser) -> None:
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.id_token.replace(sub="bob"):
        browser.follow(browser.get("/page/"))
    question = browser.get(start_url(RETURN_TO, Demand(300, ("gold",))))
    assert question.status_code == 200
    (again,) = [link for link in links(question) if link.startswith(START)]
    wish = asked(browser.post(again, **SAME_ORIGIN))
    assert (wish["max_age"], wish["acr_values"]) == ("300", "gold")


# -- an answer that does not do ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "reason", "words"),
    [
        ({"auth_time": 5}, "id_token_auth_time", "a sign-in that is recent"),
        ({"acr": "silver"}, "id_token_acr", "a stronger kind of sign-in"),
        ({"sub": "bob", "acr": "gold"}, "subject_changed", "another person"),
    ],
)
def test_a_page_says_why_and_offers_another_try(
    browser: Browser, claims: dict[str, Any], reason: str, words: str
) -> None:
    browser.sign_in("alice")
    user = browser.user()
    with browser.provider.id_token.update({"acr": "gold", **claims}):
        page = browser.follow(browser.get(start_url(RETURN_TO, Demand(300, ("gold",)))))
    assert told(page) == (400, reason)
    assert words in page.content.decode()
    assert_private(page)
    assert browser.user() == user
    (again,) = [link for link in links(page) if link.startswith(START)]
    assert again == start_url(RETURN_TO, Demand(300, ("gold",)), anew=True)
    wish = asked(browser.get(again))
    assert (wish["prompt"], wish["max_age"], wish["acr_values"]) == ("login", "300", "gold")


def test_the_other_try_ends_on_the_page_that_was_asked_for(browser: Browser) -> None:
    """Also where the OP says nothing of the time at first (it goes by the person's sign-in at another site)."""
    browser.sign_in("alice")
    with browser.provider.id_token.drop("auth_time"):
        page = browser.follow(browser.get(start_url(RETURN_TO, Demand(300))))
    (again,) = [link for link in links(page) if link.startswith(START)]
    back = urlsplit(browser.provider.answer(browser.get(again)["Location"], sign_in_as="alice").location)
    assert browser.get(f"{back.path}?{back.query}")["Location"] == RETURN_TO


def test_an_op_that_ignores_everything_leads_to_the_page_each_time_and_never_round(browser: Browser) -> None:
    """LemonLDAP::NG answers `prompt=login` without asking anybody."""
    browser.sign_in("alice")
    with browser.provider.id_token.replace(auth_time=5):
        visits = 0
        url = start_url("/page/", Demand(300))
        for _ in range(5):
            page, seen = browser.surf(url)
            visits += seen
            assert told(page) == (400, "id_token_auth_time")
            url = start_url("/page/", Demand(300))
    assert visits == 5


@pytest.mark.parametrize(("error", "status"), [("access_denied", 400), ("server_error", 503)])
def test_other_refusals_are_told_as_ever(browser: Browser, error: str, status: int) -> None:
    with browser.provider.answer_with_error(error):
        page = browser.follow(browser.get(start_url(RETURN_TO, Demand(300))))
    assert told(page) == (status, error)
    assert f"{START}?{urlencode({'next': RETURN_TO})}" in links(page)


def test_a_login_that_we_began_on_our_own_is_none(browser: Browser, settings: Settings) -> None:
    """It is to sign in whoever is there, and only the site's settings ask for an age."""
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": 60}
    browser.sign_in("alice")
    make_stale(browser.session)
    with browser.provider.answer_with_error("consent_required", times=1):
        leaving = browser.follow(browser.get("/page/"))
    with browser.provider.id_token.replace(auth_time=5):
        page = browser.follow(leaving)
    assert told(page) == (400, "id_token_auth_time")
    assert not any("anew" in link for link in links(page))


def test_an_ordinary_sign_in_that_is_refused_is_offered_as_such(browser: Browser, settings: Settings) -> None:
    settings.OIDC_RP_SCOPES = "openid email"
    browser.provider.sign_in("alice")
    with browser.provider.id_token.replace(nonce="x"):
        page = browser.follow(browser.get(f"{START}?{urlencode({'next': RETURN_TO})}"))
    assert told(page) == (400, "id_token_nonce")
    assert not any("anew" in link for link in links(page))
