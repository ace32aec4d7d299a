"""What an OP publishes, and what can be wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.examination import documents
from django_silent_sso.examination.asking import Asking
from django_silent_sso.op import provider as op
from django_silent_sso.testing import OpenIDProvider
from tests.op.servers import make_certificate, serving

if TYPE_CHECKING:
    from pytest_django import Settings


def about_the_document() -> str:
    return documents.document(Asking(10))[1].id


def about_the_keys() -> list[str]:
    return [item.id for item in documents.keys(Asking(10), op.metadata())]


def refused() -> Any:
    return documents.metadata(documents.document(Asking(10))[0])


def test_it_is_read_anew_every_time(openid_provider: OpenIDProvider) -> None:
    op.metadata()
    openid_provider.metadata.replace(scopes_supported=["openid"])
    said, about_it = documents.document(Asking(10))
    assert (said["scopes_supported"], about_it.id) == (["openid"], "discovery_read")
    assert openid_provider.issuer in about_it.text
    assert documents.metadata(said) == op.metadata()


def test_with_all_endpoints_set_by_hand_it_is_not_asked_for(
    openid_provider: OpenIDProvider, settings: Settings
) -> None:
    for name, url in openid_provider.endpoint_settings().items():
        setattr(settings, name, url)
    said, about_it = documents.document(Asking(10))
    assert (said, about_it.id) == ({}, "discovery_not_needed")
    assert documents.metadata(said).token_endpoint == openid_provider.url_of("token")  # type: ignore[union-attr]
    assert openid_provider.calls == []


@pytest.mark.parametrize(
    "broken",
    [{"status": 404}, {"status": 500}, {"status": 200, "body": b"<html>"}, {"status": 200, "body": ["a list"]}],
    ids=["404", "500", "html", "a list"],
)
def test_one_that_cannot_be_had(openid_provider: OpenIDProvider, broken: dict[str, Any]) -> None:
    openid_provider.fail("discovery", **broken)
    assert about_the_document() == "discovery_failed"


def test_nobody_there(openid_provider: OpenIDProvider) -> None:
    openid_provider.stop()
    assert about_the_document() == "discovery_failed"


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path, settings: Settings) -> None:
    _, context = make_certificate(tmp_path)
    with serving(lambda talk: talk.read_request(), context) as server:
        settings.SILENT_SSO_ISSUER = server.url.rpartition("/")[0]
        assert about_the_document() == "tls_failed"


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": "https://another.example"}, {"token_endpoint": "http://op.example/token"}, {"jwks_uri": 7}],
    ids=["another issuer", "insecure endpoint", "no URL"],
)
def test_metadata_that_cannot_be_used(openid_provider: OpenIDProvider, wrong: dict[str, Any]) -> None:
    openid_provider.metadata.update(wrong)
    assert refused().id == "discovery_refused"


def test_connection(openid_provider: OpenIDProvider, settings: Settings) -> None:
    assert documents.connection().id == "connection_plain"
    settings.SILENT_SSO_ISSUER = "https://id.example.org"
    assert documents.connection().id == "connection_https"
    settings.OIDC_VERIFY_SSL = False
    assert documents.connection().id == "connection_unchecked"


@pytest.mark.parametrize(
    ("missing", "chosen", "told"),
    [
        ((), {}, ["endpoints_complete"]),
        (("token_endpoint", "jwks_uri"), {}, ["endpoint_missing", "endpoint_missing"]),
        (("token_endpoint",), {"SILENT_SSO_RESPONSE_TYPE": "id_token"}, ["endpoints_complete"]),
        (("jwks_uri",), {"OIDC_RP_SIGN_ALGO": "HS256"}, ["endpoints_complete"]),
        (("jwks_uri",), {"OIDC_RP_IDP_SIGN_KEY": "a key"}, ["endpoints_complete"]),
        (("userinfo_endpoint",), {}, ["endpoint_missing"]),
    ],
)
def test_endpoints_that_a_sign_in_needs(
    openid_provider: OpenIDProvider,
    settings: Settings,
    missing: tuple[str, ...],
    chosen: dict[str, str],
    told: list[str],
) -> None:
    openid_provider.metadata.drop(*missing)
    for name, value in chosen.items():
        setattr(settings, name, value)
    assert [item.id for item in documents.endpoints(op.metadata())] == told


# -- keys ----------------------------------------------------------------------------------------------------------


def test_keys_that_fit(openid_provider: OpenIDProvider) -> None:
    openid_provider.rotate_keys(keep=True)
    (told,) = documents.keys(Asking(10), op.metadata())
    assert (told.id, told.text[0]) == ("keys_fit", "2")


def test_keys_that_are_not_needed(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_RP_SIGN_ALGO = "HS256"
    assert about_the_keys() == ["keys_not_needed"]
    assert openid_provider.calls_to("jwks") == []


def test_keys_that_are_nowhere_are_told_of_as_an_endpoint(openid_provider: OpenIDProvider) -> None:
    openid_provider.metadata.drop("jwks_uri")
    assert about_the_keys() == []


def test_keys_that_cannot_be_had(openid_provider: OpenIDProvider) -> None:
    openid_provider.fail("jwks", status=503)
    assert about_the_keys() == ["keys_failed"]


@pytest.mark.openid_provider(algorithm="ES256")
def test_keys_for_another_algorithm(openid_provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_RP_SIGN_ALGO = "RS256"
    (told,) = documents.keys(Asking(10), op.metadata())
    assert told.id == "keys_none_fits"
    assert "ES256" in told.text


@pytest.mark.parametrize("keys", [[], "none", ["x", None, {"kty": "oct"}]])
def test_no_key_at_all(openid_provider: OpenIDProvider, keys: Any) -> None:
    openid_provider.jwks.replace(keys=keys)
    (told,) = documents.keys(Asking(10), op.metadata())
    assert told.id == "keys_none_fits"
    assert "nothing" in told.text


@pytest.mark.parametrize("names", [(None, None), ("a", "a"), ("a", None)])
def test_keys_that_cannot_be_told_apart(openid_provider: OpenIDProvider, names: tuple[str | None, str | None]) -> None:
    openid_provider.rotate_keys(keep=True)
    openid_provider.jwks.change(
        lambda said: {"keys": [{**key, "kid": name} for key, name in zip(said["keys"], names, strict=True)]}
    )
    assert about_the_keys() == ["keys_without_names"]
