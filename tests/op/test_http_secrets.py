"""What the HTTP client does not send, keep or tell."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from django_silent_sso.op.http import MAX_BODY, fetch
from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable
from django_silent_sso.testing import OpenIDProvider

if TYPE_CHECKING:
    from pytest_django import Settings

CANARY = "canary-7f3a"


def test_cookies_of_the_op_are_not_kept(openid_provider: OpenIDProvider) -> None:
    openid_provider.add_headers("discovery", {"Set-Cookie": "op=1; Path=/"})
    for _ in range(2):
        fetch("GET", openid_provider.url_of("discovery"))
    assert [call.headers.get("cookie") for call in openid_provider.calls] == [None, None]


def test_l04_the_machine_s_netrc_and_proxies_have_no_say(
    openid_provider: OpenIDProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fetch("GET", openid_provider.url_of("userinfo"), headers={"Authorization": "Bearer mine"})
    assert openid_provider.calls[0].headers["authorization"] == "Bearer mine"
    fetch("GET", openid_provider.url_of("discovery"))
    assert "authorization" not in openid_provider.calls[1].headers


def test_the_proxy_of_the_settings_is_used(openid_provider: OpenIDProvider, settings: Settings) -> None:
    with OpenIDProvider() as proxy:
        settings.OIDC_PROXY = {"http": f"http://127.0.0.1:{proxy.port}"}
        fetch("GET", openid_provider.url_of("discovery"))
        assert (len(proxy.calls), openid_provider.calls) == (1, [])


@pytest.mark.parametrize("fault", ["closed", "disconnect", "redirect", "large", "packed", "insecure"])
def test_d26_l03_nothing_secret_is_logged_or_raised(
    openid_provider: OpenIDProvider, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    url = f"{openid_provider.url_of('token')}?code={CANARY}"
    if fault == "closed":
        openid_provider.stop()
    elif fault == "disconnect":
        openid_provider.disconnect("token")
    elif fault == "redirect":
        openid_provider.redirect("token", f"https://elsewhere.example/?{CANARY}")
    elif fault == "large":
        openid_provider.fail("token", body=CANARY.encode() * MAX_BODY)
    elif fault == "packed":
        openid_provider.fail("token", body=CANARY, headers={"Content-Encoding": "gzip", "X-Secret": CANARY})
    else:
        url = url.replace("http://127.0.0.1", "http://op.example.org")
    with pytest.raises((OPUnavailable, ConfigurationError)) as caught:
        fetch("POST", url, data={"code": CANARY}, headers={"X-Token": CANARY}, auth=("site", CANARY))
    told = "".join(traceback.format_exception_only(caught.value)) + repr(caught.value)
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("django_silent_sso"))
    assert CANARY not in told + ours
