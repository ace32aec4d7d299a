"""What a request tells about who sent it (`browsers.md`; cases S20, DS03, O05 to O13)."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.browser import (
    LONGEST_RETURN_TO,
    has_session_cookie,
    is_framed,
    is_prefetch,
    is_robot,
    is_same_origin,
    kind_of,
    may_start,
    origin_of,
    safe_return_to,
)
from django_silent_sso.policy import Kind
from tests.conftest import FETCH, NAVIGATION

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
OWN = frozenset({"/oidc/callback/", "/oidc/authenticate/", "/oidc/logout/", "/oidc/silent/", "/oidc/session/"})


def request(method: str = "GET", path: str = "/page/", *, secure: bool = False, **headers: str) -> HttpRequest:
    made: HttpRequest = RequestFactory().generic(method, path, secure=secure, headers=headers)
    return made


def dest(name: str, mode: str = "no-cors", **more: str) -> dict[str, str]:
    return {"Sec-Fetch-Dest": name, "Sec-Fetch-Mode": mode, "Sec-Fetch-Site": "same-origin", **more}


# -- what kind of request ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "headers", "kind"),
    [
        pytest.param("GET", NAVIGATION, Kind.DOCUMENT, id="a page load"),
        pytest.param("GET", {**NAVIGATION, "Sec-Fetch-Site": "cross-site"}, Kind.DOCUMENT, id="a link from elsewhere"),
        pytest.param("GET", {"Accept": HTML}, Kind.DOCUMENT, id="a page load of an old browser"),
        pytest.param("GET", {"Sec-Fetch-Mode": "navigate"}, Kind.DOCUMENT, id="a navigation, no more is told"),
        pytest.param("GET", {"Sec-Fetch-Dest": "document"}, Kind.DOCUMENT, id="for a document, no more is told"),
        pytest.param("POST", NAVIGATION, Kind.FORM, id="a form"),
        pytest.param("POST", {"Accept": HTML}, Kind.FORM, id="a form of an old browser"),
        pytest.param("DELETE", NAVIGATION, Kind.FORM, id="an unsafe page load"),
        pytest.param("GET", FETCH, Kind.SCRIPT, id="fetch"),
        pytest.param("PUT", FETCH, Kind.SCRIPT, id="fetch with a body"),
        pytest.param("GET", {**FETCH, "Accept": HTML}, Kind.SCRIPT, id="fetch for HTML"),
        pytest.param("GET", {"X-Requested-With": "XMLHttpRequest", "Accept": HTML}, Kind.SCRIPT, id="XHR"),
        pytest.param("GET", {"HX-Request": "true", "Accept": HTML}, Kind.SCRIPT, id="htmx"),
        pytest.param("GET", {**NAVIGATION, "HX-Request": "true"}, Kind.SCRIPT, id="htmx, boosted"),
        pytest.param("GET", {**FETCH, "Turbo-Frame": "list", "Accept": HTML}, Kind.SCRIPT, id="Turbo frame"),
        pytest.param("GET", {**FETCH, "X-Turbo-Request-Id": "1", "Accept": HTML}, Kind.SCRIPT, id="Turbo drive"),
        pytest.param("GET", dest("image"), Kind.SCRIPT, id="an image"),
        pytest.param("GET", dest("iframe", "navigate", Accept=HTML), Kind.SCRIPT, id="a frame"),
        pytest.param("GET", dest("fencedframe", "navigate", Accept=HTML), Kind.SCRIPT, id="a fenced frame"),
        pytest.param("GET", dest("embed", "navigate", Accept=HTML), Kind.SCRIPT, id="an embedded page"),
        pytest.param("GET", dest("worker", "same-origin"), Kind.SCRIPT, id="a worker"),
        pytest.param("GET", dest("serviceworker", "same-origin"), Kind.SCRIPT, id="a service worker"),
        pytest.param("GET", dest("empty", "websocket", Upgrade="websocket"), Kind.SCRIPT, id="a web socket"),
        pytest.param("GET", {"Origin": "https://testserver"}, Kind.SCRIPT, id="CORS of an old browser"),
        pytest.param("GET", {"Accept": HTML, "Upgrade": "websocket"}, Kind.PASSIVE, id="an old web socket"),
        pytest.param("GET", {"Accept": HTML, "Range": "bytes=0-"}, Kind.PASSIVE, id="a part of a file"),
        pytest.param("GET", {**NAVIGATION, "Sec-Purpose": "prefetch"}, Kind.PASSIVE, id="a prefetch"),
        pytest.param("GET", {**NAVIGATION, "Sec-Purpose": "prefetch;prerender"}, Kind.PASSIVE, id="a prerender"),
        pytest.param("POST", {**NAVIGATION, "Purpose": "prefetch"}, Kind.PASSIVE, id="an unsafe prefetch"),
        pytest.param("HEAD", NAVIGATION, Kind.PASSIVE, id="HEAD"),
        pytest.param("OPTIONS", FETCH, Kind.PASSIVE, id="OPTIONS"),
        pytest.param("TRACE", {}, Kind.PASSIVE, id="TRACE"),
        pytest.param("GET", {}, Kind.PASSIVE, id="no browser"),
        pytest.param("GET", {"Accept": "*/*", "User-Agent": "curl/8"}, Kind.PASSIVE, id="curl"),
        pytest.param("POST", {}, Kind.SCRIPT, id="no browser, with a body"),
        pytest.param("POST", {"Content-Type": "application/json"}, Kind.SCRIPT, id="an API client"),
    ],
)
def test_kind_of(method: str, headers: dict[str, str], kind: Kind) -> None:
    assert kind_of(request(method, **headers)) is kind


@pytest.mark.parametrize(
    ("name", "value", "prefetch"),
    [
        ("Sec-Purpose", "prefetch", True),
        ("Sec-Purpose", "prefetch;prerender", True),
        ("Sec-Purpose", "prefetch;anonymous-client-ip", True),
        ("Purpose", "Prefetch", True),
        ("X-Purpose", "preview", True),
        ("X-Moz", "prefetch", True),
        ("Sec-Purpose", "", False),
        ("X-Other", "prefetch", False),
    ],
)
def test_a_prefetch_is_told_by_its_headers(name: str, value: str, prefetch: bool) -> None:
    assert is_prefetch(request(**{**NAVIGATION, name: value})) is prefetch


@pytest.mark.parametrize("name", ["iframe", "frame", "embed", "object", "fencedframe"])
def test_a_frame_is_told_by_its_destination(name: str) -> None:
    assert is_framed(request(**dest(name)))
    assert not is_framed(request(**dest("document")))
    assert not is_framed(request())


@pytest.mark.parametrize(
    ("agent", "robot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", True),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", True),
        ("facebookexternalhit/1.1", True),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", True),
        ("Mozilla/5.0 (compatible; YandexBot/3.0)", True),
        ("Mozilla/5.0 SkypeUriPreview Preview/0.5", True),
        ("Pingdom.com_bot_version_1.4", True),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", False),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15", False),
        ("Mozilla/5.0 (Linux; Android 13; CUBOT X70) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36", False),
        ("Mozilla/5.0 " + "x" * 600 + " Googlebot/2.1", False),
        ("", False),
    ],
)
def test_a_robot_is_told_by_its_name(agent: str, robot: bool) -> None:
    assert is_robot(request(**{"User-Agent": agent})) is robot


@pytest.mark.parametrize(
    ("headers", "may"),
    [
        (NAVIGATION, True),
        ({}, True),
        ({**NAVIGATION, "Sec-Fetch-Site": "cross-site"}, True),
        (FETCH, False),
        (dest("image"), False),
        (dest("iframe", "navigate"), False),
        ({"Sec-Fetch-Mode": "cors"}, False),
        ({"Sec-Fetch-Dest": "script"}, False),
    ],
    ids=["a page load", "an old browser", "a link from elsewhere", "fetch", "image", "frame", "CORS", "script"],
)
def test_only_page_loads_begin_an_interactive_sign_in(headers: dict[str, str], may: bool) -> None:
    assert may_start(request(**headers)) is may


def test_a_session_cookie_goes_by_the_sites_own_name(settings: Any) -> None:
    made = request()
    assert not has_session_cookie(made)
    made.COOKIES["sessionid"] = ""
    assert has_session_cookie(made)
    settings.SESSION_COOKIE_NAME = "sid"
    assert not has_session_cookie(made)


# -- from where --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, False),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://testserver"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://testserver"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://testserver"}, True),
        ({"Origin": "https://TestServer:443"}, True),
        ({"Origin": "http://testserver"}, False),
        ({"Origin": "https://testserver:8443"}, False),
        ({"Origin": "https://testserver.evil.example"}, False),
        ({"Origin": "https://eviltestserver"}, False),
        ({"Origin": "testserver"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "https://testserver:port"}, False),
        ({"Origin": "https://["}, False),
        ({"Origin": "https://testserver:99999"}, False),
    ],
    ids=str,
)
def test_same_origin_is_proven_or_it_is_not(headers: dict[str, str], same: bool) -> None:
    assert is_same_origin(request("POST", secure=True, **headers)) is same


def test_behind_a_proxy_the_sites_own_name_counts_too(settings: Any) -> None:
    settings.SILENT_SSO_ORIGIN = "https://site.example"
    made = request("POST", Origin="https://site.example")
    assert is_same_origin(made)
    assert origin_of(made) == "https://site.example"
    settings.SILENT_SSO_ORIGIN = None
    assert not is_same_origin(made)
    assert origin_of(made) == "http://testserver"
    assert origin_of(request(secure=True)) == "https://testserver"


# -- where to go back to (more in test_browser_open_redirects.py) ------------------------------------------------------


def safe(url: str | None, *, secure: bool = False) -> bool:
    found = safe_return_to(request(secure=secure), url, OWN)
    assert found in (url, None), "never another URL than the one asked for"
    return found is not None


@pytest.mark.parametrize(
    "url",
    ["/", "/page/?x=1&y=é#part", "/a//b", "/oidc/", "/oidc/callback/more/", "//testserver/x", "http://testserver/"],
)
def test_the_site_s_own_pages_are_safe(url: str) -> None:
    assert safe(url)


@pytest.mark.parametrize(
    "url",
    [None, "", "page/", "./page/", "../page/", "?x=1", "#x", "https://evil.example/", "//evil.example", "javascript:1"],
)
def test_everything_else_is_not(url: str | None) -> None:
    assert not safe(url)


@pytest.mark.parametrize("path", sorted(OWN))
@pytest.mark.parametrize(
    "spelling",
    [
        *["{0}", "{0}?x=1", "{0}#x", "{1}", "{0}/", "/.{0}", "/page/..{0}", "//testserver{0}", "http://testserver{0}"],
        *["/%6fidc{2}", "/%256fidc{2}", "/oidc/.{2}", "/oidc/%2e%2e/oidc{2}", "/oidc/{2}", "/oidc/x/..{2}?next=/"],
    ],
)
def test_our_own_endpoints_are_no_destination_however_they_are_spelt(path: str, spelling: str) -> None:
    """O05, O08: else a sign-in would lead into the next one, or into a sign-out."""
    assert not safe(spelling.format(path, path.rstrip("/"), path.removeprefix("/oidc")))


def test_a_url_too_long_for_a_server_is_not_safe() -> None:
    """O06."""
    assert safe("/?" + "x" * (LONGEST_RETURN_TO - 2))
    assert not safe("/?" + "x" * (LONGEST_RETURN_TO - 1))
    assert not safe("/" + "x" * 20_000)


def test_on_https_nobody_is_led_to_http_unless_the_site_says_so(settings: Any) -> None:
    assert not safe("http://testserver/", secure=True)
    assert safe("https://testserver/", secure=True)
    settings.OIDC_REDIRECT_REQUIRE_HTTPS = False
    assert safe("http://testserver/", secure=True)
    settings.OIDC_REDIRECT_REQUIRE_HTTPS = True
    assert not safe("http://testserver/")


def test_the_site_may_allow_other_hosts(settings: Any) -> None:
    settings.OIDC_REDIRECT_ALLOWED_HOSTS = ["friend.example"]
    assert safe("https://friend.example/x")
    assert not safe("https://evil.friend.example/")
    assert not safe("https://friend.example:8443/")
