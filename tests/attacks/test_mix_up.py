"""Two OPs side by side, one of them an attacker's: none answers for the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.defects import Change, Point, Situation
from django_silent_sso.testing.keys import compact_jws
from tests.conftest import Browser, told

START = "/oidc/authenticate/?next=/page/"


@pytest.fixture
def attacker(browser: Browser) -> Iterator[OpenIDProvider]:
    """An OP where the site has the same client id and secret; everybody is alice there."""
    with OpenIDProvider(client_secret=browser.provider.client_secret) as attacker:
        attacker.sign_in("alice")
        yield attacker


def point_at(settings: Any, op: OpenIDProvider) -> None:
    """From now on the site's OP is another one."""
    for name, value in op.settings().items():
        setattr(settings, name, value)


def answer_of(op: OpenIDProvider, leaving: str) -> str:
    """What `op` answers to the request that was meant for somebody else."""
    asked = f"{op.url_of('authorize')}?{urlsplit(leaving).query}"
    parts = urlsplit(op.answer(asked).location)
    return f"{parts.path}?{parts.query}"


def test_i05_another_op_s_answer_to_our_request_is_refused_and_its_code_sent_nowhere(
    browser: Browser, attacker: OpenIDProvider
) -> None:
    leaving = browser.get(START)["Location"]
    forged = answer_of(attacker, leaving)
    attacker.forget_calls()
    assert told(browser.get(forged)) == (400, "issuer_mismatch")
    assert browser.user() == "nobody"
    assert (browser.provider.calls_to("token"), attacker.calls) == ([], [])


def test_i05_without_iss_its_code_goes_to_our_own_op_which_does_not_know_it(
    browser: Browser, attacker: OpenIDProvider
) -> None:
    """An honest OP that does not know RFC 9207: its code never goes to the attacker's token endpoint."""
    browser.provider.metadata.drop("authorization_response_iss_parameter_supported")
    forged = answer_of(attacker, browser.get(START)["Location"])
    forged = (
        forged.partition("?")[0]
        + "?"
        + urlencode({name: values[0] for name, values in parse_qs(urlsplit(forged).query).items() if name != "iss"})
    )
    attacker.forget_calls()
    assert told(browser.get(forged)) == (400, "invalid_grant")
    assert attacker.calls == []


def test_i06_an_attempt_keeps_its_op_when_another_is_begun_beside_it(
    browser: Browser, attacker: OpenIDProvider, settings: Any
) -> None:
    browser.provider.sign_in("alice")
    honest = browser.at_op(browser.get(START)["Location"])
    point_at(settings, attacker)
    other = answer_of(attacker, browser.get(START)["Location"])
    for op in (browser.provider, attacker):
        op.forget_calls()
    assert told(browser.get(honest)) == (400, "issuer_mismatch"), "begun at the one, the site now is at the other"
    assert browser.provider.calls + attacker.calls == []
    assert browser.get(other)["Location"] == "/page/"
    assert len(attacker.calls_to("token")) == 1
    assert browser.provider.calls == []


def test_u07_the_same_subject_at_another_op_is_another_account(
    browser: Browser, attacker: OpenIDProvider, settings: Any, make_browser: Any
) -> None:
    settings.SILENT_SSO_LINK_USERS_BY = "subject"
    browser.sign_in("alice")
    ours = browser.user()
    point_at(settings, attacker)
    other = make_browser()
    assert other.get(answer_of(attacker, other.get(START)["Location"]))["Location"] == "/page/"
    assert "nobody" != other.user() != ours


def test_k18_a_key_of_another_op_signs_nobody_in(browser: Browser, attacker: OpenIDProvider) -> None:
    """Its key is published there, and the token says all that ours would say."""

    def signed_there(token: str, situation: Situation) -> str:
        header = {**situation.header, **attacker.keys.header()}
        return compact_jws(header, situation.claims, attacker.keys.sign)

    browser.provider.sign_in("alice")
    back = browser.at_op(browser.get(START)["Location"])
    change = Change(Point.ID_TOKEN_SIGNED, signed_there)
    with browser.provider.id_token._on("signed at another OP", change, None):
        assert told(browser.get(back)) == (400, "id_token_key_unknown")
    assert attacker.calls == []
    assert browser.user() == "nobody"


def test_u14_an_access_token_of_another_sign_in_is_refused(browser: Browser, make_browser: Any) -> None:
    """Put beside a good ID Token: `at_hash` gives it away, and without it UserInfo speaks of somebody else."""
    provider = browser.provider
    provider.tokens_outlive_session = True
    provider.sign_in("mallory")
    answers: list[dict[str, Any]] = []
    with provider.token_answer.change(lambda answer: answers.append(answer) or answer):
        mallory = make_browser()
        assert mallory.follow(mallory.get(START))["Location"] == "/page/"
    provider.switch_user("alice")
    provider.token_answer.replace(access_token=answers[0]["access_token"])
    assert told(browser.follow(browser.get(START))) == (400, "id_token_access_token_hash")
    provider.id_token.drop("at_hash")
    assert told(browser.follow(browser.get(START))) == (400, "userinfo_subject")
    assert browser.user() == "nobody"
