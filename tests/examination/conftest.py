"""Fixtures of the examination's tests."""

from __future__ import annotations

import pytest

from django_silent_sso.testing import OpenIDProvider
from tests.examination.examined import registered


@pytest.fixture
def provider(openid_provider: OpenIDProvider) -> OpenIDProvider:
    """An OP that is all right, and knows this site."""
    return registered(openid_provider)
