"""A form that was open for long: what was entered arrives, whatever became of the sign-in meanwhile (C99, C100, N08)."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import urls_forms
from tests.browser.chromium import Chromium, Tab
from tests.browser.site import OTHER_SITE, Site

if TYPE_CHECKING:
    from playwright.async_api import Page
    from pytest_django import Settings

PATH = "/form/long/?to=a&to=b%20c"
TEXT = 'An hour of writing: é, "quotes", a+b=c & <tags>\n--boundary--\nsilent_sso_form='
FILE = random.Random(7).randbytes(2 * 1024 * 1024)  # does not shrink


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


def fill_in(site: Site, file: Path) -> None:
    """As a person does, who is signed in and takes a long time."""
    site.sign_in("alice")
    site.open(PATH)
    site.browser._loop.do(site.tab.page.fill("#text", TEXT))
    for box in ("1", "2"):
        site.tab.click(f"input[value='{box}']")
    site.browser._loop.do(site.tab.page.set_input_files("#file", file))
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


def window_after(site: Site, selector: str) -> Tab:
    """The window or tab that a click opens."""

    async def click() -> Page:
        async with site.browser.context.expect_page() as opened:
            await site.tab.page.click(selector)
        return await opened.value

    loop = site.browser._loop
    return loop.do(Tab.attach(loop, loop.do(click())))


def closes(browser: Chromium, tab: Tab) -> None:
    async def closed() -> None:
        if not tab.page.is_closed():
            await tab.page.wait_for_event("close")

    browser._loop.do(closed())


def sign_in_there(site: Site, window: Tab, name: str) -> None:
    window.type("input[name=username]", name)
    window.click("#sign-in")


def waits_for_a_person(site: Site) -> None:
    site.tab.until("document.querySelector('#silent-sso-sign-in')?.hidden === false")
    assert "Please sign in" in site.tab.text("#silent-sso-status")
    assert urls_forms.executed == []


def without_script(site: Site, tab: Tab) -> None:
    site.browser._loop.do(tab._cdp.send("Emulation.setScriptExecutionDisabled", {"value": True}))


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
    closes(site.browser, window)


def test_form_stays_where_the_op_wants_to_ask_something(site: Site, file: Path) -> None:
    """The session stays too, and nothing in the page is touched by the other window."""
    fill_in(site, file)
    site.provider.withdraw_consent()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    window = window_after(site, "#silent-sso-sign-in")
    window.click("#allow")
    assert arrived(site) == WHOLE
    closes(site.browser, window)


@pytest.mark.parametrize(("home", "third_party"), [(OTHER_SITE, False)], ids=["third-party cookies blocked"])
def test_window_that_closes_by_itself_is_enough_where_a_frame_cannot_know(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    window = window_after(site, "#silent-sso-sign-in")
    assert arrived(site) == WHOLE
    closes(site.browser, window)
    assert len(site.asked("/form/long/")) == 2, "the page was never left for the OP"


def test_sign_in_on_any_page_of_the_site_is_noticed(site: Site, file: Path) -> None:
    """Where the window is not ours, and no message comes: the person is back."""
    fill_in(site, file)
    site.sign_out_at_op()
    site.make_overdue()
    site.tab.click("#send")
    waits_for_a_person(site)
    other = site.browser.new_tab(site("/oidc/authenticate/?next=/without-tag/"))
    sign_in_there(site, other, "alice")
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
    closes(site.browser, window)


def test_c100_without_javascript_the_page_says_what_to_do_and_has_a_button(site: Site, file: Path) -> None:
    fill_in(site, file)
    without_script(site, site.tab)
    site.make_overdue()
    site.tab.click("#send")
    site.tab.until("document.querySelector('#silent-sso-send')")
    kept = site.tab.run("document.querySelector('[name=silent_sso_form]').value")
    assert "Sign in in a new tab, then come back here" in site.tab.text("main")
    site.tab.click("#silent-sso-send")  # too early
    site.tab.until("document.querySelector('.code code')?.textContent === 'grace_ended'")
    assert site.tab.run("document.querySelector('[name=silent_sso_form]').value") == kept, "the same, not wrapped twice"
    there = window_after(site, "#silent-sso-sign-in")
    there.until("document.querySelector('h1')?.textContent === 'You are signed in'")
    there.close()
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
    sign_in_there(site, other, "alice")
    site.settled("alice", other)
    other.close()
    site.tab.run(
        "void ['silent-sso-form', 'silent-sso-form'].forEach((id) => document.getElementById(id).requestSubmit())"
    )
    arrived(site)
    # The same page once more, as a restored tab has it.
    site.tab.run(f"""void (() => {{
      const form = Object.assign(document.createElement("form"), {{ method: "post", enctype: "text/plain" }})
      form.append(Object.assign(document.createElement("input"), {{ name: "silent_sso_form", value: {json.dumps(kept)} }}))
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
    closes(site.browser, window)
    assert urls_forms.executed == []
    site.provider.switch_user("alice")
    window = window_after(site, "#silent-sso-sign-in")
    assert arrived(site) == WHOLE
    closes(site.browser, window)


def test_page_breaks_no_rule_of_its_own_policy(site: Site, file: Path) -> None:
    fill_in(site, file)
    site.make_overdue()
    site.tab.console.clear()
    site.tab.click("#send")
    arrived(site)
    assert [line for line in site.tab.console if "Content Security Policy" in line or line.startswith("error")] == []
