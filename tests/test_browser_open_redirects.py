"""Nothing may lead away from this site (O01 to O04, O08, O11): prefixes, hosts and tricks, each with each.

What a browser makes of a URL is judged by the rules of the WHATWG URL standard, written down here on their own and,
where Node is installed, compared with its implementation.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any
from urllib.parse import quote, unquote

import pytest
from django.test import RequestFactory

from django_silent_sso.browser import safe_return_to
from django_silent_sso.responses import Redirect
from tests.conftest import Browser
from tests.open_redirects import HOSTS, PAYLOADS, PREFIXES


def goes_to(url: str) -> str | None:
    """The host that a browser on this site goes to for `url` (WHATWG URL, 4.4); None where it goes nowhere."""
    url = re.sub(r"[\t\n\r]", "", url.strip("".join(map(chr, range(33)))))
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*):", url)
    if scheme is None:
        rest = url.replace("\\", "/")
    elif scheme[1].lower() == "http" and not re.match(r"[/\\]{2}", url[5:]):
        rest = url[5:].replace("\\", "/")  # the base's own scheme: relative
    elif scheme[1].lower() in ("http", "https", "ftp", "ws", "wss"):
        rest = "//" + url[scheme.end() :].replace("\\", "/").lstrip("/")
    else:
        return None
    if not rest.startswith("//"):
        return "testserver"
    authority = re.split(r"[/?#]", rest.lstrip("/"), maxsplit=1)[0]
    return unquote(authority.rpartition("@")[2]).lower().removesuffix(":80")


def location(url: str, *, secure: bool = False) -> str | None:
    """The `Location` that `url` ends up in, if it is let through."""
    request: Any = RequestFactory().get("/", secure=secure)
    found = safe_return_to(request, url, frozenset({"/oidc/callback/"}))
    return None if found is None else str(Redirect(found)["Location"])


def test_there_are_many_and_most_of_them_do_leave() -> None:
    assert len(set(PAYLOADS)) > 5000
    leaving = [url for url in PAYLOADS if goes_to(url) not in ("testserver", None)]
    assert len(leaving) > 2000


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize(
    "encode", [str, quote, lambda url: quote(quote(url))], ids=["plain", "encoded", "encoded twice"]
)
def test_o01_o02_o04_o08_none_leaves_the_site(secure: bool, encode: Any) -> None:
    away = {}
    for url in map(encode, PAYLOADS):
        target = location(url, secure=secure)
        if target is not None and goes_to(target) != "testserver":
            away[url] = target
    assert away == {}


def test_a_good_url_is_let_through_by_the_same_check() -> None:
    """Else the tests above would prove nothing."""
    for url in ("/", "/page/?next=//evil.example", "//testserver/page/", "http://testserver/"):
        assert goes_to(str(location(url))) == "testserver"


def test_none_leaves_the_allowed_hosts(settings: Any) -> None:
    settings.OIDC_REDIRECT_ALLOWED_HOSTS = ["friend.example"]
    settings.ALLOWED_HOSTS = ["*"]
    hosts = [host.replace("testserver", "friend.example") for host in HOSTS]
    reached = set()
    for url in (prefix.replace("testserver", "friend.example") + host for prefix in PREFIXES for host in hosts):
        target = location(url)
        reached.add("testserver" if target is None else goes_to(target))
    assert reached <= {"testserver", "friend.example"}


@pytest.mark.parametrize("code", [*range(33), 92, 127], ids=hex)
@pytest.mark.parametrize(
    "place", ["{0}/page/", "/{0}page/", "/page/{0}", "/page/?x={0}", "//testserver{0}/", "/page/#{0}"]
)
def test_o11_no_control_character_blank_or_backslash_gets_through(code: int, place: str) -> None:
    """O11: what browsers strip inside a URL must not be there in the first place."""
    assert location(place.format(chr(code))) is None


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_the_rules_written_down_here_are_those_of_a_real_implementation() -> None:
    """At least where it matters: what they take for staying does stay."""
    script = """
        const urls = JSON.parse(require("fs").readFileSync(0, "utf8"));
        const host = (url) => { try { return new URL(url, "http://testserver/page/").host; } catch { return null; } };
        process.stdout.write(JSON.stringify(urls.map(host)));
    """
    done = subprocess.run(  # noqa: S603  our own script
        [str(shutil.which("node")), "-e", script],
        input=json.dumps(PAYLOADS),
        capture_output=True,
        text=True,
        check=True,
    )
    hosts = dict(zip(PAYLOADS, json.loads(done.stdout), strict=True))
    wrong = {
        url: host for url, host in hosts.items() if goes_to(url) == "testserver" and host not in ("testserver", None)
    }
    assert wrong == {}
    passed = [url for url in PAYLOADS if location(url) is not None]
    assert len(passed) > 100
    assert {hosts[url] for url in passed} == {"testserver"}


# -- through the whole flow --------------------------------------------------------------------------------------------

WORST = ["//evil.example", "/\\evil.example", "/\t/evil.example", "https:evil.example", "//testserver@evil.example"]
WORST += ["javascript:1", "/%0d%0a/../oidc/logout/", "/oidc/authenticate/?next=/x", "/oidc/callback", "/\r\nX: y"]
WORST += ["x" * 20_000]


@pytest.mark.parametrize("url", WORST, ids=lambda url: repr(url[:30]))
def test_a_sign_in_ends_on_the_default_page_instead(browser: Browser, url: str) -> None:
    browser.provider.sign_in("alice")
    landing = browser.follow(browser.get(f"/oidc/authenticate/?next={quote(url)}"))["Location"]
    assert landing == "/accounts/profile/"


@pytest.mark.parametrize("url", ["/page/?x=1#part", "/page/a%20b?next=//evil.example"])
def test_o12_o13_no_code_nor_state_is_ever_added_to_the_page_it_ends_on(browser: Browser, url: str) -> None:
    """O12, O13: query and fragment are the page's own."""
    browser.provider.sign_in("alice")
    assert browser.follow(browser.get(f"/oidc/authenticate/?next={quote(url)}"))["Location"] == url
