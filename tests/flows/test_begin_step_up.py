"""Beginning a step-up: `max_age` and `acr_values` leave, are remembered, and never go with a silent request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import RequestFactory

from django_silent_sso.flows.begin import Begun, begin
from django_silent_sso.storage.pending import FRAME, TOP
from django_silent_sso.testing import OpenIDProvider, make_stale
from tests.conftest import Browser
from tests.flows.conftest import here

if TYPE_CHECKING:
    from pytest_django import Settings


def begun(**how: Any) -> Begun:
    return begin(RequestFactory().get("/"), **{"silent": False, "transport": TOP, "return_to": "/page/", **how})


def asked(found: Begun) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(found.url).query))


@pytest.mark.usefixtures("db", "openid_provider")
@pytest.mark.parametrize(
    ("max_age", "acr_values"), [(300, None), (0, None), (300, "gold"), (300, "gold silver"), (None, "gold")]
)
def test_what_is_asked_is_what_is_remembered(max_age: int | None, acr_values: str | None) -> None:
    found = begun(max_age=max_age, acr_values=acr_values)
    wish = asked(found)
    assert wish.get("max_age") == (None if max_age is None else str(max_age))
    assert wish.get("acr_values") == acr_values
    assert "prompt" not in wish
    assert (found.pending.max_age, found.pending.acr_values) == (max_age, acr_values)
    assert found.pending.is_step_up
    assert found.pending.only_subject is None, "a visitor: anybody may answer"
    assert len(found.marks.hops) == 1


@pytest.mark.usefixtures("db", "openid_provider")
def test_an_ordinary_sign_in_is_none() -> None:
    found = begun()
    assert {"max_age", "acr_values"} & set(asked(found)) == set()
    assert not found.pending.is_step_up
    assert found.marks.hops == ()


@pytest.mark.usefixtures("db", "openid_provider")
@pytest.mark.parametrize("transport", [TOP, FRAME])
def test_no_silent_request_has_a_max_age(settings: Settings, transport: str) -> None:
    """Some OPs sign the person out over it, others spoil the next silent requests."""
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": 60, "audience": "x"}
    found = begun(silent=True, transport=transport, max_age=300, acr_values="gold")
    assert {"max_age", "acr_values"} & set(asked(found)) == set()
    assert asked(found)["audience"] == "x"
    assert (found.pending.max_age, found.pending.acr_values) == (None, None)


@pytest.mark.usefixtures("db", "openid_provider")
@pytest.mark.parametrize("max_age", ["60", 60])
def test_t18_a_max_age_of_the_site_s_settings_is_checked_too(settings: Settings, max_age: Any) -> None:
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": max_age}
    found = begun()
    assert asked(found)["max_age"] == "60"
    assert found.pending.max_age == 60
    assert found.marks.hops == (), "an ordinary sign-in all the same"
    assert begun(max_age=5).pending.max_age == 5


@pytest.mark.usefixtures("db", "openid_provider")
@pytest.mark.parametrize("odd", ["soon", "-1", "1.5", "\u0663", "", "9" * 5000])
def test_what_is_no_number_cannot_be_checked(settings: Settings, odd: str) -> None:
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": odd}
    assert begun().pending.max_age is None


@pytest.mark.usefixtures("db", "openid_provider")
def test_t18_nor_is_one_of_a_flow_of_the_site_s_own_forgotten() -> None:
    assert begun(extra={"max_age": "60"}).pending.max_age == 60
    assert begun(extra={"max_age": "60"}, silent=True).pending.max_age == 60
    assert begun(extra={"max_age": "0"}, silent=True).pending.max_age is None, "it does not leave"


def test_a_step_up_is_about_who_is_signed_in(browser: Browser) -> None:
    browser.sign_in("alice")
    request = RequestFactory().get("/", headers={"cookie": f"sessionid={browser.session.session_key}"})
    request.session = browser.session
    ordinary = begin(request, silent=False, transport=TOP, return_to="/")
    step_up = begin(request, silent=False, transport=TOP, return_to="/", max_age=300)
    assert (ordinary.pending.subject, "id_token_hint" in asked(ordinary)) == (None, False)
    assert step_up.pending.only_subject == "alice"
    found = here(browser)
    assert found is not None
    assert asked(step_up)["id_token_hint"] == found.tokens(found.verified_at).id_token


@pytest.mark.parametrize("prompt", [None, "login"])
def test_only_who_was_asked_can_answer_also_after_the_hint_was_refused(browser: Browser, prompt: str | None) -> None:
    """`invalid_request` on a hint: once more without, and with the same demands."""
    browser.sign_in("alice")
    anew = "&anew=1" if prompt else ""
    with browser.provider.answer_with_error("invalid_request", times=1):
        again = browser.follow(browser.get(f"/oidc/authenticate/?next=/page/&recent=300&acr=gold{anew}"))
    wish = dict(parse_qsl(urlsplit(again["Location"]).query))
    assert (wish["max_age"], wish["acr_values"]) == ("300", "gold")
    assert "id_token_hint" not in wish
    browser.provider.switch_user("bob")
    with browser.provider.id_token.replace(acr="gold"):
        assert b"subject_changed" in browser.follow(again).content


def test_the_renewal_of_a_stale_session_asks_for_no_age(browser: Browser, settings: Settings) -> None:
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": 60}
    browser.sign_in("alice")
    make_stale(browser.session)
    wish = dict(parse_qsl(urlsplit(browser.get("/page/")["Location"]).query))
    assert wish["prompt"] == "none"
    assert "max_age" not in wish


def test_pushed_requests_carry_them_too(browser: Browser, openid_provider: OpenIDProvider) -> None:
    openid_provider.require_pushed_requests = True
    openid_provider.sign_in("alice")
    browser.follow(browser.get("/oidc/authenticate/?next=/page/&recent=300&acr=gold"))
    (call,) = openid_provider.calls_to("pushed_request")
    assert (call.parameters["max_age"], call.parameters["acr_values"]) == ("300", "gold")
