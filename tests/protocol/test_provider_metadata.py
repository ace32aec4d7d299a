"""The OP's metadata: which URLs can be used, which documents are believed."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_silent_sso.protocol.errors import ConfigurationError, Reason
from django_silent_sso.protocol.provider_metadata import ProviderMetadata, endpoint_problem, is_loopback_http

ISSUER = "https://id.example.org"
ENDPOINTS = [
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "userinfo_endpoint",
    "end_session_endpoint",
    "revocation_endpoint",
    "check_session_iframe",
    "pushed_authorization_request_endpoint",
]
ABSENT = object()

SOUND, INSECURE, INVALID = None, Reason.ENDPOINT_INSECURE, Reason.METADATA_INVALID
URLS = [
    pytest.param("https://id.example.org/authorize?tenant=1", SOUND, False, id="https"),
    pytest.param("HTTPS://ID.example.org:8443/", SOUND, False, id="https with a port, upper case"),
    pytest.param("https://203.0.113.7/", SOUND, False, id="https at an address"),
    pytest.param("https://[2001:db8::1]/", SOUND, False, id="https at an IPv6 address"),
    pytest.param("https://op_1.internal./", SOUND, False, id="an internal name"),
    pytest.param("https://127.0.0.1/", SOUND, False, id="https on loopback"),
    pytest.param("http://127.0.0.1:8000/a", SOUND, True, id="http on 127.0.0.1"),
    pytest.param("http://127.200.3.4/", SOUND, True, id="http on 127.0.0.0/8"),
    pytest.param("http://[::1]:8000/", SOUND, True, id="http on ::1"),
    pytest.param("http://localhost/", SOUND, True, id="http on localhost"),
    pytest.param("http://id.localhost:8000/", SOUND, True, id="http under .localhost"),
    pytest.param("http://LOCALHOST/", SOUND, True, id="http on LOCALHOST"),
    pytest.param("http://id.example.org/", INSECURE, False, id="I09 http elsewhere"),
    pytest.param("http://notlocalhost/", INSECURE, False, id="I09 a name that ends in localhost"),
    pytest.param("http://localhost.example.org/", INSECURE, False, id="I09 a name that starts with localhost"),
    pytest.param("http://128.0.0.1/", INSECURE, False, id="I09 http at an address"),
    pytest.param("http://[::]/", INSECURE, False, id="I09 http at [::]"),
    pytest.param("http://0.0.0.0/", INSECURE, False, id="I09 http at 0.0.0.0"),
    pytest.param("file:///etc/passwd", INSECURE, False, id="I09 file"),
    pytest.param("ftp://id.example.org/", INSECURE, False, id="I09 ftp"),
    pytest.param("gopher://id.example.org/", INSECURE, False, id="I09 gopher"),
    pytest.param("javascript:alert(1)", INSECURE, False, id="I11 javascript"),
    pytest.param("data:text/html,x", INSECURE, False, id="I09 data"),
    pytest.param("ftp://localhost/", INSECURE, False, id="I09 loopback does not help another scheme"),
    pytest.param("http://169.254.169.254/latest", INSECURE, False, id="I09 link-local, http"),
    pytest.param("https://169.254.169.254/latest", INSECURE, False, id="I09 link-local, https"),
    pytest.param("https://[fe80::1]/", INSECURE, False, id="I09 link-local, IPv6"),
    pytest.param("https://0.0.0.0/", INSECURE, False, id="I09 unspecified address"),
    pytest.param("https://224.0.0.1/", INSECURE, False, id="I09 multicast address"),
    pytest.param("https://2130706433/", INVALID, False, id="I09 decimal address"),
    pytest.param("https://0x7f000001/", INVALID, False, id="I09 hexadecimal address"),
    pytest.param("https://127.1/", INVALID, False, id="I09 short address"),
    pytest.param("http://0177.0.0.1/", INVALID, False, id="I09 octal address"),
    pytest.param("", INVALID, False, id="nothing"),
    pytest.param("/authorize", INVALID, False, id="a path only"),
    pytest.param("//id.example.org/", INVALID, False, id="no scheme"),
    pytest.param("https:///authorize", INVALID, False, id="no host"),
    pytest.param("https://user@id.example.org/", INVALID, False, id="user information"),
    pytest.param("https://@id.example.org/", INVALID, False, id="empty user information"),
    pytest.param("http://localhost@evil.example/", INVALID, False, id="user information that looks like a host"),
    pytest.param("http://user@localhost/", INVALID, False, id="user information on loopback"),
    pytest.param("http://localhost/#x", INVALID, False, id="a fragment on loopback"),
    pytest.param("https://id.example.org/#x", INVALID, False, id="a fragment"),
    pytest.param("https://id.example.org/#", INVALID, False, id="an empty fragment"),
    pytest.param("https://evil.example\\.example.org/", INVALID, False, id="a backslash"),
    pytest.param("https://id.example.org/\n", INVALID, False, id="a line break"),
    pytest.param("https://id.example.org/a b", INVALID, False, id="a space"),
    pytest.param("https://id.example.org/é", INVALID, False, id="not ASCII"),
    pytest.param("https://id.example.org;script-src/", INVALID, False, id="a host that is a CSP directive"),
    pytest.param("https://id..example.org/", INVALID, False, id="an empty label"),
    pytest.param("https://id.example.org:port/", INVALID, False, id="a port that is no number"),
    pytest.param("https://id.example.org:0/", INVALID, False, id="port 0"),
    pytest.param("https://[::1/", INVALID, False, id="an open bracket"),
    pytest.param("https://id.example.org/" + "a" * 2000, INVALID, False, id="too long"),
]


@pytest.mark.parametrize(("url", "problem", "development_only"), URLS)
def test_what_can_be_an_endpoint(url: str, problem: Reason | None, development_only: bool) -> None:
    assert endpoint_problem(url) is problem
    assert is_loopback_http(url) is development_only


@settings(database=None, deadline=None, derandomize=True, max_examples=300)
@given(st.text() | st.text().map("https://{}/".format) | st.text("0123456789.:[]xabf%").map("http://{}".format))
def test_no_text_breaks_the_check(url: str) -> None:
    assert endpoint_problem(url) in (SOUND, INSECURE, INVALID)
    assert not is_loopback_http(url) or endpoint_problem(url) is None


def document(**changes: Any) -> dict[str, Any]:
    good = {"issuer": ISSUER} | {name: f"{ISSUER}/{name}" for name in ENDPOINTS}
    good |= {
        "authorization_response_iss_parameter_supported": True,
        "response_modes_supported": ["query", "form_post"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "backchannel_logout_supported": True,
        "require_pushed_authorization_requests": True,
        "a_member_of_tomorrow": {"ignored": True},
    }
    return {name: value for name, value in (good | changes).items() if value is not ABSENT}


def test_a20_a_full_document_is_read() -> None:
    metadata = ProviderMetadata.from_document(document(), issuer=ISSUER)
    assert {name: getattr(metadata, name) for name in ENDPOINTS} == {n: f"{ISSUER}/{n}" for n in ENDPOINTS}
    assert metadata.issuer == ISSUER
    assert metadata.iss_parameter_supported is True
    assert metadata.response_modes_supported == ("query", "form_post")
    assert metadata.id_token_algorithms == ("RS256", "ES256")
    assert metadata.token_endpoint_auth_methods == ("client_secret_post",)
    assert metadata.backchannel_logout_supported is True
    assert metadata.pushed_requests_required is True


def test_a_meagre_document_gets_the_defaults_of_discovery() -> None:
    meagre = {"issuer": ISSUER, "authorization_endpoint": f"{ISSUER}/a"}
    assert ProviderMetadata.from_document(meagre, issuer=ISSUER) == ProviderMetadata(
        issuer=ISSUER,
        authorization_endpoint=f"{ISSUER}/a",
        iss_parameter_supported=False,
        response_modes_supported=("query", "fragment"),
        id_token_algorithms=(),
        token_endpoint_auth_methods=("client_secret_basic",),
        backchannel_logout_supported=False,
        pushed_requests_required=False,
    )


def test_there_is_no_endpoint_that_these_tests_forget() -> None:
    urls = [f.name for f in fields(ProviderMetadata) if f.name.endswith(("_endpoint", "_uri", "_iframe"))]
    assert sorted(urls) == sorted(ENDPOINTS)


MISMATCH = Reason.METADATA_ISSUER_MISMATCH


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        pytest.param(None, INVALID, id="C2 null"),
        pytest.param([document()], INVALID, id="C2 a list"),
        pytest.param("{}", INVALID, id="C2 a string"),
        pytest.param({}, MISMATCH, id="C2 an empty object"),
        pytest.param(document(issuer=ABSENT), MISMATCH, id="A22 no issuer"),
        pytest.param(document(issuer=[ISSUER]), MISMATCH, id="A22 the issuer in a list"),
        pytest.param(document(issuer=ISSUER + "INVALID"), MISMATCH, id="A22 a near miss"),
        pytest.param(document(issuer=ISSUER + "/"), MISMATCH, id="A22 a slash more"),
        pytest.param(document(issuer=ISSUER.upper()), MISMATCH, id="A22 another case"),
        pytest.param(document(authorization_endpoint=ABSENT), INVALID, id="no authorization endpoint"),
        pytest.param(document(authorization_endpoint=None), INVALID, id="a null authorization endpoint"),
        pytest.param(document(authorization_endpoint=""), INVALID, id="an empty authorization endpoint"),
        pytest.param(document(token_endpoint=7), INVALID, id="an endpoint that is a number"),
        pytest.param(document(jwks_uri=[ISSUER]), INVALID, id="an endpoint that is a list"),
        pytest.param(document(check_session_iframe="javascript:0"), INSECURE, id="I11 a frame with a script"),
        pytest.param(document(check_session_iframe="http://id.example.org"), INSECURE, id="I11 an http frame"),
        pytest.param(document(end_session_endpoint="javascript:0"), INSECURE, id="I11 sign-out with a script"),
        pytest.param(document(end_session_endpoint="http://id.example.org"), INSECURE, id="I11 http sign-out"),
        pytest.param(document(token_endpoint="http://localhost/t"), INSECURE, id="I09 our loopback, http"),
        pytest.param(document(jwks_uri="https://127.0.0.1/k"), INSECURE, id="I09 our loopback, https"),
    ],
)
def test_i09_a22_documents_that_are_refused(broken: object, reason: Reason) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ProviderMetadata.from_document(broken, issuer=ISSUER)
    assert caught.value.reason is reason
    assert len(caught.value.detail) < 500


def test_a22_a_mismatch_says_what_differs() -> None:
    said, wanted = f"{ISSUER}/", f"the document says '{ISSUER}/', the settings say '{ISSUER}'"
    with pytest.raises(ConfigurationError, match=re.escape(wanted)):
        ProviderMetadata.from_document(document(issuer=said), issuer=ISSUER)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_i09_each_endpoint_is_checked(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"endpoint_insecure: {name}"):
        ProviderMetadata.from_document(document(**{name: "http://id.example.org/"}), issuer=ISSUER)


@pytest.mark.parametrize("empty", [None, "", ABSENT], ids=["null", "empty", "absent"])
@pytest.mark.parametrize("name", ENDPOINTS[1:])
def test_an_endpoint_may_be_left_out(name: str, empty: object) -> None:
    metadata = ProviderMetadata.from_document(document(**{name: empty}), issuer=ISSUER)
    assert getattr(metadata, name) is None


@pytest.mark.parametrize(
    ("change", "attribute", "value"),
    [
        ({"authorization_response_iss_parameter_supported": "true"}, "iss_parameter_supported", False),
        ({"authorization_response_iss_parameter_supported": 1}, "iss_parameter_supported", False),
        ({"backchannel_logout_supported": 1}, "backchannel_logout_supported", False),
        ({"require_pushed_authorization_requests": "yes"}, "pushed_requests_required", False),
        ({"require_pushed_authorization_requests": 1}, "pushed_requests_required", False),
        ({"response_modes_supported": "query"}, "response_modes_supported", ("query", "fragment")),
        ({"response_modes_supported": ["query", 7, None]}, "response_modes_supported", ("query",)),
        ({"id_token_signing_alg_values_supported": None}, "id_token_algorithms", ()),
        (
            {"token_endpoint_auth_methods_supported": {}},
            "token_endpoint_auth_methods",
            ("client_secret_basic",),
        ),
    ],
)
def test_a_hint_of_the_wrong_type_counts_as_absent(change: Any, attribute: str, value: object) -> None:
    assert getattr(ProviderMetadata.from_document(document(**change), issuer=ISSUER), attribute) == value


@pytest.mark.parametrize(
    ("issuer", "reason"),
    [
        pytest.param("http://id.example.org", INSECURE, id="I09 http"),
        pytest.param("https://id.example.org?x", INVALID, id="Discovery 3: no query"),
        pytest.param("https://id.example.org#x", INVALID, id="Discovery 3: no fragment"),
        pytest.param("id.example.org", INVALID, id="no URL"),
    ],
)
def test_an_issuer_that_cannot_be_used(issuer: str, reason: Reason) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ProviderMetadata.from_document(document(issuer=issuer), issuer=issuer)
    assert caught.value.reason is reason


def test_in_development_issuer_and_endpoints_are_on_loopback() -> None:
    issuer = "http://id.localhost:8000"
    local = {"issuer": issuer, "authorization_endpoint": f"{issuer}/a", "jwks_uri": "http://127.0.0.1:8000/k"}
    assert ProviderMetadata.from_document(local, issuer=issuer).jwks_uri == "http://127.0.0.1:8000/k"


def test_overrides_replace_single_endpoints() -> None:
    metadata = ProviderMetadata.from_document(document(), issuer=ISSUER)
    changed = metadata.with_overrides(token_endpoint="http://localhost:9/t")
    assert changed.token_endpoint == "http://localhost:9/t"
    assert changed.jwks_uri == metadata.jwks_uri
    assert metadata.with_overrides() == metadata


def test_overrides_are_checked_too() -> None:
    metadata = ProviderMetadata.from_document(document(), issuer=ISSUER)
    with pytest.raises(ConfigurationError, match="endpoint_insecure: jwks_uri"):
        metadata.with_overrides(jwks_uri="http://id.example.org/")
    with pytest.raises(TypeError, match="not an endpoint: issuer"):
        metadata.with_overrides(issuer="https://evil.example")


def test_metadata_made_by_hand_is_checked_and_frozen() -> None:
    metadata = ProviderMetadata(issuer=ISSUER, authorization_endpoint=f"{ISSUER}/a")
    assert (metadata.iss_parameter_supported, metadata.backchannel_logout_supported) == (False, False)
    assert metadata.pushed_requests_required is False
    with pytest.raises(FrozenInstanceError):
        metadata.issuer = "https://evil.example"  # type: ignore[misc]
    with pytest.raises(ConfigurationError, match="endpoint_insecure"):
        ProviderMetadata(issuer=ISSUER, authorization_endpoint="http://id.example.org/a")
