"""Why a mutant may live: each by its kind. The page docs/explanation/mutation.md is made of these words."""

from __future__ import annotations

import re
from typing import Final

KINDS: Final[dict[str, str]] = {
    "singleton": "An object that exists once (a member of an enum, a class's own mark): `is` and `==` say the same.",
}

# By module: the line before and after, and the kind.
EXPLAINED: Final[dict[str, list[tuple[str, str, str]]]] = {}

_SINGLETON = re.compile(r"\b(?:Action|Kind|OPErrorCode|Prompt|Reason)\.[A-Z_]+")


def explanation(module: str, operator: str, before: str, after: str) -> str | None:
    """A kind, or `None`: a test is missing."""
    for explained in EXPLAINED.get(module, []):
        if explained[:2] == (before, after):
            return explained[2]
    if operator in ("ReplaceComparisonOperator_Is_Eq", "ReplaceComparisonOperator_IsNot_NotEq"):
        return "singleton" if _SINGLETON.search(before) else None
    return None
