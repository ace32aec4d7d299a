"""The site as the conformance suite sees it: a relying party that is sent through a sign-in and watched."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth import get_user_model

from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.defects import Defect
from django_silent_sso.testing.known_defects import DEFECTS
from django_silent_sso.testing.visitor import Answer
from tests.conftest import NAVIGATION, Browser, told

CALLBACK = "/oidc/callback/"
START = "/oidc/authenticate/?next=/page/"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Flow:
    """One column of the certification: a response type, and how the answer travels."""

    response_type: str
    mode: str

    def __str__(self) -> str:
        return f"{self.response_type} by {self.mode}"

    @property
    def members(self) -> frozenset[str]:
        return frozenset(self.response_type.split())

    @property
    def default_mode(self) -> str:
        return "query" if self.response_type == "code" else "fragment"


CODE = [Flow("code", mode) for mode in ("query", "fragment", "form_post")]
IMPLICIT = [Flow(kind, mode) for kind in ("id_token", "id_token token") for mode in ("fragment", "form_post")]
HYBRID = [
    Flow(kind, mode)
    for kind in ("code id_token", "code token", "code id_token token")
    for mode in ("fragment", "form_post")
]
ALL = [*CODE, *IMPLICIT, *HYBRID]
FRONT_ID_TOKEN = [flow for flow in ALL if "id_token" in flow.members]
FRONT_ACCESS_TOKEN = [flow for flow in ALL if "token" in flow.members]
FRONT_ID_TOKEN_AND_CODE = [flow for flow in ALL if flow.members >= {"code", "id_token"}]
FRONT_ID_TOKEN_AND_ACCESS_TOKEN = [flow for flow in ALL if flow.members >= {"id_token", "token"}]
ANY_ACCESS_TOKEN = [flow for flow in ALL if flow.members & {"code", "token"}]
WITH_CODE = [flow for flow in ALL if "code" in flow.members]
WITHOUT_FRONT_ID_TOKEN = [flow for flow in ALL if "id_token" not in flow.members]


def in_flows(flows: list[Flow]) -> pytest.MarkDecorator:
    """Run the test once in each of these."""
    return pytest.mark.parametrize("flow", flows, ids=str)


def at(endpoint: str, name: str) -> Defect:
    """The named defect, at this endpoint of the OP alone."""
    defect = DEFECTS[name]
    changes = tuple(replace(change, endpoints=frozenset({endpoint})) for change in defect.changes)
    return replace(defect, name=f"{name} at {endpoint}", changes=changes)


def deliver(browser: Browser, answer: Answer) -> Any:
    """Bring the OP's answer to the callback as a browser does; what the callback finally says."""
    if answer.mode == "form_post":
        assert answer.action == f"http://testserver{CALLBACK}"
        hop = browser.from_op(CALLBACK, answer.fields)
        # The form brought no cookie: what is known of it comes again, by GET, where the cookies are.
        return browser.get(hop["Location"]) if hop.status_code == 303 else hop
    parts = urlsplit(answer.location)
    if not parts.fragment:
        return browser.get(f"{parts.path}?{parts.query}", **{"Sec-Fetch-Site": "cross-site"})
    page = browser.get(parts.path, **{"Sec-Fetch-Site": "cross-site"})
    assert (page.status_code, page.cookies) == (200, {})
    assert "fragment.js" in page.content.decode()
    return post_fragment(browser, parts.fragment)


def post_fragment(browser: Browser, fragment: str) -> Any:
    """What fragment.js does: the page posts to itself what it found in its address."""
    return browser.client.post(
        CALLBACK,
        f"{fragment}&silent_sso_fragment=1",
        content_type=FORM,
        headers={**NAVIGATION, "Sec-Fetch-Site": "same-origin", "Origin": "null"},
    )


class RelyingParty:
    """The site with one flow switched on, and the person's browser in front of it."""

    def __init__(self, browser: Browser, flow: Flow, settings: Any) -> None:
        self.browser, self.flow, self.settings = browser, flow, settings
        settings.SILENT_SSO_RESPONSE_TYPE = flow.response_type
        settings.SILENT_SSO_RESPONSE_MODE = None if flow.mode == flow.default_mode else flow.mode
        browser.provider.sign_in("alice")

    @property
    def provider(self) -> OpenIDProvider:
        return self.browser.provider

    def calls(self, endpoint: str) -> int:
        return len(self.provider.calls_to(endpoint))

    def sign_in(self, start: str = START) -> Any:
        """By way of the OP; what the callback says."""
        leaving = self.browser.get(start)
        assert leaving.status_code == 302, leaving.content
        return deliver(self.browser, self.answer(leaving["Location"]))

    def answer(self, url: str) -> Answer:
        """What the OP answers, which must travel as the flow says."""
        answer = self.provider.answer(url)
        parts = urlsplit(answer.location) if answer.mode == "redirect" else None
        mode = answer.mode if parts is None else "fragment" if parts.fragment else "query"
        assert mode == self.flow.mode
        return answer

    def asked(self) -> dict[str, str]:
        """The parameters of the one Authentication Request that was made."""
        (call,) = self.provider.calls_to("authorize")
        return dict(call.parameters)

    def email(self) -> str:
        """The e-mail address of the account that is signed in."""
        return str(get_user_model().objects.get(username=self.browser.user()).email)

    def in_a_new_browser(self) -> None:
        self.browser = Browser(self.provider)

    def accepts(self, start: str = START, page: str = "/page/") -> RPSession:
        """A whole sign-in holds: the RP goes on to each next endpoint, once, and alice is signed in."""
        self.provider.forget_calls()
        done = self.sign_in(start)
        assert (done.status_code, done["Location"]) == (302, page), done.content
        assert self.calls("token") == ("code" in self.flow.members)
        assert self.calls("userinfo") == bool(self.flow.members & {"code", "token"})
        assert self.email() == "alice@example.org"
        found = RPSession.read(self.browser.session)
        assert found is not None
        assert found.subject == "alice"
        return found

    def refuses(self, defect: str, reason: str) -> None:
        """Wherever the OP sends an ID Token, this defect keeps the RP from the next endpoint, and signs nobody in."""
        if "id_token" in self.flow.members:
            self.refuses_now(at("authorize", defect), reason, token=0, userinfo=0)
        if "code" in self.flow.members:
            self.refuses_now(at("token", defect), reason, token=1, userinfo=0)

    def refuses_now(self, defect: Defect | str, reason: str, *, token: int, userinfo: int) -> None:
        """A sign-in with this defect ends on a readable page, after so many calls, with nobody signed in."""
        self.provider.forget_calls()
        with self.provider.switch_on(defect) as switch:
            page = self.sign_in()
        assert switch.hits > 0
        self.is_refused(page, reason)
        assert (self.calls("token"), self.calls("userinfo")) == (token, userinfo)

    def is_refused(self, page: Any, reason: str) -> None:
        assert told(page) == (400, reason)
        assert "<h1" in page.content.decode()
        assert self.browser.user() == "nobody"
        assert "sessionid" not in self.browser.client.cookies
