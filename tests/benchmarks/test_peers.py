"""The comparison in the browser is no test; but what it counts and writes is checked."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import pytest

from tests.benchmarks.page import BEGIN, END
from tests.benchmarks.peers import tables, urls
from tests.benchmarks.peers.network import Watched
from tests.benchmarks.peers.tables import LIBRARIES, PAGE, TITLES, Situation
from tests.benchmarks.peers.world import KINDS, Numbers

TIMES = dict.fromkeys(KINDS, 500.0) | {"floor": 100.0, "ours-ready": 115.0, "ours": 130.0, "auth0-spa-js": 120.0}
HERE = Situation("same", 0.05, cold=True)


def rows(**changed: float) -> Mapping[str, Sequence[Numbers]]:
    numbers = {"known": 140.0, "site": 2, "op": 1, "server": 1, "bytes": 5040, "script": 4000} | changed
    return {kind: [{"time": time + more, **numbers} for more in (-10, 0, 10)] for kind, time in TIMES.items()}


def line(text: str, start: str) -> list[str]:
    """The cells of the one row that begins like this."""
    (found,) = (one for one in text.splitlines() if one.startswith(f"| {start} |"))
    return [cell.strip() for cell in found.strip("|").split("|")][1:]


def test_everything_compared_has_a_page_and_a_name() -> None:
    assert set(urls.HEADS) | set(urls.BODIES) == set(KINDS) == set(TITLES)
    assert set(LIBRARIES) == set(urls.BODIES)


def test_mark_is_1_15_of_the_floor_and_what_is_over_it_is_bold() -> None:
    text = tables.against_the_floor({HERE: rows()})
    assert line(text, str(HERE)) == ["100", "1.15", "**1.30**"]


def test_fastest_library_is_named_for_both_ends() -> None:
    text = tables.against_the_libraries({HERE: rows()})
    there = ["auth0-spa-js, 120 ms", "0.96", "**1.08**"]
    told = ["oidc-client-ts, 140 ms", "0.82", "0.93"]
    assert line(text, str(HERE)) == there + told


def test_times_are_shown_with_both_factors() -> None:
    text = tables.times("here", {True: rows(), False: rows()})
    assert line(text, TITLES["ours"]) == ["130 (140)", "1.30", "1.00"] * 2
    assert line(text, "auth0-spa-js") == ["120 (130)", "1.20", "0.92"] * 2
    assert line(text, "auth0-spa-js, its site told") == ["140 (140)", "1.40", "1.08"] * 2


def test_requests_and_bytes_are_shown() -> None:
    text = tables.counts({True: rows(), False: rows(script=0, bytes=1000)})
    assert line(text, TITLES["ours"]) == ["2 + 1 (1)", "5.0", "2 + 1 (1)", "1.0", "4.0"]


def test_p95_of_thirty_is_the_last_but_one() -> None:
    assert tables.p95([{"time": float(number)} for number in range(1, 31)]) == 29


def test_docs_hold_all_tables_of_a_run() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = page.partition(BEGIN)[2].partition(END)[0]
    if "Measured with" not in made:
        pytest.skip("nothing is written yet")
    homes = [home for home, title in tables.HOMES.items() if title in made]  # one run can be for one of them only
    situations = [Situation(home, seconds, cold) for home in homes for seconds in (0, 0.05) for cold in (True, False)]
    expected = "\n\n".join(tables.all_of(dict.fromkeys(situations, rows())))
    heads = re.compile(r"^(?:## .*|\| [^|]*\|)", re.MULTILINE)
    assert sorted(heads.findall(made)) == sorted(heads.findall(expected)), "the same tables, with the same rows"


@contextmanager
def answering() -> Iterator[int]:
    """A server that answers whatever it is sent with seven bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer(connection: socket.socket) -> None:
            with connection:
                while connection.recv(65536):
                    connection.sendall(b"answer\n")

        def accept() -> None:
            try:
                while True:
                    threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True).start()
            except OSError:
                pass  # closed

        threading.Thread(target=accept, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def ask(connection: socket.socket, request: bytes) -> None:
    connection.sendall(request)
    assert connection.recv(100) == b"answer\n"


def test_requests_are_told_apart_and_their_bytes_counted() -> None:
    with answering() as port, Watched() as proxy:
        proxy.upstream = port
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            ask(connection, b"GET /page/?a HTTP/1.1\r\nHost: x\r\n\r\n")
            ask(connection, b"POST /form/ HTTP/1.1\r\nHost: x\r\n\r\n")
            ask(connection, b"a body, which comes later")
        assert [one.path for one in proxy.requests] == ["/page/?a", "/form/"]
        assert [sum(size for _, size in one.received) for one in proxy.requests] == [7, 14]
        assert all(one.sent <= one.answered for one in proxy.requests)
        proxy.forget()
        assert proxy.requests == []


def test_whoever_was_connected_has_to_connect_again() -> None:
    with answering() as port, Watched() as proxy:
        proxy.upstream = port
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            ask(connection, b"GET / HTTP/1.1\r\n\r\n")
            proxy.hang_up()
            assert connection.recv(100) == b""
        with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
            ask(connection, b"GET / HTTP/1.1\r\n\r\n")
