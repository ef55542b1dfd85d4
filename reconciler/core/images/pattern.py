"""Patterns: regular expressions from manifests, in RE2's syntax.

RE2 matches in linear time, so that no expression can hang the process; it is what Flux knows.
"""

import functools
from dataclasses import dataclass, field
from typing import Any

import re2

from reconciler.errors import PolicySyntaxError

MAX_PATTERN = 1000  # characters


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression.

    Attributes:
        text: as written.
    """

    text: str
    _compiled: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be used.

        Raises:
            PolicySyntaxError: it is no expression, or too large.
        """
        object.__setattr__(self, "_compiled", _compile(self.text))

    def groups_of(self, text: str) -> tuple[str, ...] | None:
        """Return the first match in a text and its groups; None if there is no match."""
        found = self._search(text)
        return None if found is None else (found[0], *(each or "" for each in found.groups()))

    def span_of(self, text: str) -> tuple[int, int] | None:
        """Return where the first match in a text begins and ends; None if there is no match."""
        found = self._compiled.search(text)
        return None if found is None else (found.start(), found.end())

    def matches(self, text: str) -> bool:
        """Whether it matches anywhere in a text."""
        return self._search(text) is not None

    def group(self, name: str) -> int | None:
        """Return the number of a group by its name or number; None if there is none."""
        if not name.isdigit():
            number: int | None = self._compiled.groupindex.get(name)
            return number
        return int(name) if len(name) < 4 and int(name) <= self._compiled.groups else None  # noqa: PLR2004 - a pattern has no room for a thousand groups

    def _search(self, text: str) -> Any:  # noqa: ANN401 - re2's match
        try:
            return self._compiled.search(text)
        except UnicodeEncodeError:  # half of a surrogate pair, as JSON and YAML can write it
            return None

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(maxsize=256)
def _compile(text: str) -> object:
    if len(text) > MAX_PATTERN:
        raise PolicySyntaxError(f"{text[:80]}…", f"is longer than {MAX_PATTERN:,} characters")
    options = re2.Options()
    options.log_errors = False
    try:
        compiled: object = re2.compile(text, options)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0]
        words = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PolicySyntaxError(text, f"is no regular expression of RE2: {words}") from error
    return compiled
