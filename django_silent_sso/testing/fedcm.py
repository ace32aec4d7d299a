"""What a provider offers to browsers that ask by themselves (FedCM, W3C Federated Credential Management). Off unless a
test asks for it.

Browsers look for the first document at the provider's registrable domain: whoever serves `id.corp.example` by this
provider lets it answer for `corp.example` too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django_silent_sso.testing import issuing, pages
from django_silent_sso.testing.defects import Situation
from django_silent_sso.testing.grants import Grant
from django_silent_sso.testing.messages import NO_STORE, Pairs, Reply, Request

if TYPE_CHECKING:
    from django_silent_sso.testing.provider import OpenIDProvider

SCOPE = ("openid", "profile", "email")
_CLOSE = "<script>globalThis.IdentityProvider?.close()</script>"


def login_status(provider: OpenIDProvider, *, signed_in: bool) -> Pairs:
    """Tells the browser whether anybody is signed in here (Login Status API); it asks no more where nobody is."""
    return (("Set-Login", "logged-in" if signed_in else "logged-out"),) if provider.fedcm else ()


def well_known(provider: OpenIDProvider, request: Request) -> Reply:
    """`/.well-known/web-identity`: which configuration is this site's own."""
    if not provider.fedcm:
        return Reply(404)
    return Reply.json(
        {
            "provider_urls": [provider.url_of("fedcm_config")],
            "accounts_endpoint": provider.url_of("fedcm_accounts"),
            "login_url": provider.url_of("fedcm_login"),
        }
    )


def config(provider: OpenIDProvider, request: Request) -> Reply:
    """The document that `SILENT_SSO_FEDCM_CONFIG_URL` names."""
    if not _from_browser(provider, request):
        return Reply(404)
    return Reply.json(
        {
            "accounts_endpoint": provider.url_of("fedcm_accounts"),
            "client_metadata_endpoint": provider.url_of("fedcm_client_metadata"),
            "id_assertion_endpoint": provider.url_of("fedcm_assertion"),
            "login_url": provider.url_of("fedcm_login"),
            "branding": {"background_color": "#1a3e72", "color": "#ffffff"},
        }
    )


def accounts(provider: OpenIDProvider, request: Request) -> Reply:
    """Who is signed in. The browser does not say which site wants to know."""
    if not _from_browser(provider, request):
        return Reply(404)
    session = provider.session_of(request)
    if session is None:
        return Reply.json({"error": {"code": "login_required"}}, 401, NO_STORE)
    claims = provider.claims_of(session.subject)
    account: dict[str, Any] = {
        "id": session.subject,
        "name": claims.get("name", session.subject),
        "email": claims.get("email", ""),
        "approved_clients": [name for name in provider.clients if provider.has_consent(session.subject, name)],
    }
    return Reply.json({"accounts": [account]}, headers=NO_STORE)


def client_metadata(provider: OpenIDProvider, request: Request) -> Reply:
    """What is shown of a site: here nothing."""
    if not _from_browser(provider, request) or request.parameters.get("client_id") not in provider.clients:
        return Reply(404)
    return Reply.json({}, headers=_for_site(request))


def assertion(provider: OpenIDProvider, request: Request) -> Reply:
    """An ID Token for the account that was chosen, with the nonce that the site gave to the browser."""
    if not _from_browser(provider, request):
        return Reply(404)
    given = request.parameters
    client_id = given.get("client_id", "")
    if not _is_of_client(provider, client_id, request.headers.get("origin", "")):
        return Reply.json({"error": {"code": "unauthorized_client"}}, 403, NO_STORE)
    headers = (*NO_STORE, *_for_site(request))
    session = provider.session_of(request)
    if session is None or session.subject != given.get("account_id"):
        return Reply.json({"error": {"code": "access_denied"}}, 401, headers)
    provider.give_consent(session.subject, client_id)
    nonce = _nonce(given)
    grant = Grant(client_id=client_id, session=session, scope=SCOPE, nonce=nonce, wants_auth_time=False)
    situation = Situation(provider=provider, endpoint="fedcm_assertion", request=request)
    # There is no UserInfo to ask (Core 5.4).
    return Reply.json({"token": issuing.id_token(provider, grant, situation, with_user_claims=True)}, headers=headers)


def login(provider: OpenIDProvider, request: Request) -> Reply:
    """Where the browser sends a person who is not signed in, in a window of its own. Any password will do."""
    if not provider.fedcm:
        return Reply(404)
    name = dict(request.form).get("username", "").strip()
    if not name:
        return Reply.html(pages.login(provider.path_of("fedcm_login"), ""), headers=NO_STORE + provider.framing_headers)
    cookie = provider.open_browser_session(name, request)
    headers = (*NO_STORE, cookie, *login_status(provider, signed_in=True))
    return Reply.html(pages.page("Signed in", f"<p>You are signed in.</p>{_CLOSE}"), headers=headers)


def _from_browser(provider: OpenIDProvider, request: Request) -> bool:
    """No page can send this header with this word: nobody but the browser itself asks."""
    return provider.fedcm and request.headers.get("sec-fetch-dest") == "webidentity"


def _for_site(request: Request) -> Pairs:
    origin = request.headers.get("origin", "")
    return (("Access-Control-Allow-Origin", origin), ("Access-Control-Allow-Credentials", "true"))


def _is_of_client(provider: OpenIDProvider, client_id: str, origin: str) -> bool:
    client = provider.clients.get(client_id)
    if client is None or not origin:
        return False
    parts = [urlsplit(uri) for uri in client.redirect_uris or ()]
    return client.redirect_uris is None or origin in {f"{part.scheme}://{part.netloc}" for part in parts}


def _nonce(given: dict[str, str]) -> str | None:
    """It has moved from a field of its own into `params`."""
    try:
        params = json.loads(given.get("params", "{}"))
    except ValueError:
        params = None
    inside = params.get("nonce") if isinstance(params, dict) else None
    return inside if isinstance(inside, str) else given.get("nonce")
