"""Renewal by refresh token: on the server, within the request, without any browser hop (Core 12).

One request of a session asks the OP (`storage.single_flight`); the others are served as they are, or wait for the
result where they cannot be. The steps are written once, for both colours: `renew()` calls them, `arenew()` sends those
that touch the database to Django's own thread and those that wait for the OP to others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import asgiref.sync
from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.http import HttpRequest

from django_silent_sso.conf import conf
from django_silent_sso.flows.refresh_grant import Unchecked, refreshed
from django_silent_sso.flows.site_backend import site_backend
from django_silent_sso.flows.written_down import check_it_lives, has_been_ended
from django_silent_sso.op import breaker, health, provider, revocation
from django_silent_sso.protocol.errors import OPRefused, OPUnavailable, Reason, SilentSSOError, TokenError
from django_silent_sso.signals import silent_sign_in_succeeded
from django_silent_sso.storage.logout_index import is_open
from django_silent_sso.storage.rp_session import RPSession, Tokens, claims_to_keep
from django_silent_sso.storage.session_store import alone, reload, save_now
from django_silent_sso.storage.single_flight import Renewal, Turn, finish, look, release, take_turn

__all__ = ["arenew", "may_be_refreshed", "renew"]

logger = logging.getLogger("django_silent_sso.renewal")

MARGIN: Final = 3.0  # seconds a claim holds beyond the calls to the OP it is for
PAUSE: Final = 0.05  # seconds between two looks for another request's result
# Error codes of the token endpoint after which the same refresh token need not be shown again (RFC 6749 5.2).
OF_NO_USE: Final = frozenset(
    {"invalid_grant", "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_grant_type"}
)


@dataclass(frozen=True, slots=True)
class Step:
    """A function to call, after so many seconds. `slow`: it waits for the OP, and touches no database."""

    function: Callable[[], Any]
    seconds: float = 0.0
    slow: bool = False


Steps = Generator[Step, Any, Reason]
Need = Callable[[RPSession], bool]


def renew(request: HttpRequest, needed: Need, *, patient: bool) -> Reason:
    """Renew the session by its refresh token: `renewed`, or why not.

    `needed`: whether a sign-in has to be renewed at all; another request may have done it. `patient`: wait for the
    result of one that is at it (else the reason is attempt_under_way).
    """
    steps = _steps(request, needed, patient=patient)
    try:
        step = next(steps)
        while True:
            try:
                if step.seconds:
                    time.sleep(step.seconds)
                result = step.function()
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        reason: Reason = end.value
        return reason


async def arenew(request: HttpRequest, needed: Need, *, patient: bool) -> Reason:
    """`renew()` on the event loop, which no step holds up."""
    steps = _steps(request, needed, patient=patient)
    try:
        step = next(steps)
        while True:
            try:
                result = await _awaited(step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        reason: Reason = end.value
        return reason


async def _awaited(step: Step) -> Any:
    if step.seconds:
        await asyncio.sleep(step.seconds)
    # One thread for all that touches the database, as Django has it; others for what waits for the OP.
    return await asgiref.sync.sync_to_async(step.function, thread_sensitive=not step.slow)()


def may_be_refreshed(session: RPSession | None, now: float) -> bool:
    """Whether there is a refresh token, and a row to claim the renewal in."""
    return session is not None and bool(session.handle and session.tokens(now).refresh_token)


def _steps(request: HttpRequest, needed: Need, *, patient: bool) -> Steps:
    try:
        return (yield from _until_settled(request, needed, patient=patient))
    except OPUnavailable as error:
        return error.reason
    except DatabaseError as error:
        logger.error("storage_unavailable: a renewal could not be claimed or kept (%s)", type(error).__name__)
        return Reason.STORAGE_UNAVAILABLE


def _until_settled(request: HttpRequest, needed: Need, *, patient: bool) -> Steps:
    longest = 2 * conf.timeout + MARGIN  # a call for tokens, and perhaps one for keys
    began = time.time()
    pause = 0.0
    # Whoever waits outlasts a claim whose owner was killed, and the renewal that follows it.
    while time.time() - began < longest + conf.timeout:
        before = RPSession.read(request.session)
        if before is None or not may_be_refreshed(before, began):
            return Reason.NOT_SIGNED_IN
        if not needed(before):
            return Reason.RENEWED
        turn: Turn = yield Step(partial(_turn, before, longest), seconds=pause)
        if turn.owner is not None:
            return (yield from _in_turn(request, before, turn.owner))
        if turn.over:
            return Reason.VOIDED_BY_SIGN_OUT
        if not turn.exists:
            unlisted: Reason = yield Step(partial(_without_row, request))
            return unlisted
        if turn.done is not None:
            reason: Reason = yield Step(partial(_take_over, request, turn.done))
            if reason is not Reason.RENEWED:
                return reason
        elif not patient:
            return Reason.ATTEMPT_UNDER_WAY
        pause = PAUSE
    return Reason.OP_TIMEOUT


def _without_row(request: HttpRequest) -> Reason:
    """Ended by the OP meanwhile; or its row was lost, and a round trip has to write the session down anew."""
    try:
        current = RPSession.read(request.session) if reload(request.session) else None
        if current is None or has_been_ended(current):
            return Reason.VOIDED_BY_SIGN_OUT
        replace(current, handle="").write(request.session)
        save_now(request.session)
    except SilentSSOError as error:
        return error.reason
    return Reason.NOT_SIGNED_IN


def _turn(before: RPSession, seconds: float) -> Turn:
    now = time.time()
    if breaker.is_open(conf.issuer or "", now):
        turn = look(before.handle, before.generation, now)  # a result may have come before the OP failed
        if turn.exists and turn.done is None and not turn.over:
            raise OPUnavailable(Reason.OP_UNREACHABLE, "it failed a moment ago")
        return turn
    return take_turn(before.handle, before.generation, now, seconds)


def _in_turn(request: HttpRequest, before: RPSession, owner: str) -> Steps:
    """It is our turn, and nobody else's until we say what has come of it."""
    try:
        renewal = yield Step(partial(_ask, before), slow=True)
    except SilentSSOError as error:
        logger.warning("%s: not renewed by refresh token", error.reason)
        if not _is_final(error):
            yield Step(partial(release, before.handle, owner))
            return error.reason
        without = replace(before.tokens(time.time()), refresh_token="")
        renewal = Renewal(generation=before.generation + 1, verified_at=before.verified_at, tokens=without)
        yield Step(partial(_keep, request, before, renewal))
        return error.reason
    reason: Reason = yield Step(partial(_keep, request, before, renewal))
    voided = reason is Reason.VOIDED_BY_SIGN_OUT and conf.revoke_tokens
    # Not where only the session has moved: whoever has it now finds the tokens in the row.
    if voided and not (yield Step(partial(is_open, before.handle))):
        yield Step(partial(_withdraw, renewal.tokens), slow=True)
    return reason


def _withdraw(tokens: Tokens) -> None:
    """They came when nobody was signed in any more, and the sign-out knew nothing of them."""
    with suppress(SilentSSOError):
        endpoint = provider.metadata().revocation_endpoint
        if endpoint is not None and health.reachable(endpoint):
            revocation.revoke(endpoint, refresh_token=tokens.refresh_token, access_token=tokens.access_token)


def _is_final(error: SilentSSOError) -> bool:
    """Whether the refresh token is of no use any more (RFC 6749 5.2), or its answers are of no use to us."""
    return isinstance(error, TokenError) or (isinstance(error, OPRefused) and error.error in OF_NO_USE)


def _ask(before: RPSession) -> Renewal:
    """One call to the token endpoint (Core 12.1), and its answer checked (Core 12.2)."""
    issuer = conf.issuer or ""
    try:
        tokens, id_token = refreshed(before, before.tokens(time.time()))
    except Unchecked as error:
        logger.warning("%s: the new tokens cannot be checked yet", error.reason)
        return Renewal(generation=before.generation + 1, verified_at=before.verified_at, tokens=error.tokens)
    except OPUnavailable as error:
        breaker.failed(issuer, time.time(), error.retry_after)
        raise
    except OPRefused as error:
        if not _is_final(error):  # a fault of our settings, or of the moment: not to be met with every request (C11)
            breaker.failed(issuer, time.time())
        raise
    now = time.time()
    breaker.heard(issuer, now)
    return Renewal(
        generation=before.generation + 1,
        verified_at=now,
        tokens=tokens,
        claims={} if id_token is None else claims_to_keep(id_token.claims),
    )


def _keep(request: HttpRequest, before: RPSession, renewal: Renewal) -> Reason:
    """Leave the result for the others first, then write it into the session: one that is lost there is found here."""
    now = time.time()
    if not finish(before.handle, renewal, now, now + request.session.get_expiry_age()):
        logger.info("renewed in vain: the session was signed out meanwhile, or somebody else was faster")
        faster = take_turn(before.handle, before.generation, now, 0).done
        return Reason.VOIDED_BY_SIGN_OUT if faster is None else _take_over(request, faster)
    reason = _take_over(request, renewal)
    if renewal.verified_at == before.verified_at:
        return Reason.OP_UNREACHABLE if reason is Reason.RENEWED else reason
    if reason is Reason.RENEWED:
        logger.info("renewed: by refresh token")
        silent_sign_in_succeeded.send_robust(
            sender=get_user_model(), request=request, user=request.user, reason=Reason.RENEWED
        )
    return reason


def _take_over(request: HttpRequest, renewal: Renewal) -> Reason:
    """Write a renewal, ours or another request's, into the session as it is now (C80, C87)."""
    try:
        with alone(request.session, at_any_price=True):
            return _write(request, renewal)
    except SilentSSOError as error:
        return error.reason


def _write(request: HttpRequest, renewal: Renewal) -> Reason:
    session = request.session
    current = RPSession.read(session) if reload(session) else None
    if current is None:
        return Reason.VOIDED_BY_SIGN_OUT
    if current.generation < renewal.generation:
        now = time.time()
        renewed = replace(
            current,
            generation=renewal.generation,
            verified_at=max(current.verified_at, renewal.verified_at),
            noted_at=now,
            claims={**current.claims, **renewal.claims},
        ).with_tokens(renewal.tokens, now)
        renewed.write(session)
        if renewal.tokens.refresh_token:
            backend, _ = site_backend()
            backend.request = request
            backend.store_tokens(renewal.tokens.access_token, renewal.tokens.id_token)
        save_now(session)
        check_it_lives(session, renewed)
    return Reason.RENEWED if renewal.tokens.refresh_token else Reason.INVALID_GRANT
