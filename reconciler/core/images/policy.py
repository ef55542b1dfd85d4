"""Policies: which of a repository's tags a container should run, and why not the others."""

import difflib
import enum
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from reconciler.core.images.constraint import Constraint
from reconciler.core.images.order import (
    Rank,
    SemverOrder,
    ShapeOrder,
    Spelling,
    TagOrder,
    spelling_key,
)
from reconciler.core.images.reference import is_tag
from reconciler.core.images.shape import take_apart
from reconciler.errors import ConstraintSyntaxError, PolicySyntaxError

LATEST = "latest"
_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")
_NOT_BUILT = ("glob", "regexp", "regex", "numeric", "alphabetical")  # followed by a colon
_NOT_BUILT_WORDS = ("major", "minor", "patch", "newest", "digest")
_KEYWORDS = ("semver", *_NOT_BUILT, *_NOT_BUILT_WORDS)
_NONE = ""  # stands for the current tag where there is none; it is no tag and has no place
_LONGEST_SLIP = 32  # longer words are not compared with keywords
_HELP = "write 'semver:CONSTRAINT'"


_Candidates: TypeAlias = dict[Rank, list[str]]  # the spellings of each version


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


class SelectionReason(enum.Enum):
    """Why a selection came out as it did."""

    NEWER = "newer"
    BEST = "the policy's best; no current tag was given"
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


def select(tags: Iterable[str], policy: Policy, *, current: str | None) -> Selection:
    """Return the tag that a container should run, or the reason to leave it.

    The answer depends neither on the order of the tags nor on duplicates among them. An older
    version than the current one is never chosen; another spelling of the same version neither.

    Args:
        tags: what the registry lists.
        policy: how to choose.
        current: the tag that stands in Git; None if there is none, as when a policy is tried.
    """
    if current is None:
        return _best(frozenset(tags), policy)
    order = _order(policy, current)
    if order is None:
        detail = f"{current!r} is no version: give a policy, e.g. 'semver:*'"
        return Selection(None, SelectionReason.NO_VERSION, detail)
    listed = frozenset(tags)
    candidates, _ = _sort_out(listed, order, current)
    if not candidates:
        return _without_candidates(policy, current, listed)
    return _choose(candidates, order, current, is_listed=current in listed)


def verdicts(tags: Iterable[str], policy: Policy, *, current: str | None) -> tuple[Verdict, ...]:
    """Return what became of each distinct tag: the candidates best first, then the rest by name."""
    current = _NONE if current is None else current
    order = _order(policy, current)
    listed = frozenset(tags)
    if order is None:
        reason = f"cannot be compared with {current!r}, which is no version"
        return tuple(Verdict(tag, is_chosen=False, reason=reason) for tag in sorted(listed))
    candidates, refused = _sort_out(listed, order, current)
    return (
        *_of_candidates(candidates, order, current, is_listed=current in listed),
        *(_of_refused(tag, order, current) for tag in sorted(refused)),
    )


def _best(listed: frozenset[str], policy: Policy) -> Selection:
    """Return what a policy picks from a list of tags alone."""
    order = _order(policy, _NONE)
    if order is None:
        detail = "there is no current tag to compare with: give a policy"
        return Selection(None, SelectionReason.NO_VERSION, detail)
    candidates, _ = _sort_out(listed, order, _NONE)
    if not candidates:
        return _no_match(policy, listed)
    best = max(candidates[max(candidates)], key=spelling_key(_NONE))
    return Selection(best, SelectionReason.BEST, "is the policy's best")


def _order(policy: Policy, current: str) -> TagOrder | None:
    """Return a policy's order; None if it needs a version to start from, which this is not."""
    match policy:
        case ShapePolicy():
            apart = take_apart(current)
            return ShapeOrder(apart) if apart else None
        case SemverPolicy(constraint):
            return SemverOrder(constraint, current)
        case _:
            assert_never(policy)


def _sort_out(
    listed: Iterable[str], order: TagOrder, current: str
) -> tuple[_Candidates, list[str]]:
    """Return the tags that have a place in an order, and the others."""
    candidates: _Candidates = {}
    refused: list[str] = []
    for tag in listed:
        rank = None if _never(tag, current) else order.rank(tag)
        if rank is None:
            refused.append(tag)
        else:
            candidates.setdefault(rank, []).append(tag)
    return candidates, refused


def _never(tag: str, current: str) -> str | None:
    """Return why a tag is never chosen, whatever the policy."""
    if not is_tag(tag):
        return "is no tag"
    if tag == LATEST and current != LATEST:
        return "is 'latest', which names no version"
    if tag.startswith("sha256-") and _SIGNATURE.fullmatch(tag):
        return "is a signature or attestation"
    return None


def _without_candidates(policy: Policy, current: str, listed: Collection[str]) -> Selection:
    if current not in listed:
        return _missing(current)
    return _no_match(policy, listed)


def _no_match(policy: Policy, listed: Collection[str]) -> Selection:
    detail = f"none of {len(listed)} listed tags matches {policy}"
    return Selection(None, SelectionReason.NO_TAG_MATCHES, detail)


def _choose(
    candidates: _Candidates, order: TagOrder, current: str, *, is_listed: bool
) -> Selection:
    top = max(candidates)
    best = max(candidates[top], key=spelling_key(current))
    floor = order.floor(best)
    if floor is None or (top > floor and not order.has_current):
        detail = f"{best} is the policy's best; {current!r} has no place in its order"
        return Selection(best, SelectionReason.ADOPTED, detail)
    if top > floor:
        return Selection(best, SelectionReason.NEWER, f"{best} is newer than {current}")
    if not is_listed:
        return _missing(current)
    if top == floor:
        return Selection(None, SelectionReason.ALREADY_NEWEST, f"{current} is the newest")
    detail = f"the policy's best is {best}, older than {current}"
    return Selection(None, SelectionReason.WOULD_DOWNGRADE, detail)


def _missing(current: str) -> Selection:
    detail = f"the registry no longer lists {current}, and nothing newer"
    return Selection(None, SelectionReason.CURRENT_MISSING, detail)


def _of_candidates(
    candidates: _Candidates, order: TagOrder, current: str, *, is_listed: bool
) -> Iterator[Verdict]:
    """Return the verdicts on the tags that have a place in an order, best first."""
    if not candidates:
        return
    selection = _choose(candidates, order, current, is_listed=is_listed)
    chosen = selection.winner or current
    key = spelling_key(current)
    top = max(candidates)
    chosen_rank = top if selection.winner else order.floor(max(candidates[top], key=key))
    for rank in sorted(candidates, reverse=True):
        for tag in _best_first(candidates[rank], key):
            if tag == chosen:
                yield Verdict(
                    tag, is_chosen=True, reason="chosen" if selection.winner else "current"
                )
            elif rank == chosen_rank:
                yield Verdict(tag, is_chosen=False, reason=f"is another spelling of {chosen}")
            else:
                yield Verdict(tag, is_chosen=False, reason=f"is older than {chosen}")


def _best_first(spellings: list[str], key: Callable[[str], Spelling]) -> list[str]:
    """Return the spellings of one version, the preferred one first; nearly always there is one."""
    return sorted(spellings, key=key, reverse=True) if len(spellings) > 1 else spellings


def _of_refused(tag: str, order: TagOrder, current: str) -> Verdict:
    reason = _never(tag, current) or order.refusal(tag)
    return Verdict(
        tag, is_chosen=False, reason=f"current, but {reason}" if tag == current else reason
    )
