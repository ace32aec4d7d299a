"""`manage.py check_op`: what it prints, and how it ends."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from django_silent_sso.examination.findings import GROUPS, finding
from django_silent_sso.testing import OpenIDProvider
from tests.examination.examined import ORIGIN, registered

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.fixture
def provider(openid_provider: OpenIDProvider) -> OpenIDProvider:
    return registered(openid_provider)


def printed(**options: Any) -> tuple[str, int]:
    """What it says, and its exit status."""
    out = StringIO()
    try:
        call_command("check_op", stdout=out, **{"origin": ORIGIN, "no_color": True, **options})
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def test_a_good_op(provider: OpenIDProvider) -> None:
    text, status = printed()
    assert status == 0
    titles = [line for line in text.splitlines() if not line.startswith(" ")]
    assert titles[:-1] == list(GROUPS.values())
    assert titles[-1].endswith("findings: 0 errors, 3 warnings.")
    assert "  OK      state comes back with errors. (state_returned)" in text


def test_an_error_says_what_to_do_and_ends_with_1(provider: OpenIDProvider) -> None:
    provider.add_client("site", provider.client_secret, redirect_uris=())
    text, status = printed(verbosity=0)
    assert status == 1
    assert "  ERROR   The provider refuses the request with a page (HTTP 400)" in text
    assert f"\n          -> Register this redirect URI for the client site: {ORIGIN}/oidc/callback/\n" in text
    assert "  OK" not in text


def test_levels_have_colours(provider: OpenIDProvider) -> None:
    text, _ = printed(no_color=False, force_color=True)
    assert "\x1b[" in text


def test_json(provider: OpenIDProvider) -> None:
    provider.fail("authorize")
    text, status = printed(format="json")
    told = {item["id"]: item for item in json.loads(text)}
    assert (status, "state_returned" in told) == (1, False)
    assert told["silent_server_error"] == finding("silent_server_error", status=500).as_dict()
    assert told["silent_server_error"]["level"] == "ERROR"


def test_the_origin_is_the_setting_s_unless_given(provider: OpenIDProvider, settings: Settings) -> None:
    assert "(origin_unknown)" in printed(origin=None)[0]
    settings.SILENT_SSO_ORIGIN = ORIGIN
    assert "(silent_answered)" in printed(origin=None)[0]
    assert "(silent_not_registered)" in printed(origin="https://another.example/")[0]


@pytest.mark.parametrize("origin", ["site.example", "ftp://site.example", "https://", "https://site.example/oidc/"])
def test_an_origin_that_is_none_is_a_mistake(provider: OpenIDProvider, origin: str) -> None:
    with pytest.raises(CommandError, match="--origin"):
        printed(origin=origin)


def test_time_is_limited(provider: OpenIDProvider) -> None:
    text, status = printed(seconds=0.0)
    assert (status, "(discovery_failed)" in text) == (1, True)
