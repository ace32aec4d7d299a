"""The whole examination: its order, what it goes without, and that nothing secret comes out of it."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.examination.findings import Level
from django_silent_sso.testing import OpenIDProvider
from tests.examination.examined import ORIGIN, found

if TYPE_CHECKING:
    from pytest_django import Settings


def errors() -> list[str]:
    return [word for word, item in found().items() if item.level is Level.ERROR]


def test_a_good_op_has_no_error(provider: OpenIDProvider) -> None:
    everything = found()
    assert [word for word, item in everything.items() if item.level is not Level.OK] == [
        "connection_plain",
        "frame_page_allowed",
        "other_site",
    ]
    assert "silent_answered" in everything
    assert f"{ORIGIN}/oidc/backchannel-logout/" in everything["back_channel_announced"].text


def test_no_secret_comes_out_of_it(provider: OpenIDProvider) -> None:
    told = " ".join(str(item) for item in found().values())
    sent = [value for call in provider.calls for name, value in call.parameters.items() if name in SECRETS]
    assert len(sent) > 5
    assert [value for value in sent if value in told] == []


SECRETS = ("state", "nonce", "code_challenge", "code", "code_verifier", "client_secret")


def test_without_settings_nobody_is_asked(provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_ID = None
    assert list(found()) == ["not_configured"]
    assert provider.calls == []


def test_without_a_document_there_is_nothing_more_to_ask(provider: OpenIDProvider) -> None:
    provider.fail("discovery", status=404)
    assert list(found()) == ["discovery_failed"]
    assert len(provider.calls) == 1


def test_with_a_document_that_cannot_be_used_neither(provider: OpenIDProvider) -> None:
    provider.switch_on("metadata_issuer_mismatch")
    assert list(found()) == ["discovery_read", "discovery_refused"]


def test_with_all_endpoints_set_by_hand(provider: OpenIDProvider, settings: Settings) -> None:
    for name, url in provider.endpoint_settings().items():
        setattr(settings, name, url)
    everything = found()
    assert "discovery_not_needed" in everything
    assert {"silent_answered", "client_accepted", "keys_fit", "sign_out_possible"} <= set(everything)
    assert provider.calls_to("discovery") == []
    assert not [word for word in everything if word.endswith("announced") and word != "web_message_not_announced"]


def test_without_an_origin_no_request_is_tried(provider: OpenIDProvider) -> None:
    everything = found(origin=None)
    assert {"origin_unknown", "client_accepted"} <= set(everything)
    assert provider.calls_to("authorize") == []
    assert "https://<site>/oidc/backchannel-logout/" in everything["back_channel_announced"].text


def test_without_our_urls_neither(provider: OpenIDProvider, settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.without_our_urls"
    assert "urls_missing" in found()
    assert provider.calls_to("authorize", "token") == []


@pytest.mark.parametrize(("ahead", "word"), [(0, "clock_agrees"), (3600, "clock_differs"), (-3600, "clock_differs")])
def test_the_clocks(provider: OpenIDProvider, ahead: int, word: str) -> None:
    provider.add_headers("discovery", {"Date": formatdate(time.time() + ahead, usegmt=True)})
    assert word in found()


def test_time_is_limited(provider: OpenIDProvider) -> None:
    everything = found(seconds=0)
    assert list(everything) == ["discovery_failed"]
    assert provider.calls == []


def test_an_op_that_hangs_is_left_in_time(provider: OpenIDProvider) -> None:
    with provider.hang("authorize"):
        everything = found(seconds=1)
    assert {"silent_no_answer", "time_is_up"} <= set(everything)


def test_an_op_without_a_clock(provider: OpenIDProvider, settings: Settings) -> None:
    for name, url in provider.endpoint_settings().items():
        setattr(settings, name, url)
    provider.stop()
    assert {"clock_unknown", "silent_no_answer", "keys_failed"} <= set(found())


@pytest.mark.parametrize(
    ("change", "word"),
    [("wrong secret", "client_refused"), ("no pages", "silent_page"), ("500", "silent_server_error")],
)
def test_traits_of_real_ops(provider: OpenIDProvider, settings: Settings, change: str, word: str) -> None:
    if change == "wrong secret":
        settings.OIDC_RP_CLIENT_SECRET = "another"
    elif change == "no pages":
        provider.show_page()
    else:
        provider.fail("authorize")
    assert word in found()
    assert (word in errors()) == (word != "silent_page")
