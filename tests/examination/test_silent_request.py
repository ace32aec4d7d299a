"""The silent request itself: what real OPs do with it, each trait under a word of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from django_silent_sso.examination.asking import Asking
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.messages import Reply
from tests.examination.examined import ORIGIN, REDIRECT_URI, silent

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = pytest.mark.usefixtures("provider")
GOOD = ["silent_answered", "state_returned", "iss_sent", "redirect_uri_checked", "hint_unreadable_refused"]


def told() -> list[str]:
    return [item.id for item in silent().findings()]


def told_of_frames() -> list[str]:
    return [item.id for item in silent().frames()]


def test_a_good_op(provider: OpenIDProvider) -> None:
    assert told() == GOOD
    asked = provider.calls_to("authorize")[0].parameters
    assert (asked["prompt"], asked["redirect_uri"], asked["code_challenge_method"]) == ("none", REDIRECT_URI, "S256")


def test_max_age_is_left_out(provider: OpenIDProvider, settings: Settings) -> None:
    settings.OIDC_AUTH_REQUEST_EXTRA_PARAMS = {"max_age": "60", "resource": "r"}
    told()
    asked = provider.calls_to("authorize")[0].parameters
    assert ("max_age" in asked, asked["resource"]) == (False, "r")


@pytest.mark.parametrize("error", ["interaction_required", "account_selection_required", "consent_required"])
def test_nobody_is_signed_in_by_another_name(provider: OpenIDProvider, error: str) -> None:
    provider.answer_with_error(error)
    assert told()[0] == "silent_other_word"


@pytest.mark.parametrize("error", ["unauthorized_client", "invalid_request", "<script>"])
def test_a_refusal(provider: OpenIDProvider, error: str) -> None:
    provider.answer_with_error(error)
    first = next(silent().findings())
    assert first.id == "silent_refused"
    assert ("allow this client" in first.hint) == (error == "unauthorized_client")
    assert "<" not in first.text


def test_a_sign_in_without_a_cookie(provider: OpenIDProvider) -> None:
    provider.authorization_response.change(lambda said: {"code": "c", "state": said["state"]})
    assert told()[0] == "silent_success"


@pytest.mark.parametrize(
    ("status", "word"), [(200, "silent_page"), (400, "silent_not_registered"), (500, "silent_server_error")]
)
def test_a_page_in_place_of_an_answer(provider: OpenIDProvider, status: int, word: str) -> None:
    provider.answer_instead("authorize", Reply.html("<h1>Sign in</h1>", status))
    (only,) = silent().findings()
    assert only.id == word
    assert str(status) in only.text


def test_a_redirect_uri_that_is_not_registered(provider: OpenIDProvider) -> None:
    provider.add_client("site", provider.client_secret, redirect_uris=("https://site.example/another/",))
    (only,) = silent().findings()
    assert only.id == "silent_not_registered"
    assert REDIRECT_URI in only.hint


def test_any_redirect_uri_will_do(provider: OpenIDProvider) -> None:
    provider.add_client("site", provider.client_secret)
    assert "redirect_uri_not_checked" in told()


def test_no_answer(provider: OpenIDProvider) -> None:
    provider.disconnect("authorize")
    (only,) = silent().findings()
    assert only.id == "silent_no_answer"
    assert "op_unreachable" in only.text


def test_an_op_that_falls_silent_has_been_told_of(provider: OpenIDProvider) -> None:
    provider.disconnect("authorize")
    request = silent()
    provider.behave()
    provider.answer_with_error("login_required", times=1)
    findings = request.findings()
    assert [next(findings).id for _ in range(3)] == GOOD[:3]
    provider.disconnect("authorize")
    assert list(findings) == []


def test_nothing_is_said_of_frames_where_nothing_answers(provider: OpenIDProvider) -> None:
    provider.disconnect("authorize")
    assert told_of_frames() == []


def test_an_answer_by_another_mode(provider: OpenIDProvider) -> None:
    provider.answer_by("fragment")
    assert "silent_other_mode" in told()


@pytest.mark.parametrize(
    ("settings_", "mode"),
    [
        ({"SILENT_SSO_RESPONSE_TYPE": "id_token"}, None),
        ({"SILENT_SSO_RESPONSE_MODE": "form_post"}, "form_post"),
        ({"SILENT_SSO_RESPONSE_MODE": "web_message"}, None),
    ],
    ids=["fragment", "form_post", "web_message"],
)
def test_every_mode_is_understood(
    provider: OpenIDProvider, settings: Settings, settings_: dict[str, str], mode: str | None
) -> None:
    for name, value in settings_.items():
        setattr(settings, name, value)
    assert told() == GOOD
    assert provider.calls_to("authorize")[0].parameters.get("response_mode") == mode


@pytest.mark.parametrize(
    ("defect", "word"),
    [
        ("response_without_state", "state_not_returned"),
        ("response_state_mismatch", "state_not_returned"),
        ("response_without_issuer", "iss_not_on_errors"),
        ("response_issuer_mismatch", "iss_differs"),
    ],
)
def test_what_comes_back_with_it(provider: OpenIDProvider, defect: str, word: str) -> None:
    provider.switch_on(defect)
    assert word in told()


def test_iss_that_is_encoded_twice_is_taken_as_it_is_meant(provider: OpenIDProvider) -> None:
    provider.authorization_response.replace(iss=lambda iss: quote(iss, safe=""))
    assert "iss_sent" in told()


def test_iss_that_nobody_has_promised(provider: OpenIDProvider) -> None:
    provider.switch_on("response_without_issuer")
    provider.metadata.drop("authorization_response_iss_parameter_supported")
    assert "iss_not_sent" in told()


def test_a_hint_that_is_passed_over(provider: OpenIDProvider) -> None:
    provider.authorization_response.replace(error="login_required")
    assert told()[-1] == "hint_unreadable_ignored"


# -- pushed requests -----------------------------------------------------------------------------------------------


def test_pushed_requests(provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    assert told() == ["pushed_requests_used", *GOOD]
    assert provider.calls_to("authorize")[0].parameters.keys() == {"client_id", "request_uri"}


@pytest.mark.parametrize("error", ["invalid_client", "invalid_request"])
def test_pushed_requests_that_are_refused(provider: OpenIDProvider, settings: Settings, error: str) -> None:
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    provider.fail("pushed_request", status=400, body={"error": error})
    (only,) = silent().findings()
    assert only.id == "pushed_requests_refused"
    assert error in only.text


def test_pushed_requests_of_which_only_the_first_goes_through(provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_PUSHED_REQUESTS = True
    findings = silent().findings()
    assert [next(findings).id for _ in range(4)] == ["pushed_requests_used", *GOOD[:3]]
    provider.fail("pushed_request", status=400, body={"error": "invalid_request"})
    assert [item.id for item in findings] == GOOD[3:]


# -- frames --------------------------------------------------------------------------------------------------------


def test_frames_at_a_good_op(provider: OpenIDProvider) -> None:
    assert told_of_frames() == ["frame_answer_passes", "frame_page_allowed", "web_message_works"]


def test_framing_is_forbidden(provider: OpenIDProvider) -> None:
    provider.framing = "DENY"
    assert told_of_frames() == ["frame_header_on_redirect", "frame_page_refused", "web_message_works"]


def test_a_page_is_looked_at_as_it_is(provider: OpenIDProvider) -> None:
    provider.show_page()
    provider.framing = "SAMEORIGIN"
    assert told_of_frames() == ["frame_page_refused", "web_message_does_not_work"]


def test_an_answer_that_is_no_redirect(provider: OpenIDProvider, settings: Settings) -> None:
    settings.SILENT_SSO_RESPONSE_MODE = "form_post"
    assert told_of_frames() == ["web_message_works"]


def test_web_message_that_nobody_hears(provider: OpenIDProvider) -> None:
    provider.add_headers("authorize", {"X-Frame-Options": "DENY"})
    assert told_of_frames()[-1] == "web_message_refused_in_frames"


def test_web_message_that_is_not_there(provider: OpenIDProvider, settings: Settings) -> None:
    provider.metadata.replace(response_modes_supported=["query"])
    assert told_of_frames()[-1] == "web_message_not_announced"
    settings.SILENT_SSO_RESPONSE_MODE = "web_message"
    provider.answer_by("query")
    assert told_of_frames()[-1] == "web_message_does_not_work"


def test_time_that_is_up_is_no_fault() -> None:
    assert [item.id for item in silent(Asking(0)).frames()] == []
    assert [item.id for item in silent(Asking(0)).findings()] == ["silent_no_answer"]
    assert ORIGIN in REDIRECT_URI
