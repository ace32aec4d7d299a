"""An examination of the programmable OP, as tests ask for it."""

from __future__ import annotations

from django_silent_sso.examination.asking import Asking
from django_silent_sso.examination.examine import examine
from django_silent_sso.examination.findings import Finding
from django_silent_sso.examination.silent_request import SilentRequest
from django_silent_sso.op import provider as op
from django_silent_sso.testing import OpenIDProvider

ORIGIN = "https://site.example"
REDIRECT_URI = f"{ORIGIN}/oidc/callback/"
SECONDS = 20


def registered(provider: OpenIDProvider) -> OpenIDProvider:
    """With our one redirect URI, as a good OP wants it."""
    provider.add_client(provider.client_id, provider.client_secret, redirect_uris=(REDIRECT_URI,))
    return provider


def found(origin: str | None = ORIGIN, seconds: float = SECONDS) -> dict[str, Finding]:
    """All findings, by their word; none comes twice."""
    everything = list(examine(origin, seconds))
    by_word = {item.id: item for item in everything}
    assert len(by_word) == len(everything)
    return by_word


def silent(asking: Asking | None = None) -> SilentRequest:
    """The silent request alone."""
    return SilentRequest(asking or Asking(SECONDS), op.metadata(), ORIGIN, REDIRECT_URI)
