"""Texts of manifests: what the tests of the core and the golden directories are about."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[2]


@cache
def texts() -> tuple[str, ...]:
    """Return every text of several lines in the tests of manifests, and every golden file."""
    return tuple(dict.fromkeys([*_constants(), *_files()]))


def _constants() -> Iterator[str]:
    for path in sorted((TESTS / "core" / "manifests").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from [node.value] if "\n" in node.value else []


def _files() -> Iterator[str]:
    for path in sorted((TESTS / "data").rglob("*.y*ml")):
        yield path.read_bytes().decode("utf-8", "replace")
