"""The examination of the live OP, in its order: what it publishes, what it answers, what it knows of us."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import NoReverseMatch, reverse

from django_silent_sso.conf import conf
from django_silent_sso.examination import announced, calls, documents
from django_silent_sso.examination.asking import Asking
from django_silent_sso.examination.findings import Finding, finding
from django_silent_sso.examination.silent_request import SilentRequest
from django_silent_sso.protocol.provider_metadata import ProviderMetadata

__all__ = ["examine"]

CLOCK_STEP = 1  # seconds; a Date header cannot tell less


def examine(origin: str | None, seconds: float) -> Iterator[Finding]:
    """Ask the OP for at most `seconds`, and tell what will and what will not work with it.

    `origin`: this site's own, as its redirect URI begins; without it no request is tried. Nothing of the OP's and
    nothing of this site's is changed; no secret is in a finding.
    """
    if not conf.configured:
        yield finding("not_configured")
        return
    asking = Asking(seconds)
    said, about_it = documents.document(asking)
    yield about_it
    if not said and conf.needs_discovery:
        return
    found = documents.metadata(said)
    if isinstance(found, Finding):
        yield found
        return
    yield documents.connection()
    yield from documents.endpoints(found)
    yield from documents.keys(asking, found)
    yield from announced.algorithm(said)
    yield from announced.requests(said, found)
    yield from announced.client_method(said)
    yield from _asked(asking, found, origin)
    yield calls.check_session(asking, found, origin)
    home = origin or "https://<site>"
    uris = (f"{home}{_path(f'silent_sso_{way}channel_logout')}" for way in ("back", "front"))
    yield from announced.sessions(said, found, *uris)
    yield from _time(asking)


def _asked(asking: Asking, found: ProviderMetadata, origin: str | None) -> Iterator[Finding]:
    path = _path(conf.callback_url_name)
    if not path:
        yield finding("urls_missing")
        return
    if origin is not None:
        request = SilentRequest(asking, found, origin, origin + path)
        yield from request.findings()
        yield from request.frames()
        yield announced.sites(origin, found)
    else:
        yield finding("origin_unknown")
    yield from calls.client(asking, found, f"{origin or 'https://site.invalid'}{path}")


def _path(name: str) -> str:
    """ "" where a site has not included our URLs (django_silent_sso.E010)."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _time(asking: Asking) -> Iterator[Finding]:
    if asking.clock is None:
        yield finding("clock_unknown")
    else:
        seconds = abs(asking.clock)
        differs = seconds > conf.leeway + CLOCK_STEP
        yield finding("clock_differs" if differs else "clock_agrees", seconds=round(seconds), leeway=conf.leeway)
    if asking.time_is_up:
        yield finding("time_is_up")
