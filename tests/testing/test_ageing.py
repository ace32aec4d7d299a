from __future__ import annotations

from typing import Any

import pytest

from django_silent_sso.testing import OpenIDProvider, make_overdue, make_stale

RENEW_AFTER, GRACE = 1000, 100


@pytest.fixture(autouse=True)
def _rules(settings: Any) -> None:
    settings.SILENT_SSO_RENEW_AFTER_SECONDS = RENEW_AFTER
    settings.SILENT_SSO_GRACE_SECONDS = GRACE


def verified_at(session: Any) -> float:
    from django_silent_sso.storage.rp_session import RPSession

    found = RPSession.read(session)
    assert found is not None
    return float(found.verified_at)


def test_stale_is_one_second_past_the_limit_and_saved(browser: Any) -> None:
    browser.sign_in()
    before = verified_at(browser.session)
    make_stale(browser.session)
    assert verified_at(browser.session) == before - RENEW_AFTER - 1


def test_overdue_is_one_second_past_the_grace_time_and_saved(browser: Any) -> None:
    browser.sign_in()
    before = verified_at(browser.session)
    make_overdue(browser.session)
    assert verified_at(browser.session) == before - RENEW_AFTER - GRACE - 1


def test_a_session_in_which_nobody_is_signed_in(browser: Any, openid_provider: OpenIDProvider) -> None:
    with pytest.raises(LookupError):
        make_stale(browser.session)
