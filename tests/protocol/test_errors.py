"""The error tree: what each error carries, and what it never lets through."""

from __future__ import annotations

import pickle

import pytest

from django_silent_sso.protocol import errors
from django_silent_sso.protocol.errors import (
    OPErrorCode,
    OPRefused,
    OPUnavailable,
    Reason,
    SilentSSOError,
    TokenError,
    plain_error_code,
)

CHILDREN = ["ConfigurationError", "ResponseError", "OPRefused", "OPUnavailable", "TokenError"]
CHILDREN += ["UserNotAdmitted", "StorageUnavailable"]


@pytest.mark.parametrize("name", CHILDREN)
def test_each_error_is_a_leaf_under_the_root(name: str) -> None:
    assert getattr(errors, name).__bases__ == (SilentSSOError,)


def test_the_tree_drawn_at_the_top_is_the_tree() -> None:
    drawn = [line.split("─ ")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "─ " in line]
    assert drawn == CHILDREN == [child.__name__ for child in SilentSSOError.__subclasses__()]


def test_reason_codes_are_their_names_in_lower_case() -> None:
    assert {reason.value for reason in Reason} == {reason.name.lower() for reason in Reason}


@pytest.mark.parametrize("code", OPErrorCode)
def test_each_op_error_code_is_a_reason(code: OPErrorCode) -> None:
    assert code.reason.value == code.value
    assert OPErrorCode.known(code.value) is code


@pytest.mark.parametrize("error", ["", "Login_Required", " login_required", "signed_in", "op_error", "x"])
def test_a_code_that_is_not_ours_is_not_known(error: str) -> None:
    assert OPErrorCode.known(error) is None


def test_text_is_reason_and_detail() -> None:
    error = TokenError(Reason.ID_TOKEN_NONCE, "not ours")
    assert (error.reason, error.detail) == (Reason.ID_TOKEN_NONCE, "not ours")
    assert str(error) == "id_token_nonce: not ours"


def test_text_without_detail_is_the_reason() -> None:
    assert str(TokenError(Reason.ID_TOKEN_NONCE)) == "id_token_nonce"


@pytest.mark.parametrize(
    ("sent", "reason", "repeated"),
    [
        pytest.param("login_required", Reason.LOGIN_REQUIRED, "login_required", id="a known code is its reason"),
        pytest.param("x-quota.2", Reason.OP_ERROR, "x-quota.2", id="an unknown code is op_error but kept"),
        pytest.param("signed_in", Reason.OP_ERROR, "signed_in", id="our own words are not for the OP to say"),
        pytest.param("<b>", Reason.OP_ERROR, "op_error", id="L01 markup is not repeated"),
        pytest.param("a\nb", Reason.OP_ERROR, "op_error", id="L02 line breaks are not repeated"),
        pytest.param("x\n", Reason.OP_ERROR, "op_error", id="L02 not even one at the end"),
        pytest.param("x" * 100, Reason.OP_ERROR, "x" * 100, id="100 characters are kept"),
        pytest.param("x" * 101, Reason.OP_ERROR, "op_error", id="L01 longer ones are not"),
        pytest.param("", Reason.OP_ERROR, "op_error", id="an empty code is op_error"),
    ],
)
def test_refusal_of_the_authorization_endpoint(sent: str, reason: Reason, repeated: str) -> None:
    refusal = OPRefused.at_authorization(sent, "while renewing")
    assert (refusal.reason, refusal.error, refusal.detail) == (reason, repeated, "while renewing")
    assert plain_error_code(sent) == repeated


def test_refusal_without_a_code_names_its_reason() -> None:
    refused = OPRefused(Reason.INVALID_GRANT)
    assert (refused.error, refused.detail) == ("invalid_grant", "")
    assert OPRefused.at_authorization("login_required").detail == ""


def test_unavailable_carries_the_wait() -> None:
    assert OPUnavailable(Reason.OP_STATUS, retry_after=30).retry_after == 30
    silent = OPUnavailable(Reason.OP_TIMEOUT)
    assert (silent.reason, silent.detail, silent.retry_after) == (Reason.OP_TIMEOUT, "", None)


def test_errors_survive_pickling_with_their_facts() -> None:
    refused = pickle.loads(pickle.dumps(OPRefused(Reason.OP_ERROR, "d", error="quota")))  # noqa: S301 - our own
    assert (refused.reason, refused.detail, refused.error) == (Reason.OP_ERROR, "d", "quota")


def test_an_error_made_by_names_is_the_same_error() -> None:
    """`concurrent.futures` and Celery send an exception by its `args`."""
    error = TokenError(detail="d", reason=Reason.ID_TOKEN_NONCE)
    assert error.args == (Reason.ID_TOKEN_NONCE, "d")
    assert str(pickle.loads(pickle.dumps(error))) == "id_token_nonce: d"  # noqa: S301 - our own
