"""Version constraints: the grammar and meaning of Masterminds/semver 3, as in Flux and Helm.

A constraint is groups joined by ``||``; a version is admitted if one group admits it, and a group
admits it if all its comparators do. A group in which any comparator carries a pre-release admits
pre-releases, others do not. A partial operand (``1.2``, ``1.x``) is *open*: ``=1.2`` means
``~1.2``, ``>1.2`` begins at ``1.3.0``, ``<=1.2`` ends before ``1.3.0``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler.core.images.version import Precedence, Version, parse_version
from reconciler.errors import ConstraintSyntaxError

MAX_LENGTH = 512
MAX_GROUPS = 32

_PART = r"(?:[0-9]{1,18}|[xX*])"
_TAIL = r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_OPERAND = rf"v?{_PART}(?:\.{_PART}){{0,2}}{_TAIL}"
_HYPHEN = re.compile(rf"\s*({_OPERAND})\s+-\s+({_OPERAND})\s*")
_COMPARATOR = re.compile(rf"\s*(=>|=<|>=|<=|!=|~>|=|>|<|~|\^|)\s*({_OPERAND})(\s*)")
_SEPARATOR = re.compile(r",\s*")
_OPEN = frozenset("xX*")
_SAME_MEANING = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}


@dataclass(frozen=True, slots=True)
class Comparator:
    """One comparison: an operator and an operand.

    Attributes:
        operator: one of ``=  !=  >  <  >=  <=  ~  ^``.
        operand: as written, without blanks.
        bound: the operand as a version; open components are zero.
        is_partial: whether a component is open or left out.
        is_minor_open: whether minor and patch are.
        is_patch_open: whether only the patch is.
    """

    operator: str
    operand: str
    bound: Version
    is_partial: bool
    is_minor_open: bool
    is_patch_open: bool

    def holds(self, version: Version) -> bool:
        """Whether a version passes, pre-releases not considered."""
        return _RULES[self.operator](self, version)

    def __str__(self) -> str:
        return f"{self.operator}{self.operand}"


@dataclass(frozen=True, slots=True)
class Group:
    """Comparators of which all must hold."""

    comparators: tuple[Comparator, ...]
    has_pre_release: bool

    def refusal(self, version: Version) -> str | None:
        """Return why a version is turned down, or None if it is admitted."""
        if version.is_pre_release and not self.has_pre_release:
            return "is a pre-release, and the constraint names none"
        for comparator in self.comparators:
            if not comparator.holds(version):
                return f"is not {comparator}"
        return None

    def __str__(self) -> str:
        return " ".join(map(str, self.comparators))


@dataclass(frozen=True, slots=True)
class Constraint:
    """A version constraint: ``>=1.2, <2 || ^3``. ``str`` gives its canonical spelling."""

    groups: tuple[Group, ...]

    @classmethod
    def parse(cls, text: str) -> "Constraint":
        """Return the constraint that a text writes.

        Raises:
            ConstraintSyntaxError: it writes none; the message names the offending part.
        """
        if len(text) > MAX_LENGTH:
            raise ConstraintSyntaxError(text, f"is longer than {MAX_LENGTH} characters")
        plain = _HYPHEN.sub(r">= \1, <= \2 ", text)
        parts = plain.split("||")
        if len(parts) > MAX_GROUPS:
            raise ConstraintSyntaxError(text, f"has more than {MAX_GROUPS} alternatives")
        return cls(tuple(_group(text, part) for part in parts))

    def admits(self, version: Version) -> bool:
        """Whether a version satisfies the constraint."""
        return any(group.refusal(version) is None for group in self.groups)

    def refusal(self, version: Version) -> str | None:
        """Return why no group admits a version, or None if one does."""
        reasons = [group.refusal(version) for group in self.groups]
        if None in reasons:
            return None
        return ", and ".join(dict.fromkeys(reason for reason in reasons if reason))

    def __str__(self) -> str:
        return " || ".join(map(str, self.groups))


def _group(text: str, part: str) -> Group:
    comparators: list[Comparator] = []
    position, is_separated = 0, True
    while position < len(part.rstrip()) or not comparators:
        found = _COMPARATOR.match(part, position)
        if not found or not is_separated:
            raise ConstraintSyntaxError(text, _trouble(part[position:].strip()))
        comparators.append(_comparator(text, found[1], found[2]))
        position, is_separated = found.end(), bool(found[3])
        if comma := _SEPARATOR.match(part, position):
            position, is_separated = comma.end(), True
            if position >= len(part):
                raise ConstraintSyntaxError(text, "ends in a comma")
    return Group(tuple(comparators), any(each.bound.is_pre_release for each in comparators))


def _trouble(rest: str) -> str:
    return f"cannot read {rest!r}" if rest else "an alternative is empty"


def _comparator(text: str, operator: str, operand: str) -> Comparator:
    numbers, tail = _split(operand.removeprefix("v"))
    parts = [*numbers.split("."), "", ""][:3]
    is_open = [not part or part in _OPEN for part in parts]
    known = is_open.index(True) if True in is_open else 3
    digits = [part if index < known else "0" for index, part in enumerate(parts)]
    bound = parse_version(".".join(digits) + tail)
    if bound is None:
        raise ConstraintSyntaxError(text, f"{operand!r} is no version")
    return Comparator(
        operator=_SAME_MEANING.get(operator, operator),
        operand=operand,
        bound=bound,
        is_partial=known < 3,  # noqa: PLR2004 - major, minor, patch
        is_minor_open=known == 1,
        is_patch_open=known == 2,  # noqa: PLR2004 - as above
    )


def _split(operand: str) -> tuple[str, str]:
    """Split an operand into its numbers and the rest, which begins with ``-`` or ``+``."""
    end = next((at for at, letter in enumerate(operand) if letter in "-+"), len(operand))
    return operand[:end], operand[end:]


def _equal(comparator: Comparator, version: Version) -> bool:
    if comparator.is_partial:
        return _tilde(comparator, version)
    return version.precedence == comparator.bound.precedence


def _not_equal(comparator: Comparator, version: Version) -> bool:
    bound = comparator.bound
    if comparator.is_minor_open:
        return version.core[0] != bound.core[0]
    if comparator.is_patch_open:
        return version.core[:2] != bound.core[:2] or _pre(version) != _pre(bound)
    return version.precedence != bound.precedence


def _greater(comparator: Comparator, version: Version) -> bool:
    bound = comparator.bound
    if comparator.is_minor_open:
        return version.core[0] > bound.core[0]
    if comparator.is_patch_open:
        return version.core[:2] > bound.core[:2]
    return version.precedence > bound.precedence


def _less(comparator: Comparator, version: Version) -> bool:
    return version.precedence < comparator.bound.precedence


def _at_least(comparator: Comparator, version: Version) -> bool:
    return version.precedence >= comparator.bound.precedence


def _at_most(comparator: Comparator, version: Version) -> bool:
    bound = comparator.bound
    if not comparator.is_partial:
        return version.precedence <= bound.precedence
    if comparator.is_minor_open:
        return version.core[0] <= bound.core[0]
    return version.core[:2] <= bound.core[:2]


def _tilde(comparator: Comparator, version: Version) -> bool:
    bound = comparator.bound
    if version.precedence < bound.precedence:
        return False
    if comparator.is_minor_open:
        return version.core[0] == bound.core[0]
    if bound.core == (0, 0, 0) and not comparator.is_patch_open:
        return True  # ``*``; and by a habit of Masterminds' also ``~0.0.0``
    return version.core[:2] == bound.core[:2]


def _caret(comparator: Comparator, version: Version) -> bool:
    bound = comparator.bound
    if version.precedence < bound.precedence:
        return False
    if bound.core[0] > 0 or comparator.is_minor_open:
        return version.core[0] == bound.core[0]
    if bound.core[1] > 0 or comparator.is_patch_open:
        return version.core[:2] == bound.core[:2]
    return version.core == bound.core


def _pre(version: Version) -> Precedence:
    return (0, 0, 0, *version.precedence[3:])


_RULES: Mapping[str, Callable[[Comparator, Version], bool]] = {
    "=": _equal,
    "!=": _not_equal,
    ">": _greater,
    "<": _less,
    ">=": _at_least,
    "<=": _at_most,
    "~": _tilde,
    "^": _caret,
}
