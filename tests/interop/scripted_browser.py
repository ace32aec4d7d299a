"""A browser without a window: cookies, redirects, forms, Fetch Metadata; every hop is recorded."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests

REDIRECTS = {301, 302, 303, 307, 308}
LONGEST_CHAIN = 20  # as in Chromium and Firefox
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


class CookieJar:
    """Cookies per host (not port), path and name (RFC 6265 5.3). Tabs in several threads share one."""

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], str] = {}
        self._lock = threading.Lock()

    def header(self, url: str) -> str:
        """The value of `Cookie` for a request to `url`, longer paths first (RFC 6265 5.4)."""
        parts = urlsplit(url)
        with self._lock:
            rows = [
                row for row in self._cookies.items() if row[0][0] == parts.hostname and _covers(row[0][1], parts.path)
            ]
        rows.sort(key=lambda row: -len(row[0][1]))
        return "; ".join(f"{name}={value}" for (_, _, name), value in rows)

    def store(self, url: str, set_cookie: str) -> None:
        """Takes one `Set-Cookie` line of an answer from `url`."""
        pair, *attributes = set_cookie.split(";")
        name, _, value = pair.strip().partition("=")
        facts = {key.strip().lower(): text.strip() for key, _, text in (part.partition("=") for part in attributes)}
        key = (urlsplit(url).hostname or "", facts.get("path", "/"), name)
        with self._lock:
            if _is_over(facts):
                self._cookies.pop(key, None)
            else:
                self._cookies[key] = value

    def get(self, url: str, name: str) -> str | None:
        host = urlsplit(url).hostname
        with self._lock:
            return next((v for (h, _, n), v in self._cookies.items() if h == host and n == name), None)

    def names(self, url: str) -> list[str]:
        host = urlsplit(url).hostname
        with self._lock:
            return sorted(name for (h, _, name) in self._cookies if h == host)

    def copy(self) -> CookieJar:
        """For a request that leaves before the answer to another one has come."""
        jar = CookieJar()
        with self._lock:
            jar._cookies = dict(self._cookies)
        return jar

    def take_over(self, other: CookieJar) -> None:
        """The cookies that the answer to that request has set."""
        with self._lock:
            self._cookies |= other._cookies

    def discard(self, url: str, prefix: str = "") -> None:
        """The person deletes the cookies of this host whose names start with `prefix`."""
        host = urlsplit(url).hostname
        with self._lock:
            for key in [key for key in self._cookies if key[0] == host and key[2].startswith(prefix)]:
                del self._cookies[key]


def _covers(cookie_path: str, path: str) -> bool:
    return path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/")


def _is_over(facts: dict[str, str]) -> bool:
    if "max-age" in facts:
        return int(facts["max-age"]) <= 0
    return "expires" in facts and parsedate_to_datetime(facts["expires"]).timestamp() <= time.time()


@dataclass(frozen=True)
class Hop:
    """One request of a navigation and what came back."""

    method: str
    url: str
    status: int
    seconds: float
    location: str | None


@dataclass
class Visit:
    """A navigation from the first URL to where it ended, or to the URL it was stopped before."""

    hops: list[Hop] = field(default_factory=list)
    response: requests.Response | None = None
    stopped_before: str | None = None
    fetch_site: str = "none"

    @property
    def statuses(self) -> list[int]:
        return [hop.status for hop in self.hops]

    @property
    def url(self) -> str:
        return self.hops[-1].url

    @property
    def path(self) -> str:
        return path_of(self.url)

    @property
    def text(self) -> str:
        assert self.response is not None
        return self.response.text

    @property
    def json(self) -> Any:
        assert self.response is not None
        return self.response.json()

    def __str__(self) -> str:
        return " -> ".join(f"{hop.method} {path_of(hop.url)[:60]} {hop.status}" for hop in self.hops)


class ScriptedBrowser:
    """One tab. `another_tab()` shares its cookies, and may be used from another thread."""

    def __init__(self, cookies: CookieJar | None = None) -> None:
        self.cookies = cookies if cookies is not None else CookieJar()
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # ours are in self.cookies

    def another_tab(self) -> ScriptedBrowser:
        return ScriptedBrowser(self.cookies)

    def close(self) -> None:
        self._http.close()

    def open(
        self,
        url: str,
        data: dict[str, str] | None = None,
        *,
        method: str = "GET",
        initiator: str | None = None,
        until: str | None = None,
    ) -> Visit:
        """Navigates to `url`: typed in, or for a link or form of a page at the origin `initiator`.

        With `until`, stops before the first redirect to a path that starts with it; `resume()` goes on.
        """
        site = "none" if initiator is None else "same-origin"
        return self._navigate(Visit(fetch_site=site), method, url, data, initiator, until)

    def resume(self, visit: Visit) -> Visit:
        """Takes the redirect that `until` held back."""
        url, visit.stopped_before = visit.stopped_before, None
        assert url is not None
        return self._navigate(visit, "GET", url, None, None, None)

    def submit(self, visit: Visit, **fields: str) -> Visit:
        """Fills in the first form of the page a visit ended on, and sends it."""
        form = _FirstForm(visit.text)
        url = urljoin(visit.url, form.action)
        return self.open(url, {**form.fields, **fields}, method="POST", initiator=origin_of(visit.url))

    def fetch(self, url: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> requests.Response:
        """`fetch(url)` by a script of the same origin; redirects are left to the test."""
        return self._send(
            method,
            url,
            None,
            {"Accept": "*/*", **_fetch_metadata("cors", "empty", "same-origin"), **(headers or {})},
        )

    def _navigate(
        self,
        visit: Visit,
        method: str,
        url: str,
        data: dict[str, str] | None,
        initiator: str | None,
        until: str | None,
    ) -> Visit:
        for _ in range(LONGEST_CHAIN):
            visit.fetch_site = site_after_redirects(visit.fetch_site, initiator, url)
            headers = {
                "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                "Sec-Fetch-User": "?1",
                "Upgrade-Insecure-Requests": "1",
                **_fetch_metadata("navigate", "document", visit.fetch_site),
            }
            if method == "POST" and initiator is not None:
                headers["Origin"] = initiator
            response = self._send(method, url, data, headers)
            location = response.headers.get("Location") if response.status_code in REDIRECTS else None
            visit.hops.append(Hop(method, url, response.status_code, response.elapsed.total_seconds(), location))
            if location is None:
                visit.response = response
                return visit
            before, url = url, urljoin(url, location)
            initiator = initiator or (origin_of(before) if visit.fetch_site != "none" else None)
            if response.status_code not in {307, 308}:
                method, data = "GET", None
            if until is not None and urlsplit(url).path.startswith(until):
                visit.stopped_before = url
                return visit
        raise AssertionError(f"a redirect loop: {visit}")

    def _send(self, method: str, url: str, data: dict[str, str] | None, headers: dict[str, str]) -> requests.Response:
        headers = {"User-Agent": USER_AGENT, "Accept-Language": "en", **headers}
        cookie = self.cookies.header(url)
        if cookie:
            headers["Cookie"] = cookie
        response = self._http.request(method, url, data=data, headers=headers, allow_redirects=False, timeout=60)
        for line in response.raw.headers.getlist("Set-Cookie"):
            self.cookies.store(url, line)
        return response


def _fetch_metadata(mode: str, dest: str, site: str) -> dict[str, str]:
    return {"Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest, "Sec-Fetch-Site": site}


def site_after_redirects(so_far: str, initiator: str | None, url: str) -> str:
    """`Sec-Fetch-Site` of the next hop: a chain never gets closer again (Fetch Metadata 2.3)."""
    if so_far in {"none", "cross-site"} or initiator is None or origin_of(url) == initiator:
        return so_far
    return "same-site" if urlsplit(url).hostname == urlsplit(initiator).hostname else "cross-site"


class _FirstForm(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}
        self._forms = 0
        self.feed(page)
        if not self._forms:
            raise AssertionError(f"no form on this page: {page[:500]}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms += 1
            self.action = facts.get("action", "") if self._forms == 1 else self.action
        elif tag == "input" and self._forms == 1 and "name" in facts:
            self.fields[facts["name"]] = facts.get("value", "")
