"""What is remembered of an attempt: per browser, per attempt, for minutes, and for one answer only."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
from django.core.cache import cache
from django.http import HttpResponse

from django_silent_sso.protocol.errors import Reason, ResponseError, StorageUnavailable
from django_silent_sso.storage import pending as store
from django_silent_sso.storage.pending import (
    FRAME,
    INTERACTIVE_LIFETIME,
    MAX_PENDING,
    POPUP,
    SILENT_LIFETIME,
    TOP,
    PendingAuthentication,
)
from django_silent_sso.storage.sealing import seal
from tests.broken_cache import BROKEN
from tests.cookie_jar import CookieJar
from tests.storage.attempts import NOW, attempt, begin, interactive, states_left


@pytest.fixture
def jar() -> CookieJar:
    return CookieJar()


# -- remembering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("transport", [TOP, FRAME, POPUP])
def test_an_attempt_is_found_again_as_it_was(secure: bool, transport: str) -> None:
    jar, pending = CookieJar(secure=secure), attempt(transport=transport, hinted=True, response_mode="form_post")
    begin(jar, pending)
    assert store.find(jar.request(), pending.state, NOW) == pending


def test_it_is_found_in_its_own_browser_only(jar: CookieJar) -> None:
    begin(jar, attempt())
    assert store.find(CookieJar().request(), "t.canary-state", NOW) is None


def test_one_cookie_each_two_tabs_do_not_overwrite_each_other(jar: CookieJar) -> None:
    begin(jar, attempt("one", return_to="/one/"), attempt("two", return_to="/two/"))
    found = [store.find(jar.request(), state, NOW) for state in ("one", "two")]
    assert [pending and pending.return_to for pending in found] == ["/one/", "/two/"]


def test_nothing_of_it_is_readable_in_the_cookie_nor_in_a_repr(jar: CookieJar) -> None:
    begin(jar, attempt())
    assert "canary" not in str(jar.cookies)
    assert "canary" not in f"{attempt()!r} {attempt()}"


@pytest.mark.parametrize(
    ("pending", "words"),
    [(attempt(), "silent attempt (top)"), (interactive("s", transport=POPUP), "interactive attempt (popup)")],
    ids=["silent", "interactive"],
)
def test_a_log_line_names_its_kind(pending: PendingAuthentication, words: str) -> None:
    assert str(pending) == words


@pytest.mark.parametrize(
    ("pending", "lifetime"),
    [(attempt(), SILENT_LIFETIME), (interactive("t.canary-state"), INTERACTIVE_LIFETIME)],
    ids=["silent: two minutes", "interactive: ten minutes"],
)
def test_it_dies_by_the_servers_clock_whatever_the_browser_keeps(
    jar: CookieJar, pending: PendingAuthentication, lifetime: int
) -> None:
    assert lifetime == (120 if pending.silent else 600)
    response = HttpResponse()
    store.remember(jar.request(), response, pending, NOW)
    assert [morsel["max-age"] for morsel in response.cookies.values()] == [lifetime]
    jar.keep(response)
    assert states_left(jar, [pending.state], NOW + lifetime) == [pending.state]
    assert states_left(jar, [pending.state], NOW + lifetime + 1) == []


@pytest.mark.parametrize(
    ("jump", "alive"),
    [
        pytest.param(-3599, True, id="an hour back: attempts under way go on"),
        pytest.param(-7200, False, id="further back: nothing lives for ever"),
        pytest.param(86400, False, id="a day forward: too old"),
    ],
)
def test_a_clock_that_jumps_makes_no_attempt_immortal(jar: CookieJar, jump: int, alive: bool) -> None:
    begin(jar, attempt())
    assert states_left(jar, ["t.canary-state"], NOW + jump) == (["t.canary-state"] if alive else [])


def test_what_is_too_old_or_not_ours_is_cleared_away_first(jar: CookieJar) -> None:
    begin(jar, attempt("old"), interactive("kept"))
    jar.cookies[store.PREFIX + "f" * 24] = "garbage"
    begin(jar, interactive("new", created=NOW + SILENT_LIFETIME + 1))
    assert len(jar.cookies) == 2
    assert states_left(jar, ["old", "kept", "new"], NOW + SILENT_LIFETIME + 1) == ["kept", "new"]


def test_there_is_room_for_seven(jar: CookieJar) -> None:
    assert MAX_PENDING == 7
    states = [f"state-{i}" for i in range(20)]
    begin(jar, *(interactive(state, created=NOW + i) for i, state in enumerate(states)))
    assert states_left(jar, states, NOW + 20) == states[-MAX_PENDING:]
    assert len(jar.cookies) == MAX_PENDING


# -- one answer only ---------------------------------------------------------------------------------------------------


def refusal(jar: CookieJar, state: str, now: float = NOW) -> Reason:
    with pytest.raises(ResponseError) as caught:
        store.take(jar.request(), state, now)
    assert "canary" not in str(caught.value)
    return caught.value.reason


def test_an_attempt_is_taken_once(jar: CookieJar) -> None:
    begin(jar, attempt())
    assert store.take(jar.request(), "t.canary-state", NOW) == attempt()
    assert refusal(jar, "t.canary-state") is Reason.STATE_USED


def test_that_it_was_used_is_remembered_longer_than_it_lives() -> None:
    assert store.USED_MEMORY > INTERACTIVE_LIFETIME


def test_an_unknown_one_is_refused_and_stays_unused(jar: CookieJar) -> None:
    assert refusal(jar, "t.canary-state") is Reason.STATE_UNKNOWN
    begin(jar, attempt())
    assert store.take(jar.request(), "t.canary-state", NOW)


def test_one_that_is_too_old_is_unknown(jar: CookieJar) -> None:
    begin(jar, attempt())
    assert refusal(jar, "t.canary-state", NOW + SILENT_LIFETIME + 1) is Reason.STATE_UNKNOWN


def test_where_nobody_remembers_what_was_used_nothing_is_taken(jar: CookieJar, settings: Any) -> None:
    begin(jar, attempt())
    settings.CACHES = BROKEN
    with pytest.raises(StorageUnavailable) as caught:
        store.take(jar.request(), "t.canary-state", NOW)
    assert caught.value.reason is Reason.STORAGE_UNAVAILABLE


def test_forgotten_means_gone(jar: CookieJar) -> None:
    begin(jar, attempt("one"), attempt("two"))
    response = HttpResponse()
    store.forget(jar.request(), response, "one")
    jar.keep(response)
    assert states_left(jar, ["one", "two"]) == ["two"]


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_sign_out_voids_all_of_them_and_nothing_else(secure: bool) -> None:
    jar = CookieJar(secure=secure)
    begin(jar, attempt("one"), interactive("two"))
    others = {"sessionid": "x", "silent_sso_marks_12345678": "y", f"{store.PREFIX}{'a' * 24}b": "z"}
    jar.cookies.update(others)
    response = HttpResponse()
    store.forget_all(jar.request(), response)
    jar.keep(response)
    assert jar.cookies == others


# -- the back button ---------------------------------------------------------------------------------------------------


def test_who_comes_back_to_a_used_answer_is_led_where_it_led(jar: CookieJar) -> None:
    begin(jar, attempt())
    pending = store.take(jar.request(), "t.canary-state", NOW)
    assert store.destination_of_used(pending.state, "alice") is None, "nobody has been signed in yet"
    store.mark_done(pending, "alice")
    assert store.destination_of_used(pending.state, "alice") == "/page/?x=1"
    assert store.destination_of_used(pending.state, "bob") is None
    assert store.destination_of_used(pending.state, None) is None
    assert store.destination_of_used("another", "alice") is None


@pytest.mark.parametrize("garbage", ["text", 7, ["alice"], {"subject": "alice"}, {"subject": "alice", "return_to": 1}])
def test_garbage_in_the_cache_leads_nowhere(garbage: object) -> None:
    cache.set(store._used_key("state"), garbage)
    assert store.destination_of_used("state", "alice") is None


def test_without_a_cache_the_back_button_leads_nowhere(settings: Any) -> None:
    settings.CACHES = BROKEN
    store.mark_done(attempt(), "alice")
    assert store.destination_of_used("t.canary-state", "alice") is None


def test_neither_state_nor_session_key_is_readable_in_the_cache(jar: CookieJar) -> None:
    begin(jar, attempt())
    store.mark_done(store.take(jar.request(), "t.canary-state", NOW), "alice")
    assert "canary" not in str(list(cache._cache))


# -- a long way back ---------------------------------------------------------------------------------------------------

LONG = "/page/?q=" + "x" * store.LONGEST_IN_COOKIE


def test_a_long_way_back_waits_in_the_cache(jar: CookieJar) -> None:
    begin(jar, attempt(return_to=LONG))
    assert max(len(value) for value in jar.cookies.values()) < 1200
    assert store.take(jar.request(), "t.canary-state", NOW).return_to == LONG


def test_it_is_lost_with_the_cache_and_nothing_else_is(jar: CookieJar) -> None:
    begin(jar, attempt(return_to=LONG))
    cache.clear()
    assert store.take(jar.request(), "t.canary-state", NOW) == attempt(return_to="/")


@pytest.mark.parametrize("garbage", [7, ["/page/"], {"return_to": "/page/"}, b"/page/"])
def test_something_else_in_its_place_is_no_way_back(jar: CookieJar, garbage: object) -> None:
    begin(jar, attempt(return_to=LONG))
    (key,) = (key.split(":", 2)[2] for key in cache._cache)
    cache.set(key, garbage)
    found = store.find(jar.request(), "t.canary-state", NOW)
    assert found is not None
    assert found.return_to == "/"


def test_without_a_cache_it_is_lost_too(jar: CookieJar, settings: Any) -> None:
    settings.CACHES = BROKEN
    begin(jar, attempt(return_to=LONG))
    found = store.find(jar.request(), "t.canary-state", NOW)
    assert found == attempt(return_to="/")


# -- what other versions, other sites and vandals leave ----------------------------------------------------------------


def plant(jar: CookieJar, data: dict[str, Any], state: str = "t.canary-state", purpose: str = "pending") -> None:
    jar.cookies[store.PREFIX + store.digest(state)] = seal(data, purpose, NOW)


# The number and not its name: with the same members under another number, an update would void what is under way.
GOOD: dict[str, Any] = {"v": 2, **asdict(attempt())}
NEW = {"max_age", "acr_values"}


def test_planting_a_good_one_works() -> None:
    """Else the next test would prove nothing."""
    jar = CookieJar()
    plant(jar, GOOD)
    assert store.find(jar.request(), "t.canary-state", NOW) == attempt()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({**GOOD, "v": 3}, id="a later version"),
        pytest.param({key: value for key, value in GOOD.items() if key != "v"}, id="no version"),
        pytest.param({key: value for key, value in GOOD.items() if key != "nonce"}, id="a member missing"),
        pytest.param({k: v for k, v in GOOD.items() if k not in NEW} | {"v": 1}, id="from before step-ups"),
        pytest.param({**GOOD, "more": 1}, id="a member too many"),
        pytest.param({**GOOD, "state": "another"}, id="another attempt under this name"),
        pytest.param({**GOOD, "state": "u.another"}, id="and another"),
    ],
)
def test_another_version_is_unknown(jar: CookieJar, data: dict[str, Any]) -> None:
    plant(jar, data)
    assert refusal(jar, "t.canary-state") is Reason.STATE_UNKNOWN


def test_what_was_sealed_for_something_else_is_unknown(jar: CookieJar) -> None:
    plant(jar, GOOD, purpose="tokens")
    assert refusal(jar, "t.canary-state") is Reason.STATE_UNKNOWN


def test_after_a_key_change_attempts_under_way_go_on(jar: CookieJar, settings: Any) -> None:
    begin(jar, attempt())
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "the new key"
    assert store.take(jar.request(), "t.canary-state", NOW) == attempt()
