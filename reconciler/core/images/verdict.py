"""Verdicts: what became of each tag, and which rule turned it down."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from reconciler.core.images.contest import Contest, Relation
from reconciler.core.images.knowledge import NOTHING_KNOWN, Knowledge, Want
from reconciler.core.images.order import UNKNOWN, Rank, TagOrder
from reconciler.core.images.rules import TagRules
from reconciler.core.images.selection import Ruling, SelectionReason, rule
from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one tag.

    Attributes:
        is_chosen: whether the policy picks it (it may be the current one).
        reason: ``chosen``, ``current``, or the rule that turned it down.
        has_place: whether the policy's order has a place for it, so that it could be the best.
    """

    tag: str
    is_chosen: bool
    reason: str
    has_place: bool = True


def verdicts(
    tags: Iterable[str],
    rules: TagRules,
    *,
    current: str | None,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> tuple[Verdict, ...]:
    """Return what became of each distinct tag: the candidates best first, then the rest by name."""
    contest = Contest(tags, rules, current=current, knowledge=knowledge)
    if contest.order is None:
        return tuple(
            Verdict(tag, is_chosen=False, reason=contest.refusal(tag), has_place=False)
            for tag in sorted(contest.listed)
        )
    ruling = rule(contest, knowledge)
    return (
        *_of_candidates(contest, contest.order, ruling),
        *(_of_refused(tag, contest, ruling) for tag in sorted(contest.refused)),
    )


def _of_candidates(contest: Contest, order: TagOrder, ruling: Ruling) -> Iterator[Verdict]:
    """Return the verdicts on the tags that have a place.

    On those before the pivot: what stood against them; on those after: how they are related to what
    was chosen.
    """
    current, winner = contest.view.tag, ruling.selection.winner
    reference, place = _reference(contest, order, ruling)
    same, lower = f"is {order.words.same} {reference}", f"is {order.words.lower} {reference}"
    is_before = True
    for rank, tag in contest.best_first():
        if ruling.pivot is not None and tag == ruling.pivot[1]:
            is_before = False
        if winner is not None and tag == winner:
            yield Verdict(tag, is_chosen=True, reason="chosen")
        elif tag == current and _stays(contest, ruling, is_before=is_before):
            yield Verdict(tag, is_chosen=True, reason="current")
        elif is_before or reference == tag:
            reason = _objection(contest, order, ruling, (rank, tag))
            yield _turned_down(tag, reason, contest)
        else:
            yield Verdict(tag, is_chosen=False, reason=same if rank == place else lower)


def _of_refused(tag: str, contest: Contest, ruling: Ruling) -> Verdict:
    """Return the verdict on a tag without a place; the current one may be the only that matters."""
    is_newest = ruling.selection.reason is SelectionReason.ALREADY_NEWEST
    if is_newest and tag == contest.view.tag:
        return Verdict(tag, is_chosen=True, reason="current", has_place=False)
    return replace(_turned_down(tag, contest.refusal(tag), contest), has_place=False)


def _stays(contest: Contest, ruling: Ruling, *, is_before: bool) -> bool:
    """Whether the current tag, which has a place, is kept and was not turned down itself."""
    selection = ruling.selection
    if selection.winner is not None:
        return False
    is_newest = selection.reason is SelectionReason.ALREADY_NEWEST
    return is_newest or not is_before or not isinstance(contest.objection(contest.view.tag), str)


def _reference(contest: Contest, order: TagOrder, ruling: Ruling) -> tuple[str, Rank | None]:
    """Return the tag with which those after the pivot are compared, and its place."""
    if ruling.pivot is None:
        return contest.view.tag, None
    rank, tag = ruling.pivot
    if ruling.selection.winner is None and ruling.relation in (Relation.SAME, Relation.LOWER):
        return contest.view.tag, order.floor(tag)
    return tag, rank


def _objection(
    contest: Contest, order: TagOrder, ruling: Ruling, candidate: tuple[Rank, str]
) -> str:
    """Return what stands against a candidate."""
    rank, tag = candidate
    if rank == UNKNOWN:
        return order.refusal(contest.text_of(tag) or tag, tag)
    match contest.objection(tag):
        case str() as reason:
            return reason
        case Want(fact=fact):
            return f"has {fact.value} that are not known yet"
        case ReconcilerError() as error:
            return f"has platforms that cannot be read: {error.message}"
    return _why_passed_over(contest, ruling)


def _why_passed_over(contest: Contest, ruling: Ruling) -> str:
    """Return why a candidate against which nothing stands was not chosen."""
    match ruling.selection.reason:
        case SelectionReason.WOULD_DOWNGRADE:
            return f"is older than what was taken back for {contest.view.tag}"
        case SelectionReason.CURRENT_MISSING:
            return f"cannot be compared with {contest.view.tag}, whose image is gone"
        case _:
            return "cannot be compared before all creation times are known"


def _turned_down(tag: str, reason: str, contest: Contest) -> Verdict:
    is_current = tag == contest.view.tag
    return Verdict(tag, is_chosen=False, reason=f"current, but {reason}" if is_current else reason)
