"""C81: answers that are on their way to the browser while the person signs out in another tab."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.testing import make_overdue
from tests.conftest import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_c81_a_redirect_to_the_op_that_arrives_after_the_sign_out_brings_nobody_back(
    browser: Browser, settings: Settings
) -> None:
    settings.SILENT_SSO_RENEW_WITH = ("redirect",)
    browser.sign_in("alice")
    make_overdue(browser.session)
    slow = Browser(browser.provider)
    slow.client.cookies = copy.deepcopy(browser.client.cookies)
    redirected: Any = slow.get("/page/")  # under way to the browser ...
    assert redirected.status_code == 302

    browser.post("/oidc/logout/")  # ... which leaves with the cookies from before

    browser.client.cookies.update(redirected.cookies)
    browser.follow(redirected)
    assert browser.surf("/page/")[0].status_code == 200
    assert browser.user() == "nobody"
