"""The attacks this project answers to, by number, and why some of them have no test (yet).

The letters: S state, CSRF and replay; T the ID Token's content; K algorithms and keys; I issuer, mix-up, metadata; U who
the user is; F frames, messages, side channels; R response modes and types; O open redirects; M the check-session iframe;
BC and FC back- and front-channel logout; P RP-initiated logout; H refresh tokens; N sessions, cookies, caching; DS denial
of service; L leaks and injection; 3P third-party-initiated login; G Django's own settings.
"""

from __future__ import annotations


def _rows(letters: str, *numbers: int, width: int = 2) -> tuple[str, ...]:
    return tuple(f"{letters}{number:0{width}}" for number in numbers)


ROWS: dict[str, tuple[str, ...]] = {
    "S": _rows("S", 1, 2, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 26, 29),
    "T": _rows("T", 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 30),
    "K": _rows("K", 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16, 17, 18),
    "I": _rows("I", 1, 2, 4, 5, 6, 9, 10, 11, 12, 13, 15, 16),
    "U": _rows("U", 1, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 16, 17, 18, 19),
    "F": _rows("F", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24),
    "R": _rows("R", 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13),
    "O": _rows("O", 1, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13),
    "M": _rows("M", 2, 3, 4, 5, 6, 7, 8, 10, 11, 12),
    "BC": _rows(
        "BC",
        1,
        2,
        3,
        5,
        6,
        7,
        8,
        10,
        11,
        12,
        14,
        15,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        23,
        24,
        25,
        26,
        28,
        29,
        30,
        31,
        32,
        33,
        34,
    ),
    "FC": _rows("FC", 1, 3, 5, 6, 7, 9, 10, 11, 12),
    "P": _rows("P", 1, 2, 3, 5, 6, 7, 8),
    "H": _rows("H", 2, 3, 4, 5, 7, 8, 9, 11),
    "N": _rows("N", 1, 2, 3, 4, 7, 8, 9, 10),
    "DS": _rows("DS", 1, 2, 3, 4, 5, 6, 7, 8),
    "L": _rows("L", 1, 2, 3, 4, 5),
    "3P": _rows("3P", 1, 3, 4, 5, 7, width=1),
    "G": _rows("G", 1, 2, 3, 4, 5, 6, 7, 8, 10),
}

LEFT_OUT: dict[str, str] = {}
