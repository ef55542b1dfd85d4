"""Policies: which of a repository's tags a container should run, and why not the others."""

import difflib
import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, assert_never

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.reference import is_tag
from reconciler.core.images.version import ShapedTag, Version, is_dated, parse_version, take_apart
from reconciler.errors import ConstraintSyntaxError, PolicySyntaxError

LATEST = "latest"
_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")
_NOT_BUILT = ("glob", "regexp", "regex", "numeric", "alphabetical")
_NOT_BUILT_WORDS = ("major", "minor", "patch", "newest", "digest")


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
    if colon and keyword == "semver":
        try:
            return SemverPolicy(Constraint.parse(argument))
        except ConstraintSyntaxError as error:
            raise PolicySyntaxError(text, error.reason) from error
    if (colon and keyword in _NOT_BUILT) or text.strip() in _NOT_BUILT_WORDS:
        raise PolicySyntaxError(text, "this release has only 'semver:CONSTRAINT' and the default")
    near = difflib.get_close_matches(keyword, ["semver", *_NOT_BUILT, *_NOT_BUILT_WORDS], n=1)
    hint = f"did you mean {near[0]!r}?" if near else "write 'semver:CONSTRAINT'"
    raise PolicySyntaxError(text, f"no such policy; {hint}")


class SelectionReason(enum.Enum):
    """Why a selection came out as it did."""

    NEWER = "newer"
    ADOPTED = "adopted: the current tag has no place in the policy's order"
    ALREADY_NEWEST = "already the newest"
    NO_TAG_MATCHES = "no tag matches"
    WOULD_DOWNGRADE = "the policy's best is older"
    CURRENT_MISSING = "the registry no longer lists the current tag, and none that is newer"
    NO_VERSION = "the current tag is no version: give a policy"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a policy picks: a tag to change to, or the reason to stay.

    Attributes:
        winner: the tag to change to; None to stay.
        reason: why.
        detail: the same for a person, with the tags in question.
    """

    winner: str | None
    reason: SelectionReason
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one tag.

    Attributes:
        is_chosen: whether the policy picks it (it may be the current one).
        reason: ``chosen``, ``current``, or the rule that turned it down.
    """

    tag: str
    is_chosen: bool
    reason: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A tag with a place in the policy's order.

    Attributes:
        rank: its version's place; two spellings of one version have the same.
        spelling: settles which spelling of one version is preferred, without ties.
    """

    tag: str
    rank: tuple[Any, ...]
    spelling: tuple[Any, ...]


class _Rule(Protocol):
    """A policy applied to one current tag."""

    def place(self, tag: str) -> "_Candidate | str":
        """Return the tag's place, or why it has none."""
        ...

    def current(self, best: _Candidate) -> "_Candidate | None":
        """Return the place of the current tag; None if it cannot be compared with the best."""
        ...


class _ShapeRule:
    def __init__(self, current: ShapedTag) -> None:
        self._current = current

    def place(self, tag: str) -> _Candidate | str:
        apart = take_apart(tag)
        if apart is None:
            return "is no version"
        if apart.shape != self._current.shape:
            return f"has another shape: {apart.shape}, not {self._current.shape}"
        if not apart.is_release and apart.pre_kind != self._current.pre_kind:
            return "is a pre-release" + ("" if self._current.is_release else " of another kind")
        return _Candidate(tag, apart.order, (tag == self._current.tag, _inverted(tag)))

    def current(self, best: _Candidate) -> _Candidate | None:
        del best  # has the same shape, so it can be compared
        return _Candidate(self._current.tag, self._current.order, ())


class _SemverRule:
    def __init__(self, constraint: Constraint, current: str) -> None:
        self._constraint = constraint
        self._current = current
        apart = take_apart(current)
        self._shape = apart.shape if apart else None

    def place(self, tag: str) -> _Candidate | str:
        version = parse_version(tag)
        if version is None:
            return "is no semantic version"
        refusal = self._constraint.refusal(version)
        return refusal or self._candidate(version)

    def current(self, best: _Candidate) -> _Candidate | None:
        version = parse_version(self._current)
        if version is None:
            return None
        is_other_scheme = is_dated(self._current) != is_dated(best.tag)
        if is_other_scheme and not self._constraint.admits(version):
            return None
        return self._candidate(version)

    def _candidate(self, version: Version) -> _Candidate:
        apart = take_apart(version.text)
        has_same_shape = apart is not None and apart.shape == self._shape
        is_current = version.text == self._current
        spelling = (is_current, has_same_shape, len(version.components), _inverted(version.text))
        return _Candidate(version.text, version.precedence, spelling)


def select(tags: Iterable[str], policy: Policy, *, current: str) -> Selection:
    """Return the tag that a container should run, or the reason to leave it.

    The answer depends neither on the order of the tags nor on duplicates among them. An older
    version than the current one is never chosen; another spelling of the same version neither.

    Args:
        tags: what the registry lists.
        policy: how to choose.
        current: the tag that stands in Git.
    """
    rule = _rule(policy, current)
    if rule is None:
        detail = f"{current!r} is no version: give a policy, e.g. 'semver:*'"
        return Selection(None, SelectionReason.NO_VERSION, detail)
    listed = frozenset(tags)
    places = [rule.place(tag) for tag in listed if not _never(tag, current)]
    candidates = [place for place in places if isinstance(place, _Candidate)]
    best = max(candidates, key=lambda each: (each.rank, each.spelling), default=None)
    return _compare(best, rule, current=current, is_listed=current in listed)


def verdicts(tags: Iterable[str], policy: Policy, *, current: str) -> tuple[Verdict, ...]:
    """Return what became of each distinct tag: the candidates best first, then the rest by name."""
    rule = _rule(policy, current)
    listed = sorted(frozenset(tags))
    if rule is None:
        return tuple(Verdict(tag, False, "no policy") for tag in listed)
    places = {tag: _never(tag, current) or rule.place(tag) for tag in listed}
    ranked = [place for place in places.values() if isinstance(place, _Candidate)]
    ranked.sort(key=lambda each: (each.rank, each.spelling), reverse=True)
    selection = select(listed, policy, current=current)
    chosen = selection.winner or current
    rest = [Verdict(tag, False, why) for tag, why in places.items() if isinstance(why, str)]
    return (*(_verdict(each, rule, chosen=chosen, current=current) for each in ranked), *rest)


def _rule(policy: Policy, current: str) -> _Rule | None:
    match policy:
        case ShapePolicy():
            apart = take_apart(current)
            return _ShapeRule(apart) if apart else None
        case SemverPolicy(constraint):
            return _SemverRule(constraint, current)
        case _:
            assert_never(policy)


def _compare(best: _Candidate | None, rule: _Rule, *, current: str, is_listed: bool) -> Selection:
    if best is None:
        reason = SelectionReason.NO_TAG_MATCHES if is_listed else SelectionReason.CURRENT_MISSING
        return Selection(None, reason, reason.value)
    current_place = rule.current(best)
    if current_place is None:
        detail = f"{best.tag} is the policy's best; {current!r} has no place in its order"
        return Selection(best.tag, SelectionReason.ADOPTED, detail)
    if best.rank > current_place.rank:
        detail = f"{best.tag} is newer than {current}"
        return Selection(best.tag, SelectionReason.NEWER, detail)
    if not is_listed:
        reason = SelectionReason.CURRENT_MISSING
        return Selection(None, reason, reason.value)
    if best.rank == current_place.rank:
        return Selection(None, SelectionReason.ALREADY_NEWEST, f"{current} is the newest")
    detail = f"the policy's best is {best.tag}, older than {current}"
    return Selection(None, SelectionReason.WOULD_DOWNGRADE, detail)


def _never(tag: str, current: str) -> str | None:
    """Return why a tag is never chosen, whatever the policy."""
    if not is_tag(tag):
        return "is no tag"
    if tag == LATEST and current != LATEST:
        return "is 'latest', which names no version"
    if _SIGNATURE.fullmatch(tag):
        return "is a signature or attestation"
    return None


def _verdict(each: _Candidate, rule: _Rule, *, chosen: str, current: str) -> Verdict:
    if each.tag == chosen:
        return Verdict(each.tag, True, "current" if each.tag == current else "chosen")
    top = rule.current(each) if chosen == current else rule.place(chosen)
    if isinstance(top, _Candidate) and each.rank == top.rank:
        return Verdict(each.tag, False, f"is another spelling of {chosen}")
    return Verdict(each.tag, False, f"is older than {chosen}")


def _inverted(text: str) -> tuple[int, ...]:
    """Return a key by which the alphabetically first text is the greatest."""
    return (*(-ord(letter) for letter in text), 1)
