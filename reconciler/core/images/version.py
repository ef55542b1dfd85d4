"""Versions in tags: parsed, ordered, and the shape that a tag has besides its numbers."""

import re
from dataclasses import dataclass
from typing import TypeAlias

import semver

MAX_TAG = 128
MAX_DIGITS = 18  # of one number; larger ones are hashes or mistakes
SCHEME_DIGITS = 4  # from here on a first component is a year or a date

_NUMBER = rf"[0-9]{{1,{MAX_DIGITS}}}"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"  # semver 2.0, 9: no leading zeros
_VERSION = re.compile(
    rf"v?({_NUMBER})(?:\.({_NUMBER}))?(?:\.({_NUMBER}))?"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
)
_SHAPED = re.compile(rf"(v?)({_NUMBER}(?:\.{_NUMBER}){{0,9}})(|[-_.+A-Za-z][0-9A-Za-z_.+-]*)")
_FIRST_NUMBER = re.compile(r"v?([0-9]+)")
_PRE_RELEASE = re.compile(
    rf"-(alpha|beta|a|b|rc|pre|preview|dev|snapshot|m)[.-]?({_NUMBER})?", re.IGNORECASE
)
_BUILD_NUMBER = re.compile(rf"-({_NUMBER})")

Identifier: TypeAlias = tuple[int, int, str]
Precedence: TypeAlias = tuple[int, int, int, int, tuple[Identifier, ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version as tags write it: ``v`` optional, one to three components, zeros allowed.

    Attributes:
        text: as written.
        components: the numbers that are written, one to three.
        pre_release: what follows ``-``; empty for a release.
        build: what follows ``+``; has no part in the order.
        precedence: the key of semver 2.0's order; missing components count as zero.
    """

    text: str
    components: tuple[int, ...]
    pre_release: str
    build: str
    precedence: Precedence

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor and patch; missing ones are zero."""
        return self.precedence[:3]

    @property
    def is_pre_release(self) -> bool:
        """Whether it comes before the release of the same numbers."""
        return bool(self.pre_release)

    @property
    def canonical(self) -> str:
        """The version in semver's own spelling: ``1.2.0-rc.1`` for ``v1.2-rc.1``."""
        pre, build = self.pre_release or None, self.build or None
        return str(semver.Version(*self.core, prerelease=pre, build=build))


def parse_version(text: str) -> Version | None:
    """Return the version that a text writes, or None if it is none."""
    found = _VERSION.fullmatch(text) if len(text) <= MAX_TAG else None
    if found is None:
        return None
    major, minor, patch, pre, build = found.groups()
    components = tuple(int(part) for part in (major, minor, patch) if part is not None)
    padded = (*components, 0, 0)
    parts = tuple(map(_identifier, pre.split("."))) if pre else ()
    precedence = (padded[0], padded[1], padded[2], 0 if pre else 1, parts)
    return Version(text, components, pre or "", build or "", precedence)


def _identifier(text: str) -> Identifier:
    """Return the sort key of a pre-release identifier: numbers first, by value (semver 2.0, 11)."""
    return (0, int(text), "") if text.isdigit() else (1, 0, text)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a tag has besides its numbers; only tags of one shape are compared by default.

    Attributes:
        prefix: ``v`` or nothing.
        length: how many components there are.
        is_dated: whether the first component has four digits or more: another scheme.
        suffix: what follows the numbers and is neither a pre-release nor a build number.
    """

    prefix: str
    length: int
    is_dated: bool
    suffix: str

    def __str__(self) -> str:
        numbers = ".".join(["YYYY" if self.is_dated else "N", *["N"] * (self.length - 1)])
        return f"{self.prefix}{numbers}{self.suffix}"


@dataclass(frozen=True, slots=True)
class ShapedTag:
    """A tag taken apart by the default rule.

    Attributes:
        tag: as written.
        shape: its shape.
        numbers: its components.
        pre_kind: ``rc``, ``beta`` …, lower case; empty for a release.
        pre_number: its number; -1 where none is written.
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
    def has_build(self) -> bool:
        """Whether it ends in a build number."""
        return self.build >= 0

    @property
    def order(self) -> tuple[object, ...]:
        """The key of the order among tags of one shape, without ties but for spelling."""
        return (self.numbers, self.is_release, self.pre_kind, self.pre_number, self.build)


def is_dated(tag: str) -> bool:
    """Whether a tag's first number has four digits or more, like a year: another scheme."""
    found = _FIRST_NUMBER.match(tag)
    return found is not None and len(found[1]) >= SCHEME_DIGITS


def take_apart(tag: str) -> ShapedTag | None:
    """Return a tag's numbers and shape, or None if it does not begin with a number."""
    found = _SHAPED.fullmatch(tag) if len(tag) <= MAX_TAG else None
    if found is None:
        return None
    prefix, numbers_text, suffix = found.groups()
    parts = numbers_text.split(".")
    numbers = tuple(int(part) for part in parts)

    def shape(rest: str) -> Shape:
        return Shape(prefix, len(parts), len(parts[0]) >= SCHEME_DIGITS, rest)

    if pre := _PRE_RELEASE.fullmatch(suffix):
        number = -1 if pre[2] is None else int(pre[2])
        return ShapedTag(tag, shape(""), numbers, pre[1].lower(), number)
    if build := _BUILD_NUMBER.fullmatch(suffix):
        return ShapedTag(tag, shape("-N"), numbers, build=int(build[1]))
    return ShapedTag(tag, shape(suffix), numbers)
