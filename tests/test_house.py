"""What holds the house together: each module has its test file, the docs name what the code names."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from django.dispatch import Signal

from django_silent_sso import signals, urls
from django_silent_sso.check_messages import MESSAGES
from django_silent_sso.defaults import DEFAULTS
from django_silent_sso.protocol.errors import Reason
from django_silent_sso.templatetags.silent_sso import register
from tests.repository import DOCS, PACKAGE, ROOT, documented, files, modules, text

SOURCES = {name: text(path) for name, path in modules().items()}
SCRIPT = text(PACKAGE / "static/django_silent_sso/silent-sso.js")
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"]

WITHOUT_TEST_FILE = {
    "apps": "registers the checks: tests/test_checks.py asks Django's registry for them",
    "testing": "names that load late: tests/testing/test_provider.py and test_ageing.py import them by it",
    "migrations.0001_initial": "made by Django: every test that uses the database runs it",
    "migrations.0002_signed_in_session": "made by Django: every test that uses the database runs it",
    "migrations.0003_logout_record": "made by Django: every test that uses the database runs it",
}
# A path that only this or that machine has; a host that a mirror may stand for.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.}~:-])/(?:root|home/\w+|work|opt|Users/\w+|tmp/\w+)/\w"
    r"|\b(?:pypi|npmjs|pythonhosted|debian)\.(?:org|com)\b"
)


def in_package(pattern: str) -> set[str]:
    return {name for source in SOURCES.values() for name in re.findall(pattern, source)}


def in_script(pattern: str) -> set[str]:
    return set(re.findall(pattern, SCRIPT, re.MULTILINE))


# What is named: the names in the code, the reference page, and how a name looks there.
NAMES: Mapping[str, tuple[set[str], str, str]] = {
    "settings": (set(DEFAULTS), "settings.md", r"SILENT_SSO_\w+"),
    "settings of mozilla-django-oidc": (in_package(r'"(OIDC_[A-Z_]+)"'), "settings.md", r"OIDC_\w+"),
    "reason codes": ({str(reason) for reason in Reason}, "reason-codes.md", r"\w+"),
    "checks": ({f"django_silent_sso.{code}" for code in MESSAGES}, "checks.md", r"django_silent_sso\.\w+"),
    "signals": (
        {name for name, value in vars(signals).items() if isinstance(value, Signal)},
        "signals.md",
        r"\w+",
    ),
    "URL names": ({str(pattern.name) for pattern in urls.urlpatterns}, "urls.md", r"(?:oidc|silent_sso)_\w+"),
    "template tags": ({f"{{% {tag} %}}" for tag in register.tags}, "template-tags.md", r"{% \w+ %}"),
    # TypeScript's checker sees to it that no other is sent.
    "events": (
        {
            f"silent-sso:{name}"
            for line in in_script(r"@typedef {(.*)} EventName")
            for name in re.findall(r"[a-z-]+", line)
        },
        "javascript.md",
        r"silent-sso:[a-z-]+",
    ),
    "functions of the script": (
        in_script(r"^export (?:async function|function|const) (\w+)"),
        "javascript.md",
        r"\w+(?=\()",
    ),
}


@pytest.mark.parametrize("kind", NAMES)
def test_reference_names_what_the_code_names(kind: str) -> None:
    code, page, pattern = NAMES[kind]
    docs = documented(page, pattern)
    assert code, "nothing found in the code"
    assert set(docs) == code
    assert len(docs) == len(code), "documented twice"


@pytest.mark.parametrize("name", DEFAULTS)
def test_reference_tells_the_default_of(name: str) -> None:
    row = re.search(rf"^\| `{name}` \| `(.+?)` \|", text(DOCS / "reference/settings.md"), re.MULTILINE)
    assert row is not None, "no row with a default in code quotes"
    assert ast.literal_eval(row[1]) == DEFAULTS[name]


def test_every_module_has_its_test_file() -> None:
    def says_something(path: Path) -> bool:
        return path.name != "__init__.py" or len(ast.parse(text(path)).body) > 1

    expected = {
        name: ROOT / "tests" / Path(*name.split(".")).with_name(f"test_{name.rpartition('.')[2]}.py")
        for name, path in modules().items()
        if says_something(path)
    }
    missing = {name for name, path in expected.items() if not path.exists()}
    assert len(expected) > 20
    assert " ".join(sorted(missing - set(WITHOUT_TEST_FILE))) == ""
    assert set(WITHOUT_TEST_FILE) - missing == set(), "no exception any more"


def python_blocks() -> Iterator[tuple[Path, ast.Module]]:
    for page in PAGES:
        for block in re.findall(r"^```python\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL):
            yield page, ast.parse(block, str(page))


def test_python_in_the_docs_compiles_and_imports_names_that_exist() -> None:
    blocks = list(python_blocks())
    assert len(blocks) > 5
    for page, block in blocks:
        for node in ast.walk(block):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE.name):
                module = importlib.import_module(str(node.module))
                missing = [alias.name for alias in node.names if not hasattr(module, alias.name)]
                assert missing == [], f"{page}: {node.module}"


def test_dotted_names_of_the_package_in_the_docs_exist() -> None:
    dotted = {name for page in PAGES for name in re.findall(rf"\b{PACKAGE.name}\.([a-z][\w.]*\w)", text(page))}
    assert len(dotted) > 5
    for name in dotted - set(SOURCES):
        module, _, attribute = name.rpartition(".")
        assert hasattr(importlib.import_module(f"{PACKAGE.name}.{module}".strip(".")), attribute), name


def test_version_is_the_newest_of_the_changelog() -> None:
    newest = re.search(r"^## \[?([\w.]+)", text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == tomllib.loads(text("pyproject.toml"))["project"]["version"]


def test_no_file_speaks_of_one_machine() -> None:
    texts = {path: path.read_bytes().decode(errors="ignore") for path in files() if path.name != ".coverage"}
    found = {str(path): match[0] for path, words in texts.items() if (match := OF_ONE_MACHINE.search(words))}
    assert len(texts) > 100
    assert found == {}
