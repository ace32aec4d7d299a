"""The paths and names of contract 3, wherever a site includes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import clear_script_prefix, clear_url_caches, include, path, resolve, reverse, set_script_prefix

from django_silent_sso import urls

NAMES = {
    "oidc_authentication_init": "authenticate/",
    "oidc_authentication_callback": "callback/",
    "oidc_logout": "logout/",
    "silent_sso_start": "silent/",
    "silent_sso_session": "session/",
    "silent_sso_initiate": "initiate/",
    "silent_sso_backchannel_logout": "backchannel-logout/",
    "silent_sso_frontchannel_logout": "frontchannel-logout/",
    "silent_sso_doctor": "doctor/",
}

urlpatterns = [path("", include("django_silent_sso.urls"))]


def test_every_name_of_the_contract_is_there_and_no_path_has_two() -> None:
    found = {str(pattern.name): str(pattern.pattern) for pattern in urls.urlpatterns}
    assert NAMES.items() <= found.items()
    assert len(found) == len(set(found.values())) == len(urls.urlpatterns)


@pytest.mark.parametrize("name", NAMES)
def test_names_stand_without_a_namespace(name: str) -> None:
    assert reverse(name) == f"/oidc/{NAMES[name]}"
    assert resolve(f"/oidc/{NAMES[name]}").view_name == name


@pytest.mark.parametrize("name", NAMES)
def test_they_work_at_any_prefix(settings: Any, name: str) -> None:
    settings.ROOT_URLCONF = __name__
    assert reverse(name) == f"/{NAMES[name]}"


@pytest.fixture
def script_prefix() -> Iterator[str]:
    set_script_prefix("/app/")
    yield "/app"
    clear_script_prefix()
    clear_url_caches()


@pytest.mark.parametrize("name", NAMES)
def test_they_work_below_a_script_prefix(script_prefix: str, name: str) -> None:
    assert reverse(name) == f"{script_prefix}/oidc/{NAMES[name]}"


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace", "head"])
def test_no_endpoint_takes_a_method_it_was_not_made_for(name: str, method: str) -> None:
    """S26: and it says so without a cookie, a session or a word to the OP."""
    answer = getattr(Client(), method)(reverse(name))
    assert answer.status_code in (204, 405)
    assert not answer.cookies
    assert "no-store" in answer["Cache-Control"]
