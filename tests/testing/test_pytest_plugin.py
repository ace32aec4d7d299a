"""The plugin as pytest loads it: in processes of its own, since this one has loaded everything already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from django_silent_sso.testing.pytest_plugin import point_to

ROOT = Path(__file__).parents[2]
PLUGIN = "django_silent_sso.testing.pytest_plugin"


def run(folder: Path, source: str, *options: str) -> subprocess.CompletedProcess[str]:
    """A run of pytest in a project of its own, with no other plugin than those named."""
    folder.joinpath("test_it.py").write_text(source)
    folder.joinpath("pytest.ini").write_text("[pytest]\nfilterwarnings = error\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    return subprocess.run(  # noqa: S603 (our own interpreter and file)
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", PLUGIN, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_run_without_django_never_sees_django_nor_the_provider(tmp_path: Path) -> None:
    source = f"""
import sys
def test_nothing_is_loaded(pytestconfig):
    assert pytestconfig.pluginmanager.hasplugin({PLUGIN!r})
    loaded = [name for name in sys.modules if name.split(".")[0] in ("django", "cryptography", "jwt")]
    assert loaded == []
    assert "django_silent_sso.testing.provider" not in sys.modules
"""
    result = run(tmp_path, source)
    assert result.returncode == 0, result.stdout


def test_the_fixture_without_pytest_django_says_so(tmp_path: Path) -> None:
    result = run(tmp_path, "def test_it(openid_provider): pass\n")
    assert result.returncode == 1
    assert "openid_provider needs pytest-django" in result.stdout


def test_the_marker_is_known_and_hands_options_over(tmp_path: Path) -> None:
    source = """
import pytest
@pytest.mark.openid_provider(algorithm="ES256", client_id="other")
def test_it(openid_provider, settings):
    assert openid_provider.keys.algorithm == settings.OIDC_RP_SIGN_ALGO == "ES256"
    assert settings.OIDC_RP_CLIENT_ID == "other"
"""
    result = run(tmp_path, source, "-p", "pytest_django.plugin", "--ds=tests.settings", "--strict-markers")
    assert result.returncode == 0, result.stdout


def test_a_fault_in_a_change_fails_the_test(tmp_path: Path) -> None:
    source = """
import urllib.request, urllib.error
def test_it(openid_provider):
    openid_provider.jwks.change(lambda keys: keys["none"])
    try:
        urllib.request.urlopen(openid_provider.url_of("jwks"))
    except urllib.error.HTTPError as error:
        error.close()
"""
    result = run(tmp_path, source, "-p", "pytest_django.plugin", "--ds=tests.settings")
    assert result.returncode == 1
    assert "KeyError: 'none'" in result.stdout


def test_the_site_points_to_the_provider(openid_provider: OpenIDProvider, settings: SimpleNamespace) -> None:
    assert openid_provider.running
    assert openid_provider.issuer == settings.SILENT_SSO_ISSUER
    assert openid_provider.client_secret == settings.OIDC_RP_CLIENT_SECRET
    assert openid_provider.sessions == ()


def test_endpoints_and_proxy_of_the_real_provider_are_out_of_the_way(provider: OpenIDProvider) -> None:
    settings = SimpleNamespace(
        OIDC_OP_TOKEN_ENDPOINT="https://id.example.org/token", OIDC_PROXY={"https": "http://proxy"}
    )
    point_to(settings, provider)
    assert provider.url_of("token") == settings.OIDC_OP_TOKEN_ENDPOINT
    assert settings.OIDC_PROXY is None
    assert not hasattr(settings, "OIDC_OP_JWKS_ENDPOINT")


def test_nobody_pays_for_names_nobody_asks_for() -> None:
    code = "import sys, django_silent_sso.testing as t; assert 'jwt' not in sys.modules; t.OpenIDProvider; t.nothing"
    result = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert "has no attribute 'nothing'" in result.stderr


@pytest.mark.openid_provider(algorithm="EdDSA")
def test_options_in_this_process(openid_provider: OpenIDProvider) -> None:
    assert openid_provider.keys.algorithm == "EdDSA"
