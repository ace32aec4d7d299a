"""The tests on the page "Test your site", word by word: what the documentation shows, runs."""

from __future__ import annotations

import re

from tests.repository import text

PAGE = "docs/how-to/testing-your-site.md"

for block in re.findall(r"^```python\n(.*?)^```", text(PAGE), re.MULTILINE | re.DOTALL):
    # Into this module, where pytest collects what it defines.
    exec(compile(block, PAGE, "exec"), globals())  # noqa: S102  # our own page
