"""Selection: which of a repository's tags a container should run, or why it stays."""

import enum
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from reconciler.core.images.knowledge import NOTHING_KNOWN, Knowledge, Want
from reconciler.core.images.order import Rank, SemverOrder, ShapeOrder, TagOrder, spelling_key
from reconciler.core.images.policy import Policy, SemverPolicy, ShapePolicy
from reconciler.core.images.reference import is_tag
from reconciler.core.images.rules import TagRules
from reconciler.core.images.shape import take_apart
from reconciler.errors import ReconcilerError

LATEST = "latest"
NO_TAG = ""  # stands for the current tag where there is none; it is no tag and has no place
_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")

Candidates: TypeAlias = dict[Rank, list[str]]
"""The spellings of each version."""


class SelectionReason(enum.Enum):
    """Why a selection came out as it did."""

    NEWER = "newer"
    BEST = "the policy's best; no current tag was given"
    ADOPTED = "adopted: the current tag has no place in the policy's order"
    ALREADY_NEWEST = "already the newest"
    NO_TAG_MATCHES = "no tag matches"
    WOULD_DOWNGRADE = "the policy's best is older"
    CURRENT_MISSING = "the registry no longer lists the current tag, and none that is newer"
    UNKNOWN_IMAGES = "held until more is known of the images"
    UNREADABLE_IMAGES = "held: images that matter could not be read"
    NO_VERSION = "the current tag is no version: give a policy"


@dataclass(frozen=True, slots=True)
class Selection:
    """What a policy picks: a tag to change to, or the reason to stay.

    Attributes:
        winner: the tag to change to; None to stay.
        reason: why.
        detail: the same for a person, with the tags in question.
        wants: the facts without which it could not be made, in the order in which they are worth
            reading.
        failures: what kept them from being known.
    """

    winner: str | None
    reason: SelectionReason
    detail: str
    wants: tuple[Want, ...] = ()
    failures: tuple[ReconcilerError, ...] = ()


def select(
    tags: Iterable[str],
    rules: TagRules,
    *,
    current: str | None,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Selection:
    """Return the tag that a container should run, or the reason to leave it.

    The answer depends neither on the order of the tags nor on duplicates among them. An older
    version than the current one is never chosen; another spelling of the same version neither.

    Args:
        tags: what the registry lists.
        rules: how to choose.
        current: the tag that stands in Git; None if there is none, as when a policy is tried.
        knowledge: what is known of the images; with more of it, a selection that was held may be
            made, but none is made differently.
    """
    del knowledge  # no policy so far looks at more than tags
    policy = rules.policy
    if current is None:
        return _best(frozenset(tags), policy)
    order = order_of(policy, current)
    if order is None:
        detail = f"{current!r} is no version: give a policy, e.g. 'semver:*'"
        return Selection(None, SelectionReason.NO_VERSION, detail)
    listed = frozenset(tags)
    candidates, _ = sort_out(listed, order, current)
    if not candidates:
        return _without_candidates(policy, current, listed)
    return choose(candidates, order, current, is_listed=current in listed)


def _best(listed: frozenset[str], policy: Policy) -> Selection:
    """Return what a policy picks from a list of tags alone."""
    order = order_of(policy, NO_TAG)
    if order is None:
        detail = "there is no current tag to compare with: give a policy"
        return Selection(None, SelectionReason.NO_VERSION, detail)
    candidates, _ = sort_out(listed, order, NO_TAG)
    if not candidates:
        return _no_match(policy, listed)
    best = max(candidates[max(candidates)], key=spelling_key(NO_TAG))
    return Selection(best, SelectionReason.BEST, "is the policy's best")


def order_of(policy: Policy, current: str) -> TagOrder | None:
    """Return a policy's order; None if it needs a version to start from, which this is not."""
    match policy:
        case ShapePolicy():
            apart = take_apart(current)
            return ShapeOrder(apart) if apart else None
        case SemverPolicy(constraint):
            return SemverOrder(constraint, current)
        case _:
            assert_never(policy)


def sort_out(listed: Iterable[str], order: TagOrder, current: str) -> tuple[Candidates, list[str]]:
    """Return the tags that have a place in an order, and the others."""
    candidates: Candidates = {}
    refused: list[str] = []
    for tag in listed:
        rank = None if never(tag, current) else order.rank(tag)
        if rank is None:
            refused.append(tag)
        else:
            candidates.setdefault(rank, []).append(tag)
    return candidates, refused


def never(tag: str, current: str) -> str | None:
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


def choose(candidates: Candidates, order: TagOrder, current: str, *, is_listed: bool) -> Selection:
    """Return the selection among tags that have a place in an order; there is one at least."""
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
