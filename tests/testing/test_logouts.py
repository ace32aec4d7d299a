"""The provider tells the sites that a session has ended: by its own calls, and by frames in its sign-out page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest

from django_silent_sso.testing.defects import Change, Defect, Point
from django_silent_sso.testing.messages import Reply, Request
from django_silent_sso.testing.provider import OpenIDProvider
from django_silent_sso.testing.server import Server
from tests.testing.site import Site, claims_of, send

EVENT = "http://schemas.openid.net/event/backchannel-logout"


class Listener:
    """A site's server: keeps what it was sent, and answers `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.running = True
        self.requests: list[Request] = []
        self._server = Server("127.0.0.1", 0, self._answer, lambda number: None)
        self.url = f"http://127.0.0.1:{self._server.port}/logout?tenant=a"

    def _answer(self, request: Request) -> Reply:
        self.requests.append(request)
        return Reply(self.status)

    def stop(self) -> None:
        self.running = False
        self._server.stop()

    @property
    def tokens(self) -> list[str]:
        return [dict(request.form)["logout_token"] for request in self.requests]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    if listener.running:
        listener.stop()


def header_of(token: str) -> dict[str, Any]:
    return jwt.get_unverified_header(token)


def test_a_site_that_was_signed_in_is_told(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.register(back_channel=listener.url)
    session = provider.sign_in("alice")
    site.tokens()
    provider.sign_out()

    (request,) = listener.requests
    assert (request.method, request.path, request.query) == ("POST", "/logout", (("tenant", "a"),))
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    (token,) = listener.tokens
    header, claims = header_of(token), claims_of(token)
    assert header["typ"] == "logout+jwt"
    assert claims.keys() == {"iss", "aud", "iat", "exp", "jti", "sub", "sid", "events"}
    assert (claims["iss"], claims["aud"]) == (provider.issuer, "site")
    assert (claims["sub"], claims["sid"], claims["events"]) == ("alice", session.sid, {EVENT: {}})
    (call,) = provider.logouts.calls
    assert (call.client_id, call.url, call.token, call.status) == ("site", listener.url, token, 200)
    assert token not in repr(call)


def test_once_for_a_session(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.register(back_channel=listener.url)
    provider.sign_in("alice")
    site.tokens()
    site.tokens()
    provider.sign_out()
    provider.sign_out()
    assert len(listener.requests) == 1


def test_nobody_else_is_told(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.add_client("another", "secret", backchannel_logout_uri=listener.url)
    provider.sign_in("alice")
    site.tokens()
    provider.sign_out()
    assert listener.requests == []
    assert provider.logouts.calls == []


def test_each_session_has_its_own(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.register(back_channel=listener.url)
    for name in ("alice", "alice", "bob"):
        provider.visitor().answer(site.url(prompt=None), sign_in_as=name)
    sids = [session.sid for session in provider.sessions]
    provider.end_one_session(provider.sessions[0])
    assert [claims_of(token)["sid"] for token in listener.tokens] == sids[:1]
    assert provider.end_session("alice") == 1
    provider.sign_out()
    assert [claims_of(token)["sid"] for token in listener.tokens] == sids


def test_the_older_style(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.style = "JWT"
    provider.logouts.register(back_channel=listener.url, session_required=False)
    provider.sign_in("alice")
    site.tokens()
    provider.sign_out()
    for token in (*listener.tokens, provider.logout_token("alice")):
        assert header_of(token)["typ"] == "JWT"
        assert claims_of(token).keys() == {"iss", "aud", "iat", "jti", "sub", "events"}


def test_defects_alter_what_is_sent(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.register(back_channel=listener.url)
    provider.logout_claims.replace(iss="https://evil.example")
    cut = Change(Point.LOGOUT_TOKEN_SIGNED, lambda token, _: token.rpartition(".")[0] + ".")
    provider.switch_on(Defect("no signature", (cut,)))
    provider.sign_in("alice")
    site.tokens()
    provider.sign_out()
    (token,) = listener.tokens
    assert claims_of(token)["iss"] == "https://evil.example"
    assert token.endswith(".")


@pytest.mark.parametrize("status", [400, 503])
def test_what_the_site_answers_is_kept(provider: OpenIDProvider, site: Site, listener: Listener, status: int) -> None:
    provider.logouts.register(back_channel=listener.url)
    listener.status = status
    provider.sign_in("alice")
    site.tokens()
    provider.sign_out()
    assert [call.status for call in provider.logouts.calls] == [status]


def test_a_site_that_is_down_is_no_obstacle(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.register(back_channel=listener.url)
    provider.sign_in("alice")
    site.tokens()
    listener.stop()
    provider.sign_out()
    assert [call.status for call in provider.logouts.calls] == [None]
    assert provider.sessions == ()


def test_names_under_localhost(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    port = urlsplit(listener.url).port
    provider.logouts.register(back_channel=f"http://site.localhost:{port}")
    provider.sign_in("alice")
    site.tokens()
    provider.sign_out()
    (request,) = listener.requests
    assert (request.path, request.headers["host"]) == ("/", f"site.localhost:{port}")


def test_https_is_spoken_where_the_address_says_so(provider: OpenIDProvider, site: Site, listener: Listener) -> None:
    provider.logouts.register(back_channel=listener.url.replace("http:", "https:"))
    provider.sign_in("alice")
    site.tokens()
    provider.sign_out()
    assert [call.status for call in provider.logouts.calls] == [None], "the other side speaks no TLS"


def test_who_signs_out_at_the_site_is_told_of_at_every_site(
    provider: OpenIDProvider, site: Site, listener: Listener
) -> None:
    provider.logouts.register(back_channel=listener.url)
    provider.sign_in("alice")
    tokens = site.tokens()
    back = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": "http://site.example/"}
    answer = provider.answer(f"{provider.url_of('end_session')}?{urlencode(back)}")
    assert answer.location == "http://site.example/"
    assert len(listener.requests) == 1


# -- frames ----------------------------------------------------------------------------------------------------------


def sign_out_page(provider: OpenIDProvider, **given: str) -> tuple[list[str], str]:
    page = send(f"{provider.url_of('end_session')}?{urlencode(given)}").body.decode()
    return [unescape(url) for url in re.findall(r'<iframe hidden src="(.*?)"', page)], page


def test_the_sign_out_page_frames_each_site(provider: OpenIDProvider, site: Site) -> None:
    provider.logouts.register(front_channel="https://site.example/front?x=1")
    provider.add_client("other", "s", frontchannel_logout_uri="https://other.example/f", logout_session_required=False)
    provider.add_client("never-visited", "s", frontchannel_logout_uri="https://never.example/f")
    session = provider.sign_in("alice")
    site.tokens()
    site.authorize(client_id="other")
    frames, page = sign_out_page(
        provider, client_id="site", post_logout_redirect_uri="http://site.example/bye", state="s&1"
    )
    assert frames[1] == "https://other.example/f"
    parts = urlsplit(frames[0])
    assert parts.netloc == "site.example"
    assert dict(parse_qsl(parts.query)) == {"x": "1", "iss": provider.issuer, "sid": session.sid}
    (then,) = re.findall(r'id="then" href="(.*?)"', page)
    assert parse_qs(urlsplit(unescape(then)).query) == {"state": ["s&1"]}
    assert provider.sessions == ()
    assert sign_out_page(provider)[0] == [], "once"


def test_without_a_way_back_the_page_stays(provider: OpenIDProvider, site: Site) -> None:
    provider.logouts.register(front_channel="https://site.example/front")
    provider.sign_in("alice")
    site.tokens()
    frames, page = sign_out_page(provider)
    assert len(frames) == 1
    assert "signed out here" in page
    assert "location.replace" not in page


def test_the_urls_for_tests_without_a_browser(provider: OpenIDProvider, site: Site) -> None:
    provider.logouts.register(front_channel="https://site.example/front")
    session = provider.sign_in("alice")
    assert provider.logouts.front_channel_urls(session) == [], "nobody has been signed in there"
    site.tokens()
    asked = urlencode({"iss": provider.issuer, "sid": session.sid})
    assert provider.logouts.front_channel_urls(session) == [f"https://site.example/front?{asked}"]
    provider.sign_out()
    assert provider.logouts.front_channel_urls(session) == [], "told once"


def test_the_metadata_tell(provider: OpenIDProvider) -> None:
    def told() -> dict[str, Any]:
        document = send(provider.url_of("discovery")).json()
        return {name: value for name, value in document.items() if "channel_logout" in name}

    back = {"backchannel_logout_supported": True, "backchannel_logout_session_supported": True}
    assert told() == back
    provider.logouts.register(front_channel="https://site.example/front")
    front = {"frontchannel_logout_supported": True, "frontchannel_logout_session_supported": True}
    assert told() == {**back, **front}
