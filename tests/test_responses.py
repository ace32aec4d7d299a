"""What this app may answer, each with its status and headers (contract 4; N01, F01, F15, L01)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import DisallowedRedirect
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from django_silent_sso import responses
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.responses import (
    FragmentPage,
    FrameResult,
    Page,
    Redirect,
    RelayPage,
    ResendPage,
    SignedInPage,
    SignInRequired,
    nothing,
    private,
)

TEMPLATES = Path(responses.__file__).parent / "templates" / "django_silent_sso"
OF_THEIR_OWN = {f"{name}.html" for name in ("base", "doctor", "fragment", "prompt", "relay", "resend", "signed_in")}
PAGES = sorted({path.name for path in TEMPLATES.glob("*.html")} - OF_THEIR_OWN)
NASTY = "/page/?x='><script>alert(1)</script>&y=\"{{ 7 }}"


def request(**headers: str) -> HttpRequest:
    made: HttpRequest = RequestFactory().get("/page/", headers=headers)
    return made


def page(template: str = "error.html", **facts: Any) -> Page:
    wanted: dict[str, Any] = {"status": 400, "reason": Reason.STATE_UNKNOWN, **facts}
    return Page(request(), template, **wanted)


def policy(response: HttpResponse) -> dict[str, str]:
    rules = (rule.partition(" ") for rule in response["Content-Security-Policy"].split("; "))
    return {name: value for name, _, value in rules}


ANSWERS = {
    "204": nothing,
    "a redirect": lambda: Redirect("https://id.example.org/authorize?state=s"),
    "a frame's result": lambda: FrameResult("failed", Reason.LOGIN_REQUIRED),
    "401": lambda: SignInRequired(request(), Reason.GRACE_ENDED),
    "a page": page,
    "the fragment page": lambda: FragmentPage(request()),
    "the relay page": lambda: RelayPage(request()),
    "any other": lambda: private(HttpResponse("x")),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_no_answer_of_ours_is_stored_shared_referred_to_or_indexed(name: str) -> None:
    answer: HttpResponse = ANSWERS[name]()
    assert answer["Cache-Control"] == "no-store, private"
    assert answer["Vary"] == "Cookie"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"


def test_a_vary_that_was_there_stays() -> None:
    assert private(HttpResponse(headers={"Vary": "Accept-Language"}))["Vary"] == "Accept-Language, Cookie"


def test_a_prefetch_gets_nothing() -> None:
    assert (nothing().status_code, nothing().content) == (204, b"")


def test_a_redirect_leads_to_web_pages_alone() -> None:
    answer = Redirect("/page/é?x=1")
    assert (answer.status_code, answer["Location"]) == (302, "/page/%C3%A9?x=1")
    with pytest.raises(DisallowedRedirect):
        Redirect("javascript:alert(1)")


# -- for scripts -------------------------------------------------------------------------------------------------------


def test_a_frames_result_is_a_status_and_a_reason() -> None:
    answer = FrameResult("failed", Reason.BACKED_OFF, retry_after=57)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert json.loads(answer.content) == {"status": "failed", "reason": "backed_off", "retry_after": 57}
    assert FrameResult("failed", Reason.CROSS_SITE_REQUEST, code=403).status_code == 403


def test_401_says_why_and_where_to_sign_in() -> None:
    answer = SignInRequired(request(), Reason.GRACE_ENDED)
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/json")
    assert answer["WWW-Authenticate"] == 'SilentSSO reason="grace_ended"'
    assert "HX-Trigger" not in answer
    assert json.loads(answer.content) == {
        "error": "login_required",
        "reason": "grace_ended",
        "silent_url": "/oidc/silent/",
        "sign_in_url": "/oidc/authenticate/",
    }


def test_401_may_say_another_way_to_sign_in() -> None:
    answer = SignInRequired(request(), Reason.RECENT_SIGN_IN_REQUIRED, sign_in_url="/oidc/authenticate/?recent=300")
    assert json.loads(answer.content)["sign_in_url"] == "/oidc/authenticate/?recent=300"


def test_htmx_hears_of_it_as_an_event() -> None:
    answer = SignInRequired(request(**{"HX-Request": "true"}), Reason.GRACE_ENDED)
    assert answer["HX-Trigger"] == "silent-sso:sign-in-required"
    assert answer["HX-Reswap"] == "none"
    assert "HX-Redirect" not in answer


@pytest.mark.parametrize("more", [{"HX-Request": "true"}, {}], ids=["", "without HX-Request"])
@pytest.mark.parametrize("wanted", ["HX-Boosted", "HX-History-Restore-Request"])
@pytest.mark.parametrize(
    ("method", "path", "query", "redirect"),
    [
        ("GET", "/page/é", "to=a b&x=%0D%0ASet-Cookie:a", "/page/%C3%A9?to=a%20b&x=%0D%0ASet-Cookie:a"),
        ("GET", "//evil.example/x", "", "/%2Fevil.example/x"),
        ("POST", "/page/", "", None),
    ],
)
def test_a_page_that_htmx_wants_is_loaded_by_the_browser_itself(
    method: str, path: str, query: str, redirect: str | None, wanted: str, more: dict[str, str]
) -> None:
    boosted = RequestFactory().generic(method, "/", headers={wanted: "true", **more})
    boosted.path, boosted.META["QUERY_STRING"] = path, query
    answer = SignInRequired(boosted, Reason.GRACE_ENDED)
    assert answer.get("HX-Redirect") == redirect
    assert (answer["HX-Reswap"], answer["HX-Trigger"]) == ("none", "silent-sso:sign-in-required")


# -- for people --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("template", PAGES)
def test_a_page_can_be_read_without_script_and_cannot_be_framed(template: str) -> None:
    answer = page(template, again="/page/", return_to="/page/", failing=False)
    text = answer.content.decode()
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert text.lower().startswith("<!doctype html>")
    assert "<title></title>" not in text
    assert "<script" not in text
    assert "style=" not in text
    assert answer["X-Frame-Options"] == "DENY"
    assert policy(answer) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "style-src": "'self'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize("template", PAGES)
def test_what_a_page_shows_is_escaped(template: str) -> None:
    text = page(template, again=NASTY, return_to=NASTY, failing=False).content.decode()
    assert "<script" not in text
    assert "49" not in text
    assert "'>" not in text.replace("'>", "", text.count("&#x27;&gt;"))


def test_pages_were_found() -> None:
    assert len(PAGES) >= 4


def test_a_page_tells_the_reason_code_and_the_way_back() -> None:
    text = page(return_to="/page/?x=1").content.decode()
    assert "<code>state_unknown</code>" in text
    assert 'href="/oidc/authenticate/?next=%2Fpage%2F%3Fx%3D1"' in text


def test_the_way_back_goes_by_the_sites_name_for_it(settings: Any) -> None:
    settings.OIDC_REDIRECT_FIELD_NAME = "to"
    assert "?to=%2Fpage%2F" in page(return_to="/page/").content.decode()


@pytest.mark.parametrize(("retry_after", "header"), [(None, None), (0, "0"), (30, "30")])
def test_a_page_says_when_to_come_back(retry_after: int | None, header: str | None) -> None:
    answer = page(status=503, reason=Reason.OP_TIMEOUT, retry_after=retry_after, failing=True)
    assert (answer.status_code, answer.get("Retry-After")) == (503, header)


def test_the_fragment_page_runs_its_own_script_alone() -> None:
    answer = FragmentPage(RequestFactory().get("/oidc/callback/?x=canary"))
    assert answer.status_code == 200
    assert "canary" not in answer.content.decode()
    assert policy(answer) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "frame-ancestors": "'none'",
    }
    assert answer["X-Frame-Options"] == "DENY"


# -- the page that keeps a form ----------------------------------------------------------------------------------------


def resend_page(**facts: Any) -> ResendPage:
    wanted = {"config": {"module": NASTY}, "field": "f", "sealed": NASTY, "sign_in": NASTY}
    return ResendPage(request(), **{"status": 200, "reason": Reason.GRACE_ENDED, **wanted, **facts})


def test_the_page_that_keeps_a_form_runs_our_script_and_frames_the_op() -> None:
    answer = resend_page()
    assert policy(answer) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "*",
        "frame-ancestors": "'none'",
    }
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin-allow-popups"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("reason", ["grace_ended", "form_of_another_user", "storage_unavailable"])
def test_what_it_keeps_is_escaped_and_its_words_need_no_script(reason: str) -> None:
    text = resend_page(reason=Reason(reason)).content.decode()
    assert text.count("<script") == 2
    assert "alert(1)</script" not in text
    visible = text.partition("<template")[0]
    assert 'role="status"' in visible
    assert "Sign in in a new tab" in visible
    assert '<button class="button second"' in visible


@pytest.mark.parametrize("signed_in", [True, False])
def test_the_end_of_a_sign_in_in_a_window_of_its_own_may_speak_to_its_opener(signed_in: bool) -> None:
    answer = SignedInPage(request(), signed_in=signed_in)
    assert answer.status_code == 200
    assert policy(answer)["script-src"] == "'self'"
    assert "connect-src" not in policy(answer)
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert ("silent-sso-relay" in answer.content.decode()) is signed_in


# -- the relay page ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "told"),
    [
        *[(site, site) for site in ("same-origin", "same-site", "cross-site", "none")],
        *[(None, None), ("</script>", None), ("", None)],
    ],
)
def test_the_relay_page_tells_from_where_the_op_sent_it(header: str | None, told: str | None) -> None:
    text = RelayPage(request(**({} if header is None else {"Sec-Fetch-Site": header}))).content.decode()
    _, _, rest = text.partition('<script id="silent-sso-relay" type="application/json">')
    assert json.loads(rest.partition("</script>")[0]) == {"site": told, "mode": None, "dest": None}


def test_the_relay_page_holds_no_parameter_and_no_inline_script() -> None:
    answer = RelayPage(RequestFactory().get("/oidc/callback/?code=canary&state=f.canary"))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "canary" not in text
    assert text.count("<script") == 2
    assert '<script src="/static/django_silent_sso/relay.js">' in text


def test_the_relay_page_may_be_framed_by_this_site_alone_and_speak_to_its_opener() -> None:
    answer = RelayPage(request())
    assert policy(answer) == {
        "default-src": "'none'",
        "base-uri": "'none'",
        "script-src": "'self'",
        "frame-ancestors": "'self'",
    }
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cross-Origin-Opener-Policy"] == "unsafe-none"


def test_static_files_may_come_from_another_host(settings: Any) -> None:
    settings.STATIC_URL = "https://cdn.example/static/"
    assert policy(RelayPage(request()))["script-src"] == "'self' https://cdn.example"
    assert policy(page())["style-src"] == "'self' https://cdn.example"
