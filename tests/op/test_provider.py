"""The OP as the site sees it: metadata and keys, fetched rarely, kept for bad times."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache import cache
from django.core.cache.backends.base import BaseCache

from django_silent_sso.op import provider
from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable, Reason, SilentSSOError
from django_silent_sso.testing import OpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

NOW = 1_800_000_000.0
HOUR = 3600


class BrokenCache(BaseCache):
    """A cache server that is gone."""

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def clear(self) -> None:
        """Nothing is there."""

    def get(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("no cache")

    set = add = delete = get


def reason_of(call: Any, *args: Any) -> Reason:
    with pytest.raises(SilentSSOError) as caught:
        call(*args)
    return caught.value.reason


def discoveries(op: OpenIDProvider) -> int:
    return len(op.calls_to("discovery"))


def test_a20_the_endpoints_come_from_the_discovery_document(openid_provider: OpenIDProvider) -> None:
    found = provider.metadata()
    assert found.issuer == openid_provider.issuer
    assert found.authorization_endpoint == openid_provider.url_of("authorize")
    assert found.iss_parameter_supported
    assert openid_provider.calls_to("discovery")[0].headers["cache-control"] == "no-cache"


def in_fifty_threads(work: Any) -> list[Any]:
    together = Barrier(50)

    def one(_: int) -> Any:
        together.wait()
        try:
            return work()
        except SilentSSOError as error:
            return error.reason

    with ThreadPoolExecutor(50) as pool:
        return list(pool.map(one, range(50)))


def test_c44_fifty_threads_at_a_cold_cache_ask_once(openid_provider: OpenIDProvider) -> None:
    found = in_fifty_threads(provider.metadata)
    assert {each.token_endpoint for each in found} == {openid_provider.url_of("token")}
    assert discoveries(openid_provider) == 1


def test_fifty_threads_hear_of_one_failure(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("discovery", status=503)
    assert set(in_fifty_threads(provider.metadata)) == {Reason.OP_STATUS}
    assert discoveries(openid_provider) == 1


def test_nobody_waits_longer_than_the_time_out_for_somebody_else_s_call(
    openid_provider: OpenIDProvider, settings: Settings
) -> None:
    """Not even where that call outlives its own: the one who waits goes on with what there is."""
    document = provider.Document("test")
    url = openid_provider.url_of("discovery")
    with ThreadPoolExecutor(1) as pool, openid_provider.hang("discovery") as hang:
        slow = pool.submit(document.get, url, lambda _: None, NOW)
        hang.wait_until_reached()
        settings.OIDC_TIMEOUT = 0.05
        assert reason_of(document.get, url, lambda _: None, NOW) is Reason.OP_TIMEOUT
        hang.release()
        assert slow.result()["issuer"] == openid_provider.issuer


def test_a_copy_serves_for_an_hour_and_other_processes_too(openid_provider: OpenIDProvider) -> None:
    assert not provider.metadata_is_warm(NOW)
    provider.metadata(NOW)
    assert provider.metadata_is_warm(NOW + HOUR - 1)
    assert not provider.metadata_is_warm(NOW + HOUR)
    provider.metadata(NOW + HOUR - 1)
    provider.forget()  # another process, the same cache
    assert not provider.metadata_is_warm(NOW)
    provider.metadata(NOW + HOUR - 1)
    assert provider.metadata_is_warm(NOW + HOUR - 1)
    assert discoveries(openid_provider) == 1
    provider.metadata(NOW + HOUR)
    assert discoveries(openid_provider) == 2


def test_c54_a_clock_that_was_set_back_makes_no_copy_immortal(openid_provider: OpenIDProvider) -> None:
    provider.metadata(NOW)
    provider.metadata(NOW - HOUR)
    assert discoveries(openid_provider) == 2


BAD_DOCUMENTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "404": {"status": 404, "body": "not here"},
    "204": {"status": 204},
    "html": {"status": 200, "body": "<html>"},
    "empty": {"status": 200},
    "list": {"status": 200, "body": []},
    "huge": {"status": 200, "body": b" " * 600_000},
    "invalid_utf8": {"status": 200, "body": b'{"issuer": "\xff"}'},
    "no_gzip": {"status": 200, "body": b"{}", "headers": {"Content-Encoding": "gzip"}},
    "redirect": {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
}


@pytest.mark.parametrize("answer", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_c2_the_last_good_copy_serves_for_a_day_and_then_nothing_does(
    openid_provider: OpenIDProvider, answer: dict[str, Any]
) -> None:
    good = provider.metadata(NOW)
    openid_provider.fail("discovery", **answer)
    assert provider.metadata(NOW + HOUR) == good
    assert provider.metadata(NOW + 24 * HOUR - 1) == good
    assert reason_of(provider.metadata, NOW + 24 * HOUR) is not None


@pytest.mark.parametrize("answer", BAD_DOCUMENTS.values(), ids=BAD_DOCUMENTS)
def test_c1_c2_a_failure_is_remembered_for_half_a_minute(
    openid_provider: OpenIDProvider, answer: dict[str, Any]
) -> None:
    with openid_provider.fail("discovery", **answer):
        first = reason_of(provider.metadata, NOW)
        assert reason_of(provider.metadata, NOW + 29) is first
        assert discoveries(openid_provider) == 1
        assert reason_of(provider.metadata, NOW + 30) is first
        assert discoveries(openid_provider) == 2
    assert provider.metadata(NOW + 60).issuer == openid_provider.issuer


def test_c1_an_op_that_is_down_is_asked_again_when_it_may_be_back(openid_provider: OpenIDProvider) -> None:
    openid_provider.stop()
    assert reason_of(provider.metadata, NOW) is Reason.OP_UNREACHABLE
    openid_provider.start()
    assert reason_of(provider.metadata, NOW + 1) is Reason.OP_UNREACHABLE
    assert provider.metadata(NOW + 30).issuer == openid_provider.issuer


def test_c3_a_wrong_content_type_does_no_harm(openid_provider: OpenIDProvider) -> None:
    openid_provider.add_headers("discovery", {"Content-Type": "text/plain"})
    assert provider.metadata().issuer == openid_provider.issuer


def test_a22_metadata_of_another_issuer_are_refused_and_not_kept(openid_provider: OpenIDProvider) -> None:
    with openid_provider.switch_on("metadata_issuer_mismatch"):
        assert reason_of(provider.metadata, NOW) is Reason.METADATA_ISSUER_MISMATCH
    assert provider.metadata(NOW + 30).issuer == openid_provider.issuer


def test_retry_after_of_the_op_is_passed_on(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("discovery", status=503, headers={"Retry-After": "77"})
    with pytest.raises(OPUnavailable) as caught:
        provider.metadata()
    assert caught.value.retry_after == 77


@pytest.mark.parametrize(
    "garbage",
    [
        "text",
        {"at": "yesterday", "document": {}},
        {"at": NOW - HOUR, "document": {}},
        {"at": NOW + HOUR, "document": {}},
        {"at": NOW},
    ],
    ids=["no_dict", "no_number", "old", "from_the_future", "no_document"],
)
def test_c69_what_is_wrong_in_the_cache_is_fetched_again(openid_provider: OpenIDProvider, garbage: object) -> None:
    cache.set(provider._discovery._key(provider.discovery_url()), garbage)
    assert provider.metadata(NOW).issuer == openid_provider.issuer
    assert discoveries(openid_provider) == 1


def test_c69_without_a_cache_every_process_remembers_for_itself(
    openid_provider: OpenIDProvider, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CACHES = {"default": {"BACKEND": "tests.op.test_provider.BrokenCache"}}
    for _ in range(2):
        assert provider.metadata(NOW).issuer == openid_provider.issuer
    assert discoveries(openid_provider) == 1
    assert "storage_unavailable: discovery is kept in this process only (ConnectionError)" in caplog.messages


# -- settings that overrule ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "member"),
    [
        ("OIDC_OP_AUTHORIZATION_ENDPOINT", "authorization_endpoint"),
        ("OIDC_OP_TOKEN_ENDPOINT", "token_endpoint"),
        ("OIDC_OP_USER_ENDPOINT", "userinfo_endpoint"),
        ("OIDC_OP_JWKS_ENDPOINT", "jwks_uri"),
        ("OIDC_OP_LOGOUT_ENDPOINT", "end_session_endpoint"),
        ("OIDC_OP_CHECK_SESSION_ENDPOINT", "check_session_iframe"),
    ],
)
def test_one_setting_overrides_one_endpoint(
    openid_provider: OpenIDProvider, settings: Settings, setting: str, member: str
) -> None:
    before = provider.metadata()
    setattr(settings, setting, "https://op.example.org/by-hand")
    after = provider.metadata()
    changed = {n for n in before.__slots__ if getattr(before, n) != getattr(after, n)}
    assert (changed, getattr(after, member)) == ({member}, "https://op.example.org/by-hand")
    assert discoveries(openid_provider) == 1


def test_with_all_endpoints_set_no_discovery_is_made(openid_provider: OpenIDProvider, settings: Settings) -> None:
    for name, url in openid_provider.endpoint_settings().items():
        setattr(settings, name, url)
    assert provider.metadata_is_warm(NOW)
    assert provider.metadata().token_endpoint == openid_provider.url_of("token")
    assert openid_provider.calls == []


def test_an_insecure_endpoint_set_by_hand_is_refused(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://op.example.org/token"
    assert reason_of(provider.metadata) is Reason.ENDPOINT_INSECURE


@pytest.mark.parametrize("missing", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_without_settings_there_is_no_op(settings: Settings, missing: str) -> None:
    setattr(settings, missing, None)
    with pytest.raises(ConfigurationError) as caught:
        provider.metadata()
    assert caught.value.reason is Reason.NOT_CONFIGURED
    assert provider.metadata_is_warm(NOW) is False


@pytest.mark.parametrize("issuer", ["https://id.example.org/realms/a", "https://id.example.org/realms/a/"])
def test_the_document_lies_below_the_issuer_s_path(settings: Settings, issuer: str) -> None:
    settings.SILENT_SSO_ISSUER = issuer
    assert provider.discovery_url() == "https://id.example.org/realms/a/.well-known/openid-configuration"
