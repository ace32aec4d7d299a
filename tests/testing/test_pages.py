from __future__ import annotations

import pytest

from django_silent_sso.testing import pages

EVIL = "\"'><script>alert(1)</script>"
PAGES = {
    "error": pages.error(400, EVIL, EVIL),
    "login": pages.login(EVIL, EVIL, EVIL),
    "consent": pages.consent(EVIL, EVIL, EVIL, [EVIL]),
    "form_post": pages.form_post(EVIL, [(EVIL, EVIL)]),
    "web_message": pages.web_message(EVIL, {"state": EVIL}),
    "sign_out": pages.sign_out(EVIL, [(EVIL, EVIL)]),
    "check_session": pages.check_session(EVIL),
    "check_session that speaks": pages.check_session(EVIL, "speaks"),
}


@pytest.mark.parametrize("name", PAGES)
def test_nothing_from_outside_becomes_markup(name: str) -> None:
    assert "<script>alert" not in PAGES[name]
    assert "alert(1)" in PAGES[name]


def test_the_login_page_takes_the_focus_and_knows_any_password() -> None:
    assert "autofocus" in PAGES["login"]
    assert "required" not in PAGES["login"]
