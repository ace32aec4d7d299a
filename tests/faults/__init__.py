"""Everything that can break around this app breaks here, one numbered row after the other (`rows.py`)."""
