"""The scripted browser is only worth something if it does as browsers do."""

from __future__ import annotations

import pytest

from tests.interop.scripted_browser import CookieJar, site_after_redirects

SITE, OP = "http://localhost:8000", "http://127.0.0.1:9000"


def test_cookies_are_kept_per_host_and_not_per_port() -> None:
    jar = CookieJar()
    jar.store(f"{SITE}/", "a=1; Path=/; HttpOnly")
    jar.store("http://localhost:8001/", "b=2; Path=/")

    assert jar.header(f"{SITE}/") == "a=1; b=2"
    assert jar.header(f"{OP}/") == ""


def test_a_cookie_goes_to_its_path_and_below_only() -> None:
    jar = CookieJar()
    jar.store(f"{SITE}/", "a=1; Path=/sub")

    assert [jar.header(SITE + path) for path in ("/sub", "/sub/x", "/subway", "/")] == ["a=1", "a=1", "", ""]


@pytest.mark.parametrize("end", ["Max-Age=0", "expires=Thu, 01 Jan 1970 00:00:00 GMT", "Max-Age=0; expires=x"])
def test_a_cookie_that_is_over_is_gone(end: str) -> None:
    jar = CookieJar()
    jar.store(f"{SITE}/", "a=1; Path=/")
    jar.store(f"{SITE}/", f'a=""; Path=/; {end}')

    assert jar.header(f"{SITE}/") == ""


@pytest.mark.parametrize(
    ("initiator", "chain", "told"),
    [
        (None, [SITE, OP, SITE], ["none", "none", "none"]),
        (SITE, [SITE, OP, SITE], ["same-origin", "cross-site", "cross-site"]),
        (SITE, [SITE, "http://localhost:8001", SITE], ["same-origin", "same-site", "same-site"]),
        ("https://elsewhere.example", [SITE], ["cross-site"]),
    ],
    ids=["typed in", "by the OP and back", "another port", "a foreign link"],
)
def test_fetch_metadata_never_gets_closer_again_along_a_chain(
    initiator: str | None, chain: list[str], told: list[str]
) -> None:
    answers, site = [], "none" if initiator is None else "same-origin"
    for url in chain:
        site = site_after_redirects(site, initiator, url)
        answers.append(site)
    assert answers == told
