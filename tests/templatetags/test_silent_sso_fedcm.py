"""What pages are told of FedCM by `{% silent_sso %}`; the prompt's part is tested with the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.http import HttpRequest

from tests.templatetags.conftest import render

if TYPE_CHECKING:
    from pytest_django import Settings


@pytest.mark.parametrize("url", ["https://id.example.org/fedcm.json", None])
def test_page_knows_whether_the_browser_may_ask(visitor: HttpRequest, settings: Settings, url: str | None) -> None:
    settings.SILENT_SSO_FEDCM_CONFIG_URL = url
    html = render("{% silent_sso %}", visitor)
    assert ('"fedcm": true' in html) is (url is not None)
    assert "fedcm.json" not in html, "the address comes with the attempt"
