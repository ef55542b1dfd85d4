"""Filters: which tags are looked at, and which part of them is ordered."""

import re
from dataclasses import dataclass

from reconciler.core.images.pattern import MAX_PATTERN, Pattern
from reconciler.errors import PolicySyntaxError

_REFERENCE = re.compile(r"\$(?:\$|\{(\w*)\}|(\w+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class TagFilter:
    """A regular expression, and a template for the text that is ordered in a tag's place.

    Both are Flux's: the expression matches anywhere in the tag unless it is anchored; the template
    names groups as ``$name``, ``${name}`` or ``$1``.

    Attributes:
        pattern: the expression.
        template: the template, as written; empty: the whole tag is ordered.
    """

    pattern: Pattern
    template: str = ""

    def __post_init__(self) -> None:
        """Refuse a template that cannot be used.

        Raises:
            PolicySyntaxError: it names groups that the expression does not have.
        """
        if len(self.template) > MAX_PATTERN:
            raise PolicySyntaxError(f"{self.template[:80]}…", "is too long for a template")
        for found in _REFERENCE.finditer(self.template):
            name = _name(found)
            if name is not None and self.pattern.group(name) is None:
                reason = f"the filter has no group {name!r}" if name else "'$' names no group"
                raise PolicySyntaxError(self.template, reason)

    def extract(self, tag: str) -> str | None:
        """Return the text that is ordered in a tag's place; None if the tag is not looked at."""
        groups = self.pattern.groups_of(tag)
        if groups is None or not self.template:
            return None if groups is None else tag

        def text_of(reference: re.Match[str]) -> str:
            name = _name(reference)
            number = None if name is None else self.pattern.group(name)
            return "$" if number is None else groups[number]

        return _REFERENCE.sub(text_of, self.template)

    def __str__(self) -> str:
        return f"{self.pattern} -> {self.template}" if self.template else str(self.pattern)


def _name(reference: re.Match[str]) -> str | None:
    """Return the group that a reference names; None for ``$$``."""
    return None if reference[0] == "$$" else reference[1] or reference[2] or ""
