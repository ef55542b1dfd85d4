"""Unified diffs of texts, as Git prints them."""

import difflib


def unified_diff(before: str, after: str, *, path: str) -> str:
    """Return the unified diff of two versions of a file, with three lines of context; empty if equal.

    Line ends are kept as they are; a missing one at the end of the file is marked as Git marks it.
    """
    if before == after:
        return ""
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        fromfile=f"a/{path}",
        tofile=f"b/{path}",
    )
    marked = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return "".join(marked)
