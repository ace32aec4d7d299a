"""A silent attempt that a page brings along, so that its script need not ask for one first.

Only for a page that nobody else is given: what it holds is for one browser, once. It is begun while the page is made;
the middleware sets the cookies that the answer will need, and no cache may keep the page.
"""

from __future__ import annotations

import time

from django.http import HttpRequest

from django_silent_sso.browser import kind_of
from django_silent_sso.details import SilentSSO
from django_silent_sso.flows.begin import Begun, begin, beginning_is_cheap
from django_silent_sso.flows.obstacles import LOAD, obstacle
from django_silent_sso.policy import Kind
from django_silent_sso.protocol.errors import SilentSSOError
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.pending import FRAME

__all__ = ["ready_attempt"]

BEGUN = "_silent_sso_begun"
WHEREVER = "/"  # a frame's attempt leads to no page


def ready_attempt(request: HttpRequest) -> dict[str, str] | None:
    """What `silent/` would answer, or None where it would refuse, or where the page would have to wait for the OP."""
    if request.method != "GET" or kind_of(request) is not Kind.DOCUMENT or not beginning_is_cheap(WHEREVER):
        return None
    details: SilentSSO | None = getattr(request, "silent_sso", None)
    if details is None:  # no middleware, nobody to remember it
        return None
    begun: Begun | None = getattr(request, BEGUN, None)  # the tag may stand in a page twice
    if begun is None:
        now, marks = time.time(), read_marks(request)
        if obstacle(request, marks, now, transport=FRAME, trigger=LOAD)[0] is not None:
            return None
        try:
            begun = begin(request, silent=True, transport=FRAME, return_to=WHEREVER, marks=marks)
        except SilentSSOError:
            return None  # `silent/` says why, to a script that asks
        setattr(request, BEGUN, begun)
        details.begun.append(begun)
    return {"authorization_url": begun.url, "attempt": begun.pending.state}
