"""Takes lines that nobody may see out of a unified diff."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reconciler.core.redaction import MASK

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a hunk.

    Attributes:
        text: with its mark, and what is said of a missing line end.
        old: its number in the old text, or that of the next line there.
        new: likewise in the new text.
        is_hidden: whether nobody may see it.
    """

    text: str
    old: int
    new: int
    is_hidden: bool

    @property
    def is_context(self) -> bool:
        """Whether it is the same in both texts."""
        return self.text.startswith(" ")


def discreet(diff: str, *, before: Collection[int], after: Collection[int]) -> str:
    """Return a unified diff of one file without the lines that nobody may see.

    Where such a line is context, the context ends before it: what is left is a diff that Git takes.
    In place of one that changes there are asterisks.

    Args:
        diff: see :func:`reconciler.core.difference.unified_diff`.
        before: the numbers of these lines in the old text, from 1.
        after: likewise in the new text.
    """
    if not (diff and (before or after)):
        return diff
    first, second, *rest = re.findall(r"[^\n]*\n|[^\n]+", diff)  # as Git splits: nowhere else
    segments = (part for hunk in _hunks(rest, before, after) for part in _parted(hunk))
    shown = [_printed(each) for each in segments if not all(line.is_context for line in each)]
    return "".join((first, second, *shown))


def _hunks(
    lines: Sequence[str], before: Collection[int], after: Collection[int]
) -> Iterator[list[_Line]]:
    hunk: list[_Line] = []
    old = new = 0
    for text in lines:
        if found := _HUNK.match(text):
            if hunk:
                yield hunk
            hunk, (old, new) = [], map(int, found.groups())
            continue
        mark = text[0]
        if mark == "\\":  # no line end
            last = hunk[-1]
            hunk[-1] = _Line(last.text + text, last.old, last.new, last.is_hidden)
            continue
        is_hidden = (mark != "+" and old in before) or (mark != "-" and new in after)
        hunk.append(_Line(text, old, new, is_hidden))
        old += mark != "+"
        new += mark != "-"
    if hunk:
        yield hunk


def _parted(hunk: Sequence[_Line]) -> Iterator[list[_Line]]:
    """Part a hunk at the context that nobody may see."""
    part: list[_Line] = []
    for line in hunk:
        if line.is_hidden and line.is_context:
            yield part
            part = []
        else:
            part.append(line)
    yield part


def _printed(part: Sequence[_Line]) -> str:
    old = sum(not line.text.startswith("+") for line in part)
    new = sum(not line.text.startswith("-") for line in part)
    body = "".join(f"{line.text[0]}{MASK}\n" if line.is_hidden else line.text for line in part)
    first = part[0]  # of no lines the one before is named
    return f"@@ -{first.old - (not old)},{old} +{first.new - (not new)},{new} @@\n{body}"
