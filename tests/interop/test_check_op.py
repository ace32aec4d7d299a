"""`check_op` and real OPs: npm's oidc-provider 9 and 6, and django-oauth-toolkit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.handlers.wsgi import WSGIHandler

from django_silent_sso.examination.examine import examine
from django_silent_sso.examination.findings import Level
from tests.interop import toolkit_process
from tests.interop.conftest import _forget_everything
from tests.interop.oidc_provider.install import OLDER, NotAvailable
from tests.interop.oidc_provider.process import CLIENT_SECRET, OIDCProvider, running
from tests.interop.site_server import serving
from tests.interop.site_under_test import Site

if TYPE_CHECKING:
    from pytest_django import Settings

SECONDS = 30


def levels(origin: str) -> dict[str, Level]:
    return {item.id: item.level for item in examine(origin, SECONDS)}


def errors(origin: str) -> list[str]:
    return [word for word, level in levels(origin).items() if level is Level.ERROR]


def test_oidc_provider_9(site: Site, oidc_provider: OIDCProvider, settings: Settings) -> None:
    everything = levels(site.origin)
    assert [word for word, level in everything.items() if level is Level.ERROR] == []
    assert {"silent_answered", "iss_sent", "client_accepted", "redirect_uri_checked"} <= set(everything)
    assert "web_message_works" in everything
    assert {"back_channel_announced", "sign_out_possible", "refresh_tokens_announced"} <= set(everything)
    settings.OIDC_RP_CLIENT_SECRET = "wrong"
    assert errors(site.origin) == ["client_refused"]


def test_oidc_provider_9_does_not_know_this_address(oidc_provider: OIDCProvider) -> None:
    assert errors("https://another.example") == ["silent_not_registered"]


def test_oidc_provider_9_does_not_know_this_client(site: Site, oidc_provider: OIDCProvider, settings: Settings) -> None:
    settings.OIDC_RP_CLIENT_ID = "nobody"
    assert errors(site.origin) == ["silent_not_registered", "client_refused"]


def test_oidc_provider_9_signs_with_another_algorithm(
    site: Site, oidc_provider: OIDCProvider, settings: Settings
) -> None:
    settings.OIDC_RP_SIGN_ALGO = "ES512"
    assert errors(site.origin) == ["keys_none_fits"]


@pytest.fixture
def older(database: None, settings: Settings) -> Iterator[str]:
    """oidc-provider 6, and our site's origin."""
    stack = ExitStack()
    try:
        provider = stack.enter_context(running(OLDER))
    except NotAvailable as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))
    settings.ROOT_URLCONF = "tests.interop.site_urls"
    settings.SILENT_SSO_ISSUER = provider.issuer
    settings.OIDC_RP_CLIENT_ID = "site"
    settings.OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
    _forget_everything()
    with stack, serving(WSGIHandler()) as origin:
        provider.reset(origin)
        yield origin
    _forget_everything()


def test_oidc_provider_6(older: str) -> None:
    everything = levels(older)
    assert [word for word, level in everything.items() if level is Level.ERROR] == []
    assert {"silent_answered", "iss_not_on_errors", "check_session_works", "client_accepted"} <= set(everything)


@pytest.fixture
def toolkit(database: None, tmp_path: Path, settings: Settings) -> Iterator[str]:
    """django-oauth-toolkit with `prompt=none` repaired, and our site's origin."""
    settings.ROOT_URLCONF = "tests.interop.site_urls"
    settings.OIDC_RP_CLIENT_ID = "news"
    settings.OIDC_RP_CLIENT_SECRET = CLIENT_SECRET
    with serving(WSGIHandler()) as origin, toolkit_process.running(origin, tmp_path) as issuer:
        settings.SILENT_SSO_ISSUER = issuer
        _forget_everything()
        yield origin
    _forget_everything()


def test_django_oauth_toolkit(toolkit: str) -> None:
    everything = levels(toolkit)
    assert [word for word, level in everything.items() if level is Level.ERROR] == []
    assert {"silent_answered", "iss_sent", "frame_header_on_redirect", "client_accepted"} <= set(everything)
    assert {"web_message_not_announced", "logout_not_announced", "check_session_works"} <= set(everything)
