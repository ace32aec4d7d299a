"""C.1 to C.4: what the provider publishes about itself and its users cannot be had, or makes no sense."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from django_silent_sso.op import provider as op_provider
from tests.conftest import Browser, Clock, told
from tests.faults.conftest import AGES, Log, Member, Visitor, failing, forget_the_op
from tests.faults.faults import ANY, JSON, document
from tests.faults.proxy import Fault, FaultProxy, answer, hang

if TYPE_CHECKING:
    from pytest_django import Settings

DISCOVERY = "/.well-known/openid-configuration"
ACCOUNT = {"name": "Alice", "email": "alice@example.org"}
METADATA: dict[str, tuple[Fault, str]] = {
    **ANY,
    "json_list": (document([]), "metadata_invalid"),
    "json_null": (document(None), "metadata_invalid"),
    "another_issuer": (document({"issuer": "https://x.example"}), "metadata_issuer_mismatch"),
}
KEYS: dict[str, tuple[Fault, str]] = {
    **ANY,
    "c40_no_member": (document({}), "op_answer_invalid"),
    "c40_empty": (document({"keys": []}), "op_answer_invalid"),
    "c40_null": (document({"keys": None}), "op_answer_invalid"),
    "c43_ten_megabytes": (answer(200, b'{"keys": [' + b" " * 10_000_000 + b"]}", JSON), "op_answer_too_large"),
}
USERINFO: dict[str, tuple[Fault, str]] = {
    **ANY,
    "401": (answer(401), "op_status"),
    "403": (answer(403), "op_status"),
    "json_list": (document([]), "userinfo_invalid"),
}


@pytest.mark.parametrize(("fault", "reason"), METADATA.values(), ids=METADATA)
def test_c02_without_metadata_pages_are_served_and_nobody_is_sent_anywhere(
    trial: Visitor | Member, proxy: FaultProxy, log: Log, settings: Settings, fault: Fault, reason: str
) -> None:
    forget_the_op()
    with failing(proxy, settings, DISCOVERY, fault, reason):
        assert trial.browser.get("/page/").status_code == 200
        trial.is_unharmed()
        assert reason in log.reasons
        assert proxy.seen.count(DISCOVERY) <= 2, "it is not asked again for every page"
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(("fault", "reason"), METADATA.values(), ids=METADATA)
def test_c02_without_metadata_signing_in_is_a_503_that_says_so(
    browser: Browser, clock: Clock, proxy: FaultProxy, log: Log, settings: Settings, fault: Fault, reason: str
) -> None:
    browser.provider.sign_in("alice")
    with failing(proxy, settings, DISCOVERY, fault, reason):
        response = browser.get("/oidc/authenticate/?next=/page/")
        assert told(response) == (503, reason)
        assert response["Retry-After"]
        assert told(browser.start()) == (200, reason), "a hidden frame is not even begun"
        assert reason in log.reasons
    clock.advance(AGES)
    response, _ = browser.surf("/oidc/authenticate/?next=/page/")
    assert (response.status_code, browser.user() == "nobody") == (200, False)


def test_c01_at_start_up_nobody_listens(trial: Visitor | Member, proxy: FaultProxy, log: Log) -> None:
    forget_the_op()
    with proxy.refusing():
        for _ in range(3):
            trial.page()
        trial.is_unharmed()
        assert log.reasons.count("op_unreachable") <= 3, "asked once, not for every page"
        assert "op_unreachable" in log.reasons
    trial.clock.advance(31)
    trial.page()
    assert trial.user != "nobody", "asked again, half a minute later"


def test_c02_the_last_good_copy_serves_while_the_metadata_cannot_be_had(
    trial: Visitor | Member, proxy: FaultProxy, log: Log
) -> None:
    op_provider.metadata()
    trial.clock.advance(AGES)
    with proxy.at(DISCOVERY, answer(500)):
        trial.page()
        assert trial.user != "nobody"
    assert "op_status" in log.reasons


@pytest.mark.parametrize("content_type", ["text/html", "application/octet-stream"])
def test_c03_metadata_with_a_wrong_content_type_are_metadata(trial: Visitor | Member, content_type: str) -> None:
    forget_the_op()
    for name in ("discovery", "jwks", "userinfo"):
        trial.browser.provider.add_headers(name, {"Content-Type": content_type})
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(("fault", "reason"), KEYS.values(), ids=KEYS)
def test_c38_c40_c43_without_keys_nobody_is_signed_in_and_nobody_is_signed_out(
    trial: Visitor | Member, proxy: FaultProxy, log: Log, settings: Settings, fault: Fault, reason: str
) -> None:
    forget_the_op()
    with failing(proxy, settings, "/jwks", fault, reason):
        trial.page()
        trial.is_unharmed()
        assert reason in log.reasons
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c37_keys_that_are_at_hand_need_not_be_asked_for(browser: Browser, clock: Clock, proxy: FaultProxy) -> None:
    Member(browser, clock)
    with proxy.at("/jwks", hang):
        assert browser.surf("/page/")[0].status_code == 200
    assert browser.session["silent_sso"]["verified_at"] > clock() - 10, "renewed"


def test_c38_an_unknown_key_while_the_keys_cannot_be_had_is_asked_for_once_a_minute(
    browser: Browser, clock: Clock, proxy: FaultProxy, log: Log
) -> None:
    member = Member(browser, clock)
    browser.provider.rotate_keys(keep=True)  # the hint must still be good
    proxy.seen.clear()
    with proxy.at("/jwks", answer(500)):
        for _ in range(3):
            response = browser.relay("/oidc/callback/", browser.answered(trigger="call"))
            assert told(response)[1] == "id_token_key_unknown"
        member.is_unharmed()
        assert proxy.seen.count("/jwks") == 1
    assert "id_token_key_unknown" in log.reasons
    clock.advance(61)
    assert told(browser.relay("/oidc/callback/", browser.answered(trigger="call")))[1] == "renewed"


def test_c39_keys_rotated_just_before_signing_are_asked_for_once_more(trial: Visitor | Member) -> None:
    op_provider.metadata()
    trial.browser.provider.switch_on("keys_rotated_before_signing", times=1)
    trial.page()
    assert trial.user != "nobody"


def test_c40_keys_that_were_dropped_leave_the_old_ones(browser: Browser, clock: Clock, proxy: FaultProxy) -> None:
    Member(browser, clock)
    clock.advance(AGES)
    with proxy.at("/jwks", document({"keys": []})):
        assert browser.surf("/page/")[0].status_code == 200
    assert browser.session["silent_sso"]["verified_at"] > clock() - 10, "renewed"


@pytest.mark.parametrize(
    "broken",
    [
        {"kty": "new"},
        {"kty": "RSA", "n": "!", "e": "AQAB", "alg": "RS256"},
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        {"kid": 5, "kty": "EC"},
        None,
        [],
        "key",
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["before", "behind"])
def test_c41_a_broken_key_among_good_ones_is_skipped(browser: Browser, broken: Any, place: str) -> None:
    def mix(jwks: dict[str, Any]) -> dict[str, Any]:
        return {"keys": [broken, *jwks["keys"]] if place == "before" else [*jwks["keys"], broken]}

    browser.provider.jwks.change(mix)
    browser.sign_in("alice")


def test_c42_a_token_without_a_key_id_fits_the_only_key(browser: Browser) -> None:
    browser.provider.switch_on("id_token_without_key_id")
    browser.sign_in("alice")


def test_c42_a_token_without_a_key_id_fits_none_of_several_keys(trial: Visitor | Member, log: Log) -> None:
    provider = trial.browser.provider
    provider.rotate_keys(keep=True)
    forget_the_op()
    with provider.switch_on("id_token_without_key_id"):
        trial.page()
        trial.is_unharmed()
    assert "id_token_key_ambiguous" in log.reasons
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c43_of_five_thousand_keys_a_hundred_are_looked_at(trial: Visitor | Member, log: Log) -> None:
    forget_the_op()
    many = [{"kty": "RSA", "kid": "k"}] * 5000
    with trial.browser.provider.jwks.change(lambda jwks: {"keys": [*many, *jwks["keys"]]}):
        trial.page()
        trial.is_unharmed()
    assert "id_token_key_unknown" in log.reasons
    forget_the_op()
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c46_stale_keys_of_a_cdn_are_asked_for_without_its_cache_and_then_refused(
    trial: Visitor | Member, proxy: FaultProxy, log: Log
) -> None:
    provider = trial.browser.provider
    old = json.dumps(provider.keys.jwk_set()).encode()
    provider.rotate_keys()
    forget_the_op()
    with ExitStack() as stack:
        stack.enter_context(proxy.at("/jwks", answer(200, old, JSON)))
        trial.page()
        trial.is_unharmed()
    assert "id_token_key_unknown" in log.reasons
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody", "the CDN has got the new keys"


@pytest.mark.parametrize(("fault", "reason"), USERINFO.values(), ids=USERINFO)
def test_c48_without_userinfo_the_user_is_signed_in_all_the_same(
    trial: Visitor | Member, proxy: FaultProxy, log: Log, settings: Settings, fault: Fault, reason: str
) -> None:
    browser = trial.browser
    with failing(proxy, settings, "/userinfo", fault, reason):
        trial.page()
        assert trial.user != "nobody"
        if isinstance(trial, Visitor):  # a renewal does not ask for it
            assert reason in log.reasons
            assert "name" not in browser.session["silent_sso"]["claims"]


def test_c49_signed_userinfo_is_taken_by_its_content_type(browser: Browser) -> None:
    browser.provider.userinfo_signed = True
    browser.sign_in("alice", **ACCOUNT)
    assert browser.session["silent_sso"]["claims"]["email"] == ACCOUNT["email"]


@pytest.mark.parametrize("body", [b"e30.e30.", b"not a token", b"{}"], ids=["unsigned", "no_token", "json"])
def test_c49_what_says_it_is_signed_and_is_not_is_refused(
    trial: Visitor | Member, proxy: FaultProxy, log: Log, body: bytes
) -> None:
    with proxy.at("/userinfo", answer(200, body, "Content-Type: application/jwt")):
        trial.page()
        if isinstance(trial, Visitor):  # a renewal does not ask for it
            trial.is_unharmed()
            assert "id_token_malformed" in log.reasons
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c50_two_users_without_a_name_or_an_address_share_nothing(make_browser: Any) -> None:
    names = []
    for subject in ("one", "two"):
        browser = make_browser()
        browser.provider.users[subject] = {}
        browser.sign_in(subject, preferred_username=None)
        names.append(browser.user())
    assert len({*names, "nobody", ""}) == 4
