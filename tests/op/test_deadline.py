"""One thread watches over all deadlines of the process, and is there when it is needed."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from django_silent_sso.op import deadline as module
from django_silent_sso.op.deadline import Deadline, watch

PATIENCE = 30  # seconds: a busy machine is no fault of ours


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(PATIENCE)
    with ours, theirs:
        yield ours, theirs


def watchmen() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "silent-sso-deadlines"]


def test_a_connection_is_cut_in_time_and_not_before(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    began = time.monotonic()
    with Deadline(0.2) as deadline:
        watch(ours)
        theirs.sendall(b"x")
        assert (ours.recv(1), deadline.passed) == (b"x", False)
        assert ours.recv(1) == b"", "cut"
    assert deadline.passed
    assert time.monotonic() - began >= 0.2


def test_the_earlier_deadline_comes_first_whenever_it_was_set(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    with Deadline(PATIENCE) as long:
        cut = threading.Event()

        def another() -> None:
            with Deadline(0.1):
                watch(ours)
                ours.recv(1)
                cut.set()

        thread = threading.Thread(target=another)
        thread.start()
        thread.join(PATIENCE)
        assert cut.is_set()
        with Deadline(2 * PATIENCE):  # nobody need be woken for this one
            assert not long.passed
    assert len(watchmen()) == 1


def test_one_that_is_met_cuts_nothing(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    with Deadline(0.05) as met:
        watch(ours)
        met.met = True  # over, at the moment before it passes
        with Deadline(0.2):
            other, end = socket.socketpair()
            with other, end:
                watch(other)
                other.settimeout(PATIENCE)
                assert other.recv(1) == b"", "this one is cut, later than the other would have been"
    theirs.sendall(b"x")
    assert (ours.recv(1), met.passed) == (b"x", False)


def test_without_an_exchange_nothing_is_watched(pair: tuple[socket.socket, socket.socket]) -> None:
    watch(pair[0])
    with Deadline(PATIENCE) as deadline:
        watch(None)  # not connected
        deadline.cut()
    with Deadline(PATIENCE):
        watch(pair[0])
    assert deadline._sock is None


def test_a_connection_that_is_gone_already_is_no_failure(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(PATIENCE) as deadline:
        deadline.cut()
        pair[0].close()
        watch(pair[0])
    assert deadline.passed


def test_the_thread_ends_when_there_is_nothing_to_watch_and_another_one_begins(
    monkeypatch: pytest.MonkeyPatch, pair: tuple[socket.socket, socket.socket]
) -> None:
    monkeypatch.setattr(module, "IDLE", 0.05)
    for thread in watchmen():  # one that began before knows another time
        with module._watchman._changed:
            module._watchman._changed.notify()
        thread.join(PATIENCE)
    for _ in range(2):
        with Deadline(0.1):
            (thread,) = watchmen()
            watch(pair[0])
        thread.join(PATIENCE)
        assert not thread.is_alive()


FORKS = """
import os, socket, time
from django_silent_sso.op.deadline import Deadline, watch
with Deadline(60):
    with module_lock():
        child = os.fork()
    if child == 0:
        ours, theirs = socket.socketpair()
        ours.settimeout(30)
        with Deadline(0.1):
            watch(ours)
            os._exit(0 if ours.recv(1) == b"" else 1)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_just_forked_has_a_thread_of_its_own() -> None:
    """Also where its parent was forked while it held the lock."""
    script = (
        "from django_silent_sso.op import deadline\ndef module_lock(): return deadline._watchman._changed\n" + FORKS
    )
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)  # noqa: S603
    assert (done.stdout, done.stderr) == ("0\n", "")
