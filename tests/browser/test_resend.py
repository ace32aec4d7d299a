"""A form that was open for long arrives as it was filled in, whatever became of the sign-in (C99, C100, N08)."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.browser import urls_forms
from tests.browser.site import OTHER_SITE, Site

if TYPE_CHECKING:
    from playwright.async_api import Page
    from pytest_django import Settings

T = TypeVar("T")

PATH = "/form/long/?to=a&to=b%20c"
TEXT = 'An hour of writing: é, "quotes", a+b=c & <tags>\n--boundary--\nsilent_sso_form='
FILE = random.Random(7).randbytes(2 * 1024 * 1024)  # noqa: S311 - does not shrink


@pytest.fixture
def make_site(make_site: Callable[[str], Site], settings: Settings) -> Callable[[str], Site]:
    settings.ROOT_URLCONF = "tests.browser.urls_forms"
    urls_forms.executed.clear()
    return make_site


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a file.bin"
    path.write_bytes(FILE)
    return path


def do(site: Site, work: Awaitable[T]) -> T:
    return site.browser._loop.do(work)


def fill_in(site: Site, file: Path, path: str = PATH) -> None:
    """As a person does, who is signed in and takes a long time."""
    site.sign_in("alice")
    site.open(path)
    do(site, site.tab.page.fill("#text", TEXT))
    for box in ("1", "2"):
        site.tab.click(f"input[value='{box}']")
    do(site, site.tab.page.set_input_files("#file", file))
    site.forget()


def arrived(site: Site) -> dict[str, Any]:
    """What the view has seen, once its page is shown."""
    text = site.tab.until("document.querySelector('#received')?.textContent")
    assert urls_forms.executed == [text], "once and no more"
    return dict(json.loads(text))


WHOLE = {
    "text": [TEXT.replace("\n", "\r\n")],
    "box": ["1", "2"],
    "files": [["a file.bin", hashlib.sha256(FILE).hexdigest()]],
    "query": {"to": "b c"},
}


def window_after(site: Site, selector: str) -> Page:
    """The window or tab that a click opens; it may close itself at once."""

    async def click() -> Page:
        async with site.browser.context.expect_page() as opened:
            await site.tab.page.click(selector)
        return await opened.value

    return do(site, click())


def closes(site: Site, window: Page) -> None:
    async def closed() -> None:
        if not window.is_closed():
            await window.wait_for_event("close")

    do(site, closed())


def sign_in_there(site: Site, window: Page, name: str) -> None:
    do(site, window.fill("input[name=username]", name))
    do(site, window.click("#sign-in"))


def waits_for_a_person(site: Site) -> None:
    site.tab.until("document.querySelector('#silent-sso-status')?.textContent.includes('Please sign in')")
    assert site.tab.run("document.querySelector('#silent-sso-sign-in').hidden") is False
    assert urls_forms.executed == []


def without_script(site: Site) -> None:
    do(site, site.tab._cdp.send("Emulation.setScriptExecutionDisabled", {"value": True}))


def test_c100_overdue_form_arrives_whole_without_a_word_where_the_op_says_yes(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_overdue()
    site.tab.click("#send")
    assert arrived(site) == WHOLE
    assert site.user() == "alice"
    assert site.tab.url == site(PATH)
    assert len(site.asked("/form/long/")) == 2, "refused, and sent again"
    assert len(site.provider.calls_to("authorize")) == 1


def test_c99_form_within_the_grace_time_is_simply_sent(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_stale()
    site.tab.click("#send")
    assert arrived(site) == WHOLE
    assert len(site.asked("/form/long/")) == 1


def test_n08_form_arrives_after_a_sign_in_in_a_window_of_its_own(site: Site, file: Path) -> None:
    """The OP's no ends the session: another one follows, with another CSRF token."""
    fill_in(site, file)
    site.sign_out_at_op()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    window = window_after(site, "#silent-sso-sign-in")
    sign_in_there(site, window, "alice")
    assert arrived(site) == WHOLE
    assert site.user() == "alice"
    closes(site, window)


def test_form_stays_where_the_op_wants_to_ask_something(site: Site, file: Path) -> None:
    """The session stays too, and nothing in the page is touched by the other window."""
    fill_in(site, file)
    site.provider.withdraw_consent()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    window = window_after(site, "#silent-sso-sign-in")
    do(site, window.click("#allow"))
    assert arrived(site) == WHOLE
    closes(site, window)


@pytest.mark.parametrize(("home", "third_party"), [(OTHER_SITE, False)], ids=["third-party cookies blocked"])
def test_window_that_closes_by_itself_is_enough_where_a_frame_cannot_know(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    window = window_after(site, "#silent-sso-sign-in")
    assert arrived(site) == WHOLE
    closes(site, window)
    assert len(site.asked("/form/long/")) == 2, "the page was never left for the OP"


def test_sign_in_on_any_page_of_the_site_is_noticed(site: Site, file: Path) -> None:
    """Where the window is not ours, and no message comes: the person is back."""
    fill_in(site, file)
    site.sign_out_at_op()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    other = site.browser.new_tab(site("/oidc/authenticate/?next=/without-tag/"))
    sign_in_there(site, other.page, "alice")
    site.settled("alice", other)
    assert urls_forms.executed == []
    other.close()
    site.tab.show()
    assert arrived(site) == WHOLE


def test_op_that_is_down_costs_a_button_and_no_form(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.break_down("/oidc/silent/")
    site.make_overdue()
    site.tab.click("#send")
    site.tab.until("document.querySelector('#silent-sso-send')?.disabled === false")
    assert "could not be asked" in site.tab.text("#silent-sso-status")
    window = window_after(site, "#silent-sso-sign-in")
    assert arrived(site) == WHOLE
    closes(site, window)


def test_c100_without_javascript_the_page_says_what_to_do_and_has_a_button(site: Site, file: Path) -> None:
    fill_in(site, file)
    without_script(site)
    site.make_overdue()
    site.tab.click("#send")
    site.tab.until("document.querySelector('#silent-sso-send')")
    kept = site.tab.run("document.querySelector('[name=silent_sso_form]').value")
    assert "Sign in in a new tab, then come back here" in site.tab.text("main")
    site.tab.click("#silent-sso-send")  # too early
    site.tab.until("document.querySelector('.code code')?.textContent === 'grace_ended'")
    assert site.tab.run("document.querySelector('[name=silent_sso_form]').value") == kept, "the same, not wrapped twice"
    there = window_after(site, "#silent-sso-sign-in")
    closes(site, there)  # by a script, which it may have: the page with the form has none
    site.tab.click("#silent-sso-send")
    assert arrived(site) == WHOLE


def test_form_is_sent_once_however_often_it_is_submitted(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.sign_out_at_op()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    kept = site.tab.run("document.querySelector('[name=silent_sso_form]').value")
    other = site.browser.new_tab(site("/oidc/authenticate/?next=/without-tag/"))
    sign_in_there(site, other.page, "alice")
    site.settled("alice", other)
    other.close()
    site.tab.run(
        "void ['silent-sso-form', 'silent-sso-form'].forEach((id) => document.getElementById(id).requestSubmit())"
    )
    arrived(site)
    # The same page once more, as a restored tab has it.
    site.tab.run(f"""void (() => {{
      const form = Object.assign(document.createElement("form"), {{ method: "post", enctype: "text/plain" }})
      form.append(Object.assign(document.createElement("input"), {{ name: "silent_sso_form" }}))
      form.firstChild.value = {json.dumps(kept)}
      document.body.append(form)
      form.submit()
    }})()""")
    site.tab.until("document.querySelector('.code code')?.textContent === 'form_sent'")
    assert len(urls_forms.executed) == 1


def test_back_after_the_form_was_sent_shows_an_empty_one_and_sends_nothing(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_overdue()
    site.tab.click("#send")
    arrived(site)
    site.tab.back()
    site.tab.until("!document.querySelector('#received') && document.querySelector('#send')")
    assert len(urls_forms.executed) == 1
    assert [one.method for one in site.asked("/form/long/")][:2] == ["POST", "POST"]
    assert {one.method for one in site.asked("/form/long/")[2:]} <= {"GET"}


def test_nobody_else_sends_it_and_its_owner_can_still(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.sign_out_at_op()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    window = window_after(site, "#silent-sso-sign-in")
    sign_in_there(site, window, "bob")
    site.tab.until("document.querySelector('.code code')?.textContent === 'form_of_another_user'")
    closes(site, window)
    assert urls_forms.executed == []
    site.provider.switch_user("alice")
    window = window_after(site, "#silent-sso-sign-in")
    assert arrived(site) == WHOLE
    closes(site, window)


def test_page_breaks_no_rule_of_its_own_policy(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_overdue()
    site.tab.console.clear()
    site.tab.click("#send")
    arrived(site)
    assert [line for line in site.tab.console if "Content Security Policy" in line or line.startswith("error")] == []


def test_view_that_asks_for_a_recent_sign_in_gets_the_form_after_it(site: Site, file: Path) -> None:
    fill_in(site, file, "/form/weighty/?to=b%20c")
    site.tab.click("#send")
    site.tab.until("document.querySelector('.code code')?.textContent === 'recent_sign_in_required'")
    site.provider.withdraw_consent()
    window = window_after(site, "#silent-sso-sign-in")
    site.come_back()  # signed in is not enough: nothing is sent yet
    site.tab.run("dispatchEvent(new Event('focus')); fetch('/page/')")
    assert len(site.asked("/form/weighty/")) == 1
    assert site.attempts() == 0, "nor asked silently, which could not do"
    do(site, window.click("#allow"))
    assert arrived(site) == WHOLE
    closes(site, window)


def test_what_the_page_keeps_cannot_be_read_in_it(site: Site, file: Path) -> None:
    fill_in(site, file)
    without_script(site)
    site.make_overdue()
    site.tab.click("#send")
    site.tab.until("document.querySelector('#silent-sso-send')")
    page = site.tab.run("document.documentElement.outerHTML")
    assert len(page) > len(FILE)
    assert "hour of writing" not in page
    assert "a file.bin" not in page
    assert site.tab.run("JSON.stringify([{ ...localStorage }, { ...sessionStorage }]).length") < 1000
