"""Keys that were withdrawn, answers that take their time, work that must not grow."""

from __future__ import annotations

import ast
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import RequestFactory

from django_silent_sso import browser as browser_module
from django_silent_sso.browser import is_robot, kind_of, safe_return_to
from django_silent_sso.storage import pending as pending_store
from django_silent_sso.testing import OpenIDProvider
from django_silent_sso.testing.defects import Defect, Point
from django_silent_sso.testing.known_defects import resigned
from tests.conftest import NAVIGATION, Browser, Clock, told
from tests.repository import modules, text
from tests.views.answers import answer_to

HOUR = 3600
START = "/oidc/authenticate/?next=/page/"


def test_k14_a_key_that_the_op_withdrew_signs_nobody_in_after_the_cache_s_age(browser: Browser, clock: Clock) -> None:
    """The thief of the old key signs with it after the OP has replaced it."""
    clock.stop()
    browser.sign_in("alice")
    stolen = browser.provider.keys.current
    browser.provider.rotate_keys()

    theft = resigned({"kid": stolen.kid}, lambda situation: stolen.sign, Point.ID_TOKEN_SIGNED)
    browser.provider.switch_on(Defect("stolen_key", (theft,)))
    clock.advance(HOUR + 1)
    browser.client.cookies.clear()
    assert told(browser.follow(browser.get(START))) == (400, "id_token_key_unknown")
    assert browser.user() == "nobody"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_k16_keys_are_not_fetched_from_where_a_redirect_leads(browser: Browser, status: int) -> None:
    browser.provider.sign_in("alice")
    with OpenIDProvider() as elsewhere:
        browser.provider.redirect("jwks", elsewhere.url_of("jwks"), status=status)
        assert told(browser.follow(browser.get(START))) == (503, "op_redirected")
        assert elsewhere.calls == []
    assert browser.user() == "nobody"


def test_i16_distributed_claims_are_not_fetched(browser: Browser, settings: Any) -> None:
    settings.OIDC_RP_SCOPES = "openid email profile"
    with OpenIDProvider() as internal:
        sources = {"src": {"endpoint": internal.url_of("userinfo"), "access_token": "x"}}
        browser.sign_in("alice", _claim_names={"email": "src", "name": "src"}, _claim_sources=sources)
        browser.provider.claims_in_id_token = True
        browser.follow(browser.get(START))
        assert internal.calls == []
    assert browser.user() != "nobody"


def test_s29_a_state_is_compared_in_constant_time_and_looked_up_by_its_hash() -> None:
    """No timing can be measured in a test: the name of the cookie is a digest, the comparison `compare_digest`."""
    state = "i.a-state-that-nobody-guesses"
    assert state not in pending_store.digest(state)
    assert len(pending_store.digest(state)) == len(pending_store.digest("x"))
    tree = ast.parse(text(modules()["protocol.authentication_response"]))
    compared = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and "state" in ast.unparse(node) and "None" not in ast.unparse(node)
    ]
    assert [one for one in compared if "==" in one or "!=" in one] == []
    assert "compare_digest" in ast.unparse(tree)


def seconds_for(length: int) -> float:
    """How long we look at a request whose every part is this long; the best of five."""
    evil = ["/" * length, "/%2e" * (length // 4), "/a?" + "#" * length, "bot" * (length // 3), "cu" * (length // 2)]
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for value in evil:
            headers = {**NAVIGATION, "User-Agent": value, "Accept": value, "Sec-Purpose": value}
            request: Any = RequestFactory().get("/", headers=headers)
            is_robot(request)
            kind_of(request)
            safe_return_to(request, value, frozenset({"/oidc/callback/"}))
        times.append(time.perf_counter() - start)
    return min(times)


def test_ds07_work_does_not_explode_with_the_length_of_what_is_sent() -> None:
    """A hundred times as long may take some hundred times as long, not ten thousand times."""
    assert browser_module.LONGEST_RETURN_TO <= 8192
    seconds_for(100)
    assert seconds_for(100_000) < 1


@pytest.mark.django_db(transaction=True)
def test_ds08_one_user_whose_sign_in_hangs_blocks_nobody_else(openid_provider: OpenIDProvider) -> None:
    """No lock is held around a call to the OP: while one token request hangs, another person signs in."""
    openid_provider.sign_in("alice")
    slow, quick = Browser(openid_provider), Browser(openid_provider)
    slows, quicks = answer_to(slow), answer_to(quick)
    done = threading.Event()

    def wait() -> int:
        try:
            status = slow.get(slows).status_code
            done.set()
            return int(status)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, openid_provider.hang("token", times=1) as hang:
        pool_answer = pool.submit(wait)
        hang.wait_until_reached()
        answer = quick.get(quicks)
        assert (answer.status_code, done.is_set()) == (302, False)
        hang.release()
        assert pool_answer.result(20) in (302, 503)


def test_f19_no_cache_keeps_an_answer_and_no_address_comes_twice(browser: Browser, settings: Any) -> None:
    settings.SILENT_SSO_VISITORS = "redirect"
    leaving = [browser.get(START)["Location"] for _ in range(3)]
    begun = [browser.start(trigger="call").json()["authorization_url"] for _ in range(3)]
    assert len({*leaving, *begun}) == 6
    for page in (browser.get("/oidc/callback/?code=x&state=f.x", **{"Sec-Fetch-Dest": "iframe"}), browser.get(START)):
        assert "no-store" in page["Cache-Control"]
        assert not {"ETag", "Last-Modified", "Expires"} & set(page.headers)
    script = text("django_silent_sso/static/django_silent_sso/silent-sso.js")
    assert 'cache: "no-store"' in script
    assert "serviceWorker" not in script
