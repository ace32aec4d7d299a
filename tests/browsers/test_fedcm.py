"""Chromium asks the OP by itself (FedCM), where third-party cookies are blocked and a frame of the OP cannot know."""

from __future__ import annotations

import pytest

from tests.browsers.fedcm import ALWAYS, EITHER, NEVER, ONLY, SILENT_SSO, Asked, ends, tried
from tests.browsers.scenarios import NOBODY


@EITHER
def test_who_has_used_it_here_is_signed_in_without_a_question(asked: Asked) -> None:
    asked.use()
    asked.world.end_session()
    reports = asked.arrive()
    assert tried(reports) == ["frame", "fedcm"]
    assert ends(reports) == [("signed-in", "signed_in")]
    assert asked.calls.count("fedcm_assertion") == 1
    assert asked.world.asked == 1, "by the frame: the page has not left"
    assert asked.world.session_user is not None


@ONLY
def test_soon_after_it_is_not_tried_again(asked: Asked) -> None:
    """The browser would refuse."""
    asked.use()
    asked.world.end_session()
    asked.arrive()
    asked.world.end_session()
    assert tried(asked.arrive()) == ["frame"]
    assert asked.calls == []
    assert asked.world.session_user is None


@ONLY
def test_who_has_never_used_it_is_not_asked_and_stays_a_visitor(asked: Asked) -> None:
    asked.sign_in_at_op()
    reports = asked.arrive()
    assert tried(reports) == ["frame", "fedcm"]
    assert [name for name, _ in ends(reports)] == ["sign-in-required"]
    assert asked.calls == [], "the browser says no by itself, and the person sees nothing"
    assert asked.browser.run(f"{SILENT_SSO}.then(({{ signInSilently }}) => signInSilently())")["status"] == "failed"
    assert tried(asked.world.reports) == ["frame", "fedcm", "frame"], "not again for ten minutes"
    assert asked.world.session_user is None


@pytest.mark.parametrize("case", [ALWAYS], ids=lambda case: case.table.hop)
def test_who_has_never_used_it_does_not_wait_for_it_where_the_page_may_leave(asked: Asked) -> None:
    asked.sign_in_at_op()
    assert tried(asked.arrive()) == ["frame", "top"]
    assert asked.calls == []
    assert asked.world.session_user is not None


@pytest.mark.parametrize(("case", "told"), [(NEVER, True), (ALWAYS, False)], ids=["never", "always"])
def test_nobody_at_the_op_is_nobody_here(asked: Asked, told: bool) -> None:
    """Whether or not the browser was told (Set-Login). The page has waited for the browser, so it stays."""
    asked.use()
    if told:
        asked.browser.open(asked.provider.url_of("end_session"))
        asked.browser.until("document.title === 'Signed out'")
    asked.provider.sign_out()
    asked.world.end_session()
    reports = asked.arrive()
    assert tried(reports) == ["frame", "fedcm"]
    assert [name for name, _ in ends(reports)] == ["sign-in-required"]
    assert ("fedcm_accounts" in asked.calls) != told
    assert asked.world.session_user is None


@ONLY
def test_session_here_does_not_end_by_what_the_browser_does_not_bring(asked: Asked) -> None:
    asked.use()
    asked.arrive()
    asked.provider.sign_out()
    asked.world.make_stale()
    asked.browser.come_back()
    asked.world.wait_for(lambda report: report.name in NOBODY)
    assert tried(asked.world.reports) == ["frame", "fedcm"]
    assert ends(asked.world.reports) == [("error", "inconclusive_frame")]
    assert asked.world.basket == "a pear"


@ONLY
def test_stale_session_is_renewed_under_a_form(asked: Asked) -> None:
    asked.use()
    asked.arrive()
    asked.world.make_stale()
    asked.world.type()
    asked.browser.come_back()
    asked.world.wait_for(lambda report: report.name in ("signed-in", *NOBODY))
    assert ends(asked.world.reports) == [("signed-in", "renewed")]
    assert asked.world.basket == "a pear"
    assert asked.browser.run("document.getElementById('text').value") == "a letter"


@ONLY
def test_token_with_another_nonce_is_refused(asked: Asked) -> None:
    asked.use()
    asked.world.end_session()
    with asked.provider.switch_on("id_token_nonce_mismatch"):
        reports = asked.arrive()
    assert tried(reports) == ["frame", "fedcm"]
    assert ends(reports) == [("error", "id_token_nonce")]
    assert asked.world.session_user is None


@ONLY
def test_click_signs_in_however_long_the_person_takes(asked: Asked) -> None:
    """The attempt is over by the time that an account is chosen: another one follows."""
    asked.sign_in_at_op()
    asked.click()
    dialog = asked.question()
    for cookie in asked.browser.command("Network.getCookies")["cookies"]:
        asked.browser.command("Network.deleteCookies", name=cookie["name"], url=f"https://{asked.world.host}/")
    asked.browser.command("FedCm.selectAccount", dialogId=dialog, accountIndex=0)
    assert asked.browser.until("window.came")["status"] == "signed_in"
    assert asked.calls.count("fedcm_assertion") == 2


@ONLY
@pytest.mark.parametrize(("page", "allowed"), [("/strict/told/", True), ("/strict/", False)])
def test_policy_must_allow_connections_to_the_op(asked: Asked, page: str, allowed: bool) -> None:
    asked.use()
    asked.world.end_session()
    reports = asked.arrive(page)
    assert tried(reports) == ["frame", "fedcm"]
    assert ("fedcm_assertion" in asked.calls) == allowed
    assert (asked.world.session_user is not None) == allowed
