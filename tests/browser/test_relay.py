"""The page that a frame or popup ends on: it hands on the parameters of its address, and keeps nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest

from tests.browser.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings

# Begins an attempt for a popup, which a click then opens; whatever is heard of it is in `heard`.
BEGIN = """
fetch("/oidc/silent/", { method: "POST", body: new URLSearchParams({ transport: "popup" }) })
  .then((answer) => answer.json()).then(({ authorization_url, attempt }) => {
    window.attempt = attempt
    window.heard = { opener: [], channel: [] }
    addEventListener("message", ({ data }) => heard.opener.push(data))
    new BroadcastChannel(`silent-sso:${attempt}`).onmessage = ({ data }) => heard.channel.push(data)
    document.getElementById("button").onclick = () => { window.popup = window.open(authorization_url) }
  })
"""


@pytest.mark.parametrize("by", ["opener", "channel"])
def test_popup_hands_its_answer_to_the_page_that_asked(site: Site, settings: Settings, by: str) -> None:
    """Django's default policy cuts a popup on another origin off from its opener; then the channel is left."""
    settings.SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin" if by == "channel" else "same-origin-allow-popups"
    site.sign_in_at_op()
    site.open("/by-hand/").run(BEGIN)
    site.tab.click("#button")
    site.tab.until(f"heard.{by}.length")
    message = site.tab.run(f"heard.{by}[0]")
    parameters = parse_qs(message["parameters"])
    assert (message["type"], message["site"]) == ("silent-sso:response", "same-site")
    assert parameters["state"] == [site.tab.run("attempt")]
    assert "code" in parameters
    site.tab.until("popup.closed")
    if by == "channel":
        assert site.tab.run("heard.opener") == []


def test_answer_of_a_popup_signs_in(site: Site) -> None:
    site.sign_in_at_op()
    site.open("/by-hand/").run(BEGIN)
    site.tab.click("#button")
    site.tab.until("heard.channel.length")
    answer = site.tab.run(
        "fetch('/oidc/callback/', { method: 'POST', body: heard.channel[0].parameters, "
        "headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }).then((answer) => answer.json())"
    )
    assert answer["status"] == "signed_in"


@pytest.mark.parametrize("address", ["?state=p.one&code=secret", "?state=p.one#state=p.one&id_token=secret"])
def test_f15_code_does_not_stay_in_the_address(site: Site, address: str) -> None:
    site.tab.open(site(f"/oidc/callback/{address}"))
    assert site.tab.run("location.href") == site("/oidc/callback/")
    assert site.tab.text("body") == "You can close this window."


@pytest.mark.parametrize(
    ("address", "parameters"),
    [
        ("?state=f.one&code=a%2Bb", "state=f.one&code=a%2Bb"),
        ("#state=f.one&id_token=x", "state=f.one&id_token=x"),
        ("?kept=1#state=f.one&id_token=x", "state=f.one&id_token=x"),
        ("?state=f.one&code=x#_=_", "state=f.one&code=x"),
        ("?error=login_required", "error=login_required"),
        ("", ""),
    ],
)
def test_parameters_are_handed_on_unchanged(site: Site, address: str, parameters: str) -> None:
    site.open("/by-hand/")
    message = site.tab.run(
        "new Promise((resolve) => { addEventListener('message', ({ data }) => resolve(data));"
        f"const frame = document.createElement('iframe'); frame.src = '/oidc/callback/{address}';"
        "document.body.append(frame) })"
    )
    assert message == {"type": "silent-sso:response", "parameters": parameters, "site": "same-origin"}
