"""The pytest fixture `openid_provider`.

pytest loads this file at start-up in every environment the package is installed in: nothing but pytest may be
imported here, neither Django nor the rest of the package, which would also be lost to coverage, that starts
later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

MARKER = "openid_provider(**options): options of the OpenIDProvider behind the fixture of this name"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def openid_provider(request: pytest.FixtureRequest) -> Iterator[OpenIDProvider]:
    """A running `OpenIDProvider` that the site's settings point to. Nobody is signed in there yet.

    `@pytest.mark.openid_provider(algorithm="ES256")` hands options to its constructor. Needs pytest-django.
    An exception in the provider, or in a change that a test made to it, fails the test.
    """
    try:
        settings: Any = request.getfixturevalue("settings")
    except pytest.FixtureLookupError:
        pytest.fail("openid_provider needs pytest-django; without it, use OpenIDProvider itself", pytrace=False)

    from django_silent_sso.testing.provider import OpenIDProvider

    marker = request.node.get_closest_marker("openid_provider")
    with OpenIDProvider(**(marker.kwargs if marker else {})) as provider:
        point_to(settings, provider)
        _forget()
        yield provider
        _forget()


def point_to(settings: Any, provider: OpenIDProvider) -> None:
    """Let the site use `provider`, also where its own settings name endpoints of the real one or a proxy."""
    for name, value in provider.settings().items():
        setattr(settings, name, value)
    for name, url in provider.endpoint_settings().items():
        if getattr(settings, name, None):
            setattr(settings, name, url)
    if getattr(settings, "OIDC_PROXY", None):
        settings.OIDC_PROXY = None


def _forget() -> None:
    """What an earlier test's provider left behind: its metadata, its keys, its state of health."""
    from django.core.cache import cache

    from django_silent_sso.op import health
    from django_silent_sso.op import provider as op_provider

    cache.clear()
    op_provider.forget()
    health.forget()
