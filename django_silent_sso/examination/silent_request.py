"""A real silent Authentication Request (Core 3.1.2.1), from here and so without cookies: what comes back?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import unquote, urlsplit

from django_silent_sso.conf import conf
from django_silent_sso.examination.asking import Asking
from django_silent_sso.examination.findings import Finding, finding
from django_silent_sso.examination.journeys import Journey, forbids_framing, travel
from django_silent_sso.op import pushed
from django_silent_sso.protocol.authentication_request import AuthenticationRequest, Prompt, new_secret, with_query
from django_silent_sso.protocol.errors import OPRefused, SilentSSOError, plain_error_code
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

__all__ = ["SilentRequest"]

WEB_MESSAGE: Final = "web_message"
NOBODY: Final = ("interaction_required", "account_selection_required", "consent_required")
ADVICE: Final = {
    "unauthorized_client": "Let the provider allow this client the response type and the grant it asks for.",
    "invalid_scope": "Correct OIDC_RP_SCOPES.",
    "unsupported_response_type": "Set SILENT_SSO_RESPONSE_TYPE to one the provider has.",
    "access_denied": "Look at the provider who may use this client.",
}
OTHERWISE: Final = "Compare the client's registration at the provider with the settings; look into the provider's log."
BELOW: Final = "silent-sso-check/"  # below our redirect URI, where nobody has registered anything
UNREADABLE: Final = "not-a-token"


@dataclass(frozen=True, slots=True)
class SilentRequest:
    """The request that a hidden frame would make, asked by ourselves. `origin`: this site's own."""

    asking: Asking
    found: ProviderMetadata
    origin: str
    redirect_uri: str

    def findings(self) -> Iterator[Finding]:
        wish = self._wish()
        began = time.monotonic()
        try:
            journey = self._travel(wish)
        except SilentSSOError as error:
            word = "pushed_requests_refused" if isinstance(error, OPRefused) else "silent_no_answer"
            yield finding(word, reason=getattr(error, "error", None) or error.reason)
            return
        milliseconds = round((time.monotonic() - began) * 1000)
        if pushed.is_used(self.found):
            yield finding("pushed_requests_used")
        if not journey.arrived:
            yield self._page(journey)
            return
        yield self._word(journey, milliseconds)
        yield from self._details(wish, journey)
        yield from self._redirect_uri_is_checked(wish)
        yield from self._hint(wish, journey)

    def frames(self) -> Iterator[Finding]:
        """What a hidden frame would meet; `findings()` has told whether there is anything to meet."""
        try:
            journey = self._travel(self._wish())
            if journey.came in ("query", "fragment"):
                refused = forbids_framing(journey.answer, self.origin)
                yield finding("frame_header_on_redirect" if refused else "frame_answer_passes")
                journey = self._travel(replace(self._wish(), prompt=None))
            if not journey.arrived:
                refused = forbids_framing(journey.answer, self.origin)
                yield finding("frame_page_refused" if refused else "frame_page_allowed")
            yield from self._web_message()
        except SilentSSOError:
            return  # told by `findings()`, or time is up

    def _wish(self) -> AuthenticationRequest:
        return AuthenticationRequest(
            client_id=conf.client_id or "",
            redirect_uri=self.redirect_uri,
            scope=conf.scope,
            state=f"t.{new_secret()}",
            nonce=new_secret(),
            code_verifier=new_secret(),
            response_type=conf.response_type,
            response_mode=None if conf.response_mode == WEB_MESSAGE else conf.response_mode,
            prompt=Prompt.NONE,
            extra={name: value for name, value in conf.extra_parameters.items() if name != "max_age"},
        )

    def _travel(self, wish: AuthenticationRequest) -> Journey:
        url = wish.to_url(self.found.authorization_endpoint)
        if pushed.is_used(self.found):
            reference = {"client_id": wish.client_id, "request_uri": pushed.push(self.found, wish.parameters())}
            url = with_query(self.found.authorization_endpoint, reference)
        return travel(self.asking, url, wish.redirect_uri, wish.state)

    def _page(self, journey: Journey) -> Finding:
        status, parts = journey.answer.status, urlsplit(journey.url)
        word = "silent_page"
        if status >= 500:
            word = "silent_server_error"
        elif status >= 400:
            word = "silent_not_registered"
        return finding(
            word,
            status=status,
            where=f"{parts.netloc}{parts.path}",
            client_id=conf.client_id,
            redirect_uri=self.redirect_uri,
        )

    def _word(self, journey: Journey, milliseconds: int) -> Finding:
        if "error" not in journey.parameters:
            return finding("silent_success")
        error = plain_error_code(journey.parameters["error"])
        if error == "login_required":
            return finding("silent_answered", error=error, redirect_uri=self.redirect_uri, milliseconds=milliseconds)
        if error in NOBODY:
            return finding("silent_other_word", error=error, milliseconds=milliseconds)
        return finding("silent_refused", error=error, advice=ADVICE.get(error, OTHERWISE))

    def _details(self, wish: AuthenticationRequest, journey: Journey) -> Iterator[Finding]:
        wanted = wish.response_mode or ("query" if wish.response_type == "code" else "fragment")
        if journey.came != wanted:
            yield finding("silent_other_mode", came=journey.came, wanted=wanted)
        same = journey.parameters.get("state") == wish.state
        yield finding("state_returned" if same else "state_not_returned")
        iss = journey.parameters.get("iss")
        if iss is None:
            yield finding("iss_not_on_errors" if self.found.iss_parameter_supported else "iss_not_sent")
        else:  # one OP encodes it twice in a form; the parser takes it as well
            same = self.found.issuer in (iss, unquote(iss))
            yield finding("iss_sent" if same else "iss_differs")

    def _redirect_uri_is_checked(self, wish: AuthenticationRequest) -> Iterator[Finding]:
        """An OP that takes what begins like ours, or anything, gives codes away (RFC 9700 4.1.3)."""
        try:
            elsewhere = self._travel(replace(wish, redirect_uri=wish.redirect_uri + BELOW)).arrived
        except OPRefused:
            elsewhere = False
        except SilentSSOError:
            return
        word = "redirect_uri_not_checked" if elsewhere else "redirect_uri_checked"
        yield finding(word, redirect_uri=self.redirect_uri)

    def _hint(self, wish: AuthenticationRequest, before: Journey) -> Iterator[Finding]:
        try:
            error = self._travel(replace(wish, id_token_hint=UNREADABLE)).parameters.get("error")
        except OPRefused as refused:
            error = refused.error
        except SilentSSOError:
            return
        if error == before.parameters.get("error"):
            yield finding("hint_unreadable_ignored")
        else:
            yield finding("hint_unreadable_refused", error=plain_error_code(error or "a page"))

    def _web_message(self) -> Iterator[Finding]:
        if WEB_MESSAGE not in self.found.response_modes_supported and conf.response_mode != WEB_MESSAGE:
            yield finding("web_message_not_announced")
            return
        journey = self._travel(replace(self._wish(), response_mode=WEB_MESSAGE))
        if journey.came != WEB_MESSAGE:
            yield finding("web_message_does_not_work", came=journey.came)
        else:
            refused = forbids_framing(journey.answer, self.origin)
            yield finding("web_message_refused_in_frames" if refused else "web_message_works")
