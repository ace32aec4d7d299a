"""Why a mutant may live: each by its kind. The page docs/explanation/mutation.md is made of these words."""

from __future__ import annotations

import re
from typing import Final

KINDS: Final[dict[str, str]] = {
    "one object": "What exists once in a process (a member of an enum, a small number, a constant of one table) is "
    "equal to nothing else: `is` and `==` say the same.",
    "range": "The values for which the two would differ cannot come there: a line before has dealt with them, or the "
    "type has no such value.",
    "library": "The library called takes both alike.",
    "length": "How much of a text goes into an error message, and for how many seconds exactly something is kept, is "
    "no rule that anybody could rely on.",
    "secret": "A random name that is a byte longer or shorter is as hard to guess.",
    "order": "Only the order of these numbers counts, and it is the same.",
    "log": "A line for the log; what it must not hold is tested, that it is there is not.",
}

# By module: the line before and after, and the kind.
EXPLAINED: Final[dict[str, list[tuple[str, str, str]]]] = {
    "protocol.authentication_response": [
        (
            'if code is not None and asked == {"code"}:',
            'if code is not None and asked <= {"code"}:',
            "range",
        ),
    ],
    "views.callback": [
        ('if request.method == "POST":', 'if request.method >= "POST":', "range"),
        (
            "if kind_of(request) is Kind.FORM or not _from_a_page(request):",
            "if kind_of(request) <= Kind.FORM or not _from_a_page(request):",
            "range",
        ),
        (
            "if transport == TOP and way_back(pending) != mode:",
            "if transport >= TOP and way_back(pending) != mode:",
            "range",
        ),
    ],
    "storage.pending": [
        ("reference = secrets.token_urlsafe(16)", "reference = secrets.token_urlsafe( 17)", "secret"),
        ("reference = secrets.token_urlsafe(16)", "reference = secrets.token_urlsafe( 15)", "secret"),
        (
            "rank = 0 if pending.silent else 1 if pending.foreign else 2",
            "rank = -1 if pending.silent else 1 if pending.foreign else 2",
            "order",
        ),
        (
            "rank = 0 if pending.silent else 1 if pending.foreign else 2",
            "rank = 0 if pending.silent else 1 if pending.foreign else 3",
            "order",
        ),
        # The one is 11 or 18 characters, the other is 11.
        ("start = len(full) - len(PREFIX)", "start = len(full) % len(PREFIX)", "range"),
        (
            "return [name[start:] for name in request.COOKIES if name.startswith(full) and len(name) == width]",
            "return [name[start:] for name in request.COOKIES if name.startswith(full) and len(name) is width]",
            "one object",
        ),
        (
            'if data is None or data.pop("v", None) != VERSION:',
            'if data is None or data.pop("v", None) is not VERSION:',
            "one object",
        ),
    ],
    "policy": [
        # In the order of the alphabet: "frame", "off", "redirect"; "redirect", "refresh_token"; "anonymous",
        # "interactive", "keep".
        ('if rules.visitors != "redirect":', 'if rules.visitors < "redirect":', "range"),
        (
            'reason = Reason.VISITORS_OFF if rules.visitors == "off" else Reason.NOT_SIGNED_IN',
            'reason = Reason.VISITORS_OFF if rules.visitors >= "off" else Reason.NOT_SIGNED_IN',
            "range",
        ),
        ('if way == "refresh_token":', 'if way >= "refresh_token":', "range"),
        (
            'ends = reaction == "anonymous" or (reaction == "interactive" and reason is Reason.LOGIN_REQUIRED)',
            'ends = reaction <= "anonymous" or (reaction == "interactive" and reason is Reason.LOGIN_REQUIRED)',
            "range",
        ),
        (
            'ends = reaction == "anonymous" or (reaction == "interactive" and reason is Reason.LOGIN_REQUIRED)',
            'ends = reaction == "anonymous" or (reaction <= "interactive" and reason is Reason.LOGIN_REQUIRED)',
            "range",
        ),
        # No wait is shorter than 0.
        (
            "return max(wait, min(retry_after or 0, 24 * 3600))",
            "return max(wait, min(retry_after or -1, 24 * 3600))",
            "range",
        ),
    ],
    "protocol.keys": [
        ("if len(found) > 1:", "if len(found) != 1:", "range"),
    ],
    "protocol.provider_metadata": [
        ('if scheme == "http" and not _is_loopback(host):', 'if scheme <= "http" and not _is_loopback(host):', "range"),
        (
            'return problem is None and scheme == "http" and _is_loopback(host)',
            'return problem is None and scheme <= "http" and _is_loopback(host)',
            "range",
        ),
    ],
    "protocol.signed_token": [
        ("if len(found) != len(members):", "if len(found) < len(members):", "range"),
    ],
    "protocol.response_parameters": [
        ("if count == _MOST_PAIRS:", "if count >= _MOST_PAIRS:", "range"),
        ("if count == _MOST_PAIRS:", "if count is _MOST_PAIRS:", "one object"),
    ],
}

# By a pattern for the line before, and one for the line after.
PATTERNS: Final[list[tuple[str, str, str]]] = [
    (r"logger\.(info|warning)\(", r"pass", "log"),
    (r"said = repr\(", r".*\[: (199|201)\].*", "length"),
    (r"raise ConfigurationError\(problem, ", r".*\[: (199|201)\].*", "length"),
    (r"\w+(_LIFETIME|_MEMORY)\b.* = \d+", r".* = \d+( +#.*)?", "length"),
    # One more than 50 is enough to see that there are more than 50, and any more is too.
    (r"for count, .*islice\(pairs, _MOST_PAIRS \+ 1\)", r"for count, .*_MOST_PAIRS (<<|\||\^|\+) [12]\b.*", "range"),
    (
        r".*\b(transport|transport_of\(.*\)) == (POPUP|FRAME|TOP|DOCTOR)\b",
        r".* is (POPUP|FRAME|TOP|DOCTOR)\b.*",
        "one object",
    ),
    # The first and the last of the kinds of requests in the order of the alphabet.
    (r".*\bfacts\.kind is Kind\.DOCUMENT", r".*\bfacts\.kind <= Kind\.DOCUMENT.*", "range"),
    (r".*\bfacts\.kind is not Kind\.DOCUMENT", r".*\bfacts\.kind > Kind\.DOCUMENT.*", "range"),
    (r".*\bfacts\.kind is Kind\.SCRIPT", r".*\bfacts\.kind >= Kind\.SCRIPT.*", "range"),
    # A set of one, and another without it.
    (r"\{\"EdDSA\"\} \|", r"\{\"EdDSA\"\} \^ .*", "range"),
    (r"if isinstance\(key, bytes\) is not ", r"if isinstance\(key, bytes\) != .*", "one object"),
    # "always", "known", "never": in this order, by chance.
    (r"return conf\.top_level_hop == ", r".* <= .*", "range"),
    # A member of the same object lies as deep as its name, and is looked at right after it.
    (r"_refuse_odd\(name, depth \+ 1\)", r"_refuse_odd\(name, depth .*\)", "range"),
    # Too many "=" at the end of base64 are passed over.
    (
        r"octets = urlsafe_b64decode\(",
        r'octets = urlsafe_b64decode\(part \+ "=" \* \(\+?len\(part\) % 4\)\)',
        "library",
    ),
]

_SINGLETON = re.compile(r"\b(?:Action|Kind|OPErrorCode|Prompt|Reason)\.[A-Z_]+")


def explanation(module: str, operator: str, before: str, after: str) -> str | None:
    """A kind, or `None`: a test is missing."""
    for explained in EXPLAINED.get(module, []):
        if explained[:2] == (before, after):
            return explained[2]
    for pattern, changed, kind in PATTERNS:
        if re.match(pattern, before) and re.fullmatch(changed, after):
            return kind
    if operator in ("ReplaceComparisonOperator_Is_Eq", "ReplaceComparisonOperator_IsNot_NotEq"):
        return "one object" if _SINGLETON.search(before) else None
    return None
