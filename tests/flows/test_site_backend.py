"""Which backend signs users in here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.flows.site_backend import site_backend
from django_silent_sso.protocol.errors import ConfigurationError, Reason

if TYPE_CHECKING:
    from pytest_django import Settings

HERE = "tests.flows.test_site_backend"
OURS = "django_silent_sso.backends.SilentSSOBackend"
PASSWORDS = "django.contrib.auth.backends.ModelBackend"


class Own(SilentSSOBackend):
    """A site's subclass."""


def no_class() -> None:
    """Something else that can be imported."""


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([OURS], (SilentSSOBackend, OURS)),
        ([PASSWORDS, OURS], (SilentSSOBackend, OURS)),
        ([PASSWORDS, f"{HERE}.Own", OURS], (Own, f"{HERE}.Own")),
        ([f"{HERE}.no_class", OURS], (SilentSSOBackend, OURS)),
    ],
    ids=["ours", "beside passwords", "the first of two", "what is no class is passed over"],
)
def test_it_is_ours_or_the_site_s_own_subclass(
    settings: Settings, paths: list[str], found: tuple[type[SilentSSOBackend], str]
) -> None:
    settings.AUTHENTICATION_BACKENDS = paths
    backend, path = site_backend()
    assert (type(backend), path) == found


@pytest.mark.parametrize("paths", [[], [PASSWORDS]])
def test_a_site_without_one_is_not_configured(settings: Settings, paths: list[str]) -> None:
    settings.AUTHENTICATION_BACKENDS = paths
    with pytest.raises(ConfigurationError) as caught:
        site_backend()
    assert caught.value.reason is Reason.NOT_CONFIGURED


def test_each_request_has_its_own() -> None:
    """It is told the request, which must not be another user's."""
    assert site_backend()[0] is not site_backend()[0]
