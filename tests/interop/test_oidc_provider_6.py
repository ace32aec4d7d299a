"""npm's oidc-provider 6, the last one with front-channel logout and `session_state`; its logout tokens are of the older
kind, without `exp` and with `typ: JWT`.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.interop.oidc_provider.install import OLDER, NotAvailable
from tests.interop.oidc_provider.process import OIDCProvider, running
from tests.interop.scripted_browser import ScriptedBrowser, Visit
from tests.interop.site_under_test import ALICE, Site

if TYPE_CHECKING:
    from pytest_django import Settings

FRAME = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture(scope="module")
def oidc_provider_process() -> Iterator[OIDCProvider]:
    with ExitStack() as stack:
        try:
            provider = stack.enter_context(running(OLDER))
        except NotAvailable as reason:
            if os.environ.get("CI"):
                pytest.fail(str(reason), pytrace=False)
            pytest.skip(str(reason))
        yield provider


@pytest.fixture
def other_device() -> Iterator[ScriptedBrowser]:
    browser = ScriptedBrowser()
    yield browser
    browser.close()


def sign_out_at_the_op(browser: ScriptedBrowser, provider: OIDCProvider) -> list[str]:
    """On its own sign-out page; the frames that the page then loads, which are not loaded here."""
    page = browser.submit(browser.open(f"{provider.issuer}/session/end"), logout="yes")
    return [unescape(url) for url in re.findall(r'<iframe[^>]* src="([^"]+)"', page.text)]


def test_a_stale_session_is_renewed_and_a_refused_one_ended(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, settings: Settings
) -> None:
    for ways in (("refresh_token", "redirect"), ("redirect",)):
        settings.SILENT_SSO_RENEW_WITH = ways
        site.make_stale(alice)
        assert alice.open(site("/page/a")).json["user"] == ALICE
    oidc_provider.end_session()
    site.make_overdue(alice)
    assert "/interaction/" in alice.open(site("/page/a")).url


def test_a_frame_in_the_op_s_sign_out_page_ends_the_session_here(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, other_device: ScriptedBrowser
) -> None:
    site.sign_in(other_device)
    (frame,) = sign_out_at_the_op(alice, oidc_provider)
    assert frame.startswith(site("/oidc/frontchannel-logout/"))
    assert parse_qs(urlsplit(frame).query).keys() == {"iss", "sid"}
    assert site.who(alice) == ALICE, "not yet"
    answer = other_device.fetch(frame, headers=FRAME)  # whoever's browser: the sid alone counts
    assert answer.status_code == 200
    assert f"frame-ancestors {oidc_provider.issuer}" in answer.headers["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer.headers
    assert (site.who(alice), site.who(other_device)) == (None, ALICE)
    assert other_device.fetch(frame, headers=FRAME).status_code == 200, "once more, and nothing happens"
    assert site.who(other_device) == ALICE


def state_at_the_op(browser: ScriptedBrowser, provider: OIDCProvider, site: Site) -> str:
    """What the OP's iframe would compute (Session Management 3.2), without a salt as it has none here."""
    cookie = browser.cookies.get(provider.issuer, "_state.site")
    digest = sha256(f"site {site.origin} {cookie}".encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_the_session_state_comes_along_and_changes_with_a_sign_out(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser
) -> None:
    def told(visit: Visit) -> list[str]:
        queries = [parse_qs(urlsplit(hop.url).query) for hop in visit.hops]
        return [query["session_state"][0] for query in queries if "session_state" in query]

    (state,) = told(site.sign_in(browser))
    assert state == state_at_the_op(browser, oidc_provider, site)
    sign_out_at_the_op(browser, oidc_provider)
    assert state != state_at_the_op(browser, oidc_provider, site), "changed, as the iframe would say"
