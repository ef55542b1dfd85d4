"""Globs: ``*`` stands for any text, as in Flux v1, and ``?`` for one letter."""

import re
from dataclasses import dataclass, field

from reconciler.core.images.pattern import Pattern
from reconciler.errors import PolicySyntaxError

MAX_GLOB = 256  # characters; a tag has 128 at most
_GLOB = re.compile(r"[A-Za-z0-9_.*?-]+")
_WILD = {"*": ".*", "?": "."}


@dataclass(frozen=True, slots=True)
class Glob:
    """A pattern for a whole tag: ``1.*-alpine``.

    Attributes:
        text: as written.
    """

    text: str
    _parts: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _pattern: Pattern | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what no tag can match.

        Raises:
            PolicySyntaxError: it is empty, too long, or holds a letter that no tag has.
        """
        if not self.text:
            raise PolicySyntaxError(self.text, "is an empty glob")
        if len(self.text) > MAX_GLOB:
            raise PolicySyntaxError(self.text, f"is longer than {MAX_GLOB} characters")
        if not _GLOB.fullmatch(self.text):
            odd = next(letter for letter in self.text if not _GLOB.fullmatch(letter))
            reason = f"no tag has {odd!r}, and a glob knows only '*' and '?'; write 'regexp:RE'"
            raise PolicySyntaxError(self.text, reason)
        shown = "".join(_WILD.get(letter) or re.escape(letter) for letter in self.text)
        pattern = Pattern(rf"\A(?:{shown})\z") if "?" in self.text else None
        object.__setattr__(self, "_parts", tuple(self.text.split("*")))
        object.__setattr__(self, "_pattern", pattern)

    def matches(self, text: str) -> bool:
        """Whether it matches a whole text. In linear time."""
        if self._pattern is not None:
            return self._pattern.matches(text)
        first, *others = self._parts
        if not others:
            return text == first
        *between, last = others
        end = len(text) - len(last)
        if end < len(first) or not text.startswith(first) or not text.endswith(last):
            return False
        position = len(first)
        for part in between:  # the first place for each leaves the most room for the others
            found = text.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    def __str__(self) -> str:
        return self.text
