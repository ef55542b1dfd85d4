"""Versions in tags, and the order that semver gives them."""

import functools
import re
from dataclasses import dataclass
from typing import TypeAlias

import semver

MAX_LENGTH = 256  # as Masterminds/semver has it; a tag is shorter
MAX_NUMBER = 2**64 - 1  # likewise
_MAX_DIGITS = 20

_NUMBER = rf"[0-9]{{1,{_MAX_DIGITS}}}"
_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"  # semver 2.0, 9: no leading zeros
_VERSION = re.compile(
    rf"v?({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER}))?)?"
    rf"(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)

Identifier: TypeAlias = tuple[int, int, str]
Precedence: TypeAlias = tuple[int, int, int, int, tuple[Identifier, ...]]
"""Major, minor, patch; 1 for a release and 0 before it; the pre-release's identifiers."""


@dataclass(frozen=True, slots=True)
class Version:
    """A semantic version as tags write it: ``v`` optional, one to three components, zeros allowed.

    Attributes:
        text: as written.
        precedence: the key of semver 2.0's order; missing components count as zero, and build
            metadata have no part in it.
    """

    text: str
    precedence: Precedence

    @property
    def core(self) -> tuple[int, int, int]:
        """Major, minor and patch; missing ones are zero."""
        return self.precedence[:3]

    @property
    def is_pre_release(self) -> bool:
        """Whether it comes before the release of the same numbers."""
        return self.precedence[3] == 0

    @property
    def pre_release(self) -> str:
        """What follows ``-``; empty for a release."""
        return ".".join(word or str(number) for _, number, word in self.precedence[4])

    @property
    def build(self) -> str:
        """What follows ``+``; empty if nothing does."""
        return self.text.partition("+")[2]

    @property
    def canonical(self) -> str:
        """The version in semver's own spelling: ``1.2.0-rc.1`` for ``v1.2-rc.1``."""
        pre, build = self.pre_release or None, self.build or None
        return str(semver.Version(*self.core, prerelease=pre, build=build))

    def __str__(self) -> str:
        return self.text


def parse_version(text: str) -> Version | None:
    """Return the version that a text writes, or None if it is none."""
    precedence = precedence_of(text)
    return None if precedence is None else Version(text, precedence)


def precedence_of(text: str) -> Precedence | None:
    """Return the place of the version that a text writes, or None if it writes none.

    Masterminds/semver's ``NewVersion`` takes the same texts. Asked for every tag of a repository:
    a place alone costs half of a :class:`Version`.
    """
    found = _VERSION.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if found is None:
        return None
    major_text, minor_text, patch_text, pre = found.groups()
    major, minor, patch = int(major_text), int(minor_text or 0), int(patch_text or 0)
    if len(text) >= _MAX_DIGITS and max(major, minor, patch) > MAX_NUMBER:  # not in shorter texts
        return None
    return (major, minor, patch, 0, _identifiers(pre)) if pre else (major, minor, patch, 1, ())


@functools.lru_cache(maxsize=4096)  # a repository has thousands of tags and a few kinds of suffix
def _identifiers(pre_release: str) -> tuple[Identifier, ...]:
    """Return the sort key of a pre-release: numbers before words (semver 2.0, 11)."""
    return tuple(
        (0, int(each), "") if each.isdigit() else (1, 0, each) for each in pre_release.split(".")
    )
