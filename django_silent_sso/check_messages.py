"""The text and the hint of every system check, by its id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["MESSAGES"]

MESSAGES: Final[Mapping[str, tuple[str, str]]] = {
    "E001": (
        "SILENT_SSO_ISSUER is not set.",
        "Set it to the OP's issuer, as its discovery document says, for example 'https://id.example.org'.",
    ),
    "E002": (
        "SILENT_SSO_ISSUER is not an https URL without query and fragment: {issuer}",
        "Use the OP's https issuer. Plain http is accepted on loopback only.",
    ),
    "E003": ("OIDC_RP_CLIENT_ID is not set.", "Register this site at the OP and set the client id it gives."),
    "E004": ("{name} has a value it does not know.", "Use one (or, for a tuple, any) of: {choices}."),
    "E005": ("{name} is not a number of seconds.", "Use a number that is not negative."),
    "E006": (
        "SILENT_SSO_BACK_OFF_SECONDS is not a tuple of seconds.",
        "For example (60, 600, 3600): the waits after the first, second, third and later refusal.",
    ),
    "E007": (
        "SILENT_SSO_AFTER_ERROR has no valid reaction for {code}.",
        "Give each OP error code a pair, (for visitors, for signed-in users), of 'anonymous', 'interactive', 'keep'.",
    ),
    "E008": (
        "No SilentSSOBackend is in AUTHENTICATION_BACKENDS.",
        "Add 'django_silent_sso.backends.SilentSSOBackend', or your own subclass of it.",
    ),
    "E009": (
        "SilentSSOMiddleware is not in MIDDLEWARE after {name}.",
        "Add 'django_silent_sso.middleware.SilentSSOMiddleware' right after AuthenticationMiddleware.",
    ),
    "E010": (
        "The URLs of django_silent_sso are not included.",
        "Add path('oidc/', include('django_silent_sso.urls')) to the URLconf, without a namespace, in place of "
        "mozilla_django_oidc.urls.",
    ),
    "E011": (
        "SILENT_SSO_ORIGIN is not an origin.",
        "Use scheme and host only, for example 'https://site.example', without a path or a final slash.",
    ),
    "E012": (
        "mozilla-django-oidc's SessionRefresh is in MIDDLEWARE beside SilentSSOMiddleware.",
        "Remove it: both would renew the same session.",
    ),
    "E013": ("OIDC_RP_SIGN_ALGO is not supported: {algorithm}", "Use RS256, PS256, ES256 or EdDSA as the OP signs."),
    "E014": (
        "The {name} set by hand is not an https URL.",
        "Endpoints must be https. Plain http is accepted on loopback only.",
    ),
    "E015": ("{name} is not in INSTALLED_APPS.", "Add it."),
    "E016": ("SILENT_SSO_CREDENTIAL_IN_PAGE is not True or False.", "Use a bool."),
    "E017": (
        "OIDC_RP_SIGN_ALGO is symmetric, and OIDC_RP_CLIENT_SECRET is empty.",
        "Anybody could sign an ID Token with an empty secret. Let the OP sign with RS256.",
    ),
    "E018": ("SILENT_SSO_TRUSTED_AUDIENCES is not a tuple of client ids.", "Use a tuple of strings."),
    "E019": ("SILENT_SSO_PUSHED_REQUESTS is not True or False.", "Use a bool."),
    "E020": (
        "SILENT_SSO_RESPONSE_MODE is 'query' with a response type that brings tokens.",
        "Tokens never come in a query: use 'fragment' or 'form_post', or the response type 'code'.",
    ),
    "E021": (
        "SILENT_SSO_CLIENT_AUTH is 'private_key_jwt', and SILENT_SSO_CLIENT_KEY is not set.",
        "Set it to the private key, as PEM text or a JWK, whose public half the OP knows.",
    ),
    "E022": (
        "SILENT_SSO_CLIENT_AUTH is '{name}', and OIDC_RP_CLIENT_SECRET is empty.",
        "Set the client secret that the OP gave.",
    ),
    "E023": ("SILENT_SSO_REVOKE_TOKENS is not True or False.", "Use a bool."),
    "E024": (
        "SILENT_SSO_FEDCM_CONFIG_URL is no address that a browser may ask.",
        "Use the https URL of the OP's FedCM configuration, or None.",
    ),
    "W001": ("SILENT_SSO_ISSUER is plain http: {issuer}", "This is for development on one machine only."),
    "W002": (
        "OIDC_VERIFY_SSL is False: anybody on the network can be the OP.",
        "Set it to the path of a CA bundle if the OP's certificate is signed by your own CA.",
    ),
    "W003": (
        "OIDC_ALLOW_UNSECURED_JWT is ignored.",
        "Unsigned ID Tokens are never accepted. Remove the setting.",
    ),
    "W004": ("{name} weakens a protection and is ignored.", "Nonce, PKCE S256 and key ids are always used."),
    "W005": (
        "OIDC_RP_SIGN_ALGO is symmetric: whoever knows the client secret can sign in as anybody.",
        "Let the OP sign with RS256, PS256, ES256 or EdDSA.",
    ),
    "W006": (
        "SILENT_SSO_POLL_SECONDS is less than 900.",
        "OPs limit how often they are asked; use 900 or more, or leave 'poll' out of SILENT_SSO_MONITOR.",
    ),
    "W007": (
        "The default cache is {backend}: other processes do not see it.",
        "Use a shared cache, so that a response is used once only and one attempt at a time is made per session. "
        "Renewals by refresh token are claimed in the database and need none.",
    ),
    "W008": (
        "SILENT_SSO_LINK_USERS_BY is 'email': whoever can set that address at the OP takes over the account.",
        "Use 'verified_email' or 'subject'.",
    ),
    "W009": (
        "OIDC_RP_IDP_SIGN_KEY is set: the OP cannot replace this key.",
        "Leave it out where the OP publishes its keys.",
    ),
    "W010": ("ALLOW_LOGOUT_GET_METHOD is ignored.", "A link must not sign anybody out. Use the sign-out tag's form."),
    "W011": (
        "OIDC_AUTH_REQUEST_EXTRA_PARAMS sets {name}, which is ignored.",
        "Extra parameters never replace what protects or routes the request.",
    ),
    "W012": (
        "{name} is ignored.",
        "Sign-in has views of its own here; put site-specific behaviour into a subclass of SilentSSOBackend.",
    ),
    "W013": (
        "ALLOWED_HOSTS accepts every host, and SILENT_SSO_ORIGIN is not set.",
        "Redirect URIs are built from the Host header: name the site's origin.",
    ),
    "W014": (
        "Sessions are kept in signed cookies.",
        "A sign-out at the OP reaches them at the cost of a database query for each request, and 4 kB is little for "
        "tokens: prefer database sessions.",
    ),
    "W015": ("{name} is not a setting of django_silent_sso.", "Look for a typing mistake in the settings reference."),
    "W016": ("OIDC_RP_SCOPES has no 'openid'.", "It is added to every request; write it, so that readers know."),
    "W017": (
        "Sessions are kept in a cache of each process' own ({name}).",
        "A sign-out at the OP ends them in one process only. Use a cache that all processes share, or the database.",
    ),
    "W018": (
        "The OP's own session is never asked about while refresh tokens renew ours.",
        "At some OPs refresh tokens outlive the user's sign-out there, which is then noticed only if the OP calls the "
        "logout endpoints. Let SILENT_SSO_ASK_OP_AFTER_SECONDS be more than 0, and 'redirect' stand in "
        "SILENT_SSO_RENEW_WITH.",
    ),
    "W019": (
        "SILENT_SSO_MONITOR has 'check_session', and nobody says where the OP's frame is.",
        "With all endpoints set by hand there is no discovery: set OIDC_OP_CHECK_SESSION_ENDPOINT too.",
    ),
}
