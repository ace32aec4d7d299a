"""The Authentication Request (Core 3.1.2.1, RFC 7636): the only builder of one in the package."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, unquote_plus, urlencode, urlsplit, urlunsplit

#: Names that a site's extra parameters can never set: each of them decides who gets the answer, how it
#: comes back, whether it is silent, or how it is tied to this browser. ``request`` could carry them all.
RESERVED_PARAMETERS: frozenset[str] = frozenset(
    {
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "state",
        "nonce",
        "prompt",
        "code_challenge",
        "code_challenge_method",
        "id_token_hint",
        "request",
        "request_uri",
        "registration",
    }
)


class Prompt(StrEnum):
    """What the OP may show the user (Core 3.1.2.1). ``NONE``: nothing at all."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


def new_secret(nbytes: int = 32) -> str:
    """A fresh value for ``state``, ``nonce`` or the PKCE verifier: ``nbytes`` of randomness as URL-safe text.

    The default gives 43 characters, the least RFC 7636 4.1 allows for a verifier.
    """
    return secrets.token_urlsafe(nbytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationRequest:
    """One Authentication Request. Secrets and hints about the user stay out of ``repr``.

    ``max_age`` is in seconds. ``extra`` holds a site's own parameters; it adds and never replaces.
    """

    client_id: str
    redirect_uri: str
    scope: str
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    response_type: str = "code"
    response_mode: str | None = None
    prompt: Prompt | None = None
    id_token_hint: str | None = field(default=None, repr=False)
    login_hint: str | None = field(default=None, repr=False)
    max_age: int | None = None
    acr_values: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def code_challenge(self) -> str:
        """The S256 challenge of the verifier (RFC 7636 4.2); ``plain`` is not offered (RFC 9700 2.1.1)."""
        digest = hashlib.sha256(self.code_verifier.encode("ascii")).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def parameters(self) -> dict[str, str]:
        """The request as names and values; what is ``None`` is left out."""
        parameters = {name: str(value) for name, value in self.extra.items() if name not in RESERVED_PARAMETERS}
        ours = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": self.response_type,
            "response_mode": self.response_mode,
            "scope": self._scope_with_openid(),
            "state": self.state,
            "nonce": self.nonce,
            "prompt": self.prompt,
            "id_token_hint": self.id_token_hint,
            "login_hint": self.login_hint,
            "max_age": self.max_age,
            "acr_values": self.acr_values,
        }
        if "code" in self.response_type.split():
            ours |= {"code_challenge": self.code_challenge, "code_challenge_method": "S256"}
        parameters |= {name: str(value) for name, value in ours.items() if value is not None}
        if self.prompt is Prompt.NONE and parameters.get("max_age") == "0":
            # "Sign the user in anew" and "show nothing" contradict each other. The certification suite counts
            # it as a fault of the RP, and some OPs end the user's session over it.
            del parameters["max_age"]
        return parameters

    def to_url(self, endpoint: str, max_length: int = 8000) -> str:
        """The URL that starts the request at ``endpoint``.

        The endpoint's own query is kept (RFC 6749 3.1), ours wins where the names are the same; a fragment
        is dropped. If the URL is longer than ``max_length`` characters, the ``id_token_hint`` is left out:
        servers refuse long URLs, and the hint is the one long parameter that the OP can do without.
        """
        parameters = self.parameters()
        url = with_query(endpoint, parameters)
        if len(url) > max_length and parameters.pop("id_token_hint", None) is not None:
            url = with_query(endpoint, parameters)
        return url

    def _scope_with_openid(self) -> str:
        scopes = self.scope.split()
        return " ".join(scopes if "openid" in scopes else ["openid", *scopes])


def with_query(endpoint: str, parameters: Mapping[str, str]) -> str:
    """`endpoint` with `parameters` added to the query it may already have (RFC 6749 3.1); ours win."""
    parts = urlsplit(endpoint)
    # The endpoint's own pairs stay as they are written: "?flag" must not come out as "?flag=".
    own = [pair for pair in parts.query.split("&") if pair and _name(pair) not in parameters]
    # quote, not quote_plus: "%20" means a space to every parser, "+" does not. "replace": a lone surrogate in
    # a hint must not become an exception.
    query = "&".join([*own, urlencode(parameters, quote_via=quote, errors="replace")])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])
