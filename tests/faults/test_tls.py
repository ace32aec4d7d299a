"""C.6: certificates that must not be believed, and names."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.op import http
from tests.conftest import Browser, told
from tests.faults.certificates import Authority
from tests.faults.conftest import AGES, Log, Member, Visitor, behind, forget_the_op
from tests.faults.proxy import FaultProxy

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def proxy(authority: Authority, settings: Settings) -> Iterator[FaultProxy]:
    settings.OIDC_VERIFY_SSL = str(authority.file)
    with FaultProxy(tls=authority.server()) as proxy:
        yield proxy


def old_tls(authority: Authority) -> ssl.SSLContext:
    context = authority.server()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


BAD: dict[str, Callable[[Authority], ssl.SSLContext]] = {
    "expired": lambda authority: authority.server(days=-1),
    "self_signed": lambda authority: authority.server(by_itself=True),
    "of_another_host": lambda authority: authority.server("id.example.org"),
    "of_an_unknown_authority": lambda authority: Authority(authority.folder, "other").server(),
    "old_tls": old_tls,
}


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_c58_c19_a_certificate_that_does_not_hold_is_not_believed(
    trial: Visitor | Member,
    proxy: FaultProxy,
    authority: Authority,
    log: Log,
    make: Callable[[Authority], ssl.SSLContext],
) -> None:
    callback = trial.browser.at_op(trial.browser.get("/page/")["Location"])
    good = authority.server()
    proxy.use(make(authority))
    http._session().close()  # a connection that was good stays good; new ones are made from now on
    proxy.seen.clear()
    assert trial.browser.get(callback)["Location"] == "/page/"
    trial.is_unharmed()
    forget_the_op()
    trial.page()
    assert proxy.seen == [], "nothing is said to a stranger, the client secret least of all"
    assert "op_unreachable" in log.reasons

    proxy.use(good)
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c58_without_a_bundle_the_system_s_authorities_count(browser: Browser, settings: Settings) -> None:
    settings.OIDC_VERIFY_SSL = True
    assert told(browser.get("/oidc/authenticate/")) == (503, "op_unreachable")


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_c58_only_an_explicit_setting_switches_it_off(
    browser: Browser, proxy: FaultProxy, authority: Authority, settings: Settings
) -> None:
    proxy.use(authority.server("id.example.org", by_itself=True))
    settings.OIDC_VERIFY_SSL = False
    browser.sign_in("alice")


def test_c59_a_bundle_of_the_site_s_own_is_believed(trial: Visitor | Member) -> None:
    trial.page()
    assert trial.user != "nobody"


def test_c60_a_provider_on_ipv6_only(make_browser: Callable[..., Browser], settings: Settings) -> None:
    try:
        proxy = FaultProxy(host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6")
    with proxy, behind(proxy, settings) as provider:
        browser = make_browser()
        browser.provider = provider
        browser.sign_in("alice")
        assert "/token" in proxy.seen


def test_c61_a_connection_that_has_ended_meanwhile_is_replaced(
    browser: Browser, proxy: FaultProxy, settings: Settings
) -> None:
    """Whether by a new address or a restart: what was pooled is gone, and the next call makes a new connection."""
    settings.OIDC_VERIFY_SSL = True
    provider = browser.provider
    provider._issuer = None  # straight to the provider, which keeps connections
    for name, value in provider.settings().items():
        setattr(settings, name, value)
    forget_the_op()
    browser.sign_in("alice")
    provider.stop()
    with socket.create_server((provider.host, provider.port)):
        pass  # nobody there in between
    provider.start()
    browser.client.cookies.clear()
    browser.sign_in("alice")
