"""Each check, seen firing and seen silent: every mistake in the settings is a check with a hint, not a 500."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks

from django_silent_sso.check_messages import MESSAGES
from django_silent_sso.checks import check_deployment, check_installation, check_settings
from tests.check_cases import AUTH, CASES, OURS, SESSION, SHARED, Settings
from tests.test_conf import GARBAGE, SETTINGS


def found() -> list[CheckMessage]:
    """Ours alone, as `manage.py check --deploy` finds them."""
    messages = run_checks(include_deployment_checks=True)
    return [message for message in messages if str(message.id).startswith("django_silent_sso.")]


def ids(messages: list[CheckMessage]) -> list[str]:
    return sorted(str(message.id).removeprefix("django_silent_sso.") for message in messages)


@pytest.fixture
def site(settings: Any) -> Any:
    """The test project's settings, with what a site in production adds."""
    settings.CACHES = SHARED
    return settings


def test_a_site_as_the_readme_writes_it_has_nothing_to_hear(site: Any) -> None:
    assert found() == []


def test_every_check_is_of_ours_and_has_text_and_hint(settings: Any) -> None:
    settings.SILENT_SSO_ISSUER = None
    (error, warning) = sorted(found(), key=lambda message: -message.level)
    assert (error.id, error.level, error.msg) == ("django_silent_sso.E001", ERROR, MESSAGES["E001"][0])
    assert error.hint == MESSAGES["E001"][1]
    assert (warning.id, warning.level) == ("django_silent_sso.W007", WARNING)


def rows(which: int) -> list[Any]:
    return [
        pytest.param(code, change, id=f"{code}: {str(change)[:70]}")
        for code, pair in CASES.items()
        for change in pair[which]
    ]


def test_every_check_is_tried_both_ways() -> None:
    assert set(CASES) == set(MESSAGES)
    assert all(firing and silent for firing, silent in CASES.values())


@pytest.mark.parametrize(("code", "change"), rows(0))
def test_it_fires_for(site: Any, code: str, change: Settings) -> None:
    for name, value in change.items():
        setattr(site, name, value)
    messages = found()
    assert ids(messages) == [code], "this one, once, and no other"
    assert "{" not in messages[0].msg + str(messages[0].hint)


@pytest.mark.parametrize(("code", "change"), rows(1))
def test_it_is_silent_for(site: Any, code: str, change: Settings) -> None:
    for name, value in change.items():
        setattr(site, name, value)
    assert code not in ids(found())


def test_each_mistake_is_told_by_its_name(site: Any) -> None:
    site.SILENT_SSO_GRACE_SECONDS = site.SILENT_SSO_LEEWAY_SECONDS = "x"
    site.MIDDLEWARE = [OURS]
    told = Counter(str(message.msg) for message in found())
    assert told["SILENT_SSO_GRACE_SECONDS is not a number of seconds."] == 1
    assert told["SILENT_SSO_LEEWAY_SECONDS is not a number of seconds."] == 1
    assert told[f"SilentSSOMiddleware is not in MIDDLEWARE after {SESSION}."] == 1
    assert told[f"SilentSSOMiddleware is not in MIDDLEWARE after {AUTH}."] == 1


@pytest.mark.parametrize(
    "name", [*SETTINGS, "OIDC_ALLOW_UNSECURED_JWT", "OIDC_USE_PKCE", "SESSION_ENGINE", "ALLOWED_HOSTS"]
)
def test_no_value_whatever_breaks_the_checks_themselves(site: Any, name: str) -> None:
    """A check that fails in place of the setting would tell nobody what is wrong."""
    for value in GARBAGE if name.startswith(("OIDC_", "SILENT_SSO_")) else ["", "nonsense"]:
        setattr(site, name, value)
        for check in (check_settings, check_installation, check_deployment):
            for message in check(None):
                assert message.hint
