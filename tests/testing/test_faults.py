from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected

import pytest

from django_silent_sso.testing.authorization import Decision
from django_silent_sso.testing.defects import Change, Defect, Point
from django_silent_sso.testing.faults import Hang
from django_silent_sso.testing.messages import Reply
from django_silent_sso.testing.provider import OpenIDProvider
from tests.testing.site import CALLBACK, Site, claims_of, send


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def test_an_error_for_ever_and_no_more(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    switch = provider.answer_with_error("temporarily_unavailable", description="later")
    for _ in range(2):
        response = site.authorize()
        assert (response["error"], response["error_description"]) == ("temporarily_unavailable", "later")
        assert (response["state"], response["iss"]) == ("the-state", provider.issuer)
    switch.off()
    assert "code" in site.authorize()


def test_errors_in_a_row(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.answer_with_error("server_error")
    provider.answer_with_error("login_required", times=1)
    provider.answer_with_error("consent_required", times=2)
    errors = [site.authorize()["error"] for _ in range(4)]
    assert errors == ["login_required", "consent_required", "consent_required", "server_error"]


def test_the_four_silent_errors_are_no_answer_to_an_interactive_request(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    switch = provider.answer_with_error("interaction_required", times=1)
    assert "code" in site.authorize(prompt=None)
    assert switch.hits == 0
    assert site.authorize()["error"] == "interaction_required"
    provider.answer_with_error("access_denied")
    assert site.authorize(prompt=None)["error"] == "access_denied"


def test_an_error_nobody_knows(provider: OpenIDProvider, site: Site) -> None:
    provider.answer_with_error("out_of_tea")
    assert "error_description" not in site.authorize()


def test_a_page_in_place_of_an_answer(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.show_page()
    answer = provider.answer(site.url())
    assert (answer.status, answer.mode) == (200, "login")
    assert "code" in provider.answer(site.url(), sign_in_as="bob").parameters
    assert "code" in site.authorize(prompt=None)


def test_consent_page_in_place_of_an_answer_can_be_answered(provider: OpenIDProvider, site: Site) -> None:
    provider.ask_for_consent = True
    provider.show_page(times=1)
    assert "code" in provider.answer(site.url(), sign_in_as="alice").parameters


def test_another_response_mode_than_asked_for(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    with provider.answer_by("fragment"):
        assert provider.answer(site.url()).location.startswith(f"{CALLBACK}#")
    provider.answer_by("form_post", times=1)
    assert provider.answer(site.url()).mode == "form_post"
    assert provider.answer(site.url()).mode == "redirect"


def test_fail(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    code = site.authorize()["code"]
    provider.fail("token", status=503, body="<html>", headers={"Retry-After": "7"}, times=1)
    answer = site.redeem(code)
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, b"<html>", "7")
    assert site.redeem(code).status == 200
    assert [call.status for call in provider.calls_to("token")] == [503, 200]


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [
        (b"\xff", None, b"\xff"),
        ("x", "text/plain; charset=utf-8", b"x"),
        ({"a": 1}, "application/json; charset=utf-8", b'{"a": 1}'),
        ([1], "application/json; charset=utf-8", b"[1]"),
    ],
)
def test_bodies(provider: OpenIDProvider, body: bytes, content_type: str | None, sent: bytes) -> None:
    provider.fail("jwks", status=200, body=body)
    answer = send(provider.url_of("jwks"))
    assert (answer.status, answer.headers.get("content-type"), answer.body) == (200, content_type, sent)


def test_headers_of_a_failure_replace_its_own(provider: OpenIDProvider) -> None:
    provider.fail("jwks", status=299, body={}, headers={"content-TYPE": "text/html"})
    answer = send(provider.url_of("jwks"))
    assert (answer.status, answer.headers["content-type"]) == (299, "text/html")


def test_a_misspelt_endpoint_is_a_mistake_of_the_test(provider: OpenIDProvider) -> None:
    with pytest.raises(ValueError, match="authorize, "):
        provider.fail("authorise")


def test_redirect(provider: OpenIDProvider, site: Site) -> None:
    provider.redirect("token", "http://127.0.0.1:1/elsewhere")
    answer = site.redeem("x")
    assert (answer.status, answer.headers["location"]) == (307, "http://127.0.0.1:1/elsewhere")


def test_disconnect(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    code = site.authorize()["code"]
    provider.disconnect("token", times=1)
    with pytest.raises(RemoteDisconnected):
        site.redeem(code)
    provider.disconnect("token", after_work=True, times=1)
    with pytest.raises(RemoteDisconnected):
        site.redeem(code)
    assert site.redeem(code).json()["error"] == "invalid_grant"
    assert [call.status for call in provider.calls_to("token")] == [0, 0, 400]


def test_more_headers(provider: OpenIDProvider) -> None:
    switch = provider.add_headers("jwks", {"Cache-Control": "max-age=60"})
    assert send(provider.url_of("jwks")).headers["cache-control"] == "max-age=60"
    switch.off()
    assert "cache-control" not in send(provider.url_of("jwks")).headers


def test_a_reply_of_any_kind(provider: OpenIDProvider) -> None:
    provider.answer_instead("jwks", Reply(200, b"abc", (("Content-Length", "10"),), stream=lambda write: write(b"def")))
    connection = HTTPConnection(provider.host, provider.port, timeout=10)
    connection.request("GET", "/jwks")
    response = connection.getresponse()
    assert (response.getheader("connection"), response.read(6)) == ("close", b"abcdef")
    connection.close()


def test_hang_until_released(provider: OpenIDProvider, site: Site, pool: ThreadPoolExecutor) -> None:
    provider.sign_in("alice")
    hang = provider.hang("token")
    waiting = pool.submit(site.redeem, site.authorize()["code"])
    hang.wait_until_reached()
    assert not waiting.done()
    assert "code" in site.authorize()
    assert provider.calls_to("token") == []
    hang.release()
    assert waiting.result(10).status == 200
    assert site.tokens()


def test_hang_a_number_of_times(provider: OpenIDProvider, pool: ThreadPoolExecutor) -> None:
    with provider.hang("jwks", times=1) as hang:
        waiting = pool.submit(send, provider.url_of("jwks"))
        hang.wait_until_reached()
        assert send(provider.url_of("jwks")).status == 200
        assert not waiting.done()
    assert waiting.result(10).status == 200


def test_hang_after_the_work_is_done(provider: OpenIDProvider, site: Site, pool: ThreadPoolExecutor) -> None:
    provider.sign_in("alice")
    code = site.authorize()["code"]
    with provider.hang("token", after_work=True, times=1) as hang:
        waiting = pool.submit(site.redeem, code)
        hang.wait_until_reached()
        assert site.redeem(code).json()["error"] == "invalid_grant"
    assert waiting.result(10).status == 200


@pytest.mark.parametrize("way", ["stop", "behave"])
def test_whatever_hangs_is_let_go(provider: OpenIDProvider, pool: ThreadPoolExecutor, way: str) -> None:
    hang = provider.hang("jwks")
    waiting = pool.submit(send, provider.url_of("jwks"))
    hang.wait_until_reached()
    provider.behave() if way == "behave" else provider.stop()
    assert waiting.exception(10) is None or isinstance(waiting.exception(), OSError)
    provider.start()
    assert send(provider.url_of("jwks")).status == 200


def test_nobody_came() -> None:
    hang = Hang()
    with pytest.raises(TimeoutError):
        hang.wait_until_reached(0.01)
    hang.release()


def test_an_answer_that_says_nothing(provider: OpenIDProvider, site: Site) -> None:
    nothing = Defect("nothing", (Change(Point.DECISION, lambda *_: Decision()),))
    provider.switch_on(nothing)
    assert sorted(site.authorize()) == ["iss", "state"]
    provider.authorization_response.change(lambda parameters: {})
    assert provider.answer(site.url()).location == f"{CALLBACK}?"


def test_a_failure_behind_a_hang(provider: OpenIDProvider, pool: ThreadPoolExecutor) -> None:
    hang = provider.hang("jwks", times=1)
    provider.fail("jwks", status=502)
    waiting = pool.submit(send, provider.url_of("jwks"))
    hang.wait_until_reached()
    hang.release()
    assert waiting.result(10).status == 502


def test_messages_of_the_provider(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_in("alice")
    provider.metadata.update({"issuer": "x"})
    provider.jwks.replace(keys=[])
    provider.token_answer.drop("expires_in")
    provider.userinfo.replace(sub="mallory")
    provider.id_token.drop("nonce")
    provider.id_token_header.replace(kid="other")
    provider.authorization_response.replace(state=["a", "b"])

    assert send(provider.url_of("discovery")).json()["issuer"] == "x"
    assert send(provider.url_of("jwks")).json() == {"keys": []}
    answer = provider.answer(site.url())
    assert "state=a&state=b" in answer.location
    tokens = site.redeem(answer.parameters["code"]).json()
    assert "expires_in" not in tokens
    assert "nonce" not in claims_of(tokens["id_token"])
    assert site.userinfo(tokens["access_token"]).json()["sub"] == "mallory"

    provider.behave()
    assert site.verified(site.tokens()["id_token"])["nonce"] == "the-nonce"
