"""The few pages the provider shows to a person."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><link rel="icon" href="data:,"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def page(title: str, body: str) -> str:
    """A page; `body` is HTML, `title` is text."""
    return _PAGE.format(title=escape(title), body=body)


def error(status: int, code: str, description: str) -> str:
    """For the person at the browser, where nobody else may be told (RFC 6749 4.1.2.1)."""
    return page("Something went wrong", f"<p><code>{escape(code)}</code></p><p>{escape(description)}</p>")


def login(action: str, interaction: str, hint: str = "") -> str:
    """User name and any password. The field takes the focus, as real ones do: also in a frame nobody sees."""
    return page(
        "Sign in",
        f"""<form id="login" method="post" action="{escape(action)}">
<input type="hidden" name="interaction" value="{escape(interaction)}">
<p><label>User name
<input id="username" name="username" value="{escape(hint)}" autocomplete="off" autofocus></label></p>
<p><label>Password <input id="password" name="password" type="password" autocomplete="off"></label></p>
<p><button id="sign-in" name="choice" value="yes">Sign in</button>
<button id="cancel" name="choice" value="no">Cancel</button></p>
</form>""",
    )


def consent(action: str, interaction: str, client_id: str, scope: Iterable[str]) -> str:
    wanted = "".join(f"<li>{escape(name)}</li>" for name in scope)
    return page(
        "Give access",
        f"""<form id="consent" method="post" action="{escape(action)}">
<input type="hidden" name="interaction" value="{escape(interaction)}">
<p><strong>{escape(client_id)}</strong> asks for:</p><ul>{wanted}</ul>
<p><button id="allow" name="choice" value="yes">Allow</button>
<button id="deny" name="choice" value="no">Deny</button></p>
</form>""",
    )


def form_post(action: str, fields: Iterable[tuple[str, str]]) -> str:
    """OAuth 2.0 Form Post Response Mode, section 2: a form that posts itself."""
    inputs = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in fields)
    return page(
        "Going back",
        f"""<form id="response" method="post" action="{escape(action)}">
{inputs}<noscript><button>Continue</button></noscript>
</form>
<script>document.getElementById("response").submit()</script>""",
    )


def web_message(redirect_uri: str, message: dict[str, Any]) -> str:
    """`response_mode=web_message` (draft-sakimura-oauth-wmrm): the answer as a message to the opener or the
    parent.

    The redirect URI's origin is the target, so no other site can hear it.
    """
    return page(
        "Going back",
        f"""{_json_script("message", {"redirect_uri": redirect_uri, "message": message})}
<script>
(() => {{
  const {{ message, redirect_uri }} = JSON.parse(document.getElementById("message").textContent)
  const target = window.opener || window.parent
  target.postMessage(message, redirect_uri)
  window.close()
}})()
</script>""",
    )


def sign_out(action: str, fields: Iterable[tuple[str, str]]) -> str:
    """The question of RP-Initiated Logout 2: does the person really want to sign out here too?"""
    inputs = "".join(f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n' for name, value in fields)
    return page(
        "Sign out",
        f"""<form id="sign-out" method="post" action="{escape(action)}">
{inputs}<p><button id="yes" name="choice" value="yes">Sign out</button>
<button id="no" name="choice" value="no">Stay signed in</button></p>
</form>""",
    )


def signing_out(frames: Iterable[str], then: str | None) -> str:
    """Front-Channel Logout 2: every site in a frame; when all have loaded, or after two seconds, on to `then`."""
    hidden = "".join(f'<iframe hidden src="{escape(url)}"></iframe>\n' for url in frames)
    if then is None:
        return page("Signed out", f"<p>You are signed out here.</p>\n{hidden}")
    return page(
        "Signing out",
        f"""<p><a id="then" href="{escape(then)}">Continue</a></p>
{hidden}<script>
const go = () => location.replace(document.getElementById("then").href)
addEventListener("load", go)
setTimeout(go, 2000)
</script>""",
    )


_RUBBISH = """[
  "Changed", "changed ", "", null, 0, true, ["changed"], "changed".repeat(100_000), { status: "changed" },
  { status: ["logged_out"] }, { status: null }, { type: "changed" }, { type: "silent-sso:response", parameters: "" },
]"""
_SPEAKS = """
let last = ""
const speak = async () => {
  const status = await (await fetch(url, { method: "POST" })).text()
  parent.postMessage({ status: status === last ? "unchanged" : status }, "*")
  last = status
}
setInterval(speak, 500)
speak()"""


def check_session(client_state_url: str, frame: str = "standard") -> str:
    """The OP iframe of Session Management 3.2; `frame`: see `OpenIDProvider.check_session_frame`.

    The specification computes the state from a cookie. This one asks its own server, so that it also knows
    what a test has changed behind the browser's back.
    """
    if frame in ("logged_in", "logged_out"):
        script = f'setInterval(() => parent.postMessage({{ status: "{frame}" }}, "*"), 100)'
    elif frame in ("changed", "error"):
        script = f'addEventListener("message", ({{ origin, source }}) => source.postMessage("{frame}", origin))'
    else:
        script = {"speaks": _SPEAKS, "mute": ""}.get(frame, _answers(_RUBBISH if frame == "rubbish" else "[]"))
    return page(
        "Session",
        f"""{_json_script("url", client_state_url)}
<script>
const url = JSON.parse(document.getElementById("url").textContent)
{script}
</script>""",
    )


def _answers(before: str) -> str:
    return f"""addEventListener("message", async ({{ data, origin, source }}) => {{
  for (const nonsense of {before}) source?.postMessage(nonsense, origin)
  const space = typeof data === "string" ? data.lastIndexOf(" ") : -1
  if (space < 1 || !source) return source?.postMessage("error", origin)
  const form = new URLSearchParams(
    {{ client_id: data.slice(0, space), session_state: data.slice(space + 1), origin }})
  const answer = await fetch(url, {{ method: "POST", body: form }})
  source.postMessage(answer.ok ? await answer.text() : "error", origin)
}})"""


def _json_script(name: str, value: Any) -> str:
    text = json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return f'<script type="application/json" id="{name}">{text}</script>'
