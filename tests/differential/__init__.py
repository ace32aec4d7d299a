"""The same attacks and faults against this package and three others, judged by the same code."""
