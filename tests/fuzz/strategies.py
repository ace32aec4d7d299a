"""How often, and with what: the shapes that parsers, databases and browsers stumble over."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

examples = settings(
    max_examples=200,
    deadline=None,
    derandomize="CI" in os.environ,  # there the same examples each time; elsewhere always new ones
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
few = settings(examples, max_examples=40)  # where each one goes to the provider and back

NASTY = (
    "",
    " ",
    "\x00",
    "\r\nSet-Cookie: sessionid=x",
    "\ud800",
    "\u202e",
    "%",
    "%00",
    "%ff",
    "..",
    "/../",
    "//evil.example",
    "https://evil.example/",
    "javascript:alert(1)",
    "<script>alert(1)</script>",
    "{{ 7*7 }}",
    "' OR 1=1 --",
    "null",
    "true",
    "NaN",
    "1e999",
    "-1",
    "9" * 400,
    "a" * 5000,
    "ﬀ",
    "İ",
)
encodable = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
texts = encodable | st.sampled_from([text for text in NASTY if text != "\ud800"])
any_texts = st.text(max_size=40) | st.sampled_from(NASTY)
header_texts = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
numbers = st.integers() | st.floats() | st.sampled_from([0, -1, 2**63, -(2**63), 2**1024, 10**400, 1e308, 0.1])
json_values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def mapping(names: tuple[str, ...], values: st.SearchStrategy[Any] = json_values) -> st.SearchStrategy[dict[str, Any]]:
    """Some of these members, and now and then another one."""
    return st.dictionaries(st.sampled_from(names) | texts, values, min_size=1, max_size=5)
