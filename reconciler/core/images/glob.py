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
    _pattern: Pattern = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "_pattern", Pattern(rf"\A(?:{shown})\z"))

    def matches(self, text: str) -> bool:
        """Whether it matches a whole text."""
        return self._pattern.matches(text)

    def __str__(self) -> str:
        return self.text
