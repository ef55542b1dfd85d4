"""Policies: how the tag of a container is chosen, as annotations write it."""

import difflib
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.images.constraint import Constraint
from reconciler.errors import ConstraintSyntaxError, PolicySyntaxError

_NOT_BUILT = ("glob", "regexp", "regex", "numeric", "alphabetical")  # followed by a colon
_NOT_BUILT_WORDS = ("major", "minor", "patch", "newest", "digest")
_KEYWORDS = ("semver", *_NOT_BUILT, *_NOT_BUILT_WORDS)
_LONGEST_SLIP = 32  # longer words are not compared with keywords
_HELP = "write 'semver:CONSTRAINT'"


@dataclass(frozen=True, slots=True)
class ShapePolicy:
    """The default: the highest released version of the same shape as the current tag."""

    def __str__(self) -> str:
        return "same shape"


@dataclass(frozen=True, slots=True)
class SemverPolicy:
    """The highest version that a constraint admits."""

    constraint: Constraint

    def __str__(self) -> str:
        return f"semver:{self.constraint}"


Policy: TypeAlias = ShapePolicy | SemverPolicy

DEFAULT_POLICY = ShapePolicy()


def parse_policy(text: str) -> Policy:
    """Return the policy that an annotation's value writes: ``semver:^1.2``.

    Raises:
        PolicySyntaxError: it writes none, or one that this release does not know yet.
    """
    keyword, colon, argument = text.strip().partition(":")
    if keyword == "semver" and argument.strip():
        try:
            return SemverPolicy(Constraint.parse(argument))
        except ConstraintSyntaxError as error:
            raise PolicySyntaxError(text, error.reason) from error
    raise PolicySyntaxError(text, _no_policy(keyword, has_argument=bool(colon)))


def _no_policy(keyword: str, *, has_argument: bool) -> str:
    """Return what is wrong with a policy that is none of ours."""
    if keyword == "semver":
        return f"it has no constraint; {_HELP}"
    if keyword in (_NOT_BUILT if has_argument else _NOT_BUILT_WORDS):
        return f"this release does not support {keyword!r}; {_HELP} or leave it out"
    known = _KEYWORDS if len(keyword) <= _LONGEST_SLIP else ()
    near = difflib.get_close_matches(keyword.lower(), known, n=1)
    return f"no such policy; did you mean {near[0]!r}?" if near else f"no such policy; {_HELP}"
