"""Front-channel and back-channel logout, as the suite judges them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.contrib.sessions.models import Session

from django_silent_sso.testing.defects import Change, Defect, Point
from django_silent_sso.testing.known_defects import near_miss
from tests.conformance.relying_party import ALL, RelyingParty, in_flows
from tests.op_logout import back_channel, front_channel, is_signed_in, refused

EVENT = "http://schemas.openid.net/event/"


def signed_in(rp: RelyingParty) -> str:
    """Sign in; the OP's name for the session."""
    sid = rp.accepts().op_sid
    assert sid is not None
    return sid


def leaves_for_the_op(rp: RelyingParty) -> str:
    """The person signs out here; where the browser goes."""
    leaving = rp.browser.post("/oidc/logout/")
    assert leaving.status_code == 302
    rp.provider.answer(leaving["Location"])
    return str(leaving["Location"])


@in_flows(ALL)
def test_a33_rp_frontchannel_rpinitlogout(rp: RelyingParty) -> None:
    """Signed out here, at the OP, and then the OP's page loads our frame all the same."""
    sid = signed_in(rp)
    assert leaves_for_the_op(rp).startswith(rp.provider.url_of("end_session"))
    frame = front_channel(rp.provider.issuer, sid, client=rp.browser.client)
    assert (frame.status_code, frame.cookies) == (200, {})
    assert "X-Frame-Options" not in frame
    returned = rp.browser.get("/")
    assert returned.status_code == 200
    assert not is_signed_in(rp.browser)


@in_flows(ALL)
def test_a34_rp_frontchannel_opinitlogout(rp: RelyingParty) -> None:
    sid = signed_in(rp)
    rp.provider.sign_out()
    frame = front_channel(rp.provider.issuer, sid)
    assert frame.status_code == 200
    host = urlsplit(rp.provider.issuer)
    assert frame["Content-Security-Policy"].endswith(f"frame-ancestors {host.scheme}://{host.netloc}")
    assert not is_signed_in(rp.browser)
    assert not Session.objects.exists()


@in_flows(ALL)
def test_a35_rp_backchannel_rpinitlogout(rp: RelyingParty) -> None:
    """The OP's call may come before the person is back, or without any sign-out here."""
    sid = signed_in(rp)
    answer = back_channel(rp.provider.logout_token("alice", sid=sid))
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store, private")
    assert not is_signed_in(rp.browser)
    assert not Session.objects.exists()
    rp.in_a_new_browser()
    sid = signed_in(rp)
    leaves_for_the_op(rp)
    assert back_channel(rp.provider.logout_token("alice", sid=sid)).status_code == 200
    assert not is_signed_in(rp.browser)


def refuses(rp: RelyingParty, token: str, reason: str) -> None:
    answer = back_channel(token)
    assert refused(answer) == reason
    assert answer["Cache-Control"] == "no-store, private"
    assert is_signed_in(rp.browser)


def resigned(header: dict[str, Any], key: Any) -> Defect:
    """The logout token with the same claims under another header and signature."""

    def made(token: str, situation: Any) -> str:
        algorithm = header["alg"]
        names = {**situation.header, **header}
        return jwt.encode(dict(situation.claims), key, algorithm=algorithm, headers=names)

    return Defect("signed in another way", (Change(Point.LOGOUT_TOKEN_SIGNED, made),))


@in_flows(ALL)
def test_a36_rp_backchannel_rpinitlogout_alg_none(rp: RelyingParty) -> None:
    sid = signed_in(rp)
    with rp.provider.switch_on(resigned({"alg": "none"}, None)):
        token = rp.provider.logout_token("alice", sid=sid)
    refuses(rp, token, "logout_token_malformed")  # nothing behind the last dot
    refuses(rp, f"{token}AA", "logout_token_algorithm")


@in_flows(ALL)
def test_a37_rp_backchannel_rpinitlogout_no_event(rp: RelyingParty) -> None:
    sid = signed_in(rp)
    refuses(rp, rp.provider.logout_token("alice", sid=sid, events=None), "logout_token_events")


@in_flows(ALL)
def test_a38_rp_backchannel_rpinitlogout_with_nonce(rp: RelyingParty) -> None:
    sid = signed_in(rp)
    refuses(rp, rp.provider.logout_token("alice", sid=sid, nonce="a nonce"), "logout_token_nonce")


@in_flows(ALL)
def test_a39_rp_backchannel_rpinitlogout_wrong_alg(rp: RelyingParty) -> None:
    """Validly signed by a key that the OP publishes, and not by the algorithm agreed: ES256 for RS256, and back."""
    sid = signed_in(rp)
    key = ec.generate_private_key(ec.SECP256R1())
    published = {**jwt.get_algorithm_by_name("ES256").to_jwk(key.public_key(), as_dict=True), "kid": "ec", "use": "sig"}
    with (
        rp.provider.jwks.change(lambda document: {"keys": [*document["keys"], published]}),
        rp.provider.switch_on(resigned({"alg": "ES256", "kid": "ec"}, key)),
    ):
        token = rp.provider.logout_token("alice", sid=sid)
        refuses(rp, token, "logout_token_algorithm")
    rp.settings.OIDC_RP_SIGN_ALGO = "ES256"
    refuses(rp, rp.provider.logout_token("alice", sid=sid), "logout_token_algorithm")


@pytest.mark.parametrize("wrong", [near_miss, lambda value: f"{value}INVALID"], ids=["near", "far"])
@in_flows(ALL)
def test_a40_rp_backchannel_rpinitlogout_wrong_aud(rp: RelyingParty, wrong: Any) -> None:
    sid = signed_in(rp)
    refuses(rp, rp.provider.logout_token("alice", sid=sid, aud=wrong("site")), "logout_token_audience")


@in_flows(ALL)
def test_a41_rp_backchannel_rpinitlogout_wrong_event(rp: RelyingParty) -> None:
    sid = signed_in(rp)
    token = rp.provider.logout_token("alice", sid=sid, events={f"{EVENT}foobar": {}})
    refuses(rp, token, "logout_token_events")


@pytest.mark.parametrize("wrong", [near_miss, lambda value: f"{value}INVALID"], ids=["near", "far"])
@in_flows(ALL)
def test_a42_rp_backchannel_rpinitlogout_wrong_iss(rp: RelyingParty, wrong: Any) -> None:
    sid = signed_in(rp)
    refuses(rp, rp.provider.logout_token("alice", sid=sid, iss=wrong(rp.provider.issuer)), "logout_token_issuer")
