"""A site in two processes for each store, and an OP that rotates refresh tokens and takes a second use for theft."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.concurrency.running_site import RunningSite, running_site, site_settings
from tests.concurrency.servers import NotAvailable
from tests.concurrency.stores import STORES, settings_of
from tests.interop.oidc_provider import install
from tests.interop.oidc_provider.process import OIDCProvider, running
from tests.interop.scripted_browser import ScriptedBrowser

HERE = Path(__file__).parent
LONG = "SILENT_SSO_ROUNDS"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.interop)


@pytest.fixture(scope="session")
def rounds() -> Callable[[int], int]:
    """How often to try: a number that takes seconds, or what the environment says (`SILENT_SSO_ROUNDS=200`)."""
    return lambda few: int(os.environ.get(LONG) or few)


@pytest.fixture(scope="session")
def op_process() -> Iterator[OIDCProvider]:
    with ExitStack() as stack:
        try:
            provider = stack.enter_context(running())
        except install.NotAvailable as reason:
            _missing(str(reason))
        yield provider


@pytest.fixture(scope="session")
def stores() -> Iterator[Callable[[str], Any]]:
    """The settings of a store by its name; its servers are started when the first test needs them."""
    with ExitStack() as stack:
        found: dict[str, Any] = {}

        def settings(store: str) -> Any:
            if store not in found:
                try:
                    found[store] = stack.enter_context(settings_of(store))
                except NotAvailable as reason:
                    _missing(str(reason))
            return found[store]

        yield settings


@dataclass(frozen=True)
class Scene:
    """A site, its OP, and the browser of somebody who is signed in with a refresh token."""

    site: RunningSite
    provider: OIDCProvider
    alice: ScriptedBrowser

    def make(self, age: str) -> None:
        """Alice's session is `stale` or `overdue` now; from now on the OP counts."""
        self.site.make(age, self.alice)
        self.provider.forget_calls()

    def refreshes(self) -> list[int | None]:
        """What the OP answered to each call for tokens; a process' first look at its keys does not count."""
        return [call.status for call in self.provider.calls() if call.path == "/token"]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    """The test runs once for each."""
    return str(request.param)


@pytest.fixture(scope="session")
def sites(stores: Callable[[str], Any], op_process: OIDCProvider) -> Iterator[Callable[[str], RunningSite]]:
    """The running site of a store; it has no other settings than the documentation's."""
    with ExitStack() as stack:
        found: dict[str, RunningSite] = {}

        def site(store: str) -> RunningSite:
            if store not in found:
                settings = site_settings(op_process.issuer, stores(store))
                found[store] = stack.enter_context(running_site(settings))
            return found[store]

        yield site


@pytest.fixture
def scene(store: str, sites: Callable[[str], RunningSite], op_process: OIDCProvider) -> Iterator[Scene]:
    with on_stage(sites(store), op_process) as scene:
        yield scene


@contextmanager
def on_stage(site: RunningSite, provider: OIDCProvider) -> Iterator[Scene]:
    provider.reset(site.origin)
    with closing(ScriptedBrowser()) as alice:
        site.sign_in(alice)
        yield Scene(site, provider, alice)


def _missing(reason: str) -> None:
    """What cannot be had skips the tests; in CI they fail."""
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
