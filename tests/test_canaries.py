"""No secret leaves by a side door: unique strings are planted, and looked for in logs, pages and signals.

The states, nonces, verifiers, codes and tokens of whole journeys, through success and every kind of failure.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from django.contrib.auth.signals import user_logged_in, user_login_failed

from django_silent_sso import signals
from django_silent_sso.protocol import authentication_request
from django_silent_sso.testing import make_stale
from tests.conftest import Browser

if TYPE_CHECKING:
    from pytest_django import Settings

SECRET = "canary-of-the-client-secret"
EMAIL = "canary-mail@example.org"
OURS = ("django_silent_sso", "django.request", "django.security")


@dataclass
class Watch:
    """What must not be told, and where it might have been."""

    secrets: set[str] = field(default_factory=lambda: {SECRET, EMAIL})
    told: list[str] = field(default_factory=list)

    def plant(self, text: str) -> None:
        """The parameters of an URL or a form, of which some are secret."""
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name in ("state", "nonce", "code", "code_verifier", "id_token_hint", "id_token", "access_token"):
                self.secrets.add(value)

    def found(self) -> set[str]:
        everything = unquote("\n".join(self.told))
        return {secret[:12] for secret in self.secrets if secret in everything}


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    watch = Watch()
    caplog.set_level(logging.DEBUG)
    made = authentication_request.new_secret

    def planted(nbytes: int = 32) -> str:
        secret = made(nbytes)
        watch.secrets.add(secret)
        return secret

    for module in ("django_silent_sso.flows.begin", "django_silent_sso.flows.sign_out"):
        monkeypatch.setattr(f"{module}.new_secret", planted)

    def listen(**facts: Any) -> None:
        facts.pop("request", None)
        watch.told.append(repr({name: (str(value), repr(value)) for name, value in facts.items()}))

    heard = [value for value in vars(signals).values() if isinstance(value, type(user_logged_in))]
    for signal in (*heard, user_logged_in, user_login_failed):
        signal.connect(listen, weak=False)
    yield watch
    for signal in (*heard, user_logged_in, user_login_failed):
        signal.disconnect(listen)


@pytest.fixture
def traveller(browser: Browser, settings: Settings, watch: Watch) -> Browser:
    """A browser whose every answer is watched."""
    settings.OIDC_RP_CLIENT_SECRET = SECRET
    settings.DEBUG = True
    settings.SILENT_SSO_VISITORS = "redirect"
    browser.provider.clients["site"] = browser.provider.add_client("site", SECRET)
    browser.provider.claims_in_id_token = True
    browser.provider.sign_in("alice", email=EMAIL, email_verified=True)
    browser.provider.token_answer.change(lambda answer: _noted(watch, answer))
    ask = browser.client.request

    def request(**environ: Any) -> Any:
        response = ask(**environ)
        watch.plant(environ.get("QUERY_STRING", ""))
        watch.plant(urlsplit(response.get("Location", "")).query)
        if response.status_code not in (302, 303):
            watch.told.append(response.content.decode())
        watch.told.extend(f"{name}: {value}" for name, value in response.items() if name != "Location")
        return response

    browser.client.request = request  # type: ignore[method-assign]
    return browser


def _noted(watch: Watch, answer: dict[str, Any]) -> dict[str, Any]:
    watch.secrets |= {str(answer[name]) for name in ("id_token", "access_token", "refresh_token") if name in answer}
    return answer


def renewal(browser: Browser) -> None:
    browser.surf("/page/")
    if "sessionid" in browser.client.cookies:
        make_stale(browser.session)
    browser.surf("/page/")


def by_hand(browser: Browser) -> None:
    browser.surf("/oidc/authenticate/?next=/page/")
    browser.surf("/oidc/authenticate/?next=/page/")


def by_a_frame(browser: Browser) -> None:
    answer = browser.start(trigger="call").json()
    query = browser.at_op(answer["authorization_url"]).partition("?")[2]
    browser.get(f"/oidc/callback/?{query}", **{"Sec-Fetch-Dest": "iframe"})
    browser.get(f"/oidc/callback/?{query}")
    for _ in range(2):
        browser.relay("/oidc/callback/", query)


def forged(browser: Browser) -> None:
    leaving = browser.get("/oidc/authenticate/?next=/page/")
    callback = browser.at_op(leaving["Location"])
    browser.get(f"{callback}&state=twice")
    browser.get(re.sub("state=i", "state=t", callback))
    browser.get(f"{callback}&error=login_required&error_description={EMAIL}")
    for _ in range(2):
        browser.get(callback)


def signing_out(browser: Browser) -> None:
    browser.surf("/page/")
    browser.post("/oidc/logout/")


JOURNEYS = [renewal, by_hand, by_a_frame, forged, signing_out]
FAULTS: dict[str, Callable[[Browser], object]] = {
    "all_well": lambda browser: None,
    "errors": lambda browser: browser.provider.answer_with_error("access_denied", description=EMAIL),
    "nobody_there": lambda browser: browser.provider.answer_with_error("login_required", description=EMAIL),
    "token_500": lambda browser: browser.provider.fail("token", body=EMAIL),
    "token_refused": lambda browser: browser.provider.fail(
        "token", status=400, body={"error": EMAIL, "error_description": EMAIL}
    ),
    "token_gone": lambda browser: browser.provider.disconnect("token", after_work=True),
    "token_garbage": lambda browser: browser.provider.fail("token", status=200, body=EMAIL),
    "token_type": lambda browser: browser.provider.token_answer.replace(token_type=EMAIL),
    "keys_500": lambda browser: browser.provider.fail("jwks"),
    "signature": lambda browser: browser.provider.switch_on("id_token_bad_signature"),
    "nonce": lambda browser: browser.provider.switch_on("id_token_nonce_mismatch"),
    "audience": lambda browser: browser.provider.id_token.replace(aud=EMAIL),
    "subject": lambda browser: browser.provider.id_token.replace(sub="\x00" + EMAIL),
    "userinfo": lambda browser: browser.provider.switch_on("userinfo_subject_mismatch"),
    "issuer": lambda browser: browser.provider.switch_on("response_issuer_mismatch"),
}


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: str(journey.__name__))
@pytest.mark.parametrize("fault", FAULTS)
def test_l03_d80_nothing_secret_is_told(
    traveller: Browser, watch: Watch, caplog: pytest.LogCaptureFixture, journey: Callable[[Browser], None], fault: str
) -> None:
    FAULTS[fault](traveller)
    journey(traveller)
    for record in caplog.records:
        if record.name.startswith(OURS):
            watch.told += [record.getMessage(), repr(record.args), str(record.exc_info)]
    assert len(watch.secrets) > 4
    assert watch.told
    # The page's script is given its attempt's state and URL: that is what it asked for.
    watch.told = [text for text in watch.told if not text.startswith('{"authorization_url"')]
    watch.told = [text for text in watch.told if not text.startswith('{"status": "signed_in"')]
    assert watch.found() == set()


def test_the_watch_sees_what_is_told(traveller: Browser, watch: Watch) -> None:
    traveller.get("/oidc/authenticate/")
    secret = next(iter(watch.secrets))
    assert not watch.found()
    watch.told.append(secret)
    assert watch.found()
