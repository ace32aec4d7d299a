"""Where a request leads a browser without cookies, and whether what it meets may be framed."""

from __future__ import annotations

import pytest

from django_silent_sso.examination.asking import Asking
from django_silent_sso.examination.journeys import MOST_HOPS, PAGE, Journey, forbids_framing, travel
from django_silent_sso.op.http import Answer
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.messages import Reply
from tests.examination.examined import ORIGIN, REDIRECT_URI

STATE = "t.the-state-of-this-one"


def to(provider: OpenIDProvider, reply: Reply) -> Journey:
    provider.answer_instead("authorize", reply)
    return travel(Asking(10), provider.url_of("authorize"), REDIRECT_URI, STATE)


@pytest.mark.parametrize(
    ("behind", "came", "parameters"),
    [
        ("?error=x&state=s&iss=", "query", {"error": "x", "state": "s", "iss": ""}),
        ("?error=x&state=s#_=_", "query", {"error": "x", "state": "s"}),
        ("#error=x&state=s", "fragment", {"error": "x", "state": "s"}),
        ("", "fragment", {}),
    ],
)
def test_it_arrives(openid_provider: OpenIDProvider, behind: str, came: str, parameters: dict[str, str]) -> None:
    journey = to(openid_provider, Reply.redirect(REDIRECT_URI + behind))
    assert (journey.came, journey.parameters, journey.arrived) == (came, parameters, True)
    assert "error" not in repr(journey)


def test_it_goes_on_where_the_op_sends_it(openid_provider: OpenIDProvider) -> None:
    openid_provider.redirect("jwks", f"{REDIRECT_URI}?error=x", times=1)
    journey = to(openid_provider, Reply.redirect("/jwks"))
    assert (journey.came, journey.parameters, journey.url) == ("query", {"error": "x"}, openid_provider.url_of("jwks"))


@pytest.mark.parametrize(
    "reply",
    [
        Reply.redirect("https://elsewhere.example/"),
        Reply.redirect(f"{ORIGIN}/oidc/callback/more?error=x"),
        Reply.redirect("/authorize"),
        Reply(302),
        Reply.html("<form action='/login'><input name='user'></form>"),
        Reply.html(f"<script>parent.postMessage('another-state', '{ORIGIN}')</script>"),
        Reply.html(f"<p>{STATE}</p>"),
    ],
    ids=["elsewhere", "not ours", "for ever", "nowhere", "a form of its own", "another message", "no message"],
)
def test_it_ends_on_a_page(openid_provider: OpenIDProvider, reply: Reply) -> None:
    journey = to(openid_provider, reply)
    assert (journey.came, journey.arrived) == (PAGE, False)
    assert len(openid_provider.calls) <= MOST_HOPS


def test_a_form_that_posts_itself(openid_provider: OpenIDProvider) -> None:
    form = (
        "<input name='before' value='1'><form action='{0}'><input name='error' value='x'><input name='state'>"
        "<input type='submit'></form>"
    )
    journey = to(openid_provider, Reply.html(form.format(REDIRECT_URI)))
    assert (journey.came, journey.parameters) == ("form_post", {"error": "x", "state": ""})


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ('{"error": "login_required", "state": "%s"}', "login_required"),
        ("{error: 'login_required', state: '%s'}", "login_required"),
        ('{"code": "c", "state": "%s"}', None),
    ],
)
def test_a_page_that_tells_its_parent(openid_provider: OpenIDProvider, message: str, error: str | None) -> None:
    journey = to(openid_provider, Reply.html(f"<script>parent.postMessage({message % STATE}, '*')</script>"))
    assert journey.came == "web_message"
    assert (journey.parameters.get("error"), journey.parameters["state"]) == (error, STATE)


@pytest.mark.parametrize(
    ("headers", "forbidden"),
    [
        ({}, False),
        ({"X-Frame-Options": "DENY"}, True),
        ({"X-Frame-Options": "sameorigin"}, True),
        ({"X-Frame-Options": "ALLOW-FROM https://other.example"}, False),
        ({"X-Frame-Options": "DENY, DENY"}, True),
        ({"Content-Security-Policy": "default-src 'none'"}, False),
        ({"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'"}, True),
        ({"Content-Security-Policy": "frame-ancestors"}, True),
        ({"Content-Security-Policy": "frame-ancestors 'self'"}, True),
        ({"Content-Security-Policy": "frame-ancestors *"}, False),
        ({"Content-Security-Policy": "frame-ancestors https:"}, False),
        ({"Content-Security-Policy": "frame-ancestors 'self' https://site.example"}, False),
        ({"Content-Security-Policy": "frame-ancestors site.example:*"}, False),
        ({"Content-Security-Policy": "frame-ancestors http://site.example"}, True),
        ({"Content-Security-Policy": "frame-ancestors https://*.example"}, False),
        ({"Content-Security-Policy": "frame-ancestors *.other.example"}, True),
        ({"Content-Security-Policy": "frame-ancestors *, frame-ancestors 'none'"}, True),
        ({"Content-Security-Policy": "frame-ancestors *", "X-Frame-Options": "DENY"}, False),
    ],
)
def test_framing(headers: dict[str, str], forbidden: bool) -> None:
    answer = Answer(status=200, content_type="", cache_control="", retry_after=None, body=b"", headers=headers)
    assert forbids_framing(answer, ORIGIN) is forbidden
