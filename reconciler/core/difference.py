"""Unified diffs of texts, as Git prints them."""

import difflib
import re


def unified_diff(before: str, after: str, *, path: str) -> str:
    """Return the unified diff of two versions of a file, three lines of context; empty if equal.

    Line ends are kept as they are; a missing one at the end of the file is marked as Git marks it.
    """
    if before == after:
        return ""
    lines = difflib.unified_diff(
        _lines(before),
        _lines(after),
        fromfile=f"a/{path}",
        tofile=f"b/{path}",
    )
    marked = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return "".join(marked)


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as Git does; ``str.splitlines`` knows ten other line ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)
