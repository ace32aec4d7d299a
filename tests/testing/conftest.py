"""A running provider and a site that speaks to it over real HTTP. No Django here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import Site


@pytest.fixture
def provider() -> Iterator[OpenIDProvider]:
    with OpenIDProvider() as running:
        running.refresh_tokens = "always"
        yield running


@pytest.fixture
def site(provider: OpenIDProvider) -> Site:
    return Site(provider)
