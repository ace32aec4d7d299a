"""A: what the OP says at a sign-in is wrong, or right in an unusual way (numbers of the conformance suite)."""

from __future__ import annotations

import time
from collections.abc import Callable

from django_silent_sso.testing.defects import Change, Defect, Point, Situation, replaced
from django_silent_sso.testing.keys import compact_jws, sign_with
from tests.differential.stage import Seen, Stage
from tests.differential.verdicts import Outcome, Rows, Verdict, held, judged, not_applicable, not_held

ROWS = Rows()

# Where the specification lets a site sign in all the same; the page says what each of these means.
BY_TLS = "Core 3.1.3.7, 6"
MAY = "Core 3.1.3.8"
NO_RULE = "Core 3.1.3.7, 10"
ONE_OP = "RFC 9207"


def refused(seen: Seen, allowed: str = "") -> Outcome:
    """Nobody may be signed in, and nobody may read of a server error."""
    if seen.user is not None:
        if allowed:
            return Outcome(Verdict.ALLOWED, f"signed in ({allowed})")
        return not_held(str(seen))
    if seen.crashed:
        return Outcome(Verdict.CRASHED, str(seen))
    return held(str(seen))


def accepted(seen: Seen) -> Outcome:
    return judged(seen.user is not None and not seen.problem, str(seen))


def _refuses(number: str, done: str, defect: str | Defect, allowed: str = "") -> None:
    def play(stage: Stage) -> Outcome:
        switch = stage.provider.switch_on(defect)
        seen = stage.try_to_sign_in()
        if not switch.hits:
            return not_applicable("the site never asked for it")
        return refused(seen, allowed)

    ROWS.add(number, done, "nobody is signed in")(play)


def _accepts(number: str, done: str, defect: str | Defect, times: int | None = None) -> None:
    def play(stage: Stage) -> Outcome:
        stage.provider.switch_on(defect, times=times)
        return accepted(stage.try_to_sign_in())

    ROWS.add(number, done, "signed in")(play)


def _nonce(number: str, done: str, defect: str) -> None:
    def play(stage: Stage) -> Outcome:
        stage.provider.switch_on(defect)
        seen = stage.try_to_sign_in()
        if stage.asked_with("nonce") is None:
            return not_applicable("sends no nonce, which the code flow allows")
        return refused(seen)

    ROWS.add(number, done, "nobody is signed in")(play)


def _critical_header() -> Defect:
    """A header extension that has to be understood and is not (RFC 7515 4.1.11)."""

    def resign(token: str, situation: Situation) -> str:
        header = {**situation.header, "crit": ["x-unknown"], "x-unknown": 1}
        key = situation.provider.keys.current.private
        return compact_jws(header, situation.claims, lambda data: sign_with("RS256", key, data))

    return Defect("critical header", (Change(Point.ID_TOKEN_SIGNED, resign),))


def _broken_key_first() -> Defect:
    """A key nobody knows how to read stands before the good one (RFC 7517 5: to be ignored)."""
    broken = {"kty": "future", "use": "sig", "x": "?"}
    keys: Callable[[list[object]], list[object]] = lambda old: [broken, *old]  # noqa: E731 - a value for `replaced`
    return Defect("broken key", (replaced(Point.JWKS, {"keys": keys}),))


@ROWS.add("A1", "everything is right", "signed in")
def everything_right(stage: Stage) -> Outcome:
    return accepted(stage.try_to_sign_in())


_refuses("A2", "`iss` of another provider", "id_token_issuer_mismatch")
_refuses("A4", "`aud` of another client", "id_token_audience_mismatch")
_refuses("A59", "a second audience nobody trusts, no `azp`", "id_token_second_audience")
_refuses("A3", "no `sub`", "id_token_without_subject")
_refuses("A61", "no `exp`", "id_token_without_expiry")
_refuses("A62", "expired a day ago", "id_token_expired")
_refuses("A5", "no `iat`", "id_token_without_issued_at")
_refuses("A63", "issued a week ago, not expired", "id_token_issued_long_ago", NO_RULE)
_nonce("A12", "another `nonce`", "id_token_nonce_mismatch")
_refuses("A10", "a broken signature", "id_token_bad_signature", BY_TLS)
_refuses("A65", "`alg: none`", "id_token_unsigned", BY_TLS)
_refuses("A66", "another algorithm than agreed", "id_token_other_algorithm", BY_TLS)
_refuses("T23", "a `crit` header nobody understands", _critical_header(), BY_TLS)
_refuses("A16", "`at_hash` of another access token", "id_token_access_token_hash_mismatch", MAY)
_refuses("A11", "UserInfo of another subject", "userinfo_subject_mismatch")
_refuses("C36", "no ID Token in the token answer", "token_answer_without_id_token")
_refuses("A76", "wrong `iss` beside the code", "response_issuer_mismatch", ONE_OP)
_accepts("A58", "`aud` as a list of one", "id_token_audience_as_list")
_accepts("A6", "one key, and nobody says which", "keys_without_key_id")
_accepts("A23", "keys rotated just before signing", "keys_rotated_before_signing", 1)
_accepts("C41", "a broken key before the good one", _broken_key_first())


@ROWS.add("A7", "many keys of every kind, and nobody says which", "signed in or refused, but no server error")
def keys_of_every_kind(stage: Stage) -> Outcome:
    stage.provider.switch_on("keys_of_every_kind_without_key_id")
    seen = stage.try_to_sign_in()
    if seen.crashed:
        return Outcome(Verdict.CRASHED, str(seen))
    return held(str(seen))


@ROWS.add("A24", "keys rotated between two sign-ins, the old one withdrawn", "the second one works too")
def rotated_between(stage: Stage) -> Outcome:
    stage.sign_in()
    stage.provider.rotate_keys()
    return accepted(stage.try_to_sign_in(stage.browser.__class__()))


@ROWS.add("C52", "the provider's clock is 5 seconds ahead", "signed in")
def provider_ahead(stage: Stage) -> Outcome:
    stage.provider.clock = lambda: time.time() + 5
    return accepted(stage.try_to_sign_in())


@ROWS.add("C50", "two people without an e-mail address sign in", "two accounts")
def without_address(stage: Stage) -> Outcome:
    for name in ("carol", "dave"):
        stage.provider.users[name] = {"name": name.title()}
    first = stage.sign_in("carol")
    second = stage.sign_in("dave", stage.browser.__class__())
    if first.crashed or second.crashed:
        return Outcome(Verdict.CRASHED, f"the first: {first}; the second: {second}")
    if first.user is None and second.user is None:
        return not_held(f"neither gets in (HTTP {first.status})")
    return judged(
        first.user != second.user and None not in (first.user, second.user), f"first: {first}; second: {second}"
    )
