"""What the browser doctor's answers are: its page, and what the page in a frame tells it."""

from __future__ import annotations

import json

import pytest

from django_silent_sso.responses import DoctorPage, RelayPage
from tests.test_responses import policy, request


def test_the_doctor_s_page_runs_our_script_alone_and_may_frame_any_op() -> None:
    answer = DoctorPage(request(), config={"a": "</script>"}, configuration=[("<b>", "<i>")], problem="", warnings=[])
    text = answer.content.decode()
    assert answer.status_code == 200
    assert (policy(answer)["script-src"], policy(answer)["frame-src"]) == ("'self'", "*")
    assert policy(answer)["require-trusted-types-for"] == "'script'"
    assert (answer["X-Frame-Options"], answer["Cross-Origin-Opener-Policy"]) == ("DENY", "same-origin-allow-popups")
    assert text.count("<script") == text.count("</script>") == 2
    assert "<b>" not in text
    assert "<i>" not in text


@pytest.mark.parametrize(("header", "told"), [("iframe", "iframe"), ("</script>", None), ("", None)])
def test_the_relay_page_tells_the_doctor_what_kind_of_request_it_was(header: str, told: str | None) -> None:
    text = RelayPage(request(**{"Sec-Fetch-Dest": header, "Sec-Fetch-Mode": header})).content.decode()
    _, _, rest = text.partition('<script id="silent-sso-relay" type="application/json">')
    assert json.loads(rest.partition("</script>")[0]) == {"site": None, "mode": told, "dest": told}
