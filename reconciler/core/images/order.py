"""Orders: where a policy places tags, and which it turns down.

An order is seen from the current tag: the default policy compares only tags of its shape, and of
two spellings of one version the one in its shape is preferred.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.shape import ShapedTag, take_apart
from reconciler.core.images.version import Precedence, parse_version

Rank: TypeAlias = tuple[Any, ...]
"""A place in one order; higher is newer. Two spellings of one version have the same."""

Spelling: TypeAlias = tuple[bool, bool, int, str]


class TagOrder(Protocol):
    """The order that a policy gives to the tags of a repository, seen from one current tag."""

    @property
    def has_current(self) -> bool:
        """Whether the current tag is a version in the policy's own terms."""
        ...

    def rank(self, tag: str) -> Rank | None:
        """Return the tag's place, or None if the policy turns it down."""
        ...

    def refusal(self, tag: str) -> str:
        """Return why :meth:`rank` has no place for a tag."""
        ...

    def floor(self, best: str) -> Rank | None:
        """Return the rank that the best tag must exceed; None if nothing compares with it.

        A current tag need not be admitted to be a floor: an older version is never chosen.
        """
        ...


class ShapeOrder:
    """Versions of the current tag's shape: releases, and pre-releases of its kind if it is one."""

    has_current = True

    def __init__(self, current: ShapedTag) -> None:
        self._current = current

    def rank(self, tag: str) -> Rank | None:
        """Return the tag's place, or None if it has another shape or is a pre-release."""
        apart = take_apart(tag)
        return apart.order if apart and self._is_candidate(apart) else None

    def refusal(self, tag: str) -> str:
        """Return why a tag has no place."""
        apart = take_apart(tag)
        if apart is None:
            return "is no version"
        if apart.shape != self._current.shape:
            return f"has another shape: {apart.shape}, not {self._current.shape}"
        return "is a pre-release" + ("" if self._current.is_release else " of another kind")

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's place."""
        del best  # has the same shape, so it can be compared
        return self._current.order

    def _is_candidate(self, apart: ShapedTag) -> bool:
        return apart.shape == self._current.shape and (
            apart.is_release or apart.pre_kind == self._current.pre_kind
        )


class SemverOrder:
    """Semantic versions that a constraint admits, by precedence."""

    def __init__(self, constraint: Constraint, current: str) -> None:
        self._constraint = constraint
        self._current = current
        self._version = parse_version(current)
        self._apart = take_apart(current)

    @property
    def has_current(self) -> bool:
        """Whether the current tag is a semantic version, admitted or not."""
        return self._version is not None

    def rank(self, tag: str) -> Rank | None:
        """Return the tag's precedence, or None if it is not admitted."""
        version = parse_version(tag)
        return version.precedence if version and self._constraint.admits(version) else None

    def refusal(self, tag: str) -> str:
        """Return why a tag has no place."""
        version = parse_version(tag)
        if version is not None:
            return self._constraint.refusal(version) or "is admitted"
        apart = take_apart(tag)
        if apart and apart.shape.length > 3:  # noqa: PLR2004 - major, minor, patch
            return "has more than three components"
        return "is no semantic version"

    def floor(self, best: str) -> Rank | None:
        """Return the current tag's precedence.

        None if it is of another scheme than the best tag (``3`` and ``20240105``) and not admitted,
        or if it is no version at all (``latest``).
        """
        if self._version and self._constraint.admits(self._version):
            return self._version.precedence
        if self._apart is None or self._apart.shape.is_dated != _is_dated(best):
            return None
        return self._version.precedence if self._version else _nearest_precedence(self._apart)


def spelling_key(current: str) -> Callable[[str], Spelling]:
    """Return the key that settles which spelling of one version is preferred, without ties.

    The current one; then its shape; then more components; then the text.
    """
    apart = take_apart(current)
    shape = apart.shape if apart else None

    def key(tag: str) -> Spelling:
        each = take_apart(tag)
        if each is None:
            return (tag == current, False, 0, tag)
        return (tag == current, each.shape == shape, each.shape.length, tag)

    return key


def _is_dated(tag: str) -> bool:
    apart = take_apart(tag)
    return apart is not None and apart.shape.is_dated


def _nearest_precedence(apart: ShapedTag) -> Precedence:
    """Return where a tag that is no semantic version would stand if it were one.

    ``1.2.3.4`` just after the release of its first three numbers; ``1.25_alpine`` and ``3.13.0rc1``
    before it, so that they may be left for it and not for an older version.
    """
    major, minor, patch, *more = (*apart.numbers, 0, 0)[: max(3, len(apart.numbers))]
    if any(more):
        return (major, minor, patch, 1, tuple((0, number, "") for number in more))
    return (major, minor, patch, 0, ())
