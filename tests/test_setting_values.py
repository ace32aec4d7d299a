"""Reading one setting: what is of the right kind, and the default for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings

from django_silent_sso import setting_values as values
from django_silent_sso.conf import conf

if TYPE_CHECKING:
    from pytest_django import Settings

TYPES = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]


def test_what_is_not_set_is_the_default(settings: Settings) -> None:
    assert values.raw("SILENT_SSO_VISITORS") == "frame"
    assert values.raw("SILENT_SSO_OF_NO_SUCH_NAME") is None
    settings.SILENT_SSO_VISITORS = None
    assert values.raw("SILENT_SSO_VISITORS") is None, "set to None is set"


@pytest.mark.parametrize(("value", "read"), [("x", "x"), ("", None), (None, None), (7, None), (b"x", None)])
def test_text(settings: Settings, value: object, read: str | None) -> None:
    settings.SILENT_SSO_ISSUER = value
    assert values.text("SILENT_SSO_ISSUER") == read


@pytest.mark.parametrize(
    ("value", "read"),
    [(7, 7), (7.9, 7), (0, 0), (-1, 300), ("7", 300), (None, 300), (True, 300), (float("nan"), 300), (10**9, 300)],
)
def test_seconds(settings: Settings, value: object, read: int) -> None:
    settings.SILENT_SSO_GRACE_SECONDS = value
    assert values.seconds("SILENT_SSO_GRACE_SECONDS") == read


def test_seconds_with_a_default_of_the_caller_s(settings: Settings) -> None:
    assert values.seconds("SILENT_SSO_OF_NO_SUCH_NAME", 7) == 7
    assert values.seconds("SILENT_SSO_OF_NO_SUCH_NAME", "seven") == 0
    settings.SILENT_SSO_GRACE_SECONDS = "seven"
    assert values.seconds("SILENT_SSO_GRACE_SECONDS", 8) == 8
    assert values.seconds("SILENT_SSO_SESSION_MAX_SECONDS") == 0


@pytest.mark.parametrize(
    ("value", "read"),
    [*((kind, kind) for kind in TYPES), ("token", "code"), ("token code", "code"), (["code"], "code")],
)
def test_choice(settings: Settings, value: object, read: str) -> None:
    settings.SILENT_SSO_RESPONSE_TYPE = value
    assert values.choice("SILENT_SSO_RESPONSE_TYPE") == read
    assert conf.response_type == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        *((mode, mode) for mode in ("query", "fragment", "form_post", "web_message")),
        (None, None),
        ("jwt", None),
        (7, None),
    ],
)
def test_a_choice_without_default(settings: Settings, value: object, read: str | None) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = value
    assert conf.response_mode == read


@pytest.mark.parametrize("basic", [False, True])
@pytest.mark.parametrize("value", ["none", "tls_client_auth", 7])
def test_client_authentication_of_no_known_kind_is_as_if_not_set(
    settings: Settings, value: object, basic: bool
) -> None:
    settings.SILENT_SSO_CLIENT_AUTH = value
    settings.OIDC_TOKEN_USE_BASIC_AUTH = basic
    assert conf.client_auth == ("client_secret_basic" if basic else "client_secret_post")


@pytest.mark.parametrize(
    ("value", "read"),
    [(["a", "b"], ("a", "b")), (("a", 7, None), ("a",)), ({"a"}, ("a",)), ("ab", ()), (None, ()), (7, ())],
)
def test_words(value: object, read: tuple[str, ...]) -> None:
    assert values.words(value) == read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (["redirect"], ("redirect",)),
        (("redirect", "refresh_token"), ("redirect", "refresh_token")),
        (("redirect", "telepathy", 7), ("redirect",)),
        ((), ()),
        ("redirect", ("refresh_token", "redirect")),
        (None, ("refresh_token", "redirect")),
    ],
)
def test_choices_in_their_order(settings: Settings, value: object, read: tuple[str, ...]) -> None:
    settings.SILENT_SSO_RENEW_WITH = value
    assert values.choices("SILENT_SSO_RENEW_WITH") == read


NAMES = ("SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID", "SILENT_SSO_GRACE_SECONDS")


def test_a_watch_sees_every_change(settings: Settings) -> None:
    watch = values.Watch(NAMES)
    assert watch.values == (django_settings.SILENT_SSO_ISSUER, django_settings.OIDC_RP_CLIENT_ID, None)
    assert watch.is_up_to_date()
    settings.SILENT_SSO_VISITORS = "off"
    assert watch.is_up_to_date(), "another setting"
    settings.SILENT_SSO_GRACE_SECONDS = 7
    assert not watch.is_up_to_date()
    overridden = values.Watch(NAMES)
    assert overridden.values[-1] == 7
    assert overridden.is_up_to_date()
    settings.SILENT_SSO_GRACE_SECONDS = 8
    assert not overridden.is_up_to_date()
    del settings.SILENT_SSO_GRACE_SECONDS
    assert watch.is_up_to_date(), "as it was"


def test_a_watch_sees_what_is_set_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    watch = values.Watch(NAMES)
    with monkeypatch.context() as patch:
        patch.setattr(django_settings, "SILENT_SSO_GRACE_SECONDS", 7, raising=False)
        assert not watch.is_up_to_date(), "one that was not set"
    with monkeypatch.context() as patch:
        patch.setattr(django_settings, "SILENT_SSO_ISSUER", "https://other.example.org")
        assert not watch.is_up_to_date()
    assert watch.is_up_to_date()
    with monkeypatch.context() as patch:
        patch.delattr(django_settings, "SILENT_SSO_ISSUER")
        assert not watch.is_up_to_date(), "one that was"
        patch.setattr(django_settings, "SILENT_SSO_ANOTHER", 7, raising=False)
        assert not watch.is_up_to_date(), "one that was, and as many are set as there were"
    assert watch.is_up_to_date()
