"""One place for the flags of our cookies (N03, N10)."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from django_silent_sso.storage.cookies import cookie_name, delete_cookie, read_cookie, set_cookie
from tests.cookie_jar import CookieJar

SCHEMES = pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])


@SCHEMES
def test_n10_flags(secure: bool) -> None:
    request, response = CookieJar(secure=secure).request(), HttpResponse()
    set_cookie(request, response, "name", "value", 90)
    (morsel,) = response.cookies.values()
    assert (morsel.key, morsel.value) == ("__Host-name" if secure else "name", "value")
    assert {flag: value for flag, value in morsel.items() if value and flag != "expires"} == {
        "path": "/",
        "max-age": 90,
        "httponly": True,
        "samesite": "Lax",
        **({"secure": True} if secure else {}),
    }


@SCHEMES
def test_a_deletion_has_the_same_flags_or_browsers_refuse_it(secure: bool) -> None:
    request, set_, deleted = CookieJar(secure=secure).request(), HttpResponse(), HttpResponse()
    set_cookie(request, set_, "name", "value", 90)
    delete_cookie(request, deleted, "name")
    (before,), (after,) = set_.cookies.values(), deleted.cookies.values()
    assert (after.key, after.value, after["max-age"]) == (before.key, "", 0)
    flags = ("path", "domain", "secure", "httponly", "samesite")
    assert [after[flag] for flag in flags] == [before[flag] for flag in flags]


@SCHEMES
def test_what_was_set_is_read_until_it_is_deleted(secure: bool) -> None:
    jar, response = CookieJar(secure=secure), HttpResponse()
    set_cookie(jar.request(), response, "name", "value", 90)
    jar.keep(response)
    assert read_cookie(jar.request(), "name") == "value"
    delete_cookie(jar.request(), response, "name")
    jar.keep(response)
    assert read_cookie(jar.request(), "name") is None


def test_n03_on_https_a_name_that_a_sub_domain_can_set_is_not_read() -> None:
    jar = CookieJar(secure=True)
    jar.cookies["name"] = "planted"
    assert read_cookie(jar.request(), "name") is None
    assert cookie_name(jar.request(), "name").startswith("__Host-")
