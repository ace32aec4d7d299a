"""Through every door that takes an address to go to, nothing leads off this site or in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from tests.conftest import Browser
from tests.views.answers import answer_to


def by_sign_in(browser: Browser, url: str) -> Any:
    return browser.follow(browser.get(f"/oidc/authenticate/?next={quote(url)}"))


def by_third_party(browser: Browser, url: str) -> Any:
    query = urlencode({"iss": browser.provider.issuer, "target_link_uri": url})
    return browser.follow(browser.get(f"/oidc/initiate/?{query}"))


def by_hop(browser: Browser, url: str) -> Any:
    begun = browser.start(transport="top", itp_support="1", return_to=url).json()
    return browser.get(browser.at_op(begun["authorization_url"]), **{"Sec-Fetch-Site": "cross-site"})


DOORS: dict[str, Callable[[Browser, str], Any]] = {
    "sign_in": by_sign_in,
    "third_party": by_third_party,
    "hop": by_hop,
}
BAD = [
    pytest.param("https://evil.example/", id="O01 another site"),
    pytest.param("//evil.example", id="O02 without a scheme"),
    pytest.param("/\\evil.example", id="O02 backslash"),
    pytest.param("/\t/evil.example", id="O02 tab"),
    pytest.param("/%09/../\\evil.example", id="O02 encoded tab"),
    pytest.param(" //evil.example", id="O02 a blank before"),
    pytest.param("/\uff0f\\evil.example", id="O02 full width"),
    pytest.param("http://testserver.evil.example/", id="O04 suffix"),
    pytest.param("http://eviltestserver/", id="O04 prefix"),
    pytest.param("http://testserver:8000@evil.example/", id="O04 port trick"),
    pytest.param("http://testserver@evil.example/", id="O04 user trick"),
    pytest.param("/oidc/callback/?code=x&state=i.x", id="O05 our callback"),
    pytest.param("/oidc/authenticate/", id="O05 our start"),
    pytest.param("/oidc/logout/", id="O05 our sign-out"),
    pytest.param("/oidc/silent/", id="O05 our silent start"),
    pytest.param("/oidc/%6Cogout/", id="O08 our sign-out, encoded"),
    pytest.param("/oidc/x/..%2flogout/", id="O08 our sign-out, roundabout"),
    pytest.param("/x/" + "y" * 20_000, id="O06 20 kB"),
    pytest.param("javascript:alert(1)", id="O01 script"),
    pytest.param("/page/\r\nSet-Cookie: a=b", id="O11 line break"),
    pytest.param("/page/\nLocation: https://evil.example", id="O11 line feed"),
]


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("url", BAD)
def test_o09_no_door_leads_astray(browser: Browser, url: str, door: str) -> None:
    browser.provider.sign_in("alice")
    landing = DOORS[door](browser, url)
    assert (landing.status_code, landing["Location"]) == (302, "/accounts/profile/")
    assert browser.user() != "nobody"


@pytest.mark.parametrize("door", DOORS)
def test_a_good_address_is_reached_through_each(browser: Browser, door: str) -> None:
    """Else the test above would prove nothing."""
    browser.provider.sign_in("alice")
    assert DOORS[door](browser, "/page/7?a=1#b")["Location"] == "/page/7?a=1#b"


@pytest.mark.parametrize("door", DOORS)
def test_o12_nothing_of_the_response_is_added(browser: Browser, door: str) -> None:
    browser.provider.sign_in("alice")
    for address in ("/page/?next=https://evil.example", "/page/?code=own#state=own"):
        assert DOORS[door](browser, address)["Location"] == address


def test_o10_the_way_back_from_a_sign_out_is_the_site_s(browser: Browser) -> None:
    browser.sign_in("alice")
    fields = {"next": "https://evil.example", "post_logout_redirect_uri": "https://evil.example", "state": "evil"}
    leaving = browser.post(f"/oidc/logout/?{urlencode(fields)}", fields)
    asked = parse_qs(urlsplit(leaving["Location"]).query)
    assert asked["post_logout_redirect_uri"] == ["http://testserver/"]
    assert "evil" not in leaving["Location"]


def test_o13_a_fragment_of_the_op_is_not_taken_over(browser: Browser) -> None:
    browser.provider.sign_in("alice")
    landing = browser.get(answer_to(browser, "/oidc/authenticate/?next=/page/%23part"))
    assert landing["Location"] == "/page/#part"
