"""The programmable OP answers as npm's oidc-provider does: what sites test against must not drift from real life."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
import requests

from django_silent_sso.testing import OpenIDProvider
from tests.interop.oidc_provider.process import CLIENT_SECRET, OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser, Visit, _FirstForm
from tests.interop.site_under_test import Site

CALLBACK = "https://site.example/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOD = {
    "client_id": "any-type",
    "redirect_uri": CALLBACK,
    "response_type": "code",
    "scope": "openid email",
    "state": "the state/&=?#ä",
    "nonce": "the-nonce",
    "prompt": "none",
}
TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
MODES = ["query", "fragment", "form_post", "web_message"]
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


@dataclass(frozen=True)
class Summary:
    """What an OP answered, as far as two OPs can agree: not tokens and words, but how it came and what was in it."""

    way: str
    status: int = 0
    members: frozenset[str] = frozenset()
    error: str | None = None
    state: str | None = None
    issuer_is_right: bool | None = None


def of_parameters(way: str, parameters: dict[str, str], issuer: str) -> Summary:
    given = {name for name in parameters if name != "error_description"}
    iss = parameters.get("iss")
    return Summary(
        way=way,
        members=frozenset(given),
        error=parameters.get("error"),
        state=parameters.get("state"),
        issuer_is_right=None if iss is None else iss == issuer,
    )


def of_redirect(location: str, issuer: str) -> Summary:
    parts = urlsplit(location)
    assert location.startswith(CALLBACK)
    way = "fragment" if parts.fragment else "query"
    return of_parameters(way, dict(parse_qsl(parts.fragment or parts.query, keep_blank_values=True)), issuer)


class Programmable:
    """Ours."""

    def __init__(self, provider: OpenIDProvider) -> None:
        self.provider = provider
        self.issuer, self.endpoint = provider.issuer, provider.url_of("authorize")
        self.pushing = provider.url_of("pushed_request")
        provider.add_client("any-type", CLIENT_SECRET, redirect_uris=(CALLBACK,), auth_method="client_secret_post")

    def sign_in(self, name: str | None) -> None:
        self.provider.sign_out()
        if name:
            self.provider.sign_in(name)

    def parameters(self, url: str) -> dict[str, str]:
        return self.provider.answer(url).parameters

    def answer(self, url: str) -> Summary:
        answer = self.provider.answer(url)
        if answer.mode == "redirect":
            return of_redirect(answer.location, self.issuer)
        if answer.mode == "form_post":
            assert answer.action == CALLBACK
            return of_parameters(f"form_post {answer.status}", answer.fields, self.issuer)
        return Summary(way="page" if answer.mode in ("login", "consent") else answer.mode, status=answer.status)


class Real:
    """npm's."""

    def __init__(self, provider: OIDCProvider, site: Site) -> None:
        self.site = site
        self.issuer, self.endpoint = provider.issuer, f"{provider.issuer}/auth"
        self.pushing = f"{provider.issuer}/request"
        self.browser = ScriptedBrowser()

    def sign_in(self, name: str | None) -> None:
        self.browser.close()
        self.browser = ScriptedBrowser()
        if name:
            self.site.sign_in(self.browser, name)

    def visit(self, url: str) -> Visit:
        return self.browser.open(url, until="/callback")

    def parameters(self, url: str) -> dict[str, str]:
        location = self.visit(url).stopped_before
        assert location is not None
        parts = urlsplit(location)
        return dict(parse_qsl(parts.fragment or parts.query))

    def answer(self, url: str) -> Summary:
        visit = self.visit(url)
        if visit.stopped_before is not None:
            return of_redirect(visit.stopped_before, self.issuer)
        status = visit.statuses[-1]
        if "postMessage" in visit.text:
            return Summary(way="web_message", status=status)
        if f'action="{CALLBACK}"' in visit.text:
            return of_parameters(f"form_post {status}", _FirstForm(visit.text).fields, self.issuer)
        return Summary(way="page", status=status)


Both = tuple[Programmable, Real]


@pytest.fixture
def both(site: Site, oidc_provider: OIDCProvider) -> Iterator[Both]:
    real = Real(oidc_provider, site)
    with OpenIDProvider() as provider:
        yield Programmable(provider), real
    real.browser.close()


def url_at(op: Programmable | Real, request: dict[str, Any]) -> str:
    given = {name: value for name, value in request.items() if value is not None}
    return f"{op.endpoint}?{urlencode(given, doseq=True, quote_via=quote)}"


Request = dict[str, Any]
REQUESTS: dict[str, Request] = {
    **{f"{kind}": {"response_type": kind} for kind in TYPES},
    **{f"{kind} by {mode}": {"response_type": kind, "response_mode": mode} for kind in TYPES for mode in MODES},
    "no prompt": {"prompt": None},
    "prompt=login": {"prompt": "login"},
    "none and login": {"prompt": "none login"},
    "prompt of no such name": {"prompt": "telepathy"},
    "no state": {"state": None},
    "no nonce for a code": {"nonce": None},
    "no nonce for an ID Token": {"nonce": None, "response_type": "code id_token"},
    "no nonce for a code and a token": {"nonce": None, "response_type": "code token"},
    "without openid": {"scope": "email"},
    "a response type of no such name": {"response_type": "telepathy"},
    "no response type": {"response_type": None},
    "a response mode of no such name": {"response_mode": "telepathy"},
    "a request object": {"request": "a.b.c"},
    "a request by reference": {"request_uri": "https://site.example/request"},
    "a reference nobody knows": {"request_uri": "urn:ietf:params:oauth:request_uri:unknown"},
    "registration": {"registration": "{}"},
    "max_age": {"max_age": "3600"},
    "max_age=0": {"max_age": "0"},
    "max_age of no number": {"max_age": "soon"},
    "login_hint of another person": {"login_hint": "bob"},
    "a garbled hint": {"id_token_hint": "a.b.c"},
    "PKCE": PKCE,
    "PKCE plain": {**PKCE, "code_challenge_method": "plain"},
    "PKCE without method": {"code_challenge": CHALLENGE},
    "PKCE without challenge": {"code_challenge_method": "S256"},
    "PKCE too short": {**PKCE, "code_challenge": "short"},
    "state twice": {"state": ["a", "b"]},
    "scope twice": {"scope": ["openid", "openid email"]},
    "an unknown client": {"client_id": "unknown"},
    "no client": {"client_id": None},
    "an unknown redirect URI": {"redirect_uri": "https://elsewhere.example/"},
    "a near miss of it": {"redirect_uri": f"{CALLBACK}/"},
    "unknown parameters": {"colour": "blue"},
}


@pytest.mark.parametrize("who", [None, "alice"], ids=["nobody", "alice"])
def test_both_answer_alike(both: Both, who: str | None) -> None:
    for op in both:
        op.sign_in(who)
    answers = {name: [op.answer(url_at(op, {**GOOD, **request})) for op in both] for name, request in REQUESTS.items()}
    drifted = {name: pair for name, pair in answers.items() if pair[0] != pair[1]}
    assert len({summary.error for pair in answers.values() for summary in pair}) >= 5
    assert list(map(str, drifted.items())) == []


def hint_of(op: Programmable | Real, name: str) -> str:
    op.sign_in(name)
    return op.parameters(url_at(op, {**GOOD, "response_type": "id_token"}))["id_token"]


HINTS: dict[str, Callable[[str, str], str]] = {
    "of the same person": lambda alice, bob: alice,
    "of another person": lambda alice, bob: bob,
    "of another person, broken": lambda alice, bob: bob[:-4] + "AAAA",
    "without a signature": lambda alice, bob: re.sub(r"[^.]+$", "", alice),
}


def test_both_go_by_hints_alike(both: Both) -> None:
    answers: dict[str, list[Summary]] = {name: [] for name in [*HINTS, "and the session afterwards"]}
    for op in both:
        bob, alice = hint_of(op, "bob"), hint_of(op, "alice")
        for name, hint in HINTS.items():
            answers[name].append(op.answer(url_at(op, {**GOOD, "id_token_hint": hint(alice, bob)})))
        answers["and the session afterwards"].append(op.answer(url_at(op, GOOD)))
    assert {name: pair for name, pair in answers.items() if pair[0] != pair[1]} == {}
    assert answers["of another person"][0].error == "login_required"


PUSHED: dict[str, Request] = {
    "good": {},
    "without openid": {"scope": "email"},
    "another redirect URI": {"redirect_uri": "https://elsewhere.example/"},
    "a reference": {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    "another secret": {"client_secret": "wrong"},
    "no secret": {"client_secret": None},
    "a response type of no such name": {"response_type": "telepathy"},
}


def test_both_take_pushed_requests_alike(both: Both) -> None:
    for op in both:
        op.sign_in("alice")
    drifted, used = {}, []
    for name, changes in PUSHED.items():
        form = {**GOOD, "client_secret": CLIENT_SECRET, **changes}
        answers = [
            requests.post(op.pushing, {k: v for k, v in form.items() if v is not None}, timeout=30) for op in both
        ]
        found = [
            (a.status_code, sorted(a.json().keys() - {"error_description"}), a.json().get("error")) for a in answers
        ]
        if found[0] != found[1]:
            drifted[name] = found
        if name == "good":
            for op, answer in zip(both, answers, strict=True):
                url = url_at(op, {"client_id": "any-type", "request_uri": answer.json()["request_uri"]})
                used.append([op.answer(url), op.answer(url)])
    assert drifted == {}
    assert used[0] == used[1]
    assert "code" in used[0][0].members
