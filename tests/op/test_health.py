"""Whether anybody is at home at the OP, asked without a request and remembered for a few seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from django_silent_sso.op import health
from django_silent_sso.testing import OpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

NOW = 1_800_000_000.0


def test_an_op_that_takes_connections_is_reachable_and_hears_no_request(openid_provider: OpenIDProvider) -> None:
    assert health.reachable(openid_provider.url_of("authorize"))
    assert openid_provider.calls == []


def test_c6_a_good_answer_is_trusted_for_five_seconds(openid_provider: OpenIDProvider) -> None:
    url = openid_provider.url_of("authorize")
    assert not health.is_known(url, NOW)
    assert health.reachable(url, NOW)
    openid_provider.stop()
    assert health.is_known(url, NOW + 4.9)
    assert health.reachable(url, NOW + 4.9)
    assert not health.is_known(url, NOW + 5)
    assert not health.reachable(url, NOW + 5)


def test_c6_a_bad_answer_is_believed_for_fifteen_seconds(
    openid_provider: OpenIDProvider, caplog: pytest.LogCaptureFixture
) -> None:
    url = openid_provider.url_of("authorize")
    openid_provider.stop()
    assert not health.reachable(url, NOW)
    assert caplog.messages == [
        f"op_unreachable: 127.0.0.1:{openid_provider.port} takes no connection (ConnectionRefusedError)"
    ]
    openid_provider.start()
    assert not health.reachable(url, NOW + 14.9)
    assert health.is_known(url, NOW + 14.9)
    assert health.reachable(url, NOW + 15)


def test_c54_a_clock_that_was_set_back_is_no_reason_to_believe(openid_provider: OpenIDProvider) -> None:
    url = openid_provider.url_of("authorize")
    assert health.reachable(url, NOW)
    openid_provider.stop()
    assert not health.reachable(url, NOW - 3600)


def test_every_host_and_port_is_judged_for_itself(openid_provider: OpenIDProvider) -> None:
    with OpenIDProvider() as other:
        assert health.reachable(other.url_of("authorize"), NOW)
    assert not health.is_known(openid_provider.url_of("authorize"), NOW)
    health.forget()
    assert not health.is_known(other.url_of("authorize"), NOW)


def test_behind_a_proxy_the_op_is_believed_to_be_there(openid_provider: OpenIDProvider, settings: Settings) -> None:
    openid_provider.stop()
    settings.OIDC_PROXY = {"https": "http://proxy.example:3128"}
    assert health.reachable(openid_provider.url_of("authorize"))
    assert health.is_known(openid_provider.url_of("authorize"), NOW)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://id.example.org/authorize", ("id.example.org", 443)),
        ("https://id.example.org:8443/authorize", ("id.example.org", 8443)),
        ("http://127.0.0.1/authorize", ("127.0.0.1", 80)),
        ("http://id.corp.localhost:9000/authorize", ("127.0.0.1", 9000)),
        ("https://[::1]/authorize", ("::1", 443)),
    ],
)
def test_the_address_is_that_of_the_endpoint(url: str, address: tuple[str, int]) -> None:
    assert health._address(url) == address
