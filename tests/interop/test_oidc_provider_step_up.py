"""A page that asks for a recent sign-in, with npm's oidc-provider: it tells `auth_time` only where `max_age` asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.urls import path

from django_silent_sso.decorators import recent_sign_in_required
from django_silent_sso.storage.rp_session import RPSession
from tests.interop import site_urls
from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_under_test import ALICE, BOB, Site

if TYPE_CHECKING:
    from pytest_django import Settings

ANEW = "/oidc/authenticate/?next=/guarded/&recent=300&anew=1"

urlpatterns = [
    path("guarded/", recent_sign_in_required(max_age=300)(site_urls.page), {"name": "guarded"}),
    path("gold/", recent_sign_in_required(max_age=300, acr="gold")(site_urls.page), {"name": "gold"}),
    *site_urls.urlpatterns,
]


@pytest.fixture(autouse=True)
def _guarded(site: Site, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


def known(site: Site, browser: ScriptedBrowser) -> RPSession:
    found = RPSession.read(SessionStore(site.session_key(browser)))
    assert found is not None
    return found


def test_one_round_trip_tells_when_the_user_signed_in_and_opens_the_page(site: Site, alice: ScriptedBrowser) -> None:
    assert known(site, alice).auth_time is None
    visit = alice.open(site("/guarded/"))
    assert visit.statuses == [302, 303, 302, 200]
    assert visit.json["user"] == ALICE
    assert known(site, alice).auth_time is not None
    assert alice.open(site("/guarded/")).statuses == [200]


def test_a_new_sign_in_where_it_is_asked_for(site: Site, alice: ScriptedBrowser) -> None:
    before = known(site, alice)
    visit = site.answer_sign_in_page(alice, alice.open(site(ANEW)))
    assert (visit.path, visit.json["user"]) == ("/guarded/", ALICE)
    assert known(site, alice).signed_in_at == before.signed_in_at, "the session is the same"


def test_u08_somebody_else_who_signs_in_there_confirms_nothing(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.switch_user("bob")
    visit = alice.open(site("/guarded/"))
    assert "/interaction/" in visit.url, "the hint says who is meant"
    visit = site.answer_sign_in_page(alice, visit, "bob")
    assert visit.statuses[-1] == 400
    assert "subject_changed" in visit.text
    assert BOB not in visit.text
    assert site.who(alice) == ALICE


def test_t19_a_level_that_the_op_does_not_know_opens_nothing(site: Site, alice: ScriptedBrowser) -> None:
    visit = alice.open(site("/gold/"))
    assert visit.statuses[-1] == 400
    assert "id_token_acr" in visit.text
    assert site.who(alice) == ALICE
