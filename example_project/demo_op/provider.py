"""What django-oauth-toolkit lacks for silent sign-in.

oauthlib asks the validator three questions about a `prompt=none` request: is somebody signed in, may this
client be answered without asking, is it the person the hint names? The toolkit leaves the first two
unanswered (HTTP 500) and says yes to the third. Here they get their answers, from the user of the session.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from django.contrib.auth.models import User
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from jwcrypto import jwt
from jwcrypto.common import JWException
from oauth2_provider.exceptions import OAuthToolkitError
from oauth2_provider.models import get_application_model
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import AuthorizationView
from oauthlib.common import Request, add_params_to_uri

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

# No request from outside can have them: what comes from there starts with HTTP_.
USER = "demo_op.user"
ASK = "demo_op.ask"

# In the session: the sites that the user has withdrawn the consent from.
TO_ASK = "sites_to_ask_about"


class UserAwareCore(OAuthLibCore):
    """Hands the user of the browser's session to the validator, which sees headers and parameters only."""

    def extract_headers(self, request: HttpRequest) -> dict[str, Any]:
        headers: dict[str, Any] = super().extract_headers(request)
        headers[USER] = request.user if request.user.is_authenticated else None
        headers[ASK] = request.session.get(TO_ASK, [])
        return headers


class SilentValidator(OAuth2Validator):
    def validate_silent_login(self, request: Request) -> bool:
        user: User | None = request.headers.get(USER)
        return user is not None and not _too_long_ago(user, request.max_age)

    def validate_silent_authorization(self, request: Request) -> bool:
        # The demo's sites are the house's own; a site of somebody else would need the user's consent first.
        return bool(request.client.skip_authorization) and request.client_id not in request.headers[ASK]

    def validate_user_match(
        self, id_token_hint: str | None, scopes: list[str], claims: object, request: Request
    ) -> bool:
        """OpenID Connect Core 3.1.2.2: an answer only for the user whom the hint names."""
        user: User | None = request.headers.get(USER)
        return not id_token_hint or user is None or self._hinted_subject(id_token_hint) == str(user.pk)

    def get_additional_claims(self) -> dict[str, Callable[[Request], object]]:
        # Without a parameter for the request the toolkit lists these claims in its discovery document.
        return {
            "name": lambda request: request.user.get_full_name(),
            "preferred_username": lambda request: request.user.username,
            "email": lambda request: request.user.email,
            "email_verified": lambda request: True,
        }

    def _hinted_subject(self, hint: str) -> str | None:
        """The subject of an ID Token of ours. It may have expired: a hint is no proof (Core 3.1.2.1)."""
        try:
            key = self._get_key_for_token(hint)
            return json.loads(jwt.JWT(key=key, jwt=hint, check_claims={}).claims).get("sub") if key else None
        except (JWException, ValueError, TypeError):
            return None


class SilentAuthorizationView(AuthorizationView):
    """Adds `iss` where the toolkit leaves it out: on errors (RFC 9207 section 2). And asks for consent where it was
    withdrawn: the toolkit never asks for the house's own sites."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.GET.get("client_id") in request.session.get(TO_ASK, []) and "none" not in _prompts(request):
            return render(request, "demo_op/consent.html", {"asking": site_that_asks(request.get_full_path())})
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The answer to our question: a yes makes it the same request once more."""
        if request.POST.get("choice") == "allow":
            client_id = request.GET.get("client_id")
            request.session[TO_ASK] = [site for site in request.session.get(TO_ASK, []) if site != client_id]
            return HttpResponseRedirect(request.get_full_path())
        try:
            scopes, credentials = self.validate_authorization_request(request)
            self.create_authorization_response(request, " ".join(scopes), credentials, allow=False)
        except OAuthToolkitError as error:  # as it always does for a no
            return self.error_response(error, get_application_model().objects.get(client_id=request.GET["client_id"]))
        raise SuspiciousOperation

    def redirect(self, redirect_to: str, application: object) -> HttpResponse:
        parts = urlsplit(redirect_to)
        if "iss" not in dict(parse_qsl(parts.query) + parse_qsl(parts.fragment)):
            issuer = oauth2_settings.oauth2_authorization_server_issuer(self.request)
            redirect_to = add_params_to_uri(redirect_to, [("iss", issuer)], fragment=bool(parts.fragment))
        return super().redirect(redirect_to, application)


def site_that_asks(next_url: str) -> str:
    """The name of the site whose authorization request waits for the sign-in, or ''."""
    client_id = dict(parse_qsl(urlsplit(next_url).query)).get("client_id", "")
    names = get_application_model().objects.filter(client_id=client_id).values_list("name", flat=True)
    return names.first() or ""


def _prompts(request: HttpRequest) -> list[str]:
    return request.GET.get("prompt", "").split()


def _too_long_ago(user: User, max_age: str | None) -> bool:
    """Core 3.1.2.1: `max_age` is the longest time since the password, in seconds."""
    if not max_age or not max_age.isdigit() or user.last_login is None:
        return False
    return (timezone.now() - user.last_login).total_seconds() > int(max_age)
