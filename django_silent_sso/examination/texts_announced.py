"""Findings about what an OP says of itself: level, group, text, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ANNOUNCED"]

OK, WARNING, ERROR = "OK", "WARNING", "ERROR"

ANNOUNCED: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # -- discovery and connection --------------------------------------------------------------------------------------
    "not_configured": (
        ERROR,
        "discovery",
        "SILENT_SSO_ISSUER and OIDC_RP_CLIENT_ID are not both set.",
        "Set them, and run manage.py check.",
    ),
    "discovery_read": (OK, "discovery", "The discovery document names this issuer: {issuer}", ""),
    "discovery_not_needed": (
        OK,
        "discovery",
        "Every endpoint is set by hand: no discovery is made, and what the provider announces is not known.",
        "",
    ),
    "discovery_failed": (
        ERROR,
        "discovery",
        "The discovery document cannot be had ({reason}): {url}",
        "Open that address from this server. The issuer must be the one the provider names itself; with all OIDC_OP_* "
        "endpoints set by hand no discovery is made.",
    ),
    "tls_failed": (
        ERROR,
        "discovery",
        "No TLS connection that can be trusted: {url}",
        "Renew the provider's certificate; for a CA of your own set OIDC_VERIFY_SSL to the path of its bundle.",
    ),
    "discovery_refused": (
        ERROR,
        "discovery",
        "The metadata cannot be used ({reason}): {detail}",
        "The issuer must be equal to the letter, final slash included, and each endpoint https. Correct "
        "SILENT_SSO_ISSUER, or the provider.",
    ),
    "connection_https": (OK, "discovery", "https, and the certificate is checked.", ""),
    "connection_plain": (
        WARNING,
        "discovery",
        "The issuer is plain http on this very machine.",
        "Good for development only.",
    ),
    "connection_unchecked": (
        ERROR,
        "discovery",
        "OIDC_VERIFY_SSL is False: whoever sits on the line can be the provider.",
        "Set it to True, or to the path of a CA bundle.",
    ),
    "endpoints_complete": (OK, "discovery", "Every endpoint that a sign-in needs is there.", ""),
    "endpoint_missing": (
        ERROR,
        "discovery",
        "There is no {name}.",
        "Ask the provider for it and set {setting}.",
    ),
    "clock_agrees": (OK, "discovery", "The provider's clock and ours differ by {seconds} s.", ""),
    "clock_differs": (
        ERROR,
        "discovery",
        "The provider's clock and ours differ by {seconds} s; {leeway} s are allowed (SILENT_SSO_LEEWAY_SECONDS).",
        "Set this server's clock by NTP, or the provider's: tokens are refused.",
    ),
    "clock_unknown": (
        OK,
        "discovery",
        "No answer had a Date header: the provider's clock is not known.",
        "",
    ),
    "time_is_up": (
        WARNING,
        "discovery",
        "Time was up before everything was asked.",
        "Give more with --seconds, or look why the provider is slow.",
    ),
    # -- keys and algorithms -------------------------------------------------------------------------------------------
    "keys_fit": (OK, "keys", "{count} published key(s) can sign with {algorithm}.", ""),
    "keys_not_needed": (OK, "keys", "{algorithm} is checked with the client secret; no published key is needed.", ""),
    "keys_failed": (
        ERROR,
        "keys",
        "The keys cannot be had ({reason}): {url}",
        "Open that address from this server.",
    ),
    "keys_none_fits": (
        ERROR,
        "keys",
        "No published key can sign with {algorithm}; the keys there are for: {others}.",
        "Set OIDC_RP_SIGN_ALGO to what the provider signs this client's ID Tokens with.",
    ),
    "keys_without_names": (
        WARNING,
        "keys",
        "{count} keys fit {algorithm}, and not each has a kid of its own: which one signed cannot be told.",
        "Let the provider give each key a kid.",
    ),
    "algorithm_announced": (OK, "keys", "ID Tokens signed with {algorithm} are announced.", ""),
    "algorithm_not_announced": (
        WARNING,
        "keys",
        "ID Tokens signed with {algorithm} are not announced; announced are: {announced}.",
        "Set OIDC_RP_SIGN_ALGO to the one this client is registered with.",
    ),
    # -- Authentication Requests ---------------------------------------------------------------------------------------
    "response_type_announced": (OK, "requests", "The response type '{wanted}' is announced.", ""),
    "response_type_not_announced": (
        ERROR,
        "requests",
        "The response type '{wanted}' is not announced; announced are: {announced}.",
        "Set SILENT_SSO_RESPONSE_TYPE to one of them, 'code' if it is there.",
    ),
    "response_mode_announced": (OK, "requests", "The response mode '{wanted}' is announced.", ""),
    "response_mode_not_announced": (
        ERROR,
        "requests",
        "The response mode '{wanted}' is not announced; announced are: {announced}.",
        "Leave SILENT_SSO_RESPONSE_MODE out, or set it to one of them.",
    ),
    "pkce_announced": (OK, "requests", "PKCE with S256 is announced.", ""),
    "pkce_not_announced": (
        WARNING,
        "requests",
        "PKCE with S256 is not announced: the challenge we send may be ignored.",
        "Nothing here; the nonce protects the code as well. Ask the provider for PKCE (RFC 9700 2.1.1).",
    ),
    "scopes_announced": (OK, "requests", "The scopes asked for are announced: {wanted}.", ""),
    "scopes_not_announced": (
        WARNING,
        "requests",
        "Asked for, and not announced: the scope(s) {missing}.",
        "Look for a typing mistake in OIDC_RP_SCOPES; the provider may refuse them with invalid_scope.",
    ),
    "prompt_none_not_announced": (
        WARNING,
        "requests",
        "prompt=none is not among the announced prompts: {announced}.",
        "See what it was answered with, below.",
    ),
    "pushed_requests_used": (OK, "requests", "Requests are pushed, and the provider takes them.", ""),
    "pushed_requests_possible": (
        OK,
        "requests",
        "The provider takes pushed requests: SILENT_SSO_PUSHED_REQUESTS keeps them out of the browser's address.",
        "",
    ),
    "pushed_requests_refused": (
        ERROR,
        "requests",
        "Requests are to be pushed, and that failed ({reason}).",
        "Look at the client's secret and redirect URIs at the provider; a provider without the endpoint cannot do it: "
        "SILENT_SSO_PUSHED_REQUESTS = False.",
    ),
    # -- sessions, sign-out, refresh tokens ----------------------------------------------------------------------------
    "sign_out_possible": (
        OK,
        "sessions",
        "There is an end_session_endpoint: a sign-out here reaches the provider.",
        "",
    ),
    "sign_out_impossible": (
        WARNING,
        "sessions",
        "There is no end_session_endpoint: who signs out here stays signed in at the provider.",
        "Set OIDC_OP_LOGOUT_ENDPOINT if there is one that is not announced.",
    ),
    "back_channel_announced": (
        OK,
        "sessions",
        "Back-channel logout is announced. Register {uri}",
        "",
    ),
    "front_channel_announced": (
        OK,
        "sessions",
        "Front-channel logout is announced (no back-channel). Register {uri}",
        "",
    ),
    "logout_not_announced": (
        WARNING,
        "sessions",
        "Neither back- nor front-channel logout is announced (some providers are silent about what they have): a "
        "sign-out there is noticed at the next renewal.",
        "SILENT_SSO_RENEW_AFTER_SECONDS and SILENT_SSO_ASK_OP_AFTER_SECONDS say how soon that is.",
    ),
    "refresh_tokens_announced": (
        OK,
        "sessions",
        "Refresh tokens are announced: stale sessions are renewed on the server. Some providers' outlive the user's "
        "session there, which is why the session itself is asked now and then (SILENT_SSO_ASK_OP_AFTER_SECONDS).",
        "",
    ),
    "refresh_tokens_not_announced": (
        OK,
        "sessions",
        "Refresh tokens are not announced: stale sessions are renewed by a silent round trip.",
        "",
    ),
    "offline_access_asked": (
        WARNING,
        "sessions",
        "The scope offline_access is asked for: such refresh tokens outlive the user's session at the provider.",
        "Leave it out, unless something has to be done for users who are away.",
    ),
    "revocation_missing": (
        WARNING,
        "sessions",
        "SILENT_SSO_REVOKE_TOKENS is on, and the provider has no revocation endpoint.",
        "Turn it off, or ask the provider for RFC 7009.",
    ),
    "auth_time_not_announced": (
        OK,
        "sessions",
        "auth_time is not among the announced claims: try recent_sign_in_required() before relying on it.",
        "",
    ),
}
