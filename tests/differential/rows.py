"""Every row of the bench, in the order of the page."""

from __future__ import annotations

from tests.differential import rows_attacks, rows_faults, rows_renewal, rows_tokens
from tests.differential.verdicts import Row

GROUPS: dict[str, list[Row]] = {
    "What the provider says": rows_tokens.ROWS,
    "What an attacker sends": rows_attacks.ROWS,
    "When a session is renewed": rows_renewal.ROWS,
    "When the provider fails, and several tabs": rows_faults.ROWS,
}
ROWS: list[Row] = [row for rows in GROUPS.values() for row in rows]
