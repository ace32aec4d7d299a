"""The relying party under test, in the flow that the test's parameter names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conformance.relying_party import Flow, RelyingParty
from tests.conftest import Browser

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def rp(browser: Browser, settings: Settings, flow: Flow) -> RelyingParty:
    return RelyingParty(browser, flow, settings)
