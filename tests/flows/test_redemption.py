"""From a response to tokens: what is checked before the code is redeemed, what binds front and back channel."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from django.test import RequestFactory

from django_silent_sso.flows.begin import begin
from django_silent_sso.flows.redemption import read_tokens, redeem
from django_silent_sso.protocol.authentication_response import parse_authentication_response, read_parameters
from django_silent_sso.protocol.errors import OPRefused, OPUnavailable, Reason, SilentSSOError, TokenError
from django_silent_sso.protocol.id_token import IDToken
from django_silent_sso.storage.pending import TOP, PendingAuthentication
from django_silent_sso.storage.rp_session import Tokens
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.defects import Change, Defect, Point, Situation

if TYPE_CHECKING:
    from pytest_django import Settings

Answered = Callable[[str], tuple[PendingAuthentication, dict[str, str]]]
Done = tuple[Tokens, IDToken]
HYBRID = ["code id_token", "code token", "code id_token token"]
GOOD = {"token_type": "Bearer", "access_token": "a", "id_token": "i"}


@pytest.fixture
def answered(db: None, openid_provider: OpenIDProvider, settings: Settings) -> Answered:
    """An attempt with this response type, and the parameters of what the OP answered."""
    openid_provider.sign_in("alice")

    def answer(response_type: str) -> tuple[PendingAuthentication, dict[str, str]]:
        settings.SILENT_SSO_RESPONSE_TYPE = response_type
        begun = begin(RequestFactory().get("/"), silent=False, transport=TOP, return_to="/page/")
        parameters = openid_provider.answer(begun.url).parameters
        openid_provider.forget_calls()
        return begun.pending, parameters

    return answer


def redeemed(pending: PendingAuthentication, parameters: dict[str, str]) -> Done:
    response = parse_authentication_response(
        read_parameters(parameters.items()),
        state=pending.state,
        issuer=pending.issuer,
        iss_required=True,
        response_type=pending.response_type,
    )
    assert not hasattr(response, "error")
    return redeem(pending, response)  # type: ignore[arg-type]


def refused(pending: PendingAuthentication, parameters: dict[str, str]) -> SilentSSOError:
    with pytest.raises(SilentSSOError) as caught:
        redeemed(pending, parameters)
    return caught.value


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def only_at(endpoint: str, **claims: Any) -> Defect:
    """Other claims in the ID Token of this endpoint."""

    def apply(good: dict[str, Any], situation: Situation) -> dict[str, Any]:
        return {**good, **claims}

    return Defect(f"{endpoint}: {', '.join(claims)}", (Change(Point.ID_TOKEN, apply, frozenset({endpoint})),))


# -- implicit: nothing is redeemed -----------------------------------------------------------------------------------


def test_an_id_token_alone(openid_provider: OpenIDProvider, answered: Answered) -> None:
    pending, parameters = answered("id_token")
    tokens, id_token = redeemed(pending, parameters)
    assert tokens == Tokens(id_token=parameters["id_token"], access_token="")
    assert id_token.subject == "alice"
    assert not openid_provider.calls_to("token")


def test_an_access_token_beside_it(openid_provider: OpenIDProvider, answered: Answered) -> None:
    pending, parameters = answered("id_token token")
    tokens, _ = redeemed(pending, parameters)
    assert tokens.access_token == parameters["access_token"]
    assert tokens.expires_at is not None
    assert 3590 < tokens.expires_at - time.time() <= 3600
    assert not tokens.refresh_token
    assert not openid_provider.calls_to("token")


def test_an_access_token_that_does_not_say_how_long(answered: Answered) -> None:
    pending, parameters = answered("id_token token")
    del parameters["expires_in"]
    assert redeemed(pending, parameters)[0].expires_at is None


def test_another_access_token_than_the_id_token_speaks_of(answered: Answered) -> None:
    pending, parameters = answered("id_token token")
    error = refused(pending, {**parameters, "access_token": "of-somebody-else"})
    assert error.reason is Reason.ID_TOKEN_ACCESS_TOKEN_HASH


# -- hybrid: first what came through the browser, then the code --------------------------------------------------------


@pytest.mark.parametrize("response_type", HYBRID)
def test_the_token_endpoint_s_tokens_are_kept(
    openid_provider: OpenIDProvider, answered: Answered, response_type: str
) -> None:
    openid_provider.refresh_tokens = "always"
    pending, parameters = answered(response_type)
    tokens, id_token = redeemed(pending, parameters)
    assert tokens.refresh_token
    assert tokens.id_token == id_token.raw != parameters.get("id_token")
    assert tokens.access_token != parameters.get("access_token")
    (call,) = openid_provider.calls_to("token")
    assert call.parameters["code_verifier"] == pending.code_verifier
    assert call.parameters["redirect_uri"] == pending.redirect_uri


@pytest.mark.parametrize(
    ("response_type", "changed", "reason"),
    [
        ("code id_token", {"code": "of-somebody-else"}, Reason.ID_TOKEN_CODE_HASH),
        ("code id_token token", {"code": "of-somebody-else"}, Reason.ID_TOKEN_CODE_HASH),
        ("code id_token token", {"access_token": "of-somebody-else"}, Reason.ID_TOKEN_ACCESS_TOKEN_HASH),
        ("code id_token", {"id_token": "a.b.c"}, Reason.ID_TOKEN_MALFORMED),
    ],
)
def test_r12_no_call_before_the_front_channel_holds(
    openid_provider: OpenIDProvider, answered: Answered, response_type: str, changed: dict[str, str], reason: Reason
) -> None:
    pending, parameters = answered(response_type)
    assert refused(pending, {**parameters, **changed}).reason is reason
    assert not openid_provider.calls_to("token")


@pytest.mark.parametrize("response_type", ["code id_token", "code id_token token"])
def test_r12_nor_for_another_attempt_s_id_token(
    openid_provider: OpenIDProvider, answered: Answered, response_type: str
) -> None:
    _, first = answered(response_type)
    pending, second = answered(response_type)
    mixed = {**first, "state": second["state"]}
    assert refused(pending, mixed).reason is Reason.ID_TOKEN_NONCE
    assert not openid_provider.calls_to("token")


@pytest.mark.parametrize("response_type", ["code id_token", "code id_token token"])
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"sub": "mallory"}, Reason.SUBJECT_CHANGED),
        ({"sub": "alice1"}, Reason.SUBJECT_CHANGED),
        ({"iss": "https://elsewhere.example"}, Reason.ID_TOKEN_ISSUER),
    ],
)
def test_r11_both_id_tokens_are_of_one_issuer_and_one_subject(
    openid_provider: OpenIDProvider, answered: Answered, response_type: str, claims: dict[str, str], reason: Reason
) -> None:
    openid_provider.switch_on(only_at("token", **claims))
    pending, parameters = answered(response_type)
    assert refused(pending, parameters).reason is reason


@pytest.mark.parametrize("response_type", ["code token", "code id_token token"])
def test_r10_two_access_tokens_are_logged_and_neither_is_told(
    answered: Answered, response_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "django_silent_sso")
    pending, parameters = answered(response_type)
    tokens, _ = redeemed(pending, parameters)
    (line,) = [record.getMessage() for record in caplog.records if "front channel" in record.getMessage()]
    assert tokens.access_token not in line
    assert parameters["access_token"] not in line


def test_r10_one_and_the_same_access_token_is_no_news(
    openid_provider: OpenIDProvider, answered: Answered, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "django_silent_sso")
    pending, parameters = answered("code token")
    openid_provider.id_token.drop("at_hash")
    openid_provider.token_answer.replace(access_token=parameters["access_token"])
    assert redeemed(pending, parameters)[0].access_token == parameters["access_token"]
    assert "front channel" not in caplog.text


def test_a68_s_hash_is_checked_where_it_is_there(openid_provider: OpenIDProvider, answered: Answered) -> None:
    openid_provider.state_hash = True
    pending, parameters = answered("code id_token")
    assert "s_hash" in claims_of(parameters["id_token"])
    redeemed(pending, parameters)
    openid_provider.switch_on(only_at("authorize", s_hash="x"))
    pending, parameters = answered("code id_token")
    assert refused(pending, parameters).reason is Reason.ID_TOKEN_STATE_HASH


@pytest.mark.parametrize("token_type", ["DPoP", "mac"])
def test_a_token_that_is_no_bearer_token(answered: Answered, token_type: str) -> None:
    pending, parameters = answered("code token")
    assert refused(pending, {**parameters, "token_type": token_type}).reason is Reason.TOKEN_TYPE_INVALID


# -- the code --------------------------------------------------------------------------------


def test_a_code_that_is_refused(openid_provider: OpenIDProvider, answered: Answered) -> None:
    pending, parameters = answered("code")
    error = refused(pending, {**parameters, "code": "unknown"})
    assert isinstance(error, OPRefused)
    assert error.reason is Reason.INVALID_GRANT


def test_a_token_endpoint_that_fails(openid_provider: OpenIDProvider, answered: Answered) -> None:
    pending, parameters = answered("code")
    openid_provider.fail("token", status=503, headers={"Retry-After": "9"})
    error = refused(pending, parameters)
    assert isinstance(error, OPUnavailable)
    assert error.retry_after == 9


# -- the token answer --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"token_type": None}, Reason.TOKEN_TYPE_INVALID),
        ({"token_type": 7}, Reason.TOKEN_TYPE_INVALID),
        ({"token_type": "DPoP"}, Reason.TOKEN_TYPE_INVALID),
        ({"access_token": None}, Reason.TOKEN_ANSWER_INVALID),
        ({"access_token": ""}, Reason.TOKEN_ANSWER_INVALID),
        ({"access_token": {}}, Reason.TOKEN_ANSWER_INVALID),
        ({"id_token": None}, Reason.ID_TOKEN_MISSING),
        ({"id_token": ["i"]}, Reason.TOKEN_ANSWER_INVALID),
    ],
)
def test_an_answer_that_lacks_what_it_must_have(changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(TokenError) as caught:
        read_tokens({**GOOD, **changes}, 1000.0)
    assert caught.value.reason is reason


@pytest.mark.parametrize("refresh_token", [None, 7, ["r"]])
def test_a_refresh_token_that_is_none_is_as_if_absent(refresh_token: object) -> None:
    assert read_tokens({**GOOD, "refresh_token": refresh_token}, 1000.0).refresh_token == ""
    assert read_tokens({**GOOD, "refresh_token": "r"}, 1000.0).refresh_token == "r"


@pytest.mark.parametrize(
    ("value", "expires_at"),
    [
        (60, 1060),
        (60.5, 1060.5),
        ("60", 1060),
        (0, 1000),
        (-1, None),
        ("-1", None),
        ("6e1", None),
        ("٦", 1006),
        (True, None),
        (None, None),
        ([], None),
        (float("nan"), None),
        (float("inf"), None),
        (10**10, None),
        ("9" * 5000, None),
    ],
)
def test_c35_expires_in(value: object, expires_at: float | None) -> None:
    assert read_tokens({**GOOD, "expires_in": value}, 1000.0).expires_at == expires_at
