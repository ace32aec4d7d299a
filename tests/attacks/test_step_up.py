"""A page that asks for a recent or strong sign-in: whatever the OP (or who sits at the screen) does, it stays shut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import make_stale
from tests.conftest import Browser, Clock, told
from tests.step_up_site import MAX_AGE, confirm, is_open, wish
from tests.views.answers import assert_private

if TYPE_CHECKING:
    from pytest_django import Settings

AT = 1_800_000_000
PAGE = "/guarded/plain/"


@pytest.fixture
def site(browser: Browser, settings: Settings) -> Browser:
    settings.ROOT_URLCONF = "tests.step_up_site"
    return browser


def kept(browser: Browser) -> Any:
    found = RPSession.read(browser.session)
    assert found is not None
    return found


ODD_TIMES = [
    pytest.param({}, id="T18 missing (oidc-provider, unless asked)"),
    pytest.param({"auth_time": None}, id="T18 null"),
    pytest.param({"auth_time": 0}, id="T18 zero (Glewlwyd)"),
    pytest.param({"auth_time": AT - MAX_AGE - 61}, id="T18 too old"),
    pytest.param({"auth_time": AT + 61}, id="T18 still to come"),
    pytest.param({"auth_time": str(AT)}, id="T18 a string"),
    pytest.param({"auth_time": True}, id="T18 true"),
    pytest.param({"auth_time": [AT]}, id="T18 a list"),
    pytest.param({"auth_time": 1e300}, id="T18 no time at all"),
]


@pytest.mark.parametrize("claims", ODD_TIMES)
def test_t18_an_answer_that_tells_of_no_recent_sign_in_is_refused(
    site: Browser, clock: Clock, claims: dict[str, Any]
) -> None:
    clock.stop(AT)
    site.sign_in("alice")
    before = kept(site)
    site.provider.id_token.drop("auth_time")
    if claims:
        site.provider.id_token.update(claims)

    page = site.follow(site.get(PAGE))

    assert told(page) == (400, "id_token_auth_time")
    assert_private(page)
    assert kept(site) == before, "the session stays as it is"
    assert site.user() != "nobody"
    assert not is_open(site.get(PAGE))


@pytest.mark.parametrize("auth_time", [AT - MAX_AGE - 60, AT - 0.5, float(AT), AT + 60])
def test_t18_a_recent_sign_in_opens_the_page_also_as_a_float(site: Browser, clock: Clock, auth_time: float) -> None:
    clock.stop(AT)
    site.sign_in("alice")
    with site.provider.id_token.replace(auth_time=auth_time):  # Canaille sends a float
        assert site.follow(site.get(PAGE))["Location"] == PAGE
    assert is_open(site.get(PAGE))


@pytest.mark.parametrize(
    "acr",
    [
        pytest.param(None, id="T19 missing"),
        pytest.param("silver", id="T19 another one"),
        pytest.param("golden", id="T19 a prefix"),
        pytest.param("GOLD", id="T19 another case"),
        pytest.param(["gold"], id="T19 a list"),
        pytest.param("gold silver", id="T19 more than one"),
        pytest.param("", id="T19 empty"),
    ],
)
def test_t19_an_answer_of_another_level_is_refused(site: Browser, acr: Any) -> None:
    site.sign_in("alice")
    before = kept(site)
    with site.provider.id_token.replace(acr=acr):
        page = site.follow(site.get("/gold/"))
    assert told(page) == (400, "id_token_acr")
    assert kept(site) == before
    assert not is_open(site.get("/gold/"))


@pytest.mark.parametrize(
    ("acr", "opens"), [("gold", {"/gold/", "/gold-or-silver/"}), ("silver", {"/gold-or-silver/"}), ("bronze", set())]
)
def test_t19_each_page_opens_to_its_levels_only(site: Browser, acr: str, opens: set[str]) -> None:
    site.provider.always_auth_time = True
    site.provider.sign_in("alice", acr=acr)
    site.follow(site.get("/oidc/authenticate/?next=/page/"))
    assert {page for page in ("/gold/", "/gold-or-silver/") if is_open(site.get(page))} == opens


# -- not "now" --------------------------------------------------------------------------------------------------------


def test_u16_a_silent_sign_in_is_no_recent_sign_in(site: Browser, settings: Settings) -> None:
    """Somebody sits down at a screen that was left hours ago: signed in at once, and not let in here."""
    settings.SILENT_SSO_VISITORS = "redirect"
    site.provider.always_auth_time = True
    site.provider.sign_in("alice")
    site.provider.age_sign_in(3 * 3600)
    site.surf("/page/")
    assert site.user() != "nobody"
    assert kept(site).select_by == "auto"
    shut = site.get(PAGE)
    assert wish(shut)["max_age"] == str(MAX_AGE)
    assert site.provider.answer(shut["Location"]).mode == "login", "the OP asks for the password"


@pytest.mark.parametrize("always_auth_time", [False, True])
def test_u16_nor_is_a_silent_renewal(site: Browser, clock: Clock, always_auth_time: bool) -> None:
    site.provider.always_auth_time = always_auth_time
    clock.stop(AT)
    site.sign_in("alice")
    site.follow(site.get(f"/oidc/authenticate/?next={PAGE}&recent=300"))
    first = kept(site).auth_time
    assert is_open(site.get(PAGE))
    clock.advance(MAX_AGE + 61)
    make_stale(site.session)
    site.surf("/page/")
    assert kept(site).verified_at == clock(), "it was renewed just now"
    assert kept(site).auth_time == first
    assert not is_open(site.get(PAGE))


def test_u16_nor_is_a_sign_in_by_a_click_that_the_op_answers_unseen(site: Browser) -> None:
    site.provider.always_auth_time = True
    site.provider.sign_in("alice")
    site.provider.age_sign_in(3 * 3600)
    site.follow(site.get("/oidc/authenticate/?next=/page/"))
    assert kept(site).select_by == "user"
    assert not is_open(site.get(PAGE))


def test_u16_who_does_sign_in_again_gets_in(site: Browser) -> None:
    """Else the tests above would prove nothing."""
    site.sign_in("alice")
    site.provider.age_sign_in(3 * 3600)
    assert confirm(site, site.get(PAGE))["Location"] == PAGE
    assert is_open(site.get(PAGE))


def test_u16_a_step_up_that_was_given_up_leaves_the_page_shut(site: Browser) -> None:
    site.sign_in("alice")
    key = site.session.session_key
    with site.provider.answer_with_error("access_denied"):
        assert told(site.follow(site.get(PAGE))) == (400, "access_denied")
    assert site.session.session_key == key
    assert not is_open(site.get(PAGE))


@pytest.mark.parametrize("query", ["", "recent=99999999", "recent=99999&acr=bronze", "acr=gold", "max_age=9"])
def test_u16_a_link_with_weaker_demands_opens_nothing(site: Browser, query: str) -> None:
    """Who changes the link to the start deceives himself only: the page looks at what the OP has told."""
    site.provider.always_auth_time = True
    site.provider.sign_in("alice", acr="bronze")
    site.provider.age_sign_in(3 * 3600)
    site.follow(site.get(f"/oidc/authenticate/?next=/gold/&{query}"))
    assert not is_open(site.get("/gold/"))
    assert not is_open(site.get(PAGE))
