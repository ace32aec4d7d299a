"""The browsers, each started once and only if a test wants it; a site and an OP for every test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browsers.driver import Browser, Launch
from tests.browsers.fedcm import Asked, asking
from tests.browsers.front import Front
from tests.browsers.matrix import KINDS, Case, Kind
from tests.browsers.measured import Measured
from tests.browsers.world import World, world
from tests.faults.certificates import Authority

if TYPE_CHECKING:
    from pytest_django import Settings

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    cases = {
        item: item.callspec.params["case"]  # type: ignore[attr-defined]
        for item in items
        if HERE in item.path.parents and "case" in getattr(item, "fixturenames", ())
    }
    for item in cases:
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.browsers)
    unusual = {item for item, case in cases.items() if not (case.usual or "browsers" in config.option.markexpr)}
    # One browser after the other: each is started once.
    tried = sorted((item for item in cases if item not in unusual), key=lambda item: KINDS.index(cases[item].kind))
    items[:] = [item for item in items if item not in cases] + tried
    config.hook.pytest_deselected(items=list(unusual))


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    front = Front(Authority(tmp_path_factory.mktemp("authority")))
    yield front
    front.close()


class Shelf:
    """The one browser that runs, until another kind is wanted."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._stack = ExitStack()
        self._kind: Kind | None = None
        self._browser: Browser | None = None
        self.versions: dict[str, str] = {}

    def take(self, kind: Kind) -> Browser:
        if self._browser is None or self._kind is not kind:
            self.clear()
            # Not pytest's tmp_path: the profile is of no interest afterwards, and large.
            folder = Path(tempfile.mkdtemp(prefix="browser-"))
            self._stack.callback(shutil.rmtree, folder, ignore_errors=True)
            launch = Launch(folder, self._front.url, self._front.authority)
            self._browser, self._kind = self._stack.enter_context(kind.launch(launch)), kind
            self.versions[kind.browser] = self._browser.version
        return self._browser

    def clear(self) -> None:
        self._browser = None
        self._stack.close()


@pytest.fixture(scope="session")
def shelf(front: Front) -> Iterator[Shelf]:
    shelf = Shelf(front)
    yield shelf
    shelf.clear()


@pytest.fixture(scope="session")
def measured(shelf: Shelf, request: pytest.FixtureRequest) -> Iterator[Measured | None]:
    """Where outcomes are to be written; `None` where they are compared with what is written."""
    plugins = request.config.pluginmanager.get_plugins()
    measured = next((plugin for plugin in plugins if isinstance(plugin, Measured)), None)
    yield measured
    if measured is not None:
        measured.versions = shelf.versions


@pytest.fixture
def browser(shelf: Shelf, case: Case) -> Browser:
    """Where one cannot be had the tests are skipped; in CI they fail."""
    missing = [name for name, place in case.kind.needed.items() if place is None]
    if missing:
        reason = f"not on this machine: {', '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return shelf.take(case.kind)


@pytest.fixture
def new_world(database: None, browser: Browser, front: Front, case: Case, settings: Settings) -> Iterator[World]:
    def configure(wanted: dict[str, Any]) -> None:
        for name, value in {**wanted, "SILENT_SSO_TOP_LEVEL_HOP": case.table.hop}.items():
            setattr(settings, name, value)

    with world(browser, front, configure, same_site=case.table.same_site) as made:
        yield made


@pytest.fixture
def asked(new_world: World, front: Front, settings: Settings) -> Iterator[Asked]:
    """The browser may ask the OP by itself."""
    settings.ROOT_URLCONF = "tests.browsers.urls_fedcm"
    settings.SILENT_SSO_FEDCM_CONFIG_URL = new_world.provider.url_of("fedcm_config")
    with asking(new_world, front) as asked:
        yield asked
