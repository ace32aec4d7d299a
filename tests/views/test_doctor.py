"""The browser doctor's page: who gets it, what it begins, and that nothing is ever redeemed or remembered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.broken_cache import BROKEN
from tests.conftest import NAVIGATION, Browser, told
from tests.views.answers import assert_private, nothing_changes

if TYPE_CHECKING:
    from pytest_django import Settings

PATH = "/oidc/doctor/"


@pytest.fixture
def staff(browser: Browser) -> Browser:
    browser.sign_in("alice")
    get_user_model().objects.update(is_staff=True)
    return browser


@pytest.fixture
def debugging(browser: Browser, settings: Settings) -> Browser:
    settings.DEBUG = True
    return browser


def begun(browser: Browser, transport: str) -> Any:
    return browser.relay(PATH, urlencode({"transport": transport}))


def wish_of(answer: Any) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(answer.json()["authorization_url"]).query))


def config(page: str) -> dict[str, Any]:
    _, _, rest = page.partition('<script id="silent-sso-doctor" type="application/json">')
    facts: dict[str, Any] = json.loads(rest.partition("</script>")[0])
    return facts


# -- who gets it ---------------------------------------------------------------------------------------------------


def assert_hidden(response: Any) -> None:
    assert response.status_code == 404
    assert_private(response)


def test_a_visitor_sees_no_such_page(browser: Browser) -> None:
    with nothing_changes(browser):
        assert_hidden(browser.get(PATH))
        assert_hidden(begun(browser, "frame"))
    assert not Session.objects.exists()


def test_a_user_who_is_not_staff_neither(browser: Browser) -> None:
    browser.sign_in("alice")
    with nothing_changes(browser):
        assert_hidden(browser.get(PATH))
        assert_hidden(begun(browser, "frame"))


def test_staff_who_have_been_locked_out_neither(staff: Browser) -> None:
    get_user_model().objects.update(is_active=False)
    assert_hidden(staff.get(PATH))


def test_nor_where_another_backend_lets_them_in(staff: Browser, settings: Settings) -> None:
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
    user = get_user_model().objects.get()
    staff.client.force_login(user)
    assert staff.get(PATH).status_code == 200
    get_user_model().objects.update(is_active=False)
    assert_hidden(staff.get(PATH))


def test_staff_by_a_session_that_cannot_be_read_neither(browser: Browser, settings: Settings) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    browser.sign_in("alice")
    get_user_model().objects.update(is_staff=True)
    settings.CACHES = BROKEN
    assert_hidden(browser.get(PATH))


def test_a_user_model_without_staff_has_no_staff(staff: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(User, "is_staff")
    monkeypatch.setattr(User, "__getattribute__", _without_staff)
    assert_hidden(staff.get(PATH))


def _without_staff(user: User, name: str) -> Any:
    if name == "is_staff":
        raise AttributeError(name)
    return object.__getattribute__(user, name)


def test_staff_get_it(staff: Browser) -> None:
    with nothing_changes(staff):
        page = staff.get(PATH)
    assert page.status_code == 200
    assert begun(staff, "frame").status_code == 200


def test_the_site_s_own_page_says_that_there_is_none(browser: Browser, settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    response = browser.get(PATH)
    assert (response.status_code, response.content) == (404, b"our own 404")
    assert "no-store" in response["Cache-Control"]


# -- the page ------------------------------------------------------------------------------------------------------


def test_its_headers(debugging: Browser) -> None:
    page = debugging.get(PATH)
    assert page["Cache-Control"] == "no-store, private"
    assert "Cookie" in page["Vary"]
    assert (page["X-Frame-Options"], page["Referrer-Policy"]) == ("DENY", "same-origin")
    assert page["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    policy = dict(rule.split(" ", 1) for rule in page["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "*",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_it_shows_what_the_site_has_and_no_secret(debugging: Browser, settings: Settings) -> None:
    settings.SILENT_SSO_CLIENT_KEY = "canary-of-a-key"
    settings.OIDC_RP_CLIENT_SECRET = "canary-of-a-secret"
    settings.SILENT_SSO_UNKNOWN = 1
    text = debugging.get(PATH).content.decode()
    for shown in ("http://testserver/oidc/callback/", debugging.provider.issuer, "SILENT_SSO_TOP_LEVEL_HOP", "W015"):
        assert shown in text
    assert "canary" not in text
    assert text.count("<script") == 2
    assert " style=" not in text
    assert "onclick" not in text
    facts = config(text)
    assert (facts["doctor_url"], facts["web_message"], facts["check_session"]) == (PATH, True, None)
    assert facts["op_host"] == "127.0.0.1"


@pytest.mark.parametrize("url", ["https://id.example.org/fedcm.json", None])
def test_it_says_whether_the_browser_may_ask_the_op_itself(
    debugging: Browser, settings: Settings, url: str | None
) -> None:
    settings.SILENT_SSO_FEDCM_CONFIG_URL = url
    text = debugging.get(PATH).content.decode()
    assert config(text)["fedcm"] is (url is not None)
    assert ('data-word="fedcm_yes"' in text) is (url is not None)
    assert (url or "SILENT_SSO_FEDCM_CONFIG_URL") in text


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://op.example/frame", "https://op.example/frame?client_id=site"),
        ("https://op.example/frame?a=1", "https://op.example/frame?a=1&client_id=site"),
        ("https://op.example/frame?client_id=x", "https://op.example/frame?client_id=x"),
    ],
)
def test_the_session_frame_is_told_whose_page_it_is_in(debugging: Browser, url: str, expected: str) -> None:
    debugging.provider.metadata.replace(check_session_iframe=url)
    assert config(debugging.get(PATH).content.decode())["check_session"] == expected


def test_an_op_that_cannot_be_had_is_named(debugging: Browser) -> None:
    debugging.provider.fail("discovery", status=500)
    page = debugging.get(PATH)
    assert page.status_code == 200
    assert "<code>op_status</code>" in page.content.decode()
    assert told(begun(debugging, "frame")) == (200, "op_status")


# -- what it begins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transport", "kind", "mode"),
    [("frame", "f.", None), ("web_message", "f.", "web_message"), ("popup", "p.", None), ("top", "d.", None)],
)
def test_an_attempt_is_real_and_nothing_of_it_is_remembered(
    debugging: Browser, transport: str, kind: str, mode: str | None
) -> None:
    debugging.get(PATH)  # the OP's metadata is at hand from now on
    with nothing_changes(debugging):
        answer = begun(debugging, transport)
    assert_private(answer)
    assert not answer.cookies
    wish = wish_of(answer)
    assert (wish["prompt"], wish["state"][:2], wish.get("response_mode")) == ("none", kind, mode)
    assert answer.json().keys() == {"authorization_url", "attempt"}
    assert wish["state"] == answer.json()["attempt"]


@pytest.mark.parametrize(
    ("configured", "transport", "mode"),
    [("web_message", "frame", None), ("web_message", "top", None), ("form_post", "top", "form_post")],
)
def test_response_modes(
    debugging: Browser, settings: Settings, configured: str, transport: str, mode: str | None
) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = configured
    assert wish_of(begun(debugging, transport)).get("response_mode") == mode


def test_who_is_signed_in_is_hinted_at_as_always(staff: Browser) -> None:
    assert wish_of(begun(staff, "frame"))["login_hint"] == "alice@example.org"


def test_an_answer_of_its_attempts_signs_nobody_in(debugging: Browser) -> None:
    debugging.provider.sign_in("alice")
    query = debugging.at_op(begun(debugging, "frame").json()["authorization_url"]).partition("?")[2]
    assert "code=" in query
    assert told(debugging.relay("/oidc/callback/", query)) == (200, "state_unknown")
    assert debugging.user() == "nobody"
    assert debugging.provider.calls_to("token") == []


@pytest.mark.parametrize("transport", ["", "fragment", "d"])
def test_other_ways_are_none(debugging: Browser, transport: str) -> None:
    assert told(begun(debugging, transport)) == (400, "wrong_transport")


def test_another_origin_begins_nothing(debugging: Browser) -> None:
    answer = debugging.client.post(
        PATH, {"transport": "frame"}, headers={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    )
    assert told(answer) == (403, "cross_site_request")


@pytest.mark.parametrize("method", ["head", "put", "options"])
def test_other_methods(debugging: Browser, method: str) -> None:
    assert getattr(debugging.client, method)(PATH, headers=NAVIGATION).status_code == 405


def _handler(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse("our own 404", status=404)


urlpatterns = [path("oidc/", include("django_silent_sso.urls"))]
handler404 = _handler
