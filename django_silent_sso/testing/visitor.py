"""A browser for tests that have none: it keeps the provider's cookies, follows the provider's own redirects
and forms, and stops where the provider sends it back to the site."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from django_silent_sso.testing.messages import Headers

_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What the provider gave the browser: a redirect, a form that posts itself, a message, or a page for the
    person."""

    status: int
    headers: Headers = field(repr=False)
    page: str = field(repr=False)

    @cached_property
    def _html(self) -> _Page:
        return _Page(self.page)

    @property
    def mode(self) -> str:
        """ "redirect", "form_post", "web_message", "login", "consent" or "page"."""
        if "location" in self.headers:
            return "redirect"
        if "response" in self._html.forms:
            return "form_post"
        if "message" in self._html.data:
            return "web_message"
        return next((name for name in ("login", "consent") if name in self._html.forms), "page")

    @property
    def location(self) -> str:
        """Where the browser is sent. `LookupError`: nowhere."""
        if "location" not in self.headers:
            raise LookupError(f"no redirect but {self.mode} (HTTP {self.status}): {self._html.text}")
        return self.headers["location"]

    @property
    def action(self) -> str:
        """Where the form of `response_mode=form_post` goes. `LookupError`: there is none."""
        return self._form("response").action

    @property
    def fields(self) -> dict[str, str]:
        """What that form holds."""
        return self._form("response").fields

    @property
    def parameters(self) -> dict[str, str]:
        """The Authentication Response, however it was sent. `LookupError`: a page for the person."""
        if self.mode == "form_post":
            return self.fields
        if self.mode == "web_message":
            message = self._html.data["message"]["message"]
            return {name: str(value) for name, value in message.get("response", message).items()}
        parts = urlsplit(self.location)
        return dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True))

    def _form(self, name: str) -> _Form:
        if name not in self._html.forms:
            raise LookupError(f"no {name} form but {self.mode} (HTTP {self.status}): {self._html.text}")
        return self._html.forms[name]


class Visitor:
    """`host`, `port`: where the provider listens. Names under .localhost do not resolve in Python everywhere,
    so it is called there whatever the URL's host is, which travels in the Host header."""

    def __init__(self, host: str, port: int, issuer: str) -> None:
        self.cookies: dict[str, str] = {}
        self._address = (host, port)
        self._origins = {_origin(issuer), f"http://{host}:{port}"}

    def answer(self, url: str, *, sign_in_as: str | None = None, method: str = "GET", **form: str) -> Answer:
        """Go to an authorization (or end-session) URL; what the provider finally answers.

        `sign_in_as`: fill in the login page, if it comes, with this name, and allow what a consent page asks
        for. `form` is posted with `method="POST"`. `ValueError`: the URL is not this provider's.
        """
        answer = self._follow(url, method, form)
        if sign_in_as is not None and answer.mode == "login":
            answer = self._submit(url, answer, "login", {"username": sign_in_as, "choice": "yes"})
        if sign_in_as is not None and answer.mode == "consent":
            answer = self._submit(url, answer, "consent", {"choice": "yes"})
        return answer

    def submit(self, url: str, answer: Answer, form: str, **fields: str) -> Answer:
        """Send one of the provider's forms ("login", "consent", "sign-out") that came from `url`."""
        return self._submit(url, answer, form, fields)

    def _submit(self, url: str, answer: Answer, name: str, fields: Mapping[str, str]) -> Answer:
        form = answer._form(name)  # noqa: SLF001 (the two belong together)
        return self._follow(urljoin(url, form.action), "POST", {**form.fields, **fields})

    def _follow(self, url: str, method: str, form: Mapping[str, str]) -> Answer:
        if _origin(url) not in self._origins:
            raise ValueError(f"{_origin(url)} is not this provider, which is {', '.join(sorted(self._origins))}")
        answer = self._request(url, method, form)
        while answer.mode == "redirect" and _origin(target := urljoin(url, answer.location)) in self._origins:
            url = target
            answer = self._request(url, "GET", {})
        return answer

    def _request(self, url: str, method: str, form: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        headers = {"Host": parts.netloc, "Accept": "text/html"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if method == "POST":
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection = HTTPConnection(*self._address, timeout=_SECONDS)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            page = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie", []):
            self._keep(line)
        return Answer(response.status, Headers(response.headers.items()), page)

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


@dataclass
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Page(HTMLParser):
    """The forms of a page by their id, with hidden fields; JSON data by the id of its element; the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: dict[str, _Form] = {}
        self.data: dict[str, Any] = {}
        self._open_form: _Form | None = None
        self._open_data = ""
        self._texts: list[str] = []
        self.feed(html)

    @property
    def text(self) -> str:
        return " ".join(self._texts)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open_form = self.forms[given.get("id", "")] = _Form(given.get("action", ""))
        elif tag == "input" and given.get("type") == "hidden" and self._open_form is not None:
            self._open_form.fields[given.get("name", "")] = given.get("value", "")
        elif tag == "script" and given.get("type") == "application/json":
            self._open_data = given.get("id", "")

    def handle_data(self, data: str) -> None:
        if self._open_data:
            self.data[self._open_data] = json.loads(data)
            self._open_data = ""
        elif data.strip() and self.lasttag != "script":
            self._texts.append(data.strip())
