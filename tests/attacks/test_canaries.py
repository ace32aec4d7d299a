"""Secrets are planted, everything that can happen happens, and all that was told is searched (L03).

Of what a browser gets, three things may hold some: the way to the OP (its request), what the page's script needs for
its frame, and our own sealed cookies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from django_silent_sso.backends import SilentSSOBackend
from django_silent_sso.flows.sign_in import complete
from django_silent_sso.protocol.errors import SilentSSOError
from django_silent_sso.protocol.response_parameters import read_parameters
from django_silent_sso.storage.pending import find
from django_silent_sso.testing import OpenIDProvider, make_stale
from tests.attacks.canaries import EMAIL, SECRET, Canaries, Ears
from tests.conftest import Browser
from tests.repository import PACKAGE

pytestmark = pytest.mark.openid_provider(client_secret=SECRET)

CALLBACK = "/oidc/callback/"


class Told:
    """A browser whose every answer is kept."""

    def __init__(self, browser: Browser, canaries: Canaries, ears: Ears) -> None:
        self.browser, self.canaries, self.ears = browser, canaries, ears
        self.answers: list[tuple[str, str]] = []
        whole = browser.client.request

        def request(**asked: Any) -> Any:
            answer = whole(**asked)
            self.answers.append((asked["PATH_INFO"], self.text(answer)))
            return answer

        browser.client.request = request

    def text(self, answer: Any) -> str:
        """Body and headers, but for what belongs there."""
        where = answer.get("Location", "")
        if where.startswith(self.browser.provider.issuer):
            where = ""  # to the OP
        headers = {name: value for name, value in answer.headers.items() if name != "Location"}
        cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
        body = "" if answer.request["PATH_INFO"] == "/oidc/silent/" else answer.content.decode("utf-8", "replace")
        return f"{headers} {where} {cookies} {body}"

    def leaks(self) -> dict[str, list[str]]:
        told = [*self.answers, *(("log or signal", line) for line in self.ears.heard)]
        return {f"{where}: {text[:300]}": found for where, text in told if (found := self.canaries.in_(text))}


@pytest.fixture
def told(browser: Browser, openid_provider: OpenIDProvider, settings: Any) -> Iterator[Told]:
    assert settings.OIDC_RP_CLIENT_SECRET == SECRET
    settings.SILENT_SSO_VISITORS = "redirect"
    settings.OIDC_RP_SCOPES = "openid email profile"  # else the address is the name that a page is told
    openid_provider.sign_in("alice", email=EMAIL, name="Alice")
    with Ears() as ears:
        yield Told(browser, Canaries(openid_provider), ears)


def sign_in(browser: Browser) -> Any:
    return browser.follow(browser.get("/oidc/authenticate/?next=/page/"))


def silently(browser: Browser) -> Any:
    return browser.follow(browser.get("/private/"))


def in_a_frame(browser: Browser) -> Any:
    query = browser.answered()
    browser.client.get(f"{CALLBACK}?{query}", headers={"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Mode": "navigate"})
    return browser.relay(CALLBACK, query)


def renew(browser: Browser) -> Any:
    make_stale(browser.session)
    return browser.surf("/page/")


def sign_out(browser: Browser) -> Any:
    return browser.post("/oidc/logout/")


def by_form(browser: Browser) -> Any:
    django_settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    answer = browser.provider.answer(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    return browser.get(browser.from_op(CALLBACK, answer.fields)["Location"])


def forged(browser: Browser) -> Any:
    back = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    for query in (back.replace("state=", "state=x"), f"{back}&code=y", back.replace(CALLBACK, "/oidc/callback"), back):
        browser.get(query)
    return browser.get(back)


def fetched_by_script(browser: Browser) -> Any:
    return browser.fetch("/oidc/session/")


HAPPENINGS: dict[str, Callable[[Browser], Any]] = {
    "sign_in": sign_in,
    "silently": silently,
    "in_a_frame": in_a_frame,
    "renew": renew,
    "sign_out": sign_out,
    "forged": forged,
    "session": fetched_by_script,
}
SIGNED_IN_BEFORE = ("renew", "sign_out", "session")
ECHO = {"error": "invalid_grant", "error_description": f"{SECRET} {EMAIL}", "error_uri": f"https://x/?{SECRET}"}
TROUBLE: dict[str, Callable[[OpenIDProvider], Any]] = {
    "nothing": lambda op: None,
    "token_endpoint_refuses": lambda op: op.fail("token", status=400, body=ECHO),
    "token_endpoint_fails": lambda op: op.fail("token", status=500, body=f"<p>{SECRET} {EMAIL}"),
    "token_answer_is_nonsense": lambda op: op.fail("token", status=200, body=f"[{SECRET!r}"),
    "token_endpoint_redirects": lambda op: op.redirect("token", f"https://elsewhere.example/?{SECRET}"),
    "token_endpoint_hangs_up": lambda op: op.disconnect("token", after_work=True),
    "userinfo_fails": lambda op: op.fail("userinfo", status=500, body=EMAIL),
    "userinfo_of_another": lambda op: op.switch_on("userinfo_subject_mismatch"),
    "keys_fail": lambda op: op.fail("jwks", status=500),
    "op_says_no": lambda op: op.answer_with_error("access_denied", description=f"{SECRET} {EMAIL}"),
    "op_is_sick": lambda op: op.answer_with_error("server_error", description=f"{SECRET} {EMAIL}"),
    **{
        name: lambda op, name=name: op.switch_on(name)  # type: ignore[misc]
        for name in (
            "id_token_issuer_mismatch",
            "id_token_audience_mismatch",
            "id_token_nonce_mismatch",
            "id_token_expired",
            "id_token_bad_signature",
            "id_token_unsigned",
            "response_issuer_mismatch",
            "response_state_mismatch",
        )
    },
}


@pytest.mark.parametrize("trouble", TROUBLE)
@pytest.mark.parametrize("happening", HAPPENINGS)
def test_l03_f17_no_secret_is_told(told: Told, happening: str, trouble: str) -> None:
    if happening in SIGNED_IN_BEFORE:
        sign_in(told.browser)
    TROUBLE[trouble](told.browser.provider)
    HAPPENINGS[happening](told.browser)
    secrets = {name for name, value in told.canaries.secrets() if value}
    assert {"state", "nonce", "client_secret"} <= secrets
    assert told.answers
    assert told.ears.heard
    assert told.leaks() == {}


def test_l03_no_secret_is_told_after_a_form(told: Told, settings: Any) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    by_form(told.browser)
    assert told.browser.user() != "nobody"
    assert told.leaks() == {}


def test_l03_the_search_finds_what_is_there(told: Told) -> None:
    """Else the tests above would prove nothing."""
    back = told.browser.at_op(told.browser.get("/oidc/authenticate/")["Location"])
    code = dict(parse_qsl(urlsplit(back).query))["code"]
    assert told.canaries.in_(f"x{code}y") == ["code"]
    assert set(told.canaries.in_(back)) == {"code", "state"}
    assert told.canaries.in_(f"mail to {EMAIL.replace('@', '%40')}") == ["e-mail"]


HARMLESS = ("nothing", "userinfo_fails", "response_state_mismatch")


@pytest.mark.parametrize("trouble", [name for name in TROUBLE if name not in HARMLESS])
def test_l03_an_exception_tells_no_secret(told: Told, trouble: str) -> None:
    """Its text, its `repr`, its facts, and those of the exceptions it was raised from."""
    browser = told.browser
    TROUBLE[trouble](browser.provider)
    back = browser.at_op(browser.get("/oidc/authenticate/?next=/page/")["Location"])
    request = RequestFactory().get(back)
    request.COOKIES = {name: morsel.value for name, morsel in browser.client.cookies.items()}
    request.session, request.user = browser.client.session, AnonymousUser()
    parameters = read_parameters(parse_qsl(urlsplit(back).query))
    pending = find(request, parameters.state or "", browser.provider.now())
    assert pending is not None
    with pytest.raises(SilentSSOError) as caught:
        complete(request, pending, parameters)
    error: BaseException | None = caught.value
    while error is not None:
        text = f"{error} {error!r} {error.args!r} {vars(error)!r} {pending!r} {pending} {parameters!r}"
        assert told.canaries.in_(text) == []
        error = None if error.__suppress_context__ else error.__cause__ or error.__context__


class BrokenBackend(SilentSSOBackend):
    def verify_claims(self, claims: dict[str, Any]) -> bool:
        raise ValueError("broken hook")


def test_l03_a_report_of_a_fault_in_a_hook_tells_no_secret(told: Told, settings: Any) -> None:
    """As it is mailed to the site's admins, with the values in every frame."""
    settings.AUTHENTICATION_BACKENDS = [f"{__name__}.BrokenBackend"]
    back = told.browser.at_op(told.browser.get("/oidc/authenticate/?next=/page/")["Location"])
    with pytest.raises(ValueError, match="broken hook") as caught:
        told.browser.get(back)
    reporter = ExceptionReporter(RequestFactory().get("/"), caught.type, caught.value, caught.tb)
    ours = [frame for frame in reporter.get_traceback_frames() if f"{PACKAGE.name}/" in frame["filename"]]
    assert len(ours) > 5
    values = {
        (frame["function"], name): found
        for frame in ours
        for name, value in frame["vars"]
        if name != "request" and (found := told.canaries.in_(str(value)))  # Django shows every request's address
    }
    assert values == {}
    assert told.leaks() == {}
