"""Marks on views, and a guard for them. For plain views, asynchronous ones, and classes by `method_decorator`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, TypeVar

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse

from django_silent_sso.browser import kind_of
from django_silent_sso.conf import conf
from django_silent_sso.flows.kept_form import resend_page
from django_silent_sso.policy import MAX_HOPS, Kind
from django_silent_sso.protocol.errors import Reason, StorageUnavailable
from django_silent_sso.protocol.step_up import Authentication, Demand
from django_silent_sso.responses import Page, SignInRequired, challenge
from django_silent_sso.storage.marks import read_marks
from django_silent_sso.storage.rp_session import RPSession
from django_silent_sso.views.endpoint import error_page
from django_silent_sso.views.sign_in import leave_for_op, not_confirmed, start_url

__all__ = ["EXEMPT_MARK", "recent_sign_in_required", "silent_sso_exempt"]

EXEMPT_MARK = "silent_sso_exempt"

View = TypeVar("View", bound=Callable[..., Any])


def silent_sso_exempt(view: View) -> View:
    """The middleware lets requests for this view pass: no round trip, no 401.

    For a class-based view, wrap `as_view()` or its `dispatch` by `method_decorator`.
    """
    wrapper: Any
    if iscoroutinefunction(view):

        @wraps(view)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await view(*args, **kwargs)

    else:

        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return view(*args, **kwargs)

    setattr(wrapper, EXEMPT_MARK, True)
    marked: View = wrapper
    return marked


def recent_sign_in_required(*, max_age: int, acr: str | Iterable[str] | None = None) -> Callable[[View], View]:
    """The user must have signed in at the OP at most `max_age` seconds ago and, with `acr`, at one of these levels.

    Asked are `auth_time` and `acr` of the ID Token (Core 2): neither a silent renewal nor a session just opened makes a
    sign-in recent (U16). Who does not meet them is asked by the OP (Core 3.1.2.1) and comes back to the page; a form is
    kept and sent again, a script gets a 401. `SILENT_SSO_LEEWAY_SECONDS` is added for the clocks.

    Raises `ValueError` for a `max_age` that is no number of seconds and an `acr` that is empty or has spaces.
    """
    demand = Demand.of(max_age, acr)

    def decorate(view: View) -> View:
        wrapper: Any
        if _is_asynchronous(view):

            @wraps(view)
            async def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                refusal = await _arefusal(request, demand)
                return await view(request, *args, **kwargs) if refusal is None else refusal

        else:

            @wraps(view)
            def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                refusal = _refusal(request, demand)
                return view(request, *args, **kwargs) if refusal is None else refusal

        guarded: View = wrapper
        return guarded

    return decorate


def _is_asynchronous(view: Any) -> bool:
    """Whether calling `view` gives something to await.

    `method_decorator` hands a decorator the class's `dispatch`, bound to its instance inside a `partial`, perhaps
    wrapped by others: a plain function that gives back what the asynchronous `get` gave.
    """
    while view is not None:
        method = getattr(view, "func", view)
        if iscoroutinefunction(view) or getattr(getattr(method, "__self__", None), "view_is_async", False):
            return True
        view = getattr(view, "__wrapped__", None)
    return False


def _refusal(request: HttpRequest, demand: Demand) -> HttpResponse | None:
    """What is answered in the place of the view; None: the view itself."""
    if not RPSession.is_readable(request.session):
        return _unreadable(request)
    if request.user.is_authenticated and _is_met(request, demand):
        return None
    return _ask(request, demand)


async def _arefusal(request: HttpRequest, demand: Demand) -> HttpResponse | None:
    readable = await RPSession.ais_readable(request.session)
    if not readable:
        return await sync_to_async(_unreadable)(request)
    user: Any = await request.auser()
    if user.is_authenticated and _is_met(request, demand):
        return None
    return await sync_to_async(_ask)(request, demand)


def _is_met(request: HttpRequest, demand: Demand) -> bool:
    found = RPSession.read(request.session)  # none of a session that a password opened: the OP said nothing of it
    known = Authentication() if found is None else Authentication(found.auth_time, found.acr)
    return demand.is_met_by(known, time.time(), conf.leeway)


def _unreadable(request: HttpRequest) -> HttpResponse:
    return error_page(request, StorageUnavailable(Reason.STORAGE_UNAVAILABLE, "the session cannot be loaded"))


def _ask(request: HttpRequest, demand: Demand) -> HttpResponse:
    reason = Reason.RECENT_SIGN_IN_REQUIRED
    kind, here = kind_of(request), request.get_full_path()
    if kind is Kind.DOCUMENT:
        if read_marks(request).recent_hops(time.time()) < MAX_HOPS:
            return leave_for_op(request, here, demand)
        # Answers that satisfied the callback, and never this page: a lost session, or two guards that contradict.
        return not_confirmed(request, Reason.LOOP_STOPPED, demand, here, status=403)
    if kind is Kind.FORM:
        kept = resend_page(request, reason, start_url=lambda end: start_url(end, demand))
        if kept is not None:
            return kept
        page = Page(request, "confirm.html", status=401, reason=reason, again=start_url(None, demand))
        challenge(page, request, reason)
        return page
    return SignInRequired(request, reason, sign_in_url=start_url(None, demand))
