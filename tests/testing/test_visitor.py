from __future__ import annotations

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import CALLBACK, Site


def test_stops_where_the_provider_sends_it_back_to_the_site(provider: OpenIDProvider, site: Site) -> None:
    answer = provider.answer(site.url(prompt=None), sign_in_as="alice")
    assert answer.location.startswith(CALLBACK)
    assert [call.endpoint for call in provider.calls] == ["authorize", "login", "resume"]


def test_a_page_is_no_redirect(provider: OpenIDProvider, site: Site) -> None:
    answer = provider.answer(site.url(prompt=None))
    for attribute in ("location", "parameters"):
        with pytest.raises(LookupError, match="no redirect but login"):
            getattr(answer, attribute)
    for attribute in ("action", "fields"):
        with pytest.raises(LookupError, match="no response form but login"):
            getattr(answer, attribute)


def test_an_error_page_says_what_it_says(provider: OpenIDProvider, site: Site) -> None:
    with pytest.raises(LookupError, match="invalid_client"):
        _ = provider.answer(site.url(client_id="x")).location


def test_another_providers_url_is_a_mistake_of_the_test(provider: OpenIDProvider) -> None:
    with pytest.raises(ValueError, match=r"http://127\.0\.0\.1:1 is not this provider"):
        provider.answer("http://127.0.0.1:1/authorize")


def test_sign_in_as_does_nothing_where_nobody_asks(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    assert "code" in provider.answer(site.url(), sign_in_as="bob").parameters
    assert provider.sessions[0].subject == "alice"


def test_a_url_without_a_query(provider: OpenIDProvider) -> None:
    assert provider.answer(provider.url_of("authorize")).status == 400


def test_cookies_are_each_visitors_own(provider: OpenIDProvider, site: Site) -> None:
    one, other = provider.visitor(), provider.visitor()
    one.answer(site.url(prompt=None), sign_in_as="alice")
    assert "code" in one.answer(site.url()).parameters
    assert other.answer(site.url()).parameters["error"] == "login_required"
