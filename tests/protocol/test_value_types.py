"""What the protocol layer has checked stays as it was checked: nobody changes it, or puts something beside it."""

from __future__ import annotations

import dataclasses
import inspect
from unittest.mock import ANY

import pytest

from django_silent_sso.protocol.authentication_request import AuthenticationRequest
from django_silent_sso.protocol.authentication_response import CodeResponse, ErrorResponse, TokenResponse
from django_silent_sso.protocol.id_token import Expected, IDToken
from django_silent_sso.protocol.logout_token import LogoutToken
from django_silent_sso.protocol.provider_metadata import ProviderMetadata
from django_silent_sso.protocol.response_parameters import ResponseParameters
from django_silent_sso.protocol.signed_token import TokenHeader
from django_silent_sso.protocol.step_up import Demand

RESPONSES = [CodeResponse, TokenResponse, ErrorResponse]
BY_NAME_ONLY = [AuthenticationRequest, Expected, LogoutToken, ProviderMetadata]
WITH_SLOTS = [*RESPONSES, *BY_NAME_ONLY, Demand, IDToken, TokenHeader]


@pytest.mark.parametrize("kind", [*WITH_SLOTS, ResponseParameters])
def test_no_field_can_be_set(kind: type) -> None:
    (field, *_) = dataclasses.fields(kind)
    value = object.__new__(kind)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field.name, "changed")
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(value, field.name)


@pytest.mark.parametrize("kind", WITH_SLOTS)
def test_nothing_can_be_put_beside_the_fields(kind: type) -> None:
    assert not hasattr(object.__new__(kind), "__dict__")


@pytest.mark.parametrize("kind", BY_NAME_ONLY)
def test_long_rows_of_texts_are_given_by_name(kind: type) -> None:
    """`client_id` and `redirect_uri`, or `nonce` and `state`, in the wrong order would look right to every type."""
    kinds = {parameter.kind for parameter in inspect.signature(kind).parameters.values()}
    assert kinds == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("kind", RESPONSES)
def test_a_mark_that_claims_to_equal_the_parser_s_makes_no_response(kind: type) -> None:
    with pytest.raises(TypeError, match="only parse_authentication_response"):
        kind(*[None] * len(dataclasses.fields(kind)), ANY)
