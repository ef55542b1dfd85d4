"""Viewpoint: the tag that an image has now, from which all others are seen.

Of two spellings of one version the one in its shape is preferred, and an older version than it is
never chosen.
"""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.images.shape import ShapedTag, take_apart
from reconciler.core.images.version import Precedence, precedence_of

Spelling: TypeAlias = tuple[bool, bool, int, str, str]


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """The current tag.

    Attributes:
        tag: as it stands in Git; empty if there is none.
        text: what is ordered in its place: what the filter extracts, the tag itself if it is not
            looked at.
        is_matched: whether the filter looks at it.
    """

    tag: str
    text: str
    is_matched: bool

    def is_above(self, text: str) -> bool:
        """Whether this is a version, and a text one of the same scheme that is older."""
        mine, other = take_apart(self.text), take_apart(text)
        if mine is None or other is None or mine.shape.is_dated != other.shape.is_dated:
            return False
        return _place(other) < _place(mine)

    def spelling(self, tag: str, text: str) -> Spelling:
        """Return the key that settles which of several tags with one rank is preferred.

        This one; then its shape; then more components; then the text, then the tag: no ties.
        """
        mine, other = take_apart(self.text), take_apart(text)
        if other is None:
            return (tag == self.tag, False, 0, text, tag)
        has_shape = mine is not None and other.shape == mine.shape
        return (tag == self.tag, has_shape, other.shape.length, text, tag)


def _place(apart: ShapedTag) -> Precedence:
    """Return where a version stands; where it would if it were a semantic one.

    ``1.2.3.4`` just after the release of its first three numbers; ``1.25_alpine`` and ``3.13.0rc1``
    before it, so that they may be left for it and not for an older version.
    """
    precedence = precedence_of(apart.tag)
    if precedence is not None:
        return precedence
    major, minor, patch, *more = (*apart.numbers, 0, 0)[: max(3, len(apart.numbers))]
    if any(more):
        return (major, minor, patch, 1, tuple((0, number, "") for number in more))
    return (major, minor, patch, 0, ())
