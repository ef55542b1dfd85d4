"""Version constraints: the grammar and meaning of Masterminds/semver 3, as in Flux and Helm.

A constraint is groups joined by ``||``; a version is admitted if one group admits it, and a group
admits it if all its comparators do. A group in which any comparator carries a pre-release admits
pre-releases, others do not. An operand may leave components open (``1.2``, ``1.x``): ``=1.2`` means
``~1.2``, ``>1.2`` begins at ``1.3.0``, ``<=1.2`` ends before ``1.3.0``.

All of this comes down to intervals of precedences, so that a check is two comparisons of tuples.
"""

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.core.images.version import (
    MAX_NUMBER,
    Identifier,
    Precedence,
    Version,
    parse_version,
)
from reconciler.errors import ConstraintSyntaxError

MAX_LENGTH = 512  # these two as Masterminds/semver has them
MAX_GROUPS = 32

_BLANKS = " \t\n\f\r"
_BLANK = f"[{_BLANKS}]"
_PART = r"(?:[0-9]+|[xX*])"
_TAIL = r"(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
_OPERAND = rf"v?{_PART}(?:\.{_PART}){{0,2}}{_TAIL}"
_RANGE = re.compile(
    rf"{_BLANK}*({_OPERAND}){_BLANK}+-{_BLANK}+({_OPERAND})(?![0-9A-Za-z.*+-]){_BLANK}*"
)
_COMPARATOR = re.compile(
    rf"{_BLANK}*(=>|=<|>=|<=|!=|~>|=|>|<|~|\^|){_BLANK}*({_OPERAND})({_BLANK}*)"
)
_COMMA = re.compile(rf",{_BLANK}*")
_OPEN = frozenset(("x", "X", "*", ""))
_COMPARISONS = frozenset((">", ">=", "<", "<="))
_PLAIN = frozenset((">=", "<"))  # say where they begin or end
_SERIES = (0, ())  # how the place before all versions of a series ends
_SAME_MEANING = {"": "=", "=>": ">=", "=<": "<=", "~>": "~"}

_ALL = 3  # components

_Suffix: TypeAlias = tuple[int, tuple[Identifier, ...]]
_Interval: TypeAlias = tuple[Precedence, Precedence]
_FIRST: Precedence = (0, 0, 0, 0, ())
_LAST: Precedence = (MAX_NUMBER + 1, 0, 0, 0, ())
_LEAST: Identifier = (-1, 0, "")  # before every identifier that can be written


@dataclass(frozen=True, slots=True)
class Comparator:
    """One comparison: an operator and an operand.

    Attributes:
        operator: one of ``=  !=  >  <  >=  <=  ~  ^``.
        operand: as written, without blanks.
        start: the first of the precedences it names.
        end: the first after them.
        suffix: how a precedence must end to be named by it; None if in any way.
        is_negated: whether a version must not be named.
        has_pre_release: whether the operand is a pre-release.
    """

    operator: str
    operand: str
    start: Precedence
    end: Precedence
    suffix: _Suffix | None
    is_negated: bool
    has_pre_release: bool

    @property
    def is_interval(self) -> bool:
        """Whether it holds between its start and its end, and nowhere else."""
        return not self.is_negated and self.suffix is None

    def holds(self, precedence: Precedence) -> bool:
        """Whether a version passes; pre-releases as such are the group's matter."""
        is_named = self.start <= precedence < self.end and (
            self.suffix is None or self.suffix == precedence[3:]
        )
        return is_named is not self.is_negated

    def refusal(self, precedence: Precedence) -> str:
        """Return why a version does not pass; where its bounds are not plain to see, with them."""
        if self.is_negated:
            return f"is excluded by {self}"
        bound = self.start if self.operator == ">" else self.end
        is_plain = self.operator in _PLAIN or bound[3:] != _SERIES
        if is_plain:
            return f"is not {self}"
        if precedence < self.start:
            return f"is not {self}, which begins at {_written(self.start)}"
        return f"is not {self}, which ends before {_written(self.end)}"

    def __str__(self) -> str:
        return f"{self.operator}{self.operand}"


@dataclass(frozen=True, slots=True)
class Group:
    """Comparators of which all must hold.

    Asked for every tag of a repository, so those that name one interval are joined beforehand.
    """

    comparators: tuple[Comparator, ...]
    has_pre_release: bool
    _start: Precedence = field(init=False, repr=False, compare=False)
    _end: Precedence = field(init=False, repr=False, compare=False)
    _others: tuple[Comparator, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Join the intervals."""
        plain = [each for each in self.comparators if each.is_interval]
        others = tuple(each for each in self.comparators if not each.is_interval)
        object.__setattr__(self, "_start", max((each.start for each in plain), default=_FIRST))
        object.__setattr__(self, "_end", min((each.end for each in plain), default=_LAST))
        object.__setattr__(self, "_others", others)

    def admits(self, precedence: Precedence) -> bool:
        """Whether all comparators hold and pre-releases are not shut out."""
        if not precedence[3] and not self.has_pre_release:
            return False
        if not self._start <= precedence < self._end:
            return False
        for comparator in self._others:  # noqa: SIM110 - twice as fast
            if not comparator.holds(precedence):
                return False
        return True

    def refusal(self, version: Version) -> str:
        """Return why a version is turned down; for one that is not admitted."""
        if version.is_pre_release and not self.has_pre_release:
            return "is a pre-release, and the constraint names none"
        place = version.precedence
        failing = next(each for each in self.comparators if not each.holds(place))
        return failing.refusal(place)

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
        if not text.strip(_BLANKS):
            raise ConstraintSyntaxError(text, "is empty")
        parts = text.split("||")
        if len(parts) > MAX_GROUPS:
            raise ConstraintSyntaxError(text, f"has more than {MAX_GROUPS} alternatives")
        return cls(tuple(_group(text, part.strip(_BLANKS)) for part in parts))

    def admits(self, version: Version) -> bool:
        """Whether a version satisfies the constraint."""
        return self.admits_place(version.precedence)

    def admits_place(self, precedence: Precedence) -> bool:
        """Whether the version of a place satisfies the constraint."""
        for group in self.groups:  # noqa: SIM110 - asked for every tag; twice as fast
            if group.admits(precedence):
                return True
        return False

    def refusal(self, version: Version) -> str | None:
        """Return why no group admits a version, or None if one does."""
        if self.admits(version):
            return None
        return ", and ".join(dict.fromkeys(group.refusal(version) for group in self.groups))

    def __str__(self) -> str:
        return " || ".join(map(str, self.groups))


def _group(text: str, part: str) -> Group:
    """Read comparators, each but the first after blanks or a comma."""
    comparators: list[Comparator] = []
    position, is_separated = 0, True
    while position < len(part) or not comparators:
        if not is_separated:
            raise ConstraintSyntaxError(text, _trouble(part[position:]))
        if found := _RANGE.match(part, position):
            comparators += _comparator(text, ">=", found[1]), _comparator(text, "<=", found[2])
        elif found := _COMPARATOR.match(part, position):
            comparators.append(_comparator(text, found[1], found[2]))
            is_separated = bool(found[3])
        else:
            raise ConstraintSyntaxError(text, _trouble(part[position:]))
        position = found.end()
        if comma := _COMMA.match(part, position):
            position, is_separated = comma.end(), True
            if position >= len(part):
                raise ConstraintSyntaxError(text, "ends in a comma")
    return Group(tuple(comparators), any(each.has_pre_release for each in comparators))


def _trouble(rest: str) -> str:
    return f"cannot read {rest.strip(_BLANKS)!r}" if rest else "an alternative is empty"


def _comparator(text: str, operator: str, operand: str) -> Comparator:
    numbers, tail = _split(operand.removeprefix("v"))
    parts = [*numbers.split("."), "", ""][:_ALL]
    known = next((index for index, part in enumerate(parts) if part in _OPEN), _ALL)
    bound = parse_version(".".join([*parts[:known], "0", "0", "0"][:_ALL]) + tail)
    if bound is None:
        raise ConstraintSyntaxError(text, f"{operand!r} is no version")
    operator = _SAME_MEANING.get(operator, operator)
    start, end = _interval(operator, bound, known)
    return Comparator(
        operator=operator,
        operand=operand,
        start=start,
        end=end,
        suffix=bound.precedence[3:] if (operator, known) == ("!=", 2) else None,
        is_negated=operator == "!=",
        has_pre_release=bound.is_pre_release,
    )


def _split(operand: str) -> tuple[str, str]:
    """Split an operand into its numbers and the rest, which begins with ``-`` or ``+``."""
    end = next((at for at, letter in enumerate(operand) if letter in "-+"), len(operand))
    return operand[:end], operand[end:]


def _interval(operator: str, bound: Version, known: int) -> _Interval:
    """Return the precedences that an operator names; for ``!=`` those that it turns down.

    Args:
        operator: without synonyms.
        bound: the operand; open components are zero.
        known: how many of its components are not open.
    """
    if operator in _COMPARISONS:
        return _comparison(operator, bound, known)
    at = bound.precedence
    if operator == "^":
        return at, _past_series(bound, _caret_length(bound, known))
    if operator == "!=":
        return _first_of_series(bound, known), _past_operand(bound, known)
    if operator == "=" and known == _ALL:
        return at, _past(at)
    return at, _tilde_end(bound, known)


def _comparison(operator: str, bound: Version, known: int) -> _Interval:
    match operator:
        case ">":
            return _past_operand(bound, known), _LAST
        case ">=":
            return bound.precedence, _LAST
        case "<":
            return _FIRST, bound.precedence
        case _:  # by a habit of Masterminds', ``<=*`` means ``<=0.0``
            return _FIRST, _past_operand(bound, known or 2)


def _past_operand(bound: Version, known: int) -> Precedence:
    """Return the place after the version, or after the series if the operand is one."""
    return _past_series(bound, known) if 0 < known < _ALL else _past(bound.precedence)


def _tilde_end(bound: Version, known: int) -> Precedence:
    if bound.core == (0, 0, 0) and known in (0, _ALL):
        return _LAST  # ``*``; and by a habit of Masterminds' also ``~0.0.0``
    return _past_series(bound, 1 if known == 1 else 2)


def _caret_length(bound: Version, known: int) -> int:
    """Return how many components ``^`` holds fast: up to the first that is not zero."""
    major, minor, _ = bound.core
    if major > 0 or known == 1:
        return 1
    return 2 if minor > 0 or known == 2 else _ALL  # noqa: PLR2004 - major and minor


def _first_of_series(bound: Version, length: int) -> Precedence:
    """Return the place before the series, or the version itself if the operand is none."""
    if length in (0, _ALL):
        return bound.precedence
    major, minor, patch = (*bound.core[:length], 0, 0)[:_ALL]
    return (major, minor, patch, 0, ())


def _past_series(bound: Version, length: int) -> Precedence:
    """Return the place after all versions that share the first components."""
    *fixed, last = bound.core[:length]
    major, minor, patch = (*fixed, last + 1, 0, 0)[:_ALL]
    return (major, minor, patch, 0, ())


def _written(place: Precedence) -> str:
    """Return the version that stands at a place."""
    numbers = ".".join(map(str, place[:_ALL]))
    pre_release = ".".join(word or str(number) for _, number, word in place[4])
    return f"{numbers}-{pre_release}" if pre_release else numbers


def _past(precedence: Precedence) -> Precedence:
    """Return the place just after one version."""
    major, minor, patch, is_release, identifiers = precedence
    return (major, minor, patch, is_release, (*identifiers, _LEAST))
