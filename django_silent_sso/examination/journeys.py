"""Where an Authentication Request leads a browser without cookies: to our redirect URI, or to a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

from django_silent_sso.examination.asking import Asking
from django_silent_sso.op.http import Answer

__all__ = ["Journey", "forbids_framing", "travel"]

MOST_HOPS: Final = 5
PAGE: Final = "a page"
ERROR: Final = re.compile(r"""["']?error["']?\s*[:=]\s*["']([a-z_]{3,60})["']""")


@dataclass(frozen=True, slots=True)
class Journey:
    """How the answer came (`query`, `fragment`, `form_post`, `web_message` or PAGE), and what was in it (masked)."""

    came: str
    url: str
    answer: Answer
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def arrived(self) -> bool:
        return self.came != PAGE


def travel(asking: Asking, url: str, redirect_uri: str, state: str) -> Journey:
    """Go to `url`, and on where the OP sends us, as long as it is the OP.

    Raises `ConfigurationError` for an address that must not be called, and `OPUnavailable`.
    """
    home = urlsplit(url).netloc
    for _ in range(MOST_HOPS):
        answer = asking("GET", url)
        location = answer.headers.get("Location")
        if not (300 <= answer.status < 400 and location):
            break
        target = urljoin(url, location)
        if _is(target, redirect_uri):
            parts = urlsplit(target)
            by_fragment = "state=" in parts.fragment or not parts.query
            pairs = parse_qsl(parts.fragment if by_fragment else parts.query, keep_blank_values=True)
            return Journey("fragment" if by_fragment else "query", url, answer, dict(pairs))
        if urlsplit(target).netloc != home:
            break
        url = target
    return _page(url, answer, redirect_uri, state)


def _is(target: str, redirect_uri: str) -> bool:
    return target.startswith(redirect_uri) and target[len(redirect_uri) :][:1] in ("", "?", "#", "&")


def _page(url: str, answer: Answer, redirect_uri: str, state: str) -> Journey:
    text = answer.body.decode(errors="replace")
    form = _Forms(redirect_uri)
    form.feed(text)
    if form.found is not None:
        return Journey("form_post", url, answer, form.found)
    if "postMessage" in text and state in text:  # by script, in whatever words: what can be read is enough
        error = ERROR.search(text)
        return Journey("web_message", url, answer, {"state": state} | ({"error": error[1]} if error else {}))
    return Journey(PAGE, url, answer)


class _Forms(HTMLParser):
    """The hidden fields of the form that posts itself to us (Form Post Response Mode 2)."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.found: dict[str, str] | None = None
        self._action = action

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form" and values.get("action") == self._action:
            self.found = {}
        elif tag == "input" and self.found is not None and "name" in values:
            self.found[values["name"]] = values.get("value", "")


def forbids_framing(answer: Answer, origin: str) -> bool:
    """Whether a page of this origin may not frame the answer. A policy overrules X-Frame-Options (CSP 3, 6.4.2)."""
    policies = re.findall(r"frame-ancestors([^;,]*)", answer.headers.get("Content-Security-Policy", ""), re.IGNORECASE)
    if policies:
        return not all(any(_allows(source, origin) for source in policy.split()) for policy in policies)
    # SAMEORIGIN is the OP's own; ALLOW-FROM is passed over by every browser.
    options = answer.headers.get("X-Frame-Options", "").upper()
    return any(word.strip() in ("DENY", "SAMEORIGIN") for word in options.split(","))


def _allows(source: str, origin: str) -> bool:
    parts, host = urlsplit(origin), urlsplit(origin).hostname or ""
    scheme, _, rest = source.lower().rpartition("://")
    if source in ("*", f"{parts.scheme}:") or source.lower().rstrip("/") == origin:
        return True
    if scheme not in ("", parts.scheme):
        return False
    name = rest.partition(":")[0].rstrip("/")
    return name == host or (name.startswith("*.") and host.endswith(name[1:]))
