"""An open page watches a real OP's session: npm's oidc-provider 6, the last one with session management."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache

from django_silent_sso.op import health
from django_silent_sso.op import provider as op
from django_silent_sso.signals import session_terminated
from tests.browser import npm
from tests.browser.chromium import Chromium
from tests.browser.site import Recorder
from tests.browser.tab import PATIENCE, Tab
from tests.browser.watching import QUICK, serve
from tests.interop.oidc_provider.install import OLDER, NotAvailable
from tests.interop.oidc_provider.process import CLIENT_SECRET, OIDCProvider, running
from tests.interop.site_server import serving

if TYPE_CHECKING:
    from pytest_django import Settings

# What frames have said, in all pages of the tab.
HEARD = """
if (window === top) addEventListener("message", ({ origin, data }) => {
  const before = sessionStorage.getItem("heard") ?? ""
  if (typeof data === "string") sessionStorage.setItem("heard", `${before}${origin} ${data};`)
})
"""
TOLD = "(sessionStorage.getItem('heard') ?? '')"


@pytest.fixture(scope="module")
def oidc_provider_6() -> Iterator[OIDCProvider]:
    try:
        with running(OLDER) as provider:
            yield provider
    except NotAvailable as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


@pytest.fixture
def requests() -> Recorder:
    return Recorder()


@pytest.fixture
def origin(database: None, settings: Settings, oidc_provider_6: OIDCProvider, requests: Recorder) -> Iterator[str]:
    """The site's: of the same site as the OP."""
    settings.SILENT_SSO_ISSUER = oidc_provider_6.issuer
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = "site", CLIENT_SECRET
    settings.ROOT_URLCONF, settings.LOGIN_URL = "tests.browser.urls", "oidc_authentication_init"
    settings.SILENT_SSO_MONITOR = ("check_session",)
    for forget in (cache.clear, op.forget, health.forget):
        forget()
    with serving(requests) as address:  # type: ignore[arg-type]  # a WSGI application, too
        origin = f"http://127.0.0.1:{urlsplit(address).port}"
        oidc_provider_6.reset(origin)
        yield origin


@pytest.fixture
def tab(browser: Chromium, origin: str, oidc_provider_6: OIDCProvider) -> Iterator[Tab]:
    """A page that shows alice, and watches."""
    tab = browser.tab
    serve(tab, "https://polyfill.io/**", "")
    serve(tab, "https://cdnjs.cloudflare.com/**", npm.needed("jssha-2").read_text(encoding="utf-8"), "text/javascript")
    tab.before_each_page(QUICK + HEARD)
    tab.open(f"{origin}/oidc/authenticate/?next=/page/")
    tab.type("input[name=login]", "alice")
    tab.type("input[name=password]", "any")
    tab.click("button[type=submit]")
    tab.until(f"location.href === '{origin}/page/' && document.readyState === 'complete'")
    assert tab.text("#user") == "alice"
    oidc_provider_6.forget_calls()
    yield tab
    browser.leave()


@pytest.fixture
def told() -> Iterator[Event]:
    """The OP has told the site that the session is over."""
    told = Event()

    def listen(**_: Any) -> None:
        told.set()

    session_terminated.connect(listen)
    yield told
    session_terminated.disconnect(listen)


@pytest.mark.parametrize(
    ("front_channel", "reason", "transport"),
    [(True, "not_signed_in", "session"), (False, "login_required", "frame")],
    ids=["told", "not told"],
)
def test_a32_m06_real_op_says_unchanged_and_after_a_sign_out_there_changed(
    tab: Tab,
    oidc_provider_6: OIDCProvider,
    browser: Chromium,
    requests: Recorder,
    told: Event,
    front_channel: bool,
    reason: str,
    transport: str,
) -> None:
    """The OP also tells the site, by a frame in its own page (Front-Channel Logout); or cannot."""
    requests.broken = "" if front_channel else "/oidc/frontchannel-logout/"
    found: dict[str, Any] = tab.run("JSON.parse(document.getElementById('silent-sso-config').textContent)")
    assert found["check_session"]["url"] == f"{oidc_provider_6.issuer}/session/check?client_id=site"
    assert found["check_session"]["session_state"]
    tab.until(f"{TOLD}.split('unchanged').length > 4")
    assert set(tab.run(TOLD).split(";")) == {f"{oidc_provider_6.issuer} unchanged", ""}
    assert tab.names() == []
    assert "/auth" not in {call.path for call in oidc_provider_6.calls()}

    there = browser.new_tab(f"{oidc_provider_6.issuer}/session/end")
    there.click("button[value=yes]")
    there.until("document.body.innerText.toLowerCase().includes('sign-out success')")
    assert not front_channel or told.wait(PATIENCE)  # its page does not wait for that frame on a busy machine
    there.close()
    tab.show()
    event = tab.event("signed-out")
    assert (event["reason"], event["transport"]) == (reason, transport)
    tab.until("document.querySelector('#user')?.textContent === 'nobody'")
    assert f"{oidc_provider_6.issuer} changed;" in tab.run(TOLD)
    if not front_channel:  # else only the page that was loaded again asks, for a visitor
        assert "/auth" in {call.path for call in oidc_provider_6.calls()}
