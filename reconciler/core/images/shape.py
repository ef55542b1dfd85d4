"""Shapes: what a tag has besides its numbers.

The default policy compares only tags of one shape: ``1.25-alpine`` with ``1.26-alpine``, ``v3``
with ``v4``, never ``1.25`` with ``1.26.1``.
"""

import functools
import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_TAG = 128
SCHEME_DIGITS = 4  # from here on a first component is a year or a date

MAX_DIGITS = 18  # of one number; larger ones are hashes or mistakes
_NUMBER = rf"[0-9]{{1,{MAX_DIGITS}}}"
_TAG = re.compile(rf"(v?)({_NUMBER}(?:\.{_NUMBER})*)(|[-_.A-Za-z][0-9A-Za-z_.-]*)")
_PRE_RELEASE = re.compile(
    rf"-(alpha|beta|a|b|rc|pre|preview|dev|snapshot|m)[.-]?({_NUMBER})", re.IGNORECASE
)
BUILD = "-#"  # stands for any build number; no tag holds a ``#``
_BUILD_NUMBER = re.compile(rf"-({_NUMBER})")
_COMMIT = re.compile(r"(?![0-9]+[a-f]?\Z)[0-9a-f]{7,40}")
"""A commit, abbreviated or not. ``20240105`` and ``20240105b`` are dates."""

Place: TypeAlias = tuple[tuple[int, ...], bool, str, int, int]
"""Numbers; False for a pre-release; its kind, its number; the build number."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What two tags must have in common to be compared by the default policy.

    Attributes:
        prefix: ``v`` or nothing.
        length: how many components there are.
        is_dated: whether the first component has four digits or more: another scheme.
        suffix: what follows the numbers; ``-#`` for a build number, nothing for a pre-release.
    """

    prefix: str
    length: int
    is_dated: bool
    suffix: str

    def __str__(self) -> str:
        numbers = ".".join(["####" if self.is_dated else "#", *["#"] * (self.length - 1)])
        return f"{self.prefix}{numbers}{self.suffix}"


@dataclass(frozen=True, slots=True)
class ShapedTag:
    """A tag taken apart.

    Attributes:
        tag: as written.
        shape: its shape.
        numbers: its components.
        pre_kind: ``rc``, ``beta`` …, lower case; empty for a release.
        pre_number: its number; -1 for a release.
        build: an all-digit suffix (``-45``); -1 where there is none.
    """

    tag: str
    shape: Shape
    numbers: tuple[int, ...]
    pre_kind: str = ""
    pre_number: int = -1
    build: int = -1

    @property
    def is_release(self) -> bool:
        """Whether it is no pre-release."""
        return not self.pre_kind

    @property
    def order(self) -> Place:
        """The key of the order among tags of one shape; only spellings of one version tie."""
        return (self.numbers, self.is_release, self.pre_kind, self.pre_number, self.build)


@functools.lru_cache(maxsize=256)  # a repository has thousands of tags and a few shapes
def _shape(prefix: str, length: int, suffix: str, *, is_dated: bool) -> Shape:
    return Shape(prefix, length, is_dated, suffix)


def take_apart(tag: str) -> ShapedTag | None:
    """Return a tag's numbers and shape, or None if it is no version.

    A version begins with a number; an abbreviated commit (``7e10abc``) that happens to is none.
    """
    found = _TAG.fullmatch(tag) if len(tag) <= MAX_TAG else None
    if found is None or _COMMIT.fullmatch(tag):
        return None
    prefix, text, suffix = found.groups()
    parts = text.split(".")
    numbers = tuple(map(int, parts))
    length, is_dated = len(parts), len(parts[0]) >= SCHEME_DIGITS
    if not suffix:
        return ShapedTag(tag, _shape(prefix, length, "", is_dated=is_dated), numbers)
    if pre := _PRE_RELEASE.fullmatch(suffix):
        shape = _shape(prefix, length, "", is_dated=is_dated)
        return ShapedTag(tag, shape, numbers, pre[1].lower(), int(pre[2]))
    if build := _BUILD_NUMBER.fullmatch(suffix):
        shape = _shape(prefix, length, BUILD, is_dated=is_dated)
        return ShapedTag(tag, shape, numbers, build=int(build[1]))
    return ShapedTag(tag, _shape(prefix, length, suffix, is_dated=is_dated), numbers)
