"""`recent_sign_in_required`: who gets in, in every colour of view, and what the others are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.test import AsyncClient

from django_silent_sso.decorators import recent_sign_in_required
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import make_stale
from tests.conftest import NAVIGATION, Browser, Clock, told
from tests.middleware_site import DOCUMENTS, PASSIVE, SCRIPTS
from tests.step_up_site import MAX_AGE, VIEWS, confirm, is_open, plain, waiting, wish
from tests.test_middleware_async import renamed
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

AT = 1_800_000_000.0
LEEWAY = 60
PAGE = "/guarded/plain/"
LATER = {"recent": str(MAX_AGE)}


@pytest.fixture
def site(browser: Browser, settings: Settings) -> Browser:
    settings.ROOT_URLCONF = "tests.step_up_site"
    return browser


def by_asgi(browser: Browser, path: str) -> Any:
    client: Any = AsyncClient()
    client.cookies = browser.client.cookies
    return async_to_sync(client.get)(path, headers=NAVIGATION)


WAYS: dict[str, Any] = {"wsgi": Browser.get, "asgi": by_asgi}


# -- every kind of view ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", VIEWS)
def test_a_guarded_view_is_shut_and_opens_after_the_op_has_asked(site: Browser, name: str, way: str) -> None:
    page = f"/guarded/{name}/"
    site.sign_in("alice")
    shut = WAYS[way](site, page)
    assert shut["Location"].startswith(site.provider.url_of("authorize"))
    assert wish(shut)["max_age"] == str(MAX_AGE)
    site.client.cookies.update(shut.cookies)
    assert site.follow(shut)["Location"] == page
    assert is_open(WAYS[way](site, page))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", VIEWS)
def test_a_visitor_is_asked_too(site: Browser, name: str, way: str) -> None:
    shut = WAYS[way](site, f"/guarded/{name}/")
    assert wish(shut)["max_age"] == str(MAX_AGE)
    assert "prompt" not in wish(shut)


def test_a_view_keeps_its_name_its_colour_and_its_arguments(site: Browser) -> None:
    for view in (plain, waiting):
        guarded = recent_sign_in_required(max_age=1)(view)
        assert (guarded.__name__, guarded.__doc__) == (view.__name__, view.__doc__)
        assert iscoroutinefunction(guarded) is iscoroutinefunction(view)
    site.provider.always_auth_time = True
    site.sign_in("alice")
    assert site.get("/guarded/seven/of/").content == b"open: seven"


@pytest.mark.parametrize(
    "wrong", [{"max_age": -1}, {"max_age": "300"}, {"max_age": 300, "acr": ""}, {"max_age": 300, "acr": ["a b"]}]
)
def test_a_demand_that_cannot_be_is_told_when_the_site_starts(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"max_age|acr"):
        recent_sign_in_required(**wrong)


# -- who gets in -------------------------------------------------------------------------------------------------------


def test_it_opens_for_as_long_as_the_view_says(site: Browser, clock: Clock) -> None:
    site.provider.always_auth_time = True
    clock.stop(AT)
    site.sign_in("alice")
    clock.advance(MAX_AGE + LEEWAY)
    assert is_open(site.get(PAGE))
    clock.advance(1)
    assert wish(site.get(PAGE))["max_age"] == str(MAX_AGE)


def test_the_leeway_is_the_site_s(site: Browser, settings: Settings, clock: Clock) -> None:
    settings.SILENT_SSO_LEEWAY_SECONDS = 0
    site.provider.always_auth_time = True
    clock.stop(AT)
    site.sign_in("alice")
    clock.advance(MAX_AGE + 1)
    assert wish(site.get(PAGE))["max_age"] == str(MAX_AGE)


def test_a_user_who_signed_in_with_a_password_here_is_asked(site: Browser) -> None:
    """The OP said nothing of that sign-in."""
    user = get_user_model().objects.create_user("alice", "alice@example.org", "secret")
    site.client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    assert wish(site.get(PAGE))["max_age"] == str(MAX_AGE)


def test_a_user_whose_account_is_switched_off_does_not_get_in(site: Browser) -> None:
    site.provider.always_auth_time = True
    site.sign_in("alice")
    get_user_model().objects.update(is_active=False)
    assert told(site.follow(site.get(PAGE))) == (400, "user_inactive")


def test_an_overdue_session_that_the_middleware_hides_does_not_open_it(site: Browser, clock: Clock) -> None:
    site.provider.always_auth_time = True
    clock.stop()
    site.sign_in("alice")
    assert is_open(site.get("/guarded/patient/"))
    clock.advance(90 * 60)  # the session is overdue; the view alone would not mind
    site.provider.stop()
    assert wish(site.get("/guarded/patient/"))["max_age"] == "86400"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["plain", "async"])
def test_c62_a_session_that_cannot_be_read_opens_nothing_and_sends_nobody_round(
    site: Browser, name: str, way: str
) -> None:
    site.provider.always_auth_time = True
    site.sign_in("alice")
    with renamed("django_session"):
        answer = WAYS[way](site, f"/guarded/{name}/")
        assert told(answer) == (503, "storage_unavailable")


# -- what the others are answered -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_page_load_goes_to_the_op_and_comes_back_to_the_very_page(site: Browser, headers: dict[str, str]) -> None:
    site.sign_in("alice")
    leaving = site.client.get(f"{PAGE}?a=1&b=%26", headers=headers)
    asked = wish(leaving)
    assert asked["state"].startswith("i.")
    assert "prompt" not in asked
    assert "acr_values" not in asked
    assert asked["id_token_hint"].count(".") == 2
    assert_private(leaving)
    assert site.follow(leaving)["Location"] == f"{PAGE}?a=1&b=%26"


@pytest.mark.parametrize(
    ("page", "acr_values"), [("/gold/", "gold"), ("/gold-or-silver/", "gold silver")], ids=["one", "two"]
)
def test_the_level_is_asked_for(site: Browser, page: str, acr_values: str) -> None:
    asked = wish(site.get(page))
    assert (asked["acr_values"], asked["max_age"]) == (acr_values, str(MAX_AGE))


@pytest.mark.parametrize(
    ("method", "headers"),
    [("GET", headers) for headers in SCRIPTS.values()] + [("POST", SCRIPTS["fetch"]), *PASSIVE.values()],
    ids=[*SCRIPTS, "post_by_fetch", *PASSIVE],
)
@pytest.mark.parametrize("signed_in", [False, True], ids=["visitor", "user"])
def test_who_cannot_be_redirected_is_told_where_to_go(
    site: Browser, signed_in: bool, method: str, headers: dict[str, str]
) -> None:
    if signed_in:
        site.sign_in("alice")
    with nothing_changes(site):
        answer = site.client.generic(method, "/gold-or-silver/", headers=headers)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'SilentSSO reason="recent_sign_in_required"'
    assert ("HX-Trigger" in answer) is ("HX-Request" in headers)
    assert_private(answer)
    if method != "HEAD":
        facts = answer.json()
        assert facts["reason"] == "recent_sign_in_required"
        assert facts["sign_in_url"] == f"/oidc/authenticate/?{urlencode({**LATER, 'acr': 'gold silver'})}"


def test_the_url_a_script_is_told_leads_through_the_step_up(site: Browser) -> None:
    site.sign_in("alice")
    site.provider.age_sign_in(1000)
    url = site.fetch(PAGE).json()["sign_in_url"]
    back = confirm(site, site.get(f"{url}&{urlencode({'next': '/page/'})}"))
    assert back["Location"] == "/page/"
    assert is_open(site.fetch(PAGE))


# -- no circle ---------------------------------------------------------------------------------------------------------


def test_guards_that_contradict_each_other_end_on_a_page(site: Browser) -> None:
    """The OP gives whatever is asked for, and the other guard wants something else each time."""
    site.sign_in("alice")
    acrs = []

    def as_asked(claims: dict[str, Any]) -> dict[str, Any]:
        acrs.append(site.provider.calls_to("authorize")[-1].parameters["acr_values"])
        return {**claims, "acr": acrs[-1]}

    site.provider.id_token.change(as_asked)
    page, visits = site.surf("/contradiction/")
    assert told(page) == (403, "loop_stopped")
    assert acrs == ["gold", "silver", "gold"]
    assert visits == 3
    assert site.user() != "nobody"
    assert "anew=1" in page.content.decode()


def test_a_browser_that_loses_its_session_does_not_turn_for_ever(site: Browser) -> None:
    site.provider.sign_in("alice")
    response, hops = site.get(PAGE), 0
    while response.status_code == 302 and hops < 10:
        hops += 1
        site.follow(response)
        del site.client.cookies["sessionid"]
        response = site.get(PAGE)
    assert told(response) == (403, "loop_stopped")
    assert hops == 3


def test_the_middleware_s_own_round_trip_comes_first(site: Browser) -> None:
    """A stale session is renewed silently; that tells nothing of when the user signed in, and the view asks."""
    site.sign_in("alice")
    make_stale(site.session)
    silent = site.get(PAGE)
    assert wish(silent)["prompt"] == "none"
    assert "max_age" not in wish(silent)
    shut = site.get(site.follow(silent)["Location"])
    assert wish(shut)["max_age"] == str(MAX_AGE)
    site.follow(shut)
    found = RPSession.read(site.session)
    assert found is not None
    assert found.auth_time is not None
    answer: HttpResponse = site.get(PAGE)
    assert is_open(answer)
