"""Orders: where a policy places tags, and which it turns down.

An order is seen from the current tag: the default policy compares only tags of its shape. What is
ordered is the text that a filter extracts from a tag, without one the tag itself.
"""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.glob import Glob
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.policy import Step
from reconciler.core.images.shape import ShapedTag, take_apart
from reconciler.core.images.shape_pattern import places_like
from reconciler.core.images.version import parse_version, precedence_of

Rank: TypeAlias = tuple[Any, ...]
"""A place in one order; higher is better. Two spellings of one version have the same."""

UNKNOWN: Rank = ()
"""The place of a tag whose place is not known; below every other."""


@dataclass(frozen=True, slots=True)
class Words:
    """How one tag is related to another, after ``is``; and what the best one is, after ``the``."""

    higher: str
    lower: str
    same: str
    best: str


VERSIONS = Words("newer than", "older than", "another spelling of", "newest")


class TagOrder(Protocol):
    """The order that a policy gives to the tags of a repository, seen from one current tag."""

    @property
    def words(self) -> Words:
        """How its tags are compared."""
        ...

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return a tag's place, ``UNKNOWN``, or None if the policy turns it down."""
        ...

    def refusal(self, text: str, tag: str) -> str:
        """Return why :meth:`rank` has no place for a tag."""
        ...

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's place, which the best text must exceed; None if it has none.

        It need not be admitted to have one: an older version is never chosen.
        """
        ...


class ShapeOrder:
    """Versions of the current tag's shape: releases, and pre-releases of its kind if it is one.

    Attributes:
        shape: theirs.
    """

    words = VERSIONS

    def __init__(
        self, current: ShapedTag, *, step: Step | None = None, pattern: Glob | Pattern | None = None
    ) -> None:
        """Order by a current tag.

        Args:
            current: the text in its place, taken apart.
            step: how far a version may move.
            pattern: what must match, if anything.
        """
        self.shape = current.shape
        self._current = current
        self._place_of = places_like(current)
        self._step = step
        self._fixed = current.numbers[: step.fixed] if step else ()
        self._pattern = pattern

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return the tag's place, or None if it has another shape or is a pre-release."""
        del tag
        place = self._place_of(text)
        if place is None or place[0][: len(self._fixed)] != self._fixed:
            return None
        return None if self._pattern and not self._pattern.matches(text) else place

    def refusal(self, text: str, tag: str) -> str:
        """Return why a tag has no place."""
        del tag
        apart = take_apart(text)
        if apart is None:
            return "is no version"
        if apart.shape != self.shape:
            return f"has another shape: {apart.shape}, not {self.shape}"
        return self._refusal(apart)

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's place."""
        del best  # has the same shape, so it can be compared
        return self._current.order

    def _refusal(self, apart: ShapedTag) -> str:
        """Return why a version of the right shape has no place; empty if it has one."""
        if apart.pre_kind and apart.pre_kind != self._current.pre_kind:
            return "is a pre-release" + ("" if self._current.is_release else " of another kind")
        if self._step and apart.numbers[: len(self._fixed)] != self._fixed:
            return f"is more than a {self._step.value} step from {self._current.tag}"
        if self._pattern and not self._pattern.matches(apart.tag):
            return f"does not match {str(self._pattern)!r}"
        return ""


class SemverOrder:
    """Semantic versions that a constraint admits, by precedence."""

    words = VERSIONS

    def __init__(self, constraint: Constraint, current: str) -> None:
        self._constraint = constraint
        self._version = parse_version(current)
        self._apart = take_apart(current)

    def rank(self, text: str, tag: str) -> Rank | None:
        """Return the tag's precedence, or None if it is not admitted."""
        del tag
        place = precedence_of(text)
        return place if place is not None and self._constraint.admits_place(place) else None

    def refusal(self, text: str, tag: str) -> str:
        """Return why a tag has no place."""
        del tag
        version = parse_version(text)
        if version is not None:
            return self._constraint.refusal(version) or "is admitted"
        apart = take_apart(text)
        if apart and apart.shape.length > 3:  # noqa: PLR2004 - major, minor, patch
            return "has more than three components"
        return "is no semantic version"

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's precedence.

        None if it is no semantic version, or if it is of another scheme than the best one (``3``
        and ``20240105``) and not admitted.
        """
        if self._version is None:
            return None
        if self._constraint.admits(self._version) or self._is_like(best):
            return self._version.precedence
        return None

    def _is_like(self, best: str) -> bool:
        other = take_apart(best)
        is_dated = other is not None and other.shape.is_dated
        return self._apart is not None and self._apart.shape.is_dated == is_dated
