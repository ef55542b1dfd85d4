"""Policies: how the tag of a container is chosen, as annotations write it: ``semver:^1.2``."""

import difflib
import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.glob import Glob
from reconciler.core.images.pattern import Pattern
from reconciler.errors import PolicySyntaxError, SyntaxProblem

_LONGEST_SLIP = 32  # longer words are not compared with keywords
_LIKE = 0.7  # how like a keyword a slip must be; ``main`` is not like ``minor``
_HELP = "write e.g. 'semver:CONSTRAINT', 'glob:PATTERN' or 'newest'"


class Step(enum.Enum):
    """How far a version may move."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"

    @property
    def fixed(self) -> int:
        """How many leading numbers must stay."""
        return (Step.MAJOR, Step.MINOR, Step.PATCH).index(self)


class Direction(enum.Enum):
    """Which end of an order is the best: the last one, or the first."""

    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True, slots=True)
class ShapePolicy:
    """The default: the highest released version of the same shape as the current tag.

    Attributes:
        step: how far it may be; None: as far as may be, without saying so.
    """

    step: Step | None = None

    def __str__(self) -> str:
        return self.step.value if self.step else "same shape"


@dataclass(frozen=True, slots=True)
class SemverPolicy:
    """The highest version that a constraint admits."""

    constraint: Constraint

    def __str__(self) -> str:
        return f"semver:{self.constraint}"


@dataclass(frozen=True, slots=True)
class MatchPolicy:
    """What matches: of versions the highest of the current tag's shape, else the newest."""

    pattern: Glob | Pattern

    @property
    def keyword(self) -> str:
        """How a policy of this pattern begins."""
        return "glob" if isinstance(self.pattern, Glob) else "regexp"

    def __str__(self) -> str:
        return f"{self.keyword}:{self.pattern}"


@dataclass(frozen=True, slots=True)
class NewestPolicy:
    """The image that was created last."""

    def __str__(self) -> str:
        return "newest"


@dataclass(frozen=True, slots=True)
class NumericPolicy:
    """The largest number, or the smallest."""

    direction: Direction

    def __str__(self) -> str:
        return f"numeric:{self.direction.value}"


@dataclass(frozen=True, slots=True)
class AlphabeticalPolicy:
    """The last text, or the first."""

    direction: Direction

    def __str__(self) -> str:
        return f"alphabetical:{self.direction.value}"


@dataclass(frozen=True, slots=True)
class DigestPolicy:
    """The same tag; what follows the registry is its digest."""

    def __str__(self) -> str:
        return "digest"


Policy: TypeAlias = (
    ShapePolicy
    | SemverPolicy
    | MatchPolicy
    | NewestPolicy
    | NumericPolicy
    | AlphabeticalPolicy
    | DigestPolicy
)

DEFAULT_POLICY = ShapePolicy()

_WORDS: Mapping[str, Policy] = {
    "major": ShapePolicy(Step.MAJOR),
    "minor": ShapePolicy(Step.MINOR),
    "patch": ShapePolicy(Step.PATCH),
    "newest": NewestPolicy(),
    "digest": DigestPolicy(),
}
"""Policies that stand alone."""

_DIRECTIONS = {each.value: each for each in Direction}


def _glob(text: str) -> Policy:
    """Return the policy of a glob without its keyword."""
    try:
        return MatchPolicy(Glob(text))
    except PolicySyntaxError as error:
        meant = "".join(_without_keyword(text))
        if not meant:
            raise
        raise PolicySyntaxError(text, f"is no glob; did you mean {meant!r}?") from error


def _numeric(argument: str) -> Policy:
    return NumericPolicy(_DIRECTIONS[argument])


def _alphabetical(argument: str) -> Policy:
    return AlphabeticalPolicy(_DIRECTIONS[argument])


_READERS: Mapping[str, Callable[[str], Policy]] = {
    "semver": lambda argument: SemverPolicy(Constraint.parse(argument)),
    "glob": lambda argument: MatchPolicy(Glob(argument)),
    "regexp": lambda argument: MatchPolicy(Pattern(argument)),
    "regex": lambda argument: MatchPolicy(Pattern(argument)),
    "numeric": _numeric,
    "alphabetical": _alphabetical,
}
"""Policies that stand before a colon; the rest is theirs."""

_ARGUMENTS = {
    "semver": "it has no constraint; write 'semver:CONSTRAINT'",
    "glob": "it has no pattern; write 'glob:PATTERN'",
    "regexp": "it has no expression; write 'regexp:RE'",
    "regex": "it has no expression; write 'regex:RE'",
    "numeric": "write 'numeric:asc' for the largest or 'numeric:desc' for the smallest",
    "alphabetical": "write 'alphabetical:asc' for the last or 'alphabetical:desc' for the first",
}
_KEYWORDS = (*_READERS, *_WORDS)


def parse_policy(text: str, *, is_bare_glob: bool = False) -> Policy:
    """Return the policy that an annotation's value writes: ``semver:^1.2``.

    Args:
        text: the value.
        is_bare_glob: whether a value without a colon is a glob, as in Flux v1, whatever it says:
            no tag has a colon, and with one a keyword was meant.

    Raises:
        PolicySyntaxError: it writes none; says what was probably meant.
    """
    keyword, colon, argument = (part.strip() for part in text.strip().partition(":"))
    try:
        if not colon:
            if is_bare_glob and keyword:
                return _glob(keyword)
            if keyword in _WORDS:
                return _WORDS[keyword]
        elif keyword in _READERS and argument:
            return _READERS[keyword](argument)
    except SyntaxProblem as error:
        raise PolicySyntaxError(text, error.reason) from error
    except KeyError:
        pass  # no direction
    raise PolicySyntaxError(text, _no_policy(keyword, has_colon=bool(colon)))


def _no_policy(keyword: str, *, has_colon: bool) -> str:
    """Return what is wrong with a policy that is none of ours."""
    if keyword in _ARGUMENTS:
        return _ARGUMENTS[keyword]
    if keyword in _WORDS:
        return f"{keyword!r} stands alone"
    is_word = keyword.isascii() and keyword.isalpha() and len(keyword) <= _LONGEST_SLIP
    known = _KEYWORDS if is_word else ()
    meant = difflib.get_close_matches(keyword.lower(), known, n=1, cutoff=_LIKE)
    if not meant and not has_colon:
        meant = _without_keyword(keyword)
    return f"no such policy; did you mean {meant[0]!r}?" if meant else f"no such policy; {_HELP}"


def _without_keyword(text: str) -> list[str]:
    """Return the policies that a text would write if it had the keyword that it lacks."""
    if not text or len(text) > _LONGEST_SLIP:
        return []
    keyword, parse = ("glob", Glob) if "*" in text else ("semver", Constraint.parse)
    try:
        parse(text)
    except SyntaxProblem:
        return []
    return [f"{keyword}:{text}"]
