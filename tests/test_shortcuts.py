"""`authentication_url()`: a flow of the site's own, answered by our callback."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import RequestFactory
from django.urls import include, path

from django_silent_sso.protocol.errors import ConfigurationError, OPUnavailable, Reason
from django_silent_sso.shortcuts import authentication_url
from tests.conftest import Browser

ASKED: dict[str, Any] = {}


def step_up(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(authentication_url(request, **ASKED))


def twice(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join([authentication_url(request, return_to=f"/{n}/") for n in (1, 2)]))


urlpatterns = [
    path("step-up/", step_up),
    path("twice/", twice),
    path("oidc/", include("django_silent_sso.urls")),
]


@pytest.fixture
def site(browser: Browser, settings: Any) -> Iterator[Browser]:
    settings.ROOT_URLCONF = __name__
    yield browser
    ASKED.clear()


def asked(site: Browser, **how: Any) -> tuple[Any, dict[str, str]]:
    """The redirect, and the Authentication Request in it."""
    ASKED.update(how)
    response = site.get("/step-up/?x=1")
    assert response.status_code == 302
    url = urlsplit(response["Location"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == site.provider.url_of("authorize")
    return response, {name: values[0] for name, values in parse_qs(url.query).items()}


def test_without_more_it_is_silent_and_comes_back_to_this_page(site: Browser) -> None:
    site.provider.sign_in("alice")
    response, request = asked(site)
    assert request["prompt"] == "none"
    assert request["code_challenge_method"] == "S256"
    assert site.follow(response)["Location"] == "/step-up/?x=1"
    assert site.session["_auth_user_backend"] == "django_silent_sso.backends.SilentSSOBackend"


def test_a_silent_one_that_fails_comes_back_too(site: Browser) -> None:
    response, _ = asked(site)
    assert site.follow(response)["Location"] == "/step-up/?x=1"


@pytest.mark.parametrize("prompt", ["login", "consent", "select_account"])
def test_another_prompt_is_sent_as_it_is(site: Browser, prompt: str) -> None:
    assert asked(site, prompt=prompt)[1]["prompt"] == prompt


@pytest.mark.parametrize("prompt", [None, ""])
def test_no_prompt_lets_the_op_decide(site: Browser, prompt: str | None) -> None:
    site.provider.sign_in("alice")
    response, request = asked(site, prompt=prompt, return_to="/there/?y=2#part")
    assert "prompt" not in request
    assert site.follow(response)["Location"] == "/there/?y=2#part"


def test_parameters_are_added_and_replace_nothing_that_protects(site: Browser) -> None:
    extra = {"acr_values": "gold", "audience": "api", "max_age": "60", "state": "s", "nonce": "n"}
    extra |= {"redirect_uri": "https://evil.example", "response_type": "token", "code_challenge": "x"}
    _, request = asked(site, **extra)
    _, plain = asked(site)
    assert {name: request[name] for name in ("acr_values", "audience", "max_age")} == {
        "acr_values": "gold",
        "audience": "api",
        "max_age": "60",
    }
    assert request["redirect_uri"] == plain["redirect_uri"] == "http://testserver/oidc/callback/"
    assert request["response_type"] == "code"
    assert len(request["state"]) > 40
    assert len(request["nonce"]) >= 43
    assert request["code_challenge"] != "x"


def test_the_hint_is_the_sessions_own_or_the_one_given(site: Browser) -> None:
    assert "id_token_hint" not in asked(site)[1]
    site.provider.sign_in("alice")
    site.follow(site.get("/oidc/authenticate/"))
    assert asked(site)[1]["id_token_hint"].count(".") == 2
    assert asked(site, id_token_hint="given")[1]["id_token_hint"] == "given"


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example", "/oidc/logout/"])
def test_it_leads_to_no_other_site_and_to_no_endpoint_of_ours(site: Browser, url: str) -> None:
    site.provider.sign_in("alice")
    response, _ = asked(site, return_to=url)
    assert site.follow(response)["Location"] == "/accounts/profile/"


def test_two_in_one_page_are_both_remembered(site: Browser) -> None:
    site.provider.sign_in("alice")
    urls = site.get("/twice/").content.decode().split()
    assert [site.get(site.at_op(url))["Location"] for url in urls] == ["/1/", "/2/"]


# -- what it raises ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", ["nonsense", "none login", "NONE"])
def test_another_word_for_a_prompt_is_an_error(site: Browser, prompt: str) -> None:
    ASKED["prompt"] = prompt
    with pytest.raises(ValueError, match=prompt):
        site.get("/step-up/")


def test_without_the_middleware_it_says_so() -> None:
    with pytest.raises(RuntimeError, match="SilentSSOMiddleware"):
        authentication_url(RequestFactory().get("/"))


def test_what_the_op_does_wrong_is_the_sites_to_handle(site: Browser, settings: Any) -> None:
    site.provider.fail("discovery", status=503)
    with pytest.raises(OPUnavailable) as down:
        site.get("/step-up/")
    assert down.value.reason is Reason.OP_STATUS
    settings.SILENT_SSO_ISSUER = None
    with pytest.raises(ConfigurationError) as missing:
        site.get("/step-up/")
    assert missing.value.reason is Reason.NOT_CONFIGURED
