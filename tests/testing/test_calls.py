from __future__ import annotations

from threading import Thread

from django_silent_sso.testing.calls import CallLog
from django_silent_sso.testing.messages import Headers, Request


def test_a_call_shows_no_header_in_its_repr() -> None:
    log = CallLog()
    log.record("token", Request("POST", "/token", headers=Headers([("Authorization", "Basic c2VjcmV0")])), 200)
    assert "c2VjcmV0" not in repr(log.calls)


def test_what_is_handed_out_does_not_change_later() -> None:
    log = CallLog()
    before = log.calls
    log.record("token", Request("GET", "/"), 405)
    assert (before, len(log.calls)) == ([], 1)


def test_threads_lose_nothing() -> None:
    log = CallLog()

    def many() -> None:
        for number in range(200):
            log.record("jwks", Request("GET", "/jwks"), 200)
            log.record_connection(number)

    threads = [Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(log.to("jwks")), log.connections, log.to("token")) == (800, 200, [])
