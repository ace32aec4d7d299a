"""The site that is visited: for each of what is compared a page that signs its visitor in, and says so by `done()`.

`done(outcome, token)` is the measurement's, and is in every page before anything of the page is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import requests
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_exempt

OURS = apps.is_installed("django_silent_sso")
PAGE = """{% load silent_sso %}<!doctype html>
<html><head><meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
HEAD</head><body><p>A page</p>
BODY</body></html>"""
WATCH = """<script>
for (const name of ["signed-in", "sign-in-required", "error"]) {
  document.addEventListener(`silent-sso:${name}`, (event) => {
    event.preventDefault() // no reload: all are measured until they know
    done(name === "signed-in" ? "signed in" : event.detail.reason)
  })
}
</script>
"""
BY_HAND = """<script>
const frame = document.createElement("iframe")
const ask = (url, body) => fetch(url, { method: "POST", body, headers: { Accept: "application/json" } })
  .then((answer) => answer.json())
const finish = (parameters) => ask("/oidc/callback/", new URLSearchParams(parameters))
  .then(({ status, reason }) => done(status === "signed_in" ? "signed in" : reason))
const show = (url) => {
  frame.hidden = true
  frame.src = url
  document.documentElement.append(frame)
}
"""
HEADS = {  # ours as it is documented, the floor as early as can be
    "ours": WATCH + "{% silent_sso %}",
    "ours-ready": WATCH + "{% silent_sso attempt=True %}",
    "floor": BY_HAND
    + """addEventListener("message", ({ origin, source, data }) => {
  if (source === frame.contentWindow && origin === "{{ op }}") finish(data.response)
})
show({{ attempt }})
</script>""",
    "by-hand": BY_HAND
    + """addEventListener("message", ({ origin, source, data }) => {
  if (source === frame.contentWindow && origin === location.origin) finish(data.parameters)
})
ask("/oidc/silent/", new URLSearchParams({ transport: "frame" })).then((begun) => show(begun.authorization_url))
</script>""",
    "redirect": """<script>done("signed in")</script>""",
}
BODIES = {  # libraries that need a body to put their frame into
    "oidc-client-ts": """<script src="/static/oidc-client-ts.js"></script><script>
const back = location.origin + "/static/oidc-client-ts.html"
new oidc.UserManager({
  authority: "{{ issuer }}", client_id: "spa", redirect_uri: back, silent_redirect_uri: back, scope: "openid email",
  METADATA
}).signinSilent().then((user) => done(user ? "signed in" : "nobody", user?.id_token), (error) => done(String(error)))
</script>""",
    "keycloak-js": """<script type="module">
import Keycloak from "/static/keycloak-js.js"
const keycloak = new Keycloak({ clientId: "keycloak-js", oidcProvider: PROVIDER })
keycloak.init({
  onLoad: "check-sso", checkLoginIframe: false, scope: "openid email",
  silentCheckSsoRedirectUri: location.origin + "/static/keycloak-js.html",
}).then((known) => done(known ? "signed in" : "nobody", keycloak.idToken), (error) => done(String(error)))
</script>""",
    "auth0-spa-js": """<script src="/static/auth0-spa-js.js"></script><script>
new auth0.Auth0Client({
  domain: "{{ op }}", clientId: "spa",
  authorizationParams: { redirect_uri: location.origin + "/", scope: "openid email" },
}).getTokenSilently({ detailedResponse: true })
  .then(({ id_token }) => done("signed in", id_token), (error) => done(String(error)))
</script>""",
}
# The endpoints are in the page, in place of the OP's address, where the library looks for them.
for _name, _word, _address, _endpoints in (
    ("oidc-client-ts", "METADATA", "", "metadata: {{ endpoints }},"),
    ("keycloak-js", "PROVIDER", '"{{ issuer }}"', "{{ endpoints }}"),
):
    BODIES[f"{_name}-told"] = BODIES[_name].replace(_word, _endpoints)
    BODIES[_name] = BODIES[_name].replace(_word, _address)


def facts() -> dict[str, Any]:
    """What this run has set up."""
    found: dict[str, Any] = settings.PEERS  # type: ignore[misc]
    return found


def static_files(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, the first: scripts that a browser may keep, as any server in front of a site has them."""
    folder = Path(facts()["files"])
    files = {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*.gz")}

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/static/"):
            return get_response(request)
        script = request.path.endswith(".js")
        return HttpResponse(
            files[request.path.removeprefix("/static/") + ".gz"],
            content_type="text/javascript" if script else "text/html",
            headers={
                "Content-Encoding": "gzip",
                "Cache-Control": "public, max-age=31536000, immutable" if script else "no-cache",
            },
        )

    return answer


@cache
def op_keys() -> jwt.PyJWKSet:
    return jwt.PyJWKSet.from_dict(requests.get(facts()["keys"], timeout=10).json())


@csrf_exempt
def told(request: HttpRequest) -> HttpResponse:
    """The least a site can do with a library's ID Token: check it, and begin a session."""
    token = request.POST["token"]
    key = op_keys()[jwt.get_unverified_header(token)["kid"]]
    who = {"audience": ["spa", "keycloak-js"], "issuer": facts()["issuer"]}
    claims = jwt.decode(token, key, algorithms=["RS256"], **who)
    user, _ = get_user_model().objects.get_or_create(username=f"told-{claims['sub']}")
    login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse(status=204)


@cache
def template(kind: str) -> Any:
    text = PAGE.replace("HEAD", HEADS.get(kind, "")).replace("BODY", BODIES.get(kind, ""))
    return engines["django"].from_string(text if OURS else text.removeprefix("{% load silent_sso %}"))


def page(request: HttpRequest, kind: str) -> HttpResponse:
    known = facts()
    context = {
        "op": SafeString(known["issuer"].rstrip("/")),
        "issuer": SafeString(known["issuer"]),
        "endpoints": SafeString(json.dumps(known["endpoints"])),
        "attempt": _attempt(request) if kind == "floor" else None,
    }
    return HttpResponse(template(kind).render(context, request))


def _attempt(request: HttpRequest) -> str:
    from django_silent_sso.flows.ready_attempt import ready_attempt

    return SafeString(json.dumps((ready_attempt(request) or {})["authorization_url"]))


urlpatterns = [
    path("oidc/", include("django_silent_sso.urls" if OURS else "mozilla_django_oidc.urls")),
    path("told/", told),
    path("redirect/", login_required(page), {"kind": "redirect"}),
    path("<slug:kind>/", page),
]
