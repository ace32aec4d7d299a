"""A visitor's and a user's request, and what a tag renders for them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.http import HttpRequest
from django.template import engines
from django.test import RequestFactory

from django_silent_sso.details import SilentSSO

ALICE = User(username="alice", email="alice@example.org")


class NobodyMayLook:
    """In place of session and user: an anonymous page that looks at them is no longer one for every cache."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"looked at {name}")


@pytest.fixture
def visitor(rf: RequestFactory) -> HttpRequest:
    """A request without a session cookie."""
    request = rf.get("/page/", {"q": "a&b"})
    request.session = NobodyMayLook()  # type: ignore[assignment]
    request.user = NobodyMayLook()  # type: ignore[assignment]
    request.silent_sso = SilentSSO(request)  # type: ignore[attr-defined]
    return request


class SignedIn:
    """`request.silent_sso` of a signed-in user."""

    signed_in, user_name, expires_in = True, "Alice", 899


def with_session(
    request: HttpRequest, user: User | AnonymousUser = ALICE, details: object | None = None
) -> HttpRequest:
    request.COOKIES["sessionid"] = "key"
    session: SessionBase = SessionStore()
    request.session = session
    request.user = user
    request.silent_sso = details or SilentSSO(request)  # type: ignore[attr-defined]
    return request


@pytest.fixture
def alice(rf: RequestFactory) -> HttpRequest:
    """A request of somebody whom the OP has signed in."""
    return with_session(rf.get("/page/"), details=SignedIn())


def render(tag: str, request: HttpRequest | None, **context: object) -> str:
    return engines["django"].from_string("{% load silent_sso %}" + tag).render(context, request)


def config(html: str) -> dict[str, Any]:
    found = re.search(r'<script id="silent-sso-config" type="application/json">(.*?)</script>', html)
    assert found is not None, html
    return dict(json.loads(found[1]))
