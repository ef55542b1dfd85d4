"""Unified diffs of texts, as Git prints them."""

import difflib
import re
from collections.abc import Iterator, Sequence

CONTEXT = 3
LARGE = 1000  # lines; from here on difflib, whose time may grow with the square, takes seconds


def unified_diff(before: str, after: str, *, path: str) -> str:
    """Return the unified diff of two versions of a file, three lines of context; empty if equal.

    Line ends are kept as they are; a missing one at the end of the file is marked as Git marks it.
    Large texts of equally many lines are compared line by line: that is what edits in place make.
    """
    if before == after:
        return ""
    old, new = _lines(before), _lines(after)
    if len(old) == len(new) > LARGE:
        lines = _in_place(old, new, path)
    else:
        lines = difflib.unified_diff(old, new, fromfile=f"a/{path}", tofile=f"b/{path}", n=CONTEXT)
    marked = (
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return "".join(marked)


def _lines(text: str) -> list[str]:
    """Split at line feeds only, as Git does; ``str.splitlines`` knows ten other line ends."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _in_place(old: Sequence[str], new: Sequence[str], path: str) -> Iterator[str]:
    """Yield the diff of texts whose lines correspond one by one."""
    yield f"--- a/{path}\n"
    yield f"+++ b/{path}\n"
    changed = [at for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    for first, last in _hunks(changed):
        start, end = max(0, first - CONTEXT), min(len(old), last + CONTEXT + 1)
        yield f"@@ -{start + 1},{end - start} +{start + 1},{end - start} @@\n"
        yield from _body(old[start:end], new[start:end])


def _hunks(changed: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of the changed lines that share their context."""
    first = last = changed[0]
    for at in changed[1:]:
        if at - last > 2 * CONTEXT + 1:
            yield first, last
            first = at
        last = at
    yield first, last


def _body(old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    added: list[str] = []
    for was, now in zip(old, new, strict=True):
        if was != now:
            yield f"-{was}"
            added.append(f"+{now}")
        else:
            yield from added
            added.clear()
            yield f" {was}"
    yield from added
