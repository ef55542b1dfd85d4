"""Findings: what lint has to say of a place in a manifest."""

import enum
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.errors import ManifestError, ReconcilerError

_CONTENT = re.compile(r"[ \t\ufeff]*(?:- +)*")


class Level(enum.StrEnum):
    """How bad a finding is."""

    ERROR = "error"  # a cycle leaves something alone because of it, and says so
    WARNING = "warning"  # nothing fails, and it is hardly meant
    NOTE = "note"  # nothing is wrong; it is good to know


class Rule(enum.Enum):
    """What is looked for: a name by which it can be left out, and how bad it is."""

    INVALID = ("invalid", Level.ERROR)
    ENCRYPTED = ("encrypted", Level.NOTE)
    DUPLICATE = ("duplicate", Level.ERROR)
    CONFLICT = ("conflict", Level.ERROR)
    NOT_UPDATABLE = ("not-updatable", Level.ERROR)
    NO_IMAGE = ("no-image", Level.ERROR)
    UNKNOWN_KEY = ("unknown-key", Level.WARNING)
    NO_SWITCH = ("no-switch", Level.WARNING)
    SHADOWED = ("shadowed", Level.WARNING)
    MISPLACED = ("misplaced", Level.WARNING)
    NO_TAG = ("no-tag", Level.WARNING)
    SUFFIX = ("suffix", Level.WARNING)

    def __init__(self, word: str, level: Level) -> None:
        self.word = word
        self.level = level


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is to be said of one place.

    Attributes:
        path: the manifest.
        line: from 1; 0 for what is about the whole file.
        column: from 1, in characters; 0 likewise.
        word: the name of the rule.
        message: what is wrong, and what to do.
        level: how bad it is.
    """

    path: str
    line: int
    column: int
    word: str
    message: str
    level: Level

    @property
    def where(self) -> str:
        """``path:line:column``, as compilers write it."""
        return f"{self.path}:{self.line}:{self.column}" if self.line else self.path


class Places:
    """Makes findings, with the columns of their places."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Take the manifests by path."""
        self._texts = texts
        self._starts: dict[str, Sequence[int]] = {}

    def at(self, rule: Rule, path: str, line: int, message: str) -> Finding:
        """Return a finding about a line, at its first character that is no indentation."""
        column = self._first_column(path, line)
        return Finding(path, line, column, rule.word, message, rule.level)

    def at_offset(self, rule: Rule, path: str, offset: int, message: str) -> Finding:
        """Return a finding about what begins at an offset of the text."""
        starts = self._line_starts(path)
        line = bisect_right(starts, offset)
        column = self._column(path, starts[line - 1], offset)
        return Finding(path, line, column, rule.word, message, rule.level)

    def of_error(self, rule: Rule, error: ReconcilerError) -> Finding:
        """Return a finding about the place that an error names."""
        path, colon, line = error.where.rpartition(":")
        if not (colon and line.isdecimal() and path in self._texts):
            return Finding(error.where, 0, 0, rule.word, error.message, rule.level)
        offset = error.offset if isinstance(error, ManifestError) else None
        if offset is None:
            return self.at(rule, path, int(line), error.message)
        return self.at_offset(rule, path, offset, error.message)

    def _first_column(self, path: str, line: int) -> int:
        starts = self._line_starts(path)
        if line > len(starts):
            return 1
        text, start = self._texts[path], starts[line - 1]
        found = _CONTENT.match(text, start)
        return self._column(path, start, found.end() if found else start)

    def _column(self, path: str, start: int, offset: int) -> int:
        """Return a column, from 1; a byte order mark has none."""
        is_marked = start == 0 and self._texts[path].startswith("\ufeff")
        return offset - start + 1 - is_marked

    def _line_starts(self, path: str) -> Sequence[int]:
        """Return the offset of each line; a file may have very many findings."""
        known = self._starts.get(path)
        if known is None:
            breaks = re.finditer("\n", self._texts[path])
            known = self._starts[path] = [0, *(found.end() for found in breaks)]
        return known
