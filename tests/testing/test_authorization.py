from __future__ import annotations

import pytest

from django_silent_sso.testing.keys import half_hash
from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import CALLBACK, Site, claims_of

SILENT_REFUSALS = {
    "nobody is signed in": ({}, False, "login_required"),
    "max_age has passed": ({"max_age": "60"}, True, "login_required"),
    "max_age is zero": ({"max_age": "0"}, True, "login_required"),
}


@pytest.mark.parametrize("case", SILENT_REFUSALS)
def test_silent_request_refused(provider: OpenIDProvider, site: Site, case: str) -> None:
    changes, signed_in, error = SILENT_REFUSALS[case]
    if signed_in:
        provider.sign_in("alice")
        provider.age_sign_in(120)

    response = site.authorize(**changes)

    assert (response["error"], response["state"], response["iss"]) == (error, "the-state", provider.issuer)


def test_silent_request_answered_with_a_code(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    answer = provider.answer(site.url())
    assert answer.status == 303
    assert answer.location.startswith(f"{CALLBACK}?")
    assert sorted(answer.parameters) == ["code", "iss", "state"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_redirect_uri_keeps_its_own_query(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    location = provider.answer(site.url(redirect_uri=f"{CALLBACK}?tenant=1")).location
    assert location.startswith(f"{CALLBACK}?tenant=1&state=the-state&")


def test_hint_of_the_same_user(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    assert "code" in site.authorize(id_token_hint=site.tokens()["id_token"])


def test_hint_of_another_user(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    hint = site.tokens()["id_token"]
    provider.switch_user("bob")
    assert site.authorize(id_token_hint=hint)["error"] == "login_required"
    assert "code" in site.authorize()
    assert provider.answer(site.url(id_token_hint=hint, prompt=None)).mode == "login"


def test_hint_that_has_expired_is_as_good(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.id_token.replace(exp=1)
    assert "code" in site.authorize(id_token_hint=site.tokens()["id_token"])


@pytest.mark.parametrize("kind", ["garbage", "a.b.c", "e30.e30.AAAA", "withdrawn key", "of another client"])
def test_hint_that_is_worthless(provider: OpenIDProvider, site: Site, kind: str) -> None:
    provider.sign_in("alice")
    hint = kind
    if kind == "withdrawn key":
        hint = site.tokens()["id_token"]
        provider.rotate_keys()
    elif kind == "of another client":
        provider.add_client("other", "secret-of-the-other")
        hint = Site(provider, "other", "secret-of-the-other").tokens()["id_token"]
    assert site.authorize(id_token_hint=hint)["error"] == "invalid_request"


def test_hint_signed_by_a_key_that_is_still_published(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    hint = site.tokens()["id_token"]
    provider.rotate_keys(keep=True)
    assert "code" in site.authorize(id_token_hint=hint)


def test_consent_is_asked_for_once(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.ask_for_consent = True
    assert site.authorize()["error"] == "consent_required"

    assert provider.answer(site.url(prompt=None)).mode == "consent"
    assert "code" in provider.answer(site.url(prompt=None), sign_in_as="alice").parameters
    assert "code" in site.authorize()

    provider.withdraw_consent()
    assert site.authorize()["error"] == "consent_required"


def test_prompt_consent_asks_again_and_only_once(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    assert provider.answer(site.url(prompt="consent")).mode == "consent"
    assert "code" in provider.answer(site.url(prompt="consent"), sign_in_as="alice").parameters


def test_consent_denied(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    visitor, url = provider.visitor(), site.url(prompt="consent")
    answer = visitor.submit(url, visitor.answer(url), "consent", choice="no")
    assert answer.parameters["error"] == "access_denied"


def test_login_page_signs_one_browser_in(provider: OpenIDProvider, site: Site) -> None:
    visitor = provider.visitor()
    page = visitor.answer(site.url(prompt=None, login_hint="<b>"))
    assert (page.status, page.mode) == (200, "login")
    assert 'value="&lt;b&gt;"' in page.page

    answer = visitor.submit(site.url(prompt=None), page, "login", username="carol", choice="yes")

    assert answer.parameters["state"] == "the-state"
    assert claims_of(site.redeem(answer.parameters["code"]).json()["id_token"])["sub"] == "carol"
    assert "code" in visitor.answer(site.url()).parameters
    assert site.authorize()["error"] == "login_required"


def test_login_page_without_a_name_comes_again(provider: OpenIDProvider, site: Site) -> None:
    visitor, url = provider.visitor(), site.url(prompt=None)
    again = visitor.submit(url, visitor.answer(url), "login", username=" ", choice="yes")
    assert again.mode == "login"
    assert "code" in visitor.submit(url, again, "login", username="carol", choice="yes").parameters


def test_login_cancelled(provider: OpenIDProvider, site: Site) -> None:
    visitor, url = provider.visitor(), site.url(prompt=None)
    answer = visitor.submit(url, visitor.answer(url), "login", choice="no")
    assert (answer.parameters["error"], visitor.cookies) == ("access_denied", {})


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_login_page_although_signed_in(provider: OpenIDProvider, site: Site, prompt: str) -> None:
    provider.sign_in("alice")
    assert provider.answer(site.url(prompt=prompt)).mode == "login"
    parameters = provider.answer(site.url(prompt=prompt), sign_in_as="bob").parameters
    assert claims_of(site.redeem(parameters["code"]).json()["id_token"])["sub"] == "bob"


@pytest.mark.parametrize("endpoint", ["login", "consent", "resume"])
def test_an_interaction_nobody_began(provider: OpenIDProvider, endpoint: str) -> None:
    method = "GET" if endpoint == "resume" else "POST"
    answer = provider.answer(provider.url_of(endpoint), method=method)
    assert (answer.status, answer.mode) == (400, "page")


def test_form_post(provider: OpenIDProvider, site: Site) -> None:
    refusal = provider.answer(site.url(response_mode="form_post"))
    assert (refusal.status, refusal.mode, refusal.action) == (400, "form_post", CALLBACK)
    assert refusal.fields["error"] == "login_required"

    provider.sign_in("alice")
    answer = provider.answer(site.url(response_mode="form_post", state='"><script>'))
    assert answer.status == 200
    assert answer.fields == answer.parameters
    assert answer.fields["state"] == '"><script>'


def test_web_message(provider: OpenIDProvider, site: Site) -> None:
    refusal = provider.answer(site.url(response_mode="web_message"))
    assert (refusal.status, refusal.mode) == (400, "web_message")

    provider.sign_in("alice")
    answer = provider.answer(site.url(response_mode="web_message", state="</script>"))
    assert answer.status == 200
    assert answer.parameters["state"] == "</script>"
    assert "code" in answer.parameters


def test_fragment(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    assert provider.answer(site.url(response_mode="fragment")).location.startswith(f"{CALLBACK}#state=")


FRONT_CHANNEL = {
    "id_token": {"id_token"},
    "id_token token": {"id_token", "access_token"},
    "code id_token": {"code", "id_token"},
    "code token": {"code", "access_token"},
    "code id_token token": {"code", "id_token", "access_token"},
}


@pytest.mark.parametrize("response_type", FRONT_CHANNEL)
def test_response_types(provider: OpenIDProvider, site: Site, response_type: str) -> None:
    provider.sign_in("alice")
    changes = {} if "code" in response_type else {"code_challenge": None, "code_challenge_method": None}
    answer = provider.answer(site.url(response_type=response_type, **changes))
    given = answer.parameters

    assert "#" in answer.location
    assert given.keys() & {"code", "id_token", "access_token"} == FRONT_CHANNEL[response_type]
    assert ("iss" in given) is ("id_token" not in given)
    if "access_token" in given:
        assert (given["token_type"], given["expires_in"]) == ("Bearer", "3600")
        assert site.userinfo(given["access_token"]).json()["sub"] == "alice"
    if "id_token" in given:
        claims = site.verified(given["id_token"])
        both = {"at_hash": "access_token", "c_hash": "code"}
        hashes = {name: half_hash(given[of], "RS256") for name, of in both.items() if of in given}
        assert {name: claims[name] for name in both if name in claims} == hashes
        # Without an access token there is no UserInfo to ask (Core 5.4).
        assert ("email" in claims) is (response_type == "id_token")


def test_auth_time_comes_where_it_was_asked_for(provider: OpenIDProvider, site: Site) -> None:
    session = provider.sign_in("alice", acr="gold", amr=("pwd", "otp"))
    claims = claims_of(site.tokens()["id_token"])
    assert "auth_time" not in claims
    assert (claims["acr"], claims["amr"]) == ("gold", ["pwd", "otp"])
    assert claims_of(site.tokens(max_age="60")["id_token"])["auth_time"] == session.auth_time
    provider.always_auth_time = True
    assert claims_of(site.tokens()["id_token"])["auth_time"] == session.auth_time


@pytest.mark.parametrize(("framing", "ancestors"), [("DENY", "'none'"), ("SAMEORIGIN", "'self'")])
def test_framing_headers(provider: OpenIDProvider, site: Site, framing: str, ancestors: str) -> None:
    provider.framing = framing
    for url in (site.url(), site.url(prompt=None), site.url(response_mode="form_post"), site.url(client_id="x")):
        headers = provider.answer(url).headers
        assert headers["x-frame-options"] == framing
        assert headers["content-security-policy"] == f"frame-ancestors {ancestors}"
    assert "x-frame-options" not in provider.answer(site.url(response_mode="web_message")).headers
    provider.framing = None
    assert "x-frame-options" not in provider.answer(site.url()).headers
