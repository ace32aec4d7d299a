"""A fault in a site's own hook is reported to its admins: what the OP sent is not in the report (L03)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.core.signals import got_request_exception
from django.views.debug import ExceptionReporter

from django_silent_sso.backends import SilentSSOBackend
from tests.conftest import FETCH, NAVIGATION, Browser

if TYPE_CHECKING:
    from pytest_django import Settings


class Stumbling(SilentSSOBackend):
    def create_user(self, claims: dict[str, Any]) -> Any:
        raise RuntimeError("a hook of the site")


@pytest.fixture
def reports(browser: Browser, settings: Settings) -> Iterator[list[str]]:
    """What Django's handler mails: the page of the fault with every variable of every frame."""
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.Stumbling"]
    found: list[str] = []

    def report(request: Any, **_: object) -> None:
        found.append(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())

    got_request_exception.connect(report)
    yield found
    got_request_exception.disconnect(report)


@pytest.mark.parametrize("way", ["form_post", "fragment", "relayed"])
def test_l03_no_code_is_in_the_report_of_a_fault(
    browser: Browser, settings: Settings, reports: list[str], way: str
) -> None:
    """By query it is in the address, which every log on the way has seen; it has been used up by then."""
    browser.provider.sign_in("alice")
    if way == "relayed":
        fields = dict(parse_qsl(browser.answered(trigger="call")))
    else:
        settings.SILENT_SSO_RESPONSE_MODE = way
        answer = browser.provider.answer(browser.get("/oidc/authenticate/?next=/page/")["Location"])
        fields = dict(parse_qsl(urlsplit(answer.location).fragment)) if way == "fragment" else answer.fields
    with pytest.raises(RuntimeError, match="a hook of the site"):
        browser.client.post(
            "/oidc/callback/",
            urlencode({**fields, **({"silent_sso_fragment": "1"} if way == "fragment" else {})}),
            content_type="application/x-www-form-urlencoded",
            headers={
                "relayed": {**FETCH, "Origin": "http://testserver"},
                "fragment": {**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": "null"},
                "form_post": {**NAVIGATION, "Sec-Fetch-Site": "same-site", "Origin": browser.provider.issuer},
            }[way],
        )
    (report,) = reports
    assert "Stumbling" in report
    assert fields["code"] not in report
