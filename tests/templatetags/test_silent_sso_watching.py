"""What a page is told that watches the OP's session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest
from django.test import RequestFactory

from django_silent_sso.storage.rp_session import RPSession
from tests.templatetags.conftest import config, render, with_session

if TYPE_CHECKING:
    from pytest_django import Settings

FRAME = "https://id.example.org/check"


@pytest.fixture
def watching(settings: Settings) -> Settings:
    for name in ("AUTHORIZATION", "TOKEN", "USER", "JWKS"):
        setattr(settings, f"OIDC_OP_{name}_ENDPOINT", "https://id.example.org/x")
    settings.OIDC_OP_CHECK_SESSION_ENDPOINT = FRAME
    settings.OIDC_RP_CLIENT_ID = "a site"
    settings.SILENT_SSO_MONITOR = ("visible", "check_session")
    return settings


def sign_in(request: HttpRequest, session_state: str | None) -> None:
    RPSession(
        issuer="https://id.example.org", subject="alice", verified_at=0.0, signed_in_at=0.0, session_state=session_state
    ).write(request.session)
    request.session[SESSION_KEY] = "7"


def test_page_that_watches_knows_the_op_s_frame(watching: Settings, visitor: HttpRequest, alice: HttpRequest) -> None:
    expected = {"url": f"{FRAME}?client_id=a%20site", "client_id": "a site", "session_state": None}
    assert config(render("{% silent_sso %}", visitor))["check_session"] == expected
    assert config(render("{% silent_sso %}", alice))["check_session"] == expected
    sign_in(alice, "hash.salt")
    found = config(render("{% silent_sso auto=False %}", alice))["check_session"]
    assert found == expected | {"session_state": "hash.salt"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [(f"{FRAME}?a=b", f"{FRAME}?a=b&client_id=a%20site"), (f"{FRAME}?client_id=own", f"{FRAME}?client_id=own")],
)
def test_frame_s_own_query_is_kept(watching: Settings, visitor: HttpRequest, url: str, expected: str) -> None:
    watching.OIDC_OP_CHECK_SESSION_ENDPOINT = url
    assert config(render("{% silent_sso %}", visitor))["check_session"]["url"] == expected


def test_m07_session_state_cannot_leave_its_element(watching: Settings, alice: HttpRequest) -> None:
    sign_in(alice, "</script><script>alert(1)</script>")
    assert "<script>alert" not in render("{% silent_sso %}", alice)


def test_nobody_watches_where_nothing_may_be_tried(
    watching: Settings, rf: RequestFactory, visitor: HttpRequest
) -> None:
    assert "check_session" not in config(render("{% silent_sso auto=False %}", visitor))
    assert "check_session" not in config(render("{% silent_sso %}", with_session(rf.get("/page/")))), "by a password"
    watching.SILENT_SSO_VISITORS = "off"
    assert "check_session" not in config(render("{% silent_sso %}", visitor))
    watching.SILENT_SSO_VISITORS, watching.SILENT_SSO_MONITOR = "frame", ("visible",)
    assert "check_session" not in config(render("{% silent_sso %}", visitor))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        pytest.param("OIDC_OP_TOKEN_ENDPOINT", None, id="nothing is known without a call to the OP"),
        pytest.param("OIDC_OP_TOKEN_ENDPOINT", "http://id.example.org", id="the settings spoil it"),
        pytest.param("OIDC_OP_CHECK_SESSION_ENDPOINT", None, id="the OP has no frame"),
    ],
)
def test_no_frame_is_known(watching: Settings, visitor: HttpRequest, setting: str, value: str | None) -> None:
    setattr(watching, setting, value)
    assert config(render("{% silent_sso %}", visitor))["check_session"] is None
