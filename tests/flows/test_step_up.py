"""From the answer to a step-up to a session that knows more of its user, or to none the wiser one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from django.contrib.sessions.models import Session

from django_silent_sso.models import SignedInSession
from django_silent_sso.storage.rp_session import RPSession
from tests.conftest import NAVIGATION, Browser, Clock, told
from tests.flows.conftest import here
from tests.step_up_site import MAX_AGE, confirm, is_open, wish

if TYPE_CHECKING:
    from pytest_django import Settings

PAGE = "/guarded/plain/"


@pytest.fixture
def site(browser: Browser, settings: Settings) -> Browser:
    settings.ROOT_URLCONF = "tests.step_up_site"
    return browser


def signed_in(browser: Browser) -> RPSession:
    found = here(browser)
    assert found is not None
    return found


def by_form_post(browser: Browser, response: Any, subject: str | None = None) -> Any:
    """The OP's answer as its page posts it, with all cookies."""
    fields = browser.provider.answer(response["Location"], sign_in_as=subject).fields
    form = "application/x-www-form-urlencoded"
    headers = {**NAVIGATION, "Sec-Fetch-Site": "cross-site", "Origin": browser.provider.issuer}
    return browser.client.post("/oidc/callback/", urlencode(fields), content_type=form, headers=headers)


def test_the_session_stays_and_learns_when_its_user_signed_in(site: Browser) -> None:
    site.sign_in("alice")
    session = site.session
    session["basket"] = "full"
    session.save()
    assert signed_in(site).auth_time is None, "this OP tells nothing unless it is asked"
    site.provider.age_sign_in(1000)
    confirm(site, site.get(PAGE))
    assert site.session.session_key != session.session_key, "a key that was stolen before gains nothing"
    assert not Session.objects.filter(session_key=session.session_key).exists()
    assert SignedInSession.objects.get().session_key == site.session.session_key
    assert site.session["basket"] == "full"
    assert signed_in(site).auth_time == pytest.approx(site.provider.now(), abs=30)


def test_a_visitor_is_signed_in_and_gets_in_at_once(site: Browser) -> None:
    assert confirm(site, site.get("/gold/")).status_code == 400, "this OP knows no gold"
    assert site.user() == "nobody"
    assert confirm(site, site.get(PAGE))["Location"] == PAGE
    assert is_open(site.get(PAGE))


def test_a_newer_sign_in_wins_and_one_that_is_told_late_takes_nothing_away(site: Browser, clock: Clock) -> None:
    now = int(clock.stop())
    site.sign_in("alice")
    for auth_time in (now - 100, now - 10):
        with site.provider.id_token.replace(auth_time=auth_time):
            site.follow(site.get(f"/oidc/authenticate/?next={PAGE}&recent={MAX_AGE}"))
        assert signed_in(site).auth_time == auth_time
    with site.provider.id_token.replace(auth_time=0):
        site.follow(site.get("/oidc/authenticate/?next=/page/"))
    assert signed_in(site).auth_time == now - 10


def test_u16_a_new_password_does_not_make_an_old_second_factor_recent(site: Browser, clock: Clock) -> None:
    clock.stop(1_800_000_000)
    site.sign_in("alice")
    with site.provider.id_token.replace(acr="gold"):
        site.follow(site.get("/gold/"))
    assert is_open(site.get("/gold/"))
    clock.advance(3600)
    site.surf("/page/")
    confirm(site, site.get(PAGE))
    assert is_open(site.get(PAGE))
    assert wish(site.get("/gold/"))["acr_values"] == "gold"


# -- somebody else answers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("response_type", ["code", "id_token", "code id_token"])
def test_u08_another_person_confirms_nothing_and_is_not_signed_in(
    site: Browser, settings: Settings, response_type: str
) -> None:
    """Bob signs in at the OP where it was Alice who was to confirm: her page, her form, her session stay hers."""
    settings.SILENT_SSO_RESPONSE_TYPE = response_type
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    site.provider.always_auth_time = True
    site.provider.sign_in("alice")
    by_form_post(site, site.get("/oidc/authenticate/?next=/page/"))
    before = signed_in(site)
    site.provider.switch_user("bob")
    leaving = site.get("/oidc/authenticate/?next=/gold/&recent=300")
    page = by_form_post(site, leaving, "bob")
    assert told(page) == (400, "subject_changed")
    assert "another person" in page.content.decode()
    assert signed_in(site) == before


def test_u08_a_hint_says_who_is_meant(site: Browser) -> None:
    site.sign_in("alice")
    site.provider.switch_user("bob")
    leaving = site.get(PAGE)
    assert site.provider.answer(leaving["Location"]).mode == "login", "the OP has Bob, and was asked for Alice"
    assert told(confirm(site, leaving, "bob")) == (400, "subject_changed")
    assert confirm(site, site.get(PAGE), "alice")["Location"] == PAGE


def test_an_ordinary_sign_in_of_somebody_else_goes_on_as_before(site: Browser) -> None:
    site.sign_in("alice")
    site.provider.switch_user("bob")
    site.sign_in("bob")
    assert signed_in(site).subject == "bob"


def test_an_ordinary_sign_in_with_the_site_s_own_max_age_too(site: Browser, settings: Settings) -> None:
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": 60}
    site.sign_in("alice")
    site.provider.switch_user("bob")
    site.sign_in("bob")
    assert signed_in(site).subject == "bob"
    with site.provider.id_token.replace(auth_time=1):
        refused: Any = site.follow(site.get("/oidc/authenticate/?next=/page/"))
    assert told(refused) == (400, "id_token_auth_time")


def test_c82_a_confirmation_replaces_nobody_who_signed_in_since(site: Browser) -> None:
    site.provider.tokens_outlive_session = True
    site.sign_in("alice")
    alice_s = site.at_op(site.get(PAGE)["Location"])
    site.provider.switch_user("bob")
    site.sign_in("bob")
    site.provider.switch_user("alice")
    site.get(alice_s)
    assert signed_in(site).subject == "bob"


def test_a_step_up_for_a_session_that_ended_meanwhile_signs_its_user_in_again(site: Browser) -> None:
    site.sign_in("alice")
    answer = site.at_op(site.get(PAGE)["Location"])
    site.session.delete()
    assert site.get(answer)["Location"] == PAGE
    assert signed_in(site).subject == "alice"
