"""C.2: the token endpoint fails, once the provider has already said yes to the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.conftest import Browser, Clock, told
from tests.faults.conftest import AGES, Log, Member, Visitor, failing
from tests.faults.faults import JSON, TOKEN
from tests.faults.proxy import Fault, FaultProxy, answer

if TYPE_CHECKING:
    from pytest_django import Settings

every_fault = pytest.mark.parametrize(("fault", "reason"), TOKEN.values(), ids=TOKEN)


@every_fault
def test_c19_to_c33_a_silent_attempt_ends_on_the_page_with_nothing_lost(
    trial: Visitor | Member, proxy: FaultProxy, log: Log, settings: Settings, fault: Fault, reason: str
) -> None:
    proxy.seen.clear()
    with failing(proxy, settings, "/token", fault, reason):
        trial.page()
        assert reason in log.reasons
        assert proxy.seen.count("/token") <= 1, "a code is never sent a second time"
        assert "/elsewhere" not in proxy.seen
        trial.is_unharmed()
    trial.clock.advance(AGES)

    trial.page()
    assert trial.user not in ("", "nobody"), "the next attempt works"


@every_fault
def test_c19_to_c33_an_interactive_sign_in_says_so_and_can_be_repeated(
    browser: Browser, proxy: FaultProxy, log: Log, settings: Settings, fault: Fault, reason: str
) -> None:
    browser.provider.sign_in("alice")
    with failing(proxy, settings, "/token", fault, reason):
        response, _ = browser.surf("/oidc/authenticate/?next=/page/")
        assert response.status_code in (400, 503)
        assert told(response)[1] == reason
        assert reason in log.reasons
        assert "next=%2Fpage%2F" in response.content.decode(), "the way to try again"
        assert browser.user() == "nobody"
        assert proxy.seen.count("/token") == 1

    response, _ = browser.surf("/oidc/authenticate/?next=/page/")
    assert (response.status_code, browser.user() == "nobody") == (200, False)


@pytest.mark.parametrize(("fault", "reason"), list(TOKEN.values())[::4], ids=list(TOKEN)[::4])
def test_c19_to_c33_a_hidden_frame_hears_a_word(
    browser: Browser, clock: Clock, proxy: FaultProxy, settings: Settings, fault: Fault, reason: str
) -> None:
    member = Member(browser, clock)
    with failing(proxy, settings, "/token", fault, reason):
        response = browser.relay("/oidc/callback/", browser.answered(), **{"Silent-SSO-Site": "same-site"})
    assert (response.status_code, response.json()["status"], told(response)[1]) == (200, "failed", reason)
    member.is_unharmed()


def test_c19_nobody_listens_any_more(trial: Visitor | Member, proxy: FaultProxy, log: Log) -> None:
    callback = trial.browser.at_op(trial.browser.get("/page/")["Location"])
    with proxy.refusing():
        assert trial.browser.get(callback)["Location"] == "/page/"
        trial.page()
        trial.is_unharmed()
    assert "op_unreachable" in log.reasons
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c19_a_proxy_of_the_site_that_is_down(trial: Visitor | Member, settings: Settings, log: Log) -> None:
    callback = trial.browser.at_op(trial.browser.get("/page/")["Location"])
    with FaultProxy() as gone:
        settings.OIDC_PROXY = {"http": gone.origin, "https": gone.origin}
    assert trial.browser.get(callback)["Location"] == "/page/"
    trial.is_unharmed()
    assert "op_unreachable" in log.reasons
    settings.OIDC_PROXY = None
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(("status", "reason"), [(400, "invalid_grant"), (401, "invalid_client")])
def test_c24_c25_a_no_of_the_token_endpoint_signs_nobody_out_however_often(
    browser: Browser, clock: Clock, proxy: FaultProxy, status: int, reason: str
) -> None:
    member = Member(browser, clock)
    with proxy.at("/token", answer(status, b'{"error": "%s"}' % reason.encode(), JSON)):
        for _ in range(5):
            member.page()
            member.is_unharmed()
            clock.advance(30)


@pytest.mark.parametrize("content_type", ["text/html", "text/plain", ""])
def test_c28_a_wrong_content_type_is_no_obstacle(trial: Visitor | Member, content_type: str) -> None:
    trial.browser.provider.add_headers("token", {"Content-Type": content_type})
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(
    "changes",
    [{"expires_in": "3600"}, {"expires_in": None}, {"expires_in": "soon"}, {"token_type": "bEARER"}, {"scope": None}],
    ids=str,
)
def test_c35_odd_but_harmless_members_are_taken(trial: Visitor | Member, changes: dict[str, Any]) -> None:
    trial.browser.provider.token_answer.update(changes)
    trial.page()
    assert trial.user != "nobody"


@pytest.mark.parametrize(
    ("missing", "reason"),
    [("id_token", "id_token_missing"), ("token_type", "token_type_invalid"), ("access_token", "token_answer_invalid")],
    ids=["c36_id_token", "c35_token_type", "c35_access_token"],
)
def test_c35_c36_what_has_to_be_there_is_missed(trial: Visitor | Member, log: Log, missing: str, reason: str) -> None:
    with trial.browser.provider.token_answer.drop(missing):
        trial.page()
        trial.is_unharmed()
    assert reason in log.reasons
    trial.clock.advance(AGES)
    trial.page()
    assert trial.user != "nobody"


def test_c19_to_c36_no_line_holds_a_secret(browser: Browser, clock: Clock, proxy: FaultProxy, log: Log) -> None:
    Member(browser, clock)
    callback = browser.at_op(browser.get("/page/")["Location"])
    with proxy.at("/token", answer(400, b"canary <html>")):
        browser.get(callback)
    secrets = [part.partition("=")[2] for part in callback.partition("?")[2].split("&") if part[:2] != "is"]
    assert len(secrets) >= 2
    text = "\n".join(log.lines)
    assert text
    for secret in [*secrets, "canary", urlencode({"": browser.provider.client_secret})[1:]]:
        assert secret not in text
