"""The sign-in a Django session holds: typed, sealed where it must be, absent where it cannot be read (C72)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from django_silent_sso.storage.rp_session import (
    KEY,
    LARGEST_IN_COOKIE,
    SIGNED_COOKIES,
    TOKENS_LIFETIME,
    RPSession,
    Tokens,
    claims_to_keep,
)
from django_silent_sso.storage.sealing import seal

NOW = 1_800_000_000.0
ISSUER = "https://id.example.org"
TOKENS = Tokens(
    id_token="canary-id", access_token="canary-access", refresh_token="canary-refresh", expires_at=NOW + 300
)
SIGN_IN = RPSession(
    issuer=ISSUER,
    subject="alice",
    verified_at=NOW,
    signed_in_at=NOW - 60,
    op_sid="sid",
    auth_time=1_799_999_000,
    acr="gold",
    session_state="hash.salt",
    select_by="auto",
    claims={"email": "canary@example.org"},
).with_tokens(TOKENS, NOW)
STORED: dict[str, Any] = {"v": 1, **asdict(SIGN_IN)}


def session(data: object = None, *, user: bool = True) -> SessionBase:
    made = SessionBase()
    if user:
        made[SESSION_KEY] = "7"
    if data is not None:
        made[KEY] = data
    made.modified = False
    return made


# -- reading and writing -----------------------------------------------------------------------------------------------


def test_what_was_written_is_read() -> None:
    made = session()
    SIGN_IN.write(made)
    assert RPSession.read(made) == SIGN_IN
    assert made.modified, "Django must save it"
    assert set(made.keys()) == {SESSION_KEY, KEY}, "one key of ours"


def test_it_can_be_stored_as_json() -> None:
    made = session()
    SIGN_IN.write(made)
    assert RPSession.read(session(json.loads(json.dumps(made[KEY])))) == SIGN_IN


def test_reading_changes_nothing() -> None:
    made = session(STORED)
    RPSession.read(made)
    RPSession.is_foreign(made)
    assert not made.modified


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(session(user=False), id="a visitor"),
        pytest.param(session(), id="a password session"),
        pytest.param(session(STORED, user=False), id="signed out, our key left behind"),
        pytest.param(session({**STORED, "issuer": "https://another.example.org"}), id="another OP's"),
        pytest.param(session({**STORED, "issuer": ISSUER + "/"}), id="nearly our OP's"),
    ],
)
def test_it_is_absent_for(made: SessionBase) -> None:
    assert RPSession.read(made) is None


CHANGES: list[dict[str, Any]] = [{"v": 2}, {"v": None}, {"subject": 7}, {"subject": None}, {"issuer": None}]
CHANGES += [{"verified_at": value} for value in ("1800000000", None, True, float("nan"), float("inf"), 10**400)]
CHANGES += [{"signed_in_at": {}}, {"claims": "claims"}, {"claims": None}, {"sealed_tokens": 7}, {"op_sid": ["sid"]}]
CHANGES += [{"session_state": 7}, {"auth_time": "yesterday"}, {"acr": 1}, {"select_by": None}]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(change)[:40])
def test_garbage_and_foreign_versions_count_as_absent(change: dict[str, Any]) -> None:
    assert RPSession.read(session({**STORED, **change})) is None


@pytest.mark.parametrize("name", ["v", "issuer", "subject", "verified_at", "signed_in_at"])
def test_without_a_necessary_member_it_is_absent(name: str) -> None:
    assert RPSession.read(session({key: value for key, value in STORED.items() if key != name})) is None


@pytest.mark.parametrize("data", ["text", 7, [], {}], ids=repr)
def test_something_else_under_our_key_is_absent(data: object) -> None:
    assert RPSession.read(session(data)) is None


def test_a_member_we_do_not_know_is_ignored() -> None:
    assert RPSession.read(session({**STORED, "more": {"x": 1}})) == SIGN_IN


def test_a_small_sign_in_has_defaults() -> None:
    small = {"v": 1, "issuer": ISSUER, "subject": "alice", "verified_at": NOW, "signed_in_at": int(NOW)}
    found = RPSession.read(session(small))
    assert found == RPSession(issuer=ISSUER, subject="alice", verified_at=NOW, signed_in_at=NOW)
    assert found is not None
    assert (found.op_sid, found.auth_time, found.acr, found.select_by, found.claims) == (None, None, None, "user", {})
    assert found.session_state is None
    assert found.tokens(NOW) == Tokens()


@pytest.mark.parametrize(
    ("made", "foreign"),
    [(session(user=False), False), (session(), True), (session(STORED), False), (session("garbage"), False)],
    ids=["a visitor", "a password session", "ours", "ours, unreadable"],
)
def test_a_session_opened_by_other_means_is_foreign(made: SessionBase, foreign: bool) -> None:
    assert RPSession.is_foreign(made) is foreign
    assert RPSession.is_outdated(made) is (made.get(KEY) == "garbage")


def test_a_page_that_watches_is_told_the_session_state_and_no_other_page(settings: Any) -> None:
    assert SIGN_IN.for_watching() == {}
    settings.SILENT_SSO_MONITOR = ("check_session",)
    assert SIGN_IN.for_watching() == {"session_state": "hash.salt"}
    assert replace(SIGN_IN, session_state=None).for_watching() == {}


def test_nothing_secret_or_personal_is_in_a_repr() -> None:
    assert "canary" not in f"{SIGN_IN!r} {TOKENS!r}"


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_tokens_are_sealed_in_the_session() -> None:
    made = session()
    SIGN_IN.write(made)
    assert "canary-" not in str(made[KEY])
    assert SIGN_IN.tokens(NOW) == TOKENS


def test_tokens_of_a_changed_key_are_lost_and_the_sign_in_stays(settings: Any) -> None:
    made = session(STORED)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "the new key"
    found = RPSession.read(made)
    assert found is not None
    assert found.tokens(NOW) == Tokens()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert found.tokens(NOW) == TOKENS


@pytest.mark.parametrize("text", ["", "garbage", "é", seal({"id_token": "x"}, "pending", NOW)])
def test_sealed_garbage_is_no_token(text: str) -> None:
    assert replace(SIGN_IN, sealed_tokens=text).tokens(NOW) == Tokens()


def test_tokens_of_another_version_are_read_as_far_as_they_are_understood() -> None:
    sealed = seal({"id_token": "x", "dpop_key": "y"}, "tokens", NOW)
    assert replace(SIGN_IN, sealed_tokens=sealed).tokens(NOW) == Tokens(id_token="x")


def test_tokens_do_not_outlive_a_year() -> None:
    assert SIGN_IN.tokens(NOW + TOKENS_LIFETIME) == TOKENS
    assert SIGN_IN.tokens(NOW + TOKENS_LIFETIME + 1) == Tokens()


def test_the_refresh_token_is_dropped_where_the_site_says_so(settings: Any) -> None:
    settings.OIDC_STORE_REFRESH_TOKEN = False
    assert SIGN_IN.with_tokens(TOKENS, NOW).tokens(NOW) == replace(TOKENS, refresh_token="")


def noise(length: int) -> str:
    """What does not get smaller when compressed, as signatures do not."""
    return base64.b85encode(hashlib.shake_256(b"noise").digest(length))[:length].decode()


@pytest.mark.parametrize(
    ("tokens", "kept"),
    [
        pytest.param(TOKENS, TOKENS, id="small ones all"),
        pytest.param(
            replace(TOKENS, access_token=noise(3000)), Tokens(id_token=TOKENS.id_token), id="else the next hint alone"
        ),
        pytest.param(replace(TOKENS, id_token=noise(3000)), Tokens(), id="else nothing"),
    ],
)
def test_a_session_inside_a_cookie_keeps(settings: Any, tokens: Tokens, kept: Tokens) -> None:
    settings.SESSION_ENGINE = SIGNED_COOKIES
    found = SIGN_IN.with_tokens(tokens, NOW)
    assert found.tokens(NOW) == kept
    assert len(found.sealed_tokens) <= LARGEST_IN_COOKIE


def test_other_sessions_keep_large_tokens() -> None:
    large = replace(TOKENS, access_token=noise(3000), id_token=noise(3000))
    assert SIGN_IN.with_tokens(large, NOW).tokens(NOW) == large


# -- the quick look that every request takes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "longest", "fresh"),
    [
        pytest.param({}, None, True, id="just verified"),
        pytest.param({"verified_at": NOW - 899.5}, None, True, id="half a second left"),
        pytest.param({"verified_at": NOW - 900}, None, False, id="stale"),
        pytest.param({"verified_at": NOW + 1}, None, False, id="of a clock that was wrong"),
        pytest.param({"verified_at": int(NOW)}, None, True, id="in whole seconds"),
        pytest.param({"signed_in_at": None}, None, False, id="no beginning"),
        pytest.param({"signed_in_at": NOW - 3599}, 3600, True, id="before its greatest age"),
        pytest.param({"signed_in_at": NOW - 3600}, 3600, False, id="at its greatest age"),
        pytest.param({"issuer": "https://another.example.org"}, None, False, id="another OP's"),
        pytest.param({"v": 2}, None, False, id="another version"),
    ],
)
def test_what_is_fresh(change: dict[str, Any], longest: int | None, fresh: bool) -> None:
    assert RPSession.is_fresh(session({**STORED, **change}), NOW, 900, longest) is fresh


@pytest.mark.parametrize(
    "made", [session(), session("garbage"), session(STORED, user=False)], ids=["none", "garbage", "visitor"]
)
def test_what_cannot_be_fresh(made: SessionBase) -> None:
    assert not RPSession.is_fresh(made, NOW, 900, None)


class BrokenStore(SessionBase):
    """A session engine whose server is down."""

    def load(self) -> dict[str, Any]:
        raise ConnectionError("canary")


def test_a_store_that_is_down_is_told_apart_and_not_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """C65."""
    good, bad = session(STORED), BrokenStore("a-session-key")
    assert RPSession.is_readable(good)
    assert async_to_sync(RPSession.ais_readable)(good)
    assert caplog.messages == []
    assert not RPSession.is_readable(bad)
    assert not async_to_sync(RPSession.ais_readable)(bad)
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2
    assert "canary" not in caplog.text


# -- claims ------------------------------------------------------------------------------------------------------------


def test_the_protocols_own_claims_are_not_kept() -> None:
    protocol = dict.fromkeys(
        ["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "at_hash", "c_hash", "s_hash", "jti", "typ"], "x"
    )
    person = {"sub": "alice", "name": "Alice", "email_verified": True, "age": 1.5, "none": None, "groups": ["a", 1]}
    assert claims_to_keep({**protocol, **person}) == person


@pytest.mark.parametrize(
    "value",
    [{"street": "x"}, ["ok", {"nested": 1}], [["list"]], "x" * 501, ["x" * 501], list(range(51)), 10**600],
    ids=["an object", "an object in a list", "a list in a list", "long", "long in a list", "many", "a long number"],
)
def test_large_and_nested_claims_are_not_kept(value: object) -> None:
    assert claims_to_keep({"claim": value, "name": "Alice"}) == {"name": "Alice"}


def test_a_long_name_is_not_kept_nor_more_than_fifty() -> None:
    many = {f"claim-{i}": i for i in range(80)}
    assert claims_to_keep({"x" * 101: 1, **many}) == {f"claim-{i}": i for i in range(50)}


# -- older, for tests --------------------------------------------------------------------------------------------------


def test_a_session_can_be_made_older() -> None:
    made = session(STORED)
    RPSession.backdate(made, 1000)
    assert RPSession.read(made) == replace(SIGN_IN, verified_at=NOW - 1000, signed_in_at=NOW - 1000)
    with pytest.raises(LookupError):
        RPSession.backdate(session(), 1000)
