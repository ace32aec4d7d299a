"""What fails at the OP does not fail on our site: pages come, sessions stay. With npm's oidc-provider."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.interop.oidc_provider.process import OIDCProvider
from tests.interop.scripted_browser import ScriptedBrowser, Visit
from tests.interop.site_under_test import ALICE, CALLBACK, Site

if TYPE_CHECKING:
    from pytest_django import Settings


def served_to_alice(visit: Visit, path: str) -> bool:
    """Whether the visit ended on its own page, for Alice, and nothing on the way was a server error."""
    ended = (visit.path, visit.statuses[-1]) == (path, 200)
    return ended and max(visit.statuses) < 400 and visit.json["user"] == ALICE


@pytest.mark.usefixtures("by_redirect")
@pytest.mark.parametrize("error", ["temporarily_unavailable", "server_error", "invalid_request", "no_such_error"])
def test_an_error_of_the_op_that_says_nothing_about_the_person_keeps_the_session(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, error: str
) -> None:
    oidc_provider.fail("/auth", error=error, prompt="none")
    site.make_stale(alice)
    key = site.session_key(alice)

    assert served_to_alice(alice.open(site("/page/a?x=1")), "/page/a?x=1")
    assert served_to_alice(alice.open(site("/page/b")), "/page/b")
    assert site.session_key(alice) == key
    assert site.who(alice) == ALICE
    attempts = [call for call in oidc_provider.calls() if call.path == "/auth"]
    # After `invalid_request` to a request with a hint, one without it is worth a try.
    assert len(attempts) <= (2 if error == "invalid_request" else 1)


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize(
    ("path", "how"),
    [
        pytest.param("/token", {"status": 500}, id="token 500"),
        pytest.param("/token", {"status": 503, "headers": {"retry-after": "120"}}, id="token 503"),
        pytest.param("/token", {"status": 200, "body": "<p>maintenance</p>"}, id="token HTML"),
        pytest.param("/token", {"close": True}, id="token closes"),
        pytest.param("/token", {"hang": True}, id="token hangs"),
        pytest.param("/me", {"status": 500}, id="UserInfo 500"),
    ],
)
def test_an_endpoint_that_fails_during_a_renewal_keeps_the_session(
    site: Site,
    oidc_provider: OIDCProvider,
    alice: ScriptedBrowser,
    settings: Settings,
    path: str,
    how: dict[str, Any],
) -> None:
    settings.OIDC_TIMEOUT = 1
    oidc_provider.fail(path, **how)
    site.make_stale(alice)
    key = site.session_key(alice)

    assert served_to_alice(alice.open(site("/page/a?x=1")), "/page/a?x=1")
    assert served_to_alice(alice.open(site("/page/b")), "/page/b")
    assert site.session_key(alice) == key
    assert site.who(alice) == ALICE


@pytest.mark.usefixtures("either_way")
def test_new_keys_that_cannot_be_fetched_keep_the_session(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.rotate_keys()
    oidc_provider.fail("/jwks", status=500)
    site.make_stale(alice)

    assert served_to_alice(alice.open(site("/page/a")), "/page/a")
    assert site.who(alice) == ALICE


@pytest.mark.usefixtures("either_way")
def test_a_renewal_works_again_once_the_op_is_mended(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser, later: Callable[[float], None]
) -> None:
    oidc_provider.fail("/token", status=500)
    site.make_stale(alice)
    alice.open(site("/page/a"))
    oidc_provider.mend()
    later(61)  # seconds: the first back-off is over

    assert served_to_alice(alice.open(site("/page/b")), "/page/b")
    oidc_provider.forget_calls()
    assert alice.open(site("/page/c")).statuses == [200]
    assert oidc_provider.calls() == [], "it is fresh again"


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("seconds", [0, 10], ids=["at once", "a while later"])
def test_while_the_op_is_down_pages_are_served(
    site: Site,
    oidc_provider: OIDCProvider,
    alice: ScriptedBrowser,
    later: Callable[[float], None],
    seconds: int,
) -> None:
    oidc_provider.go_down()
    site.make_stale(alice)
    later(seconds)

    for number in range(5):
        assert served_to_alice(alice.open(site(f"/page/{number}")), f"/page/{number}")


def test_while_the_op_is_down_visitors_get_their_pages(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser, settings: Settings
) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    oidc_provider.go_down()

    for _ in range(3):
        assert browser.open(site("/page/a")).statuses == [200]


def test_while_the_op_is_down_signing_in_says_so_and_works_again_later(
    site: Site, oidc_provider: OIDCProvider, browser: ScriptedBrowser, later: Callable[[float], None]
) -> None:
    oidc_provider.go_down()
    visit = browser.open(site("/private/"))

    assert visit.statuses[-1] == 503
    assert visit.response is not None
    assert visit.response.headers["Retry-After"]
    oidc_provider.come_up()
    later(120)
    assert "/interaction/" in browser.open(site("/private/")).url


@pytest.mark.usefixtures("by_redirect")
def test_an_op_that_goes_down_between_authorization_and_token_keeps_the_session(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    site.make_stale(alice)
    visit = alice.open(site("/page/a"), until=CALLBACK)
    oidc_provider.go_down()

    assert served_to_alice(alice.resume(visit), "/page/a")
    assert site.who(alice) == ALICE


@pytest.mark.usefixtures("by_redirect")
def test_after_an_error_page_of_the_op_the_next_page_load_is_served(
    site: Site, oidc_provider: OIDCProvider, alice: ScriptedBrowser
) -> None:
    oidc_provider.fail("/auth", status=500)
    site.make_stale(alice)
    assert alice.open(site("/page/a")).statuses == [302, 500]  # no RP can do anything about this one

    assert served_to_alice(alice.open(site("/page/a")), "/page/a")
