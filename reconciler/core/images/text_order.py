"""Orders of texts as such: numbers, letters, and the one tag that is there already."""

import re
from decimal import Decimal

from reconciler.core.images.order import Rank, Words
from reconciler.core.images.policy import Direction

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_MAX_DIGITS = 256  # a tag has 128 letters; a template may add some

_LARGEST = Words("larger than", "smaller than", "the same number as", "largest")
_SMALLEST = Words("smaller than", "larger than", "the same number as", "smallest")
_LAST = Words("after", "before", "ordered by the same text as", "last")
_FIRST = Words("before", "after", "ordered by the same text as", "first")
_SAME = Words("above", "below", "the same as", "one to stay on")


class NumericOrder:
    """Numbers, exactly: no rounding, however long they are."""

    def __init__(self, direction: Direction, current: str) -> None:
        self._is_ascending = direction is Direction.ASCENDING
        self._floor = self.rank(current, current)
        self.words = _LARGEST if self._is_ascending else _SMALLEST

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return the number; None if the text is none."""
        del tag
        if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
            return None
        number = Decimal(text)
        return (number if self._is_ascending else number.copy_negate(),)

    def refusal(self, text: str, tag: str) -> str:
        """Return why a tag has no place."""
        del tag
        return "is too long a number" if _NUMBER.fullmatch(text) else "is no number"

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's number."""
        del best
        return self._floor


class AlphabeticalOrder:
    """All texts, by the code points of their letters."""

    def __init__(self, direction: Direction, current: str) -> None:
        self._is_ascending = direction is Direction.ASCENDING
        self._floor = self.rank(current, current)
        self.words = _LAST if self._is_ascending else _FIRST

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return the text, or what sorts the other way round."""
        del tag
        if self._is_ascending:
            return (text,)
        return (*(-ord(letter) for letter in text), 1)  # the end of a text is above all letters

    def refusal(self, text: str, tag: str) -> str:
        """Return why a tag has no place; none is without."""
        del text, tag
        return "is a text like any other"

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's text."""
        del best
        return self._floor


class SameTagOrder:
    """The current tag alone."""

    words = _SAME

    def __init__(self, current: str) -> None:
        self._current = current

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return the one place there is; None for every other tag."""
        del text
        return (0,) if tag == self._current else None

    def refusal(self, text: str, tag: str) -> str:
        """Return why a tag has no place."""
        del text, tag
        return "is not the current tag, on which the policy stays"

    def floor(self, best: str) -> Rank | None:
        """Return the one place there is."""
        del best
        return (0,)
