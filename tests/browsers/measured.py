"""What one run of the tests has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.browsers.matrix import Case
    from tests.browsers.scenarios import Outcome


@dataclass(eq=False)
class Measured:
    """A plugin of pytest: where it is, the tests put their outcomes here and do not compare them with the page."""

    outcomes: dict[Case, Outcome] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
