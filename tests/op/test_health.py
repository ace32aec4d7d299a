"""Whether a person may be sent to the OP: its host takes connections, and it answers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.op import breaker, health, provider
from django_silent_sso.op.provider import discovery_url
from django_silent_sso.testing import OpenIDProvider
from tests.broken_cache import BROKEN
from tests.conftest import Clock

if TYPE_CHECKING:
    from pytest_django import Settings

NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _now(clock: Clock) -> None:
    """Answers are heard at the real time, and that is `NOW`."""
    clock.stop(NOW)


@pytest.fixture
def url(openid_provider: OpenIDProvider) -> str:
    return openid_provider.url_of("authorize")


def endpoints(provider: OpenIDProvider) -> list[str]:
    return [call.endpoint for call in provider.calls]


def test_c6_one_that_was_not_heard_of_is_asked_for_its_metadata_once(openid_provider: OpenIDProvider, url: str) -> None:
    assert health.reachable(url)
    assert endpoints(openid_provider) == ["discovery"]
    assert health.reachable(url, NOW + 29.9)
    assert endpoints(openid_provider) == ["discovery"]
    assert health.reachable(url, NOW + 30)
    assert endpoints(openid_provider) == ["discovery", "discovery"]


def test_one_that_has_just_answered_something_is_asked_nothing(openid_provider: OpenIDProvider, url: str) -> None:
    breaker.heard(openid_provider.url_of("token"), NOW)
    assert health.reachable(url, NOW)
    assert openid_provider.calls == []


# -- connections ---------------------------------------------------------------------------------------------------


def test_c6_a_connection_is_trusted_for_five_seconds(openid_provider: OpenIDProvider, url: str) -> None:
    assert not health.is_known(url, NOW)
    assert health.reachable(url, NOW)
    openid_provider.stop()
    assert health.is_known(url, NOW + 4.9)
    assert health.reachable(url, NOW + 4.9)
    assert not health.is_known(url, NOW + 5)
    assert not health.reachable(url, NOW + 5)


def test_c6_none_is_believed_for_fifteen_seconds(
    openid_provider: OpenIDProvider, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    openid_provider.stop()
    assert not health.reachable(url, NOW)
    assert caplog.messages == [
        f"op_unreachable: 127.0.0.1:{openid_provider.port} takes no connection (ConnectionRefusedError)"
    ]
    openid_provider.start()
    assert not health.reachable(url, NOW + 14.9)
    assert health.is_known(url, NOW + 14.9)
    assert health.reachable(url, NOW + 15)


def test_c54_a_clock_that_was_set_back_is_no_reason_to_believe(openid_provider: OpenIDProvider, url: str) -> None:
    assert health.reachable(url, NOW)
    openid_provider.stop()
    assert not health.reachable(url, NOW - 3600)


def test_every_host_and_port_is_judged_for_itself(openid_provider: OpenIDProvider, url: str) -> None:
    with OpenIDProvider() as other:
        assert health.reachable(other.url_of("authorize"), NOW)
    assert health.is_known(other.url_of("authorize"), NOW)
    assert not health.is_known(url, NOW)
    health.forget()
    assert not health.is_known(other.url_of("authorize"), NOW)


# -- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [500, 502, 503])
def test_c6_c12_one_that_takes_connections_and_answers_with_errors_is_left_alone(
    openid_provider: OpenIDProvider, url: str, status: int
) -> None:
    provider.metadata(NOW)
    breaker.forget()
    openid_provider.forget_calls()
    openid_provider.fail("discovery", status=status)
    openid_provider.fail("jwks", status=status)
    assert not health.reachable(url, NOW)
    assert not health.reachable(url, NOW + 14.9)
    assert endpoints(openid_provider) == ["discovery", "jwks"], "each once in fifteen seconds"
    openid_provider.behave()
    assert health.reachable(url, NOW + 15)


def test_c2_one_that_only_cannot_give_its_discovery_document_is_at_home(
    openid_provider: OpenIDProvider, url: str
) -> None:
    provider.metadata(NOW)
    breaker.forget()
    openid_provider.fail("discovery")
    assert health.reachable(url, NOW)


def test_one_that_has_never_given_it_is_not(openid_provider: OpenIDProvider, url: str) -> None:
    openid_provider.fail("discovery")
    assert not health.reachable(url, NOW)


def test_c6_c7_one_that_hangs_costs_one_bounded_wait(
    openid_provider: OpenIDProvider, url: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OIDC_TIMEOUT = 0.1
    with openid_provider.hang("discovery") as hang:
        assert not health.reachable(url, NOW)
        assert any(message.startswith("op_timeout") for message in caplog.messages)
        hang.wait_until_reached()
        caplog.clear()
        assert not health.reachable(url, NOW + 14)
        assert caplog.messages == [], "known, and not asked again"


@pytest.mark.parametrize("status", [404, 429])
def test_any_other_answer_shows_that_somebody_is_at_home(
    openid_provider: OpenIDProvider, url: str, status: int
) -> None:
    """Whether the document is good is not asked here: the caller has one."""
    openid_provider.fail("discovery", status=status)
    assert health.reachable(url, NOW)


def test_a_redirected_document_is_none(openid_provider: OpenIDProvider, url: str) -> None:
    openid_provider.redirect("discovery", "https://elsewhere.example/")
    assert not health.reachable(url, NOW)


def test_c6_one_that_failed_at_another_endpoint_is_left_alone_unasked(
    openid_provider: OpenIDProvider, url: str
) -> None:
    breaker.failed(openid_provider.issuer, NOW)
    assert not health.reachable(url, NOW)
    assert openid_provider.calls == []


def test_it_is_asked_for_no_longer_than_two_seconds_whatever_the_setting(settings: Settings) -> None:
    settings.OIDC_TIMEOUT = 60
    assert health.ASKING <= 2


# -- without discovery, and behind a proxy -------------------------------------------------------------------------


@pytest.fixture
def by_hand(openid_provider: OpenIDProvider, settings: Settings) -> None:
    for name, value in openid_provider.endpoint_settings().items():
        setattr(settings, name, value)


@pytest.mark.usefixtures("by_hand")
def test_without_discovery_a_connection_is_enough(openid_provider: OpenIDProvider, url: str) -> None:
    openid_provider.fail("discovery", status=503)
    assert health.reachable(url, NOW)
    assert openid_provider.calls == []


@pytest.mark.usefixtures("by_hand")
def test_without_discovery_too_an_op_that_failed_is_left_alone(url: str) -> None:
    breaker.failed(url, NOW)
    assert not health.reachable(url, NOW)
    assert health.reachable(url, NOW + 15)


def test_behind_a_proxy_no_connection_is_tried_but_the_op_is_asked(
    openid_provider: OpenIDProvider, url: str, settings: Settings
) -> None:
    """The proxy may be the only way out: a connection of our own would say nothing."""
    settings.OIDC_PROXY = {"https": "http://proxy.example:3128"}
    assert not health.is_known(url, NOW)
    assert health.reachable(url, NOW)
    assert endpoints(openid_provider) == ["discovery"]
    openid_provider.stop()
    assert health.is_known(url, NOW)
    assert health.reachable(url, NOW + 29)
    assert not health.reachable(url, NOW + 30)


# -- the event loop ------------------------------------------------------------------------------------------------


def test_d75_what_is_known_is_known_without_the_shared_cache(
    url: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """`reachable()` is called on the event loop then: a cache is on the network, or may not be asked there."""
    assert health.reachable(url, NOW)
    settings.CACHES = BROKEN
    with caplog.at_level(logging.DEBUG):
        assert health.is_known(url, NOW)
        assert health.reachable(url, NOW)
        breaker.failed(discovery_url(), NOW)
        assert not health.is_known(url, NOW), "when the next one may try is a question to the cache"
    assert caplog.messages == ["storage_unavailable: other processes are not told (ConnectionError)"]


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
