"""What outlives a session: when to ask again, and that the user signed out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from django.core import signing
from django.http import HttpResponse

from django_silent_sso.protocol.errors import Reason
from django_silent_sso.storage.marks import HOP_WINDOW, LIFETIME, SALT, Marks, _name, read_marks, write_marks
from tests.cookie_jar import CookieJar

NOW = 1_800_000_000
FULL = Marks(
    refused_until=NOW + 60,
    refusals=2,
    frame_refused_until=NOW + 600,
    frame_refusals=3,
    silence=Reason.SIGNED_OUT_BY_USER,
    silent_since=NOW - 5,
    known=True,
    hops=(NOW - 9, NOW - 3),
    asked_at=NOW - 3,
    frame_asked_at=NOW - 2,
    no_hint_until=NOW + 86400,
    needs=Reason.CONSENT_REQUIRED,
)


def write(jar: CookieJar, marks: Marks) -> HttpResponse:
    response = HttpResponse()
    write_marks(jar.request(), response, marks)
    jar.keep(response)
    return response


def read(jar: CookieJar) -> Marks:
    return read_marks(jar.request())


def plant(jar: CookieJar, data: object, salt: str = SALT) -> None:
    jar.cookies[_name()] = signing.dumps(data, salt=salt)


# -- back-off ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [False, True], ids=["round trip", "hidden frame"])
def test_waits_grow_with_each_refusal_in_a_row(frame: bool) -> None:
    marks, waits = Marks(), []
    for _ in range(5):
        marks = marks.begun(NOW, frame=frame).refused(NOW, None, frame=frame)
        waits.append((marks.frame_refused_until if frame else marks.refused_until) - NOW)
    assert waits == [60, 600, 3600, 3600, 3600]


@pytest.mark.parametrize("frame", [False, True], ids=["round trip", "hidden frame"])
def test_an_attempt_that_never_comes_back_counts_as_refused(frame: bool) -> None:
    marks = Marks().begun(NOW + 0.9, frame=frame)
    assert (marks.frame_refused_until if frame else marks.refused_until) == NOW + 60
    assert marks.asked_at == (0 if frame else NOW)


@pytest.mark.parametrize("frame", [False, True], ids=["round trip", "hidden frame"])
def test_its_answer_is_the_same_refusal_and_not_a_second_one(frame: bool) -> None:
    begun = Marks().begun(NOW, frame=frame)
    refused = begun.refused(NOW + 2, None, frame=frame)
    assert (refused.frame_refusals if frame else refused.refusals) == 1
    assert (refused.frame_refused_until if frame else refused.refused_until) == NOW + 62


def test_its_answer_ends_the_waiting_for_it() -> None:
    assert Marks().begun(NOW, frame=False).refused(NOW, None, frame=False).asked_at == 0


def test_a_second_refusal_without_an_attempt_between_counts() -> None:
    """Two tabs' answers: the first one ended the waiting."""
    marks = Marks().begun(NOW, frame=False).refused(NOW, None, frame=False)
    assert marks.refused(NOW, None, frame=False).refusals == 2


def test_a_refused_frame_does_not_stop_round_trips_nor_the_reverse() -> None:
    frame, trip = Marks().begun(NOW, frame=True), Marks().begun(NOW, frame=False)
    assert (frame.refused_until, frame.refusals, frame.asked_at, frame.hops) == (0, 0, 0, ())
    assert (trip.frame_refused_until, trip.frame_refusals, trip.frame_asked_at) == (0, 0, 0)


@pytest.mark.parametrize("frame", [False, True], ids=["round trip", "hidden frame"])
def test_the_op_may_ask_for_more_time(frame: bool) -> None:
    marks = Marks().begun(NOW, frame=frame).refused(NOW, 999, frame=frame)
    assert (marks.frame_refused_until if frame else marks.refused_until) == NOW + 999


def test_the_site_sets_the_waits(settings: Any) -> None:
    settings.SILENT_SSO_BACK_OFF_SECONDS = (5,)
    assert Marks().begun(NOW, frame=False).refused_until == NOW + 5


def test_refusals_are_not_counted_for_ever() -> None:
    assert replace(FULL, refusals=99).with_refusal(NOW, None, frame=False).refusals == 99


def test_a_sign_in_clears_waits_and_silence_and_keeps_what_is_about_the_browser() -> None:
    kept = Marks(known=True, hops=FULL.hops, no_hint_until=FULL.no_hint_until)
    assert FULL.signed_in(NOW, silent=True) == kept
    assert FULL.signed_in(NOW, silent=False) == replace(kept, sign_ins=(NOW,))


def test_silence_says_why_and_since_when() -> None:
    marks = Marks(known=True).silenced(Reason.SESSION_MAX, NOW + 0.7)
    assert (marks.silence, marks.silent_since, marks.known) == (Reason.SESSION_MAX, NOW, True)


def test_what_the_op_asks_of_the_person_is_known_until_it_may_be_asked_again() -> None:
    marks = Marks().refused(NOW, None, frame=False).answered(Reason.INTERACTION_REQUIRED)
    assert [marks.needed(NOW + second) for second in (0, 59, 60)] == [*2 * [Reason.INTERACTION_REQUIRED], None]
    later = marks.refused(NOW + 30, None, frame=True)
    assert (later.needed(NOW + 89), later.needed(NOW + 90)) == (Reason.INTERACTION_REQUIRED, None)
    assert marks.answered(Reason.LOGIN_REQUIRED).needed(NOW) is None
    assert marks.signed_in(NOW, silent=True).needed(NOW) is None


# -- round trips are counted -------------------------------------------------------------------------------------------


def test_round_trips_are_counted_for_half_a_minute() -> None:
    marks = Marks()
    for second in (0, 10, 20):
        marks = marks.begun(NOW + second, frame=False)
    assert [marks.recent_hops(NOW + second) for second in (20, 29, 30, 40, 50)] == [3, 3, 2, 1, 0]
    assert HOP_WINDOW == 30


def test_round_trips_of_a_clock_that_was_wrong_do_not_count() -> None:
    assert Marks(hops=(NOW + 100, NOW + 3600)).recent_hops(NOW) == 0


def test_a_few_round_trips_are_enough_to_remember() -> None:
    marks = Marks()
    for second in range(25):
        marks = marks.begun(NOW + second, frame=False)
    assert marks.hops == tuple(NOW + second for second in range(16, 25))


# -- the cookie --------------------------------------------------------------------------------------------------------


def test_a_browser_that_was_never_here_has_none() -> None:
    assert read(CookieJar()) == Marks()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("marks", [FULL, Marks(known=True), Marks(hops=(NOW,))], ids=["all", "known", "one hop"])
def test_what_was_written_is_read(secure: bool, marks: Marks) -> None:
    jar = CookieJar(secure=secure)
    response = write(jar, marks)
    assert read(jar) == marks
    assert [morsel["max-age"] for morsel in response.cookies.values()] == [LIFETIME]


def test_nothing_is_set_where_nothing_changed() -> None:
    jar = CookieJar()
    assert not write(jar, Marks()).cookies
    assert write(jar, FULL).cookies
    assert not write(jar, FULL).cookies
    assert write(jar, Marks()).cookies
    assert read(jar) == Marks()


def test_it_is_small() -> None:
    jar = CookieJar()
    write(jar, replace(FULL, hops=tuple(range(NOW, NOW + 9))))
    (value,) = jar.cookies.values()
    assert len(value) < 400


def test_it_is_forgotten_after_a_month_by_our_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    jar, begun = CookieJar(), time.time()
    write(jar, FULL)
    monkeypatch.setattr(time, "time", lambda: begun + LIFETIME - 60)
    assert read(jar) == FULL
    monkeypatch.setattr(time, "time", lambda: begun + LIFETIME + 60)
    assert read(jar) == Marks()


@pytest.mark.parametrize("name", ["SILENT_SSO_ISSUER", "OIDC_RP_CLIENT_ID"])
def test_another_op_or_client_has_marks_of_its_own(settings: Any, name: str) -> None:
    jar = CookieJar()
    write(jar, FULL)
    setattr(settings, name, "https://another.example.org")
    assert read(jar) == Marks()


def test_it_survives_a_key_change_through_the_fallbacks(settings: Any) -> None:
    jar = CookieJar()
    write(jar, FULL)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "the new key"
    assert read(jar) == Marks()
    settings.SECRET_KEY_FALLBACKS = [old]
    assert read(jar) == FULL


@pytest.mark.parametrize(
    "text", ["", "garbage", "a:b:c", "é", "\x00", ":::", "x" * 100_000, "eyJrIjoxfQ:1abcde:signature"]
)
def test_garbage_counts_as_none(text: str) -> None:
    jar = CookieJar()
    jar.cookies[_name()] = text
    assert read(jar) == Marks()


def test_it_cannot_be_planted_without_the_key() -> None:
    jar = CookieJar()
    write(jar, FULL)
    jar.cookies[_name()] = signing.dumps({}, salt=SALT).partition(":")[0] + ":" + jar.cookies[_name()].partition(":")[2]
    assert read(jar) == Marks()
    plant(jar, {"k": 1}, salt="another")
    assert read(jar) == Marks()


def test_an_endless_one_is_not_even_looked_at() -> None:
    jar = CookieJar()
    plant(jar, {"k": 1, "junk": "x" * 1000})
    assert read(jar) == Marks()


@pytest.mark.parametrize(
    ("data", "marks"),
    [
        pytest.param([], Marks(), id="a list"),
        pytest.param("k", Marks(), id="text"),
        pytest.param({}, Marks(), id="nothing"),
        pytest.param({"z": 1, "k": 1}, Marks(known=True), id="a member we do not know"),
        pytest.param({"u": "soon", "n": None, "t": [1], "k": 1}, Marks(known=True), id="words for numbers"),
        pytest.param({"h": "hops"}, Marks(), id="text for hops"),
        pytest.param({"h": [NOW, "x", None, NOW]}, Marks(hops=(NOW, NOW)), id="garbage among hops"),
        pytest.param({"s": "bored"}, Marks(), id="a silence nobody knows"),
        pytest.param({"s": "login_required"}, Marks(), id="a reason that is no silence"),
        pytest.param({"s": ["x"]}, Marks(), id="a list for silence"),
        pytest.param({"s": "subject_changed"}, Marks(silence=Reason.SUBJECT_CHANGED), id="a silence"),
    ],
)
def test_what_another_version_wrote_is_read_as_far_as_it_is_understood(data: object, marks: Marks) -> None:
    jar = CookieJar()
    plant(jar, data)
    assert read(jar) == marks
