"""Sign-out: here first, then at the OP (RP-Initiated Logout 1.0)."""

from __future__ import annotations

import time
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_protect

from django_silent_sso.flows import sign_out_return
from django_silent_sso.flows.sign_out import sign_out
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.responses import Redirect
from django_silent_sso.storage import pending as pending_store
from django_silent_sso.storage.marks import read_marks, write_marks
from django_silent_sso.views.endpoint import endpoint

__all__ = ["logout"]

# Files the browser has kept of pages which only the user was to see. Chromium's back-forward cache outlives it;
# there the page's script asks. Nothing else: "cookies" would take those of the whole domain, "storage" what the site's
# own scripts keep for visitors too.
CLEARED: Final = '"cache"'


@endpoint("POST", csrf=True)
@csrf_protect
def logout(request: HttpRequest) -> HttpResponse:
    """Sign out; nothing silent is tried until the user signs in again, in no tab (P03, P07)."""
    done = sign_out(request)
    response = Redirect(done.url)
    if done.was_signed_in and request.is_secure():  # browsers ignore it elsewhere
        response["Clear-Site-Data"] = CLEARED
    sign_out_return.expect(request, response, done.state)
    pending_store.forget_all(request, response)
    write_marks(request, response, read_marks(request).silenced(Reason.SIGNED_OUT_BY_USER, time.time()))
    return response
