"""Findings about how an OP answers: level, group, text, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ANSWERED"]

OK, WARNING, ERROR = "OK", "WARNING", "ERROR"

ANSWERED: Final[Mapping[str, tuple[str, str, str, str]]] = {
    # -- silent sign-in ------------------------------------------------------------------------------------------------
    "origin_unknown": (
        WARNING,
        "silent",
        "No request was tried: the redirect URI depends on this site's address.",
        "Set SILENT_SSO_ORIGIN, or give the address: manage.py check_op --origin https://site.example",
    ),
    "urls_missing": (
        ERROR,
        "silent",
        "No request was tried: the URLs of this app are not included.",
        "Run manage.py check.",
    ),
    "silent_answered": (
        OK,
        "silent",
        "prompt=none is answered at {redirect_uri}: nobody is signed in ({error}), in {milliseconds} ms.",
        "",
    ),
    "silent_other_word": (
        OK,
        "silent",
        "'Nobody is signed in' is called {error} here, in place of login_required ({milliseconds} ms). It is dealt "
        "with as such by default (SILENT_SSO_AFTER_ERROR).",
        "",
    ),
    "silent_refused": (
        ERROR,
        "silent",
        "prompt=none is refused with {error}.",
        "{advice}",
    ),
    "silent_success": (
        WARNING,
        "silent",
        "A request without any cookie was answered with a sign-in.",
        "Whoever comes from this server's network is somebody there. If that is not meant, ask the provider.",
    ),
    "silent_page": (
        WARNING,
        "silent",
        "prompt=none is answered with a page (HTTP {status} at {where}), not at our redirect URI: hidden frames are "
        "given up after a moment, and a whole page that is sent there would stay there.",
        "If the page says that client or redirect URI is unknown, register {redirect_uri}. If it is a sign-in page, "
        "the provider answers nobody else: SILENT_SSO_VISITORS = 'frame' or 'off', SILENT_SSO_TOP_LEVEL_HOP = 'never', "
        "SILENT_SSO_RENEW_WITH = ('refresh_token',).",
    ),
    "silent_not_registered": (
        ERROR,
        "silent",
        "The provider refuses the request with a page (HTTP {status}): it does not know this client, or this "
        "redirect URI.",
        "Register this redirect URI for the client {client_id}: {redirect_uri}",
    ),
    "silent_server_error": (
        ERROR,
        "silent",
        "prompt=none makes the provider fail (HTTP {status}).",
        "Look into its log. Until it is mended: SILENT_SSO_VISITORS = 'off', SILENT_SSO_TOP_LEVEL_HOP = 'never', "
        "SILENT_SSO_RENEW_WITH = ('refresh_token',). django-oauth-toolkit needs a validator of its own for "
        "prompt=none.",
    ),
    "silent_no_answer": (
        ERROR,
        "silent",
        "prompt=none got no answer ({reason}).",
        "Look whether browsers and this server can reach the authorization endpoint.",
    ),
    "silent_other_mode": (
        ERROR,
        "silent",
        "The answer came by {came}, and '{wanted}' was asked for.",
        "Set SILENT_SSO_RESPONSE_MODE to what the provider does, or leave it out.",
    ),
    "state_returned": (OK, "silent", "state comes back with errors.", ""),
    "state_not_returned": (
        ERROR,
        "silent",
        "state does not come back with errors, as it was sent: no refusal can be matched to its request.",
        "Nothing here helps: ask the provider (RFC 6749 4.1.2.1).",
    ),
    "iss_sent": (OK, "silent", "iss comes with errors, and is right (RFC 9207).", ""),
    "iss_not_on_errors": (
        OK,
        "silent",
        "iss is announced and does not come with errors; only sign-ins need it here.",
        "",
    ),
    "iss_not_sent": (OK, "silent", "iss is neither announced nor sent: it is not asked for.", ""),
    "iss_differs": (
        ERROR,
        "silent",
        "iss comes with another value than SILENT_SSO_ISSUER: every answer is refused.",
        "Set SILENT_SSO_ISSUER to what the provider calls itself, to the letter.",
    ),
    "redirect_uri_checked": (OK, "silent", "A redirect URI that is not registered is refused.", ""),
    "redirect_uri_not_checked": (
        ERROR,
        "silent",
        "A redirect URI that this site never has is accepted: the provider sends answers anywhere below it.",
        "Register the whole redirect URI, without wildcards: {redirect_uri}",
    ),
    "hint_unreadable_ignored": (OK, "silent", "A hint (id_token_hint) that cannot be read is passed over.", ""),
    "hint_unreadable_refused": (
        OK,
        "silent",
        "A hint (id_token_hint) that cannot be read is refused with {error}; we then ask once more without.",
        "",
    ),
    "max_age_is_asked": (
        WARNING,
        "silent",
        "OIDC_AUTH_REQUEST_EXTRA_PARAMS holds max_age: some providers end the user's session over it.",
        "It is left out of silent requests; use recent_sign_in_required() for pages that need a recent sign-in.",
    ),
    # -- hidden frames and web_message ---------------------------------------------------------------------------------
    "frame_answer_passes": (OK, "frames", "The answer is a redirect: it passes through a hidden frame.", ""),
    "frame_header_on_redirect": (
        OK,
        "frames",
        "The redirect forbids framing; browsers look at that on pages only, so it passes through a hidden frame.",
        "",
    ),
    "frame_page_refused": (
        OK,
        "frames",
        "Pages of the provider may not be framed: a frame that is to show one is given up after a second.",
        "",
    ),
    "frame_page_allowed": (
        WARNING,
        "frames",
        "A page of the provider that asks for a password may be put into frames of other sites.",
        "Ask the provider for frame-ancestors (clickjacking).",
    ),
    "web_message_works": (
        OK,
        "frames",
        "web_message works: SILENT_SSO_RESPONSE_MODE = 'web_message' saves one page in each hidden frame.",
        "",
    ),
    "web_message_refused_in_frames": (
        WARNING,
        "frames",
        "The web_message page may not be framed, so nobody can hear it.",
        "Leave SILENT_SSO_RESPONSE_MODE out, or ask the provider to take X-Frame-Options off that one page.",
    ),
    "web_message_does_not_work": (
        WARNING,
        "frames",
        "web_message is announced and answered in another way ({came}).",
        "Leave SILENT_SSO_RESPONSE_MODE out.",
    ),
    "web_message_not_announced": (OK, "frames", "web_message is not announced; hidden frames end on our own page.", ""),
    "check_session_works": (
        OK,
        "frames",
        "There is a check_session frame, and it may be framed: SILENT_SSO_MONITOR may hold 'check_session'. Whether it "
        "tells the truth only a browser can see (the doctor page).",
        "",
    ),
    "check_session_broken": (
        WARNING,
        "frames",
        "The check_session frame cannot be used: {problem}.",
        "Leave 'check_session' out of SILENT_SSO_MONITOR.",
    ),
    "check_session_missing": (
        WARNING,
        "frames",
        "SILENT_SSO_MONITOR holds 'check_session', and the provider has no such frame.",
        "Leave it out; 'visible' asks when a tab comes back.",
    ),
    "check_session_absent": (OK, "frames", "There is no check_session frame, and none is asked for.", ""),
    "same_host": (OK, "frames", "Site and provider are on one site: {ours} and {theirs}. Frames get every cookie.", ""),
    "other_site": (
        WARNING,
        "frames",
        "Site and provider are on different sites: {ours} and {theirs}. In a hidden frame Safari, and whoever blocks "
        "third-party cookies, holds the provider's cookie back.",
        "The provider's session cookie has to be SameSite=None; Secure (it cannot be seen from here). "
        "SILENT_SSO_TOP_LEVEL_HOP ('known', 'always') lets the page make one trip where a frame cannot know.",
    ),
    "site_unknown": (
        OK,
        "frames",
        "Whether {ours} and {theirs} are one site cannot be known without the public suffix list. If not, the "
        "provider's session cookie has to be SameSite=None; Secure, which cannot be seen from here. Ask a browser: "
        "the doctor page.",
        "",
    ),
    # -- this client at the OP's endpoints -----------------------------------------------------------------------------
    "client_method_announced": (OK, "client", "{method} is announced for the token endpoint.", ""),
    "client_method_not_announced": (
        WARNING,
        "client",
        "{method} is not announced for the token endpoint; announced are: {announced}.",
        "Set SILENT_SSO_CLIENT_AUTH to the one this client is registered with.",
    ),
    "client_accepted": (
        OK,
        "client",
        "The token endpoint knows this client and its credentials (a made-up code was answered with {error}).",
        "",
    ),
    "client_refused": (
        ERROR,
        "client",
        "The token endpoint refuses this client ({error}).",
        "Compare OIDC_RP_CLIENT_ID, OIDC_RP_CLIENT_SECRET and SILENT_SSO_CLIENT_AUTH with the provider's registration.",
    ),
    "client_unclear": (
        WARNING,
        "client",
        "The token endpoint answered a made-up code with {error}: whether the credentials are right is not known.",
        "Sign in once and look into the log.",
    ),
    "client_without_credentials": (
        ERROR,
        "client",
        "This client cannot prove who it is: {detail}.",
        "Run manage.py check, and look at SILENT_SSO_CLIENT_AUTH.",
    ),
}
