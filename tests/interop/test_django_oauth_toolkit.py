"""Our site and django-oauth-toolkit over loopback HTTP: refresh tokens that outlive the session they came from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.handlers.wsgi import WSGIHandler

from tests.interop import toolkit_process
from tests.interop.conftest import _forget_everything
from tests.interop.oidc_provider.process import CLIENT_SECRET
from tests.interop.scripted_browser import ScriptedBrowser
from tests.interop.site_server import serving
from tests.interop.site_under_test import Site

if TYPE_CHECKING:
    from pytest_django import Settings

DEMO = "demo@demo.localhost"


@pytest.fixture
def issuer(database: None, tmp_path: Path, settings: Settings) -> Iterator[str]:
    settings.ROOT_URLCONF = "tests.interop.site_urls"
    settings.LOGIN_URL = "oidc_authentication_init"
    settings.OIDC_RP_CLIENT_ID = "news"
    settings.OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
    with serving(WSGIHandler()) as origin, toolkit_process.running(origin, tmp_path) as issuer:
        settings.SILENT_SSO_ISSUER = issuer
        _forget_everything()
        settings.SITE_ORIGIN = origin
        yield issuer
    _forget_everything()


@pytest.fixture
def site(issuer: str, settings: Settings) -> Site:
    return Site(settings.SITE_ORIGIN)


@pytest.fixture
def person(site: Site, browser: ScriptedBrowser) -> ScriptedBrowser:
    visit = browser.submit(browser.open(site("/private/")), **toolkit_process.PERSON)
    assert visit.json["user"] == DEMO, str(visit)
    return browser


def test_refresh_tokens_renew_one_after_the_other_without_a_round_trip(site: Site, person: ScriptedBrowser) -> None:
    for number in range(3):
        site.make_stale(person)
        visit = person.open(site(f"/page/{number}"))
        assert (visit.statuses, visit.json["user"]) == ([200], DEMO)


def test_without_refresh_tokens_the_same_by_redirect(site: Site, person: ScriptedBrowser, settings: Settings) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("redirect",)
    site.make_stale(person)
    visit = person.open(site("/page/1"))
    assert (visit.statuses, visit.path, visit.json["user"]) == ([302, 302, 302, 200], "/page/1", DEMO)


def test_the_op_s_session_is_asked_for_although_the_refresh_token_outlives_it(
    site: Site, person: ScriptedBrowser, issuer: str, settings: Settings
) -> None:
    home = person.open(f"{issuer}/")
    assert person.submit(home).statuses[-1] == 200, "signed out there"
    assert "Sign in" in person.open(f"{issuer}/sign-in/").text

    settings.SILENT_SSO_ASK_OP_AFTER_SECONDS = 1800
    site.make_stale(person)
    by_token = person.open(site("/page/1"))
    assert (by_token.statuses, by_token.json["user"]) == ([200], DEMO), "the token is good, and it is not yet time"

    settings.SILENT_SSO_ASK_OP_AFTER_SECONDS = 900
    site.make_stale(person)
    asked = person.open(site("/page/2"))
    assert asked.url.startswith(f"{issuer}/sign-in/"), str(asked)
    assert site.who(person) is None


def test_where_only_refresh_tokens_renew_the_op_s_session_is_never_asked_for(
    site: Site, person: ScriptedBrowser, issuer: str, settings: Settings
) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("refresh_token",)
    settings.SILENT_SSO_ASK_OP_AFTER_SECONDS = 900
    person.submit(person.open(f"{issuer}/"))
    site.make_stale(person)
    visit = person.open(site("/page/1"))
    assert (visit.statuses, visit.json["user"]) == ([200], DEMO)
