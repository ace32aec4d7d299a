"""The prompt of a site with FedCM: a click lets the browser ask, and opens the window of old only where it cannot."""

from __future__ import annotations

import pytest

from tests.browsers.fedcm import BLOCKED, ONLY, Asked
from tests.browsers.matrix import Case, Table
from tests.browsers.scenarios import nobody
from tests.browsers.world import Report

LINK = "[data-part=link]"
OPEN = "!!document.querySelector('[data-part=card]:popover-open')"
IN = "document.getElementById('user').textContent === 'alice'"
SIGNS_IN = """document.getElementById("username")
  && (document.getElementById("username").value = "alice", document.getElementById("sign-in").click(), true)"""

SAME_SITE = Case(BLOCKED, Table("FedCM", True, "never", (nobody,), (nobody,)), nobody)


@pytest.fixture
def prompted(asked: Asked) -> Asked:
    """A visitor, whom the browser did not sign in silently, looks at the prompt."""
    asked.sign_in_at_op()
    look(asked)
    return asked


def look(asked: Asked) -> None:
    asked.open("/prompt/")
    asked.browser.until(OPEN)


def is_signed_in(report: Report) -> bool:
    return (report.name, report.user) == ("page", "alice")


@ONLY
def test_browser_asks_and_no_window_opens(prompted: Asked) -> None:
    windows = len(prompted.browser.windows)
    prompted.browser.click(LINK)
    prompted.choose()
    prompted.world.wait_for(lambda report: report.name == "signed-in")
    prompted.world.wait_for(is_signed_in)
    prompted.browser.until(f"{IN} && !({OPEN})")
    assert len(prompted.browser.windows) == windows
    assert prompted.calls.count("fedcm_assertion") == 1


@ONLY
def test_who_has_chosen_once_is_not_asked_again(prompted: Asked) -> None:
    prompted.browser.click(LINK)
    prompted.choose()
    prompted.world.wait_for(is_signed_in)
    prompted.world.end_session()
    prompted.browser.run(
        "localStorage.setItem('silent-sso-fedcm:/oidc/silent/', JSON.stringify({ until: Date.now() + 1e5 }))"
    )
    look(prompted)
    prompted.browser.click(LINK)
    prompted.world.wait_for(is_signed_in)


@pytest.mark.parametrize("case", [SAME_SITE], ids=["frame"])
def test_who_shall_choose_is_let_choose(asked: Asked) -> None:
    """The OP wants it, and says so to the frame. On its own site the browser would have asked nothing else."""
    asked.sign_in_at_op()
    asked.provider.answer_with_error("account_selection_required")
    look(asked)
    asked.browser.click(LINK)
    asked.choose()
    asked.world.wait_for(is_signed_in)


@ONLY
def test_prompt_stays_when_the_person_closes_the_dialog(prompted: Asked) -> None:
    """The next click opens the window: nobody is stuck with a browser's question."""
    windows = len(prompted.browser.windows)
    prompted.browser.run("void addEventListener('blur', () => (window.seen = performance.now()), { once: true })")
    prompted.browser.click(LINK)
    dialog = prompted.question()
    prompted.browser.until("performance.now() - window.seen > 1000")  # as long as a person looks at it
    prompted.browser.command("FedCm.dismissDialog", dialogId=dialog)
    prompted.browser.event("FedCm.dialogClosed")
    prompted.browser.run("fetch('/elsewhere/').then((answer) => answer.text())")
    assert prompted.browser.run(OPEN)
    assert len(prompted.browser.windows) == windows
    prompted.browser.click(LINK)
    prompted.world.wait_for(is_signed_in)


@ONLY
def test_browser_shows_the_page_of_the_op_to_who_is_not_signed_in_there(asked: Asked) -> None:
    look(asked)
    asked.browser.click(LINK)
    asked.in_window("/fedcm/login", SIGNS_IN)
    asked.choose()
    asked.world.wait_for(is_signed_in)
    assert asked.world.asked == 1, "by the frame"


@ONLY
def test_window_opens_where_the_browser_has_no_question(prompted: Asked) -> None:
    """An OP that has stopped to offer it; the click still counts."""
    prompted.provider.fedcm = False
    prompted.browser.click(LINK)
    prompted.world.wait_for(is_signed_in)
    assert "fedcm_assertion" not in prompted.calls


@ONLY
def test_window_opens_where_the_policy_forbids_the_question(asked: Asked) -> None:
    asked.sign_in_at_op()
    asked.open("/strict/prompt/")
    asked.browser.until(OPEN)
    asked.browser.click(LINK)
    asked.world.wait_for(is_signed_in)
    assert "fedcm_assertion" not in asked.calls
