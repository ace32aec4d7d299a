"""The attacks this project answers to, by number, and why some of them have no test (yet).

The letters: S state, CSRF and replay; T the ID Token's content; K algorithms and keys; I issuer, mix-up, metadata;
U who the user is; F frames, messages, side channels; R response modes and types; O open redirects; M the check-session
iframe; BC and FC back- and front-channel logout; P RP-initiated logout; H refresh tokens; N sessions, cookies, caching;
DS denial of service; L leaks and injection; 3P third-party-initiated login; G Django's own settings.
"""

from __future__ import annotations


def _rows(group: str, numbers: str) -> tuple[str, ...]:
    return tuple(f"{group}{number}" for number in numbers.split())


ROWS: dict[str, tuple[str, ...]] = {
    "S": _rows("S", "01 02 04 05 06 07 09 10 11 12 13 14 15 17 18 19 20 21 22 23 24 26 29"),
    "T": _rows("T", "01 02 03 05 06 07 08 09 10 11 12 13 14 15 16 18 19 20 21 23 24 25 26 28 29 30"),
    "K": _rows("K", "01 02 04 05 06 07 08 09 10 11 12 13 14 16 17 18"),
    "I": _rows("I", "01 02 04 05 06 09 10 11 12 13 15 16"),
    "U": _rows("U", "01 04 05 06 07 08 09 10 12 13 14 16 17 18 19"),
    "F": _rows("F", "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24"),
    "R": _rows("R", "01 02 03 04 06 07 08 09 10 11 12 13"),
    "O": _rows("O", "01 02 04 05 06 08 09 10 11 12 13"),
    "M": _rows("M", "02 03 04 05 06 07 08 10 11 12"),
    "BC": _rows("BC", "01 02 03 05 06 07 08 10 11 12 14 15 16 17 18 19 20 21 22 23 24 25 26 28 29 30 31 32 33 34"),
    "FC": _rows("FC", "01 03 05 06 07 09 10 11 12"),
    "P": _rows("P", "01 02 03 05 06 07 08"),
    "H": _rows("H", "02 03 04 05 07 08 09 11"),
    "N": _rows("N", "01 02 03 04 07 08 09 10"),
    "DS": _rows("DS", "01 02 03 04 05 06 07 08"),
    "L": _rows("L", "01 02 03 04 05"),
    "3P": _rows("3P", "1 3 4 5 7"),
    "G": _rows("G", "01 02 03 04 05 06 07 08 10"),
}

LEFT_OUT: dict[str, str] = {}
