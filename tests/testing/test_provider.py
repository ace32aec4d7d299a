from __future__ import annotations

import socket
import time
from http.client import HTTPConnection

import pytest

from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.calls import Call
from tests.testing.site import Site, send


def test_a_silent_sign_in_from_end_to_end(provider: OpenIDProvider, site: Site) -> None:
    assert site.authorize()["error"] == "login_required"

    session = provider.sign_in("alice", email="alice@corp.example", groups=["staff"])
    tokens = site.tokens()

    claims = site.verified(tokens["id_token"])
    assert (claims["sub"], claims["nonce"], claims["sid"]) == ("alice", "the-nonce", session.sid)
    userinfo = site.userinfo(tokens["access_token"]).json()
    assert userinfo == {
        "sub": "alice",
        "name": "Alice",
        "preferred_username": "alice",
        "email": "alice@corp.example",
        "email_verified": True,
        "groups": ["staff"],
    }


def test_starting_and_stopping_takes_no_time() -> None:
    began = time.perf_counter()
    for _ in range(10):
        with OpenIDProvider():
            pass
    assert (time.perf_counter() - began) / 10 < 0.02


def test_down_and_up_again_on_the_same_port_with_everything_kept(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    port, tokens = provider.port, site.tokens()

    provider.stop()
    assert not provider.running
    with pytest.raises(ConnectionRefusedError):
        send(provider.url_of("discovery"))

    provider.start()
    assert (provider.running, provider.port) == (True, port)
    assert site.refresh(tokens["refresh_token"]).status == 200
    assert site.authorize(id_token_hint=tokens["id_token"])["code"]


def test_stop_ends_kept_alive_connections_too(provider: OpenIDProvider) -> None:
    connection = HTTPConnection(provider.host, provider.port, timeout=10)
    send(provider.url_of("discovery"), connection=connection)
    assert connection.sock is not None
    connected: socket.socket = connection.sock

    provider.stop()

    assert connected.recv(1) == b""
    connection.close()


def test_start_and_stop_may_be_repeated(provider: OpenIDProvider) -> None:
    assert provider.start() is provider
    provider.stop()
    provider.stop()


def test_a_taken_port_is_an_error_and_leaves_nothing_open(provider: OpenIDProvider) -> None:
    with pytest.raises(OSError, match="in use"):
        OpenIDProvider(port=provider.port).start()


def test_the_port_is_unknown_before_the_first_start() -> None:
    with pytest.raises(RuntimeError, match="start"):
        _ = OpenIDProvider().issuer


def test_an_algorithm_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="RS256"):
        OpenIDProvider(algorithm="none")


def test_a_public_host_is_for_browsers_and_servers_stay_on_loopback() -> None:
    with OpenIDProvider(public_host="id.corp.localhost") as provider:
        metadata = send(f"http://127.0.0.1:{provider.port}/.well-known/openid-configuration").json()
        at = f"id.corp.localhost:{provider.port}"
        assert metadata["issuer"] == provider.issuer == f"http://{at}"
        assert metadata["authorization_endpoint"] == f"http://{at}/authorize"
        assert metadata["end_session_endpoint"] == f"http://{at}/end-session"
        for name in ("token_endpoint", "jwks_uri", "userinfo_endpoint", "revocation_endpoint"):
            assert metadata[name].startswith(f"http://127.0.0.1:{provider.port}/")

        provider.sign_in("alice")
        site = Site(provider)
        assert site.authorize()["iss"] == provider.issuer
        assert provider.calls_to("authorize")[-1].headers["Host"] == at
        assert site.verified(site.tokens()["id_token"])["iss"] == provider.issuer


def test_an_issuer_with_a_path_of_its_own() -> None:
    provider = OpenIDProvider(issuer="https://id.example.org/realm")
    with provider:
        assert provider.url_of("token") == "https://id.example.org/realm/token"
        assert send(f"http://127.0.0.1:{provider.port}/realm/jwks").status == 200
        assert send(f"http://127.0.0.1:{provider.port}/jwks").status == 404


def test_settings_for_a_site(provider: OpenIDProvider) -> None:
    assert provider.settings() == {
        "SILENT_SSO_ISSUER": provider.issuer,
        "OIDC_RP_CLIENT_ID": "site",
        "OIDC_RP_CLIENT_SECRET": provider.client_secret,
    }
    assert OpenIDProvider(port=1, algorithm="ES256").settings()["OIDC_RP_SIGN_ALGO"] == "ES256"
    assert provider.endpoint_settings()["OIDC_OP_TOKEN_ENDPOINT"] == provider.url_of("token")


def test_every_call_is_recorded(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    site.redeem(site.authorize()["code"], basic=True)
    site.redeem("made-up")
    send(f"{provider.issuer}/nowhere?a=1&a=2")

    assert [(call.endpoint, call.method, call.status) for call in provider.calls] == [
        ("authorize", "GET", 303),
        ("token", "POST", 200),
        ("token", "POST", 400),
        ("unknown", "GET", 404),
    ]
    first, second = provider.calls_to("token")
    assert first.parameters["grant_type"] == "authorization_code"
    assert first.headers["authorization"].startswith("Basic ")
    assert second.form[0] == ("client_id", "site")
    unknown = provider.calls[-1]
    assert (unknown.path, unknown.parameters, unknown.query) == ("/nowhere", {"a": "1"}, (("a", "1"), ("a", "2")))
    assert isinstance(first, Call)

    provider.forget_calls()
    assert (provider.calls, provider.connections) == ([], 0)


def test_calls_to_an_endpoint_that_does_not_exist_are_a_mistake_of_the_test(provider: OpenIDProvider) -> None:
    with pytest.raises(ValueError, match="userinfo"):
        provider.calls_to("tokens")


def test_connections_are_counted(provider: OpenIDProvider) -> None:
    connection = HTTPConnection(provider.host, provider.port, timeout=10)
    for _ in range(3):
        send(provider.url_of("jwks"), connection=connection)
    connection.close()
    assert (provider.connections, provider.connections_to("jwks")) == (1, 1)

    send(provider.url_of("jwks"))
    send(provider.url_of("discovery"))
    assert (provider.connections, provider.connections_to("jwks")) == (3, 2)


@pytest.mark.parametrize(("endpoint", "method"), [("jwks", "POST"), ("token", "GET"), ("authorize", "DELETE")])
def test_other_methods_are_refused(provider: OpenIDProvider, endpoint: str, method: str) -> None:
    answer = send(provider.url_of(endpoint), method=method)
    assert answer.status == 405
    assert method not in answer.headers["allow"]


def test_head_is_answered_without_a_body(provider: OpenIDProvider) -> None:
    answer = send(provider.url_of("discovery"), method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert int(answer.headers["content-length"]) > 500


def test_a_fault_in_a_tests_own_change_fails_that_test() -> None:
    provider = OpenIDProvider()
    with pytest.raises(ZeroDivisionError):
        _break(provider)
    assert provider.calls_to("discovery")[0].status == 500


def _break(provider: OpenIDProvider) -> None:
    with provider:
        provider.metadata.change(lambda document: 1 / 0)
        assert send(provider.url_of("discovery")).status == 500


def test_a_fault_in_the_provider_does_not_hide_the_tests_own_failure() -> None:
    provider = OpenIDProvider().start()
    provider.errors.append(ZeroDivisionError())
    provider.__exit__(KeyError, KeyError(), None)
    assert not provider.running
