from __future__ import annotations

import pytest

from django_silent_sso.testing.provider import OpenIDProvider
from django_silent_sso.testing.session_management import Frame
from tests.testing.site import Site, send


@pytest.fixture(autouse=True)
def _on(provider: OpenIDProvider) -> None:
    provider.session_management = True
    provider.sign_in("alice")


def asked(provider: OpenIDProvider, session_state: str, **changes: str) -> str:
    """What the OP iframe tells the site's."""
    form = {"client_id": "site", "origin": "http://site.example", "session_state": session_state, **changes}
    return send(provider.url_of("check_session"), form=form).body.decode()


def test_the_iframe_is_in_the_metadata(provider: OpenIDProvider) -> None:
    url = send(provider.url_of("discovery")).json()["check_session_iframe"]
    page = send(url)
    assert page.status == 200
    assert b"/check-session" in page.body


def test_a_session_that_is_the_same(provider: OpenIDProvider, site: Site) -> None:
    first, second = site.authorize()["session_state"], site.authorize()["session_state"]
    assert first != second
    assert asked(provider, first) == asked(provider, second) == "unchanged"


def test_a_session_that_is_another_or_gone(provider: OpenIDProvider, site: Site) -> None:
    state = site.authorize()["session_state"]
    assert asked(provider, state, origin="http://other.example") == "changed"
    provider.switch_user("bob")
    assert asked(provider, state) == "changed"
    provider.sign_out()
    assert asked(provider, state) == "changed"


@pytest.mark.parametrize("changes", [{"session_state": "no-salt"}, {"client_id": "nobody"}])
def test_a_message_that_makes_no_sense(provider: OpenIDProvider, site: Site, changes: dict[str, str]) -> None:
    form = {"session_state": site.authorize()["session_state"], **changes}
    assert asked(provider, **form) == "error"


def test_errors_bring_no_session_state(provider: OpenIDProvider, site: Site) -> None:
    provider.sign_out()
    assert "session_state" not in site.authorize()


@pytest.mark.parametrize(("present", "word"), [(True, "logged_in"), (False, "logged_out")])
def test_a_frame_that_speaks_asks_who_is_there(provider: OpenIDProvider, present: bool, word: str) -> None:
    if not present:
        provider.sign_out()
    assert send(provider.url_of("check_session"), form={}).body.decode() == word


@pytest.mark.parametrize(
    ("frame", "part"),
    [
        ("standard", b"client_id: data.slice"),
        ("rubbish", b"for (const nonsense of ["),
        ("changed", b'source.postMessage("changed", origin)'),
        ("error", b'source.postMessage("error", origin)'),
        ("speaks", b"setInterval(speak"),
        ("logged_out", b'{ status: "logged_out" }'),
    ],
)
def test_the_frame_does_what_it_is_told(provider: OpenIDProvider, frame: Frame, part: bytes) -> None:
    provider.check_session_frame = frame
    assert part in send(provider.url_of("check_session")).body


def test_a_mute_frame_hears_nothing(provider: OpenIDProvider) -> None:
    provider.check_session_frame = "mute"
    assert b"addEventListener" not in send(provider.url_of("check_session")).body


def test_the_frame_is_among_the_settings_for_single_endpoints(provider: OpenIDProvider) -> None:
    url = provider.endpoint_settings()["OIDC_OP_CHECK_SESSION_ENDPOINT"]
    assert url == provider.url_of("check_session")
