"""Selection: which of a repository's tags a container should run, or why it stays."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.images.contest import Contest, Relation
from reconciler.core.images.knowledge import NOTHING_KNOWN, Fact, Knowledge, Want
from reconciler.core.images.order import Rank, ShapeOrder, TagOrder
from reconciler.core.images.policy import DEFAULT_POLICY, DigestPolicy
from reconciler.core.images.rules import TagRules
from reconciler.core.images.time_order import CreationOrder
from reconciler.errors import ReconcilerError


class SelectionReason(enum.Enum):
    """Why a selection came out as it did."""

    NEWER = "newer"
    BEST = "the policy's best; no current tag was given"
    ADOPTED = "adopted: the current tag has no place in the policy's order"
    DOWNGRADE = "the policy's best; it is older, and the rules allow that"
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


@dataclass(frozen=True, slots=True)
class Ruling:
    """A selection, and how far the tags were gone through for it.

    Attributes:
        pivot: the candidate at which it was made, with its rank; None if there was none.
        relation: how that stands to the current tag.
    """

    selection: Selection
    pivot: tuple[Rank, str] | None = None
    relation: Relation = Relation.NONE


def select(
    tags: Iterable[str],
    rules: TagRules,
    *,
    current: str | None,
    knowledge: Knowledge = NOTHING_KNOWN,
) -> Selection:
    """Return the tag that a container should run, or the reason to leave it.

    The answer depends neither on the order of the tags nor on duplicates among them. A lower tag
    than the current one, in the policy's own order, is never chosen unless the rules allow it;
    another spelling of the same version neither.

    Args:
        tags: what the registry lists.
        rules: how to choose.
        current: the tag that stands in Git; None if there is none, as when a policy is tried.
        knowledge: what is known of the images; with more of it, a selection that was held may be
            made, but none is made differently.
    """
    contest = Contest(tags, rules, current=current, knowledge=knowledge)
    return rule(contest, knowledge).selection


def rule(contest: Contest, knowledge: Knowledge) -> Ruling:
    """Return the selection of a contest: the best candidate that nothing stands against."""
    if contest.order is None:
        return Ruling(_no_version(contest.view.tag))
    if isinstance(contest.order, CreationOrder):
        early = _before_times_matter(contest, contest.order, knowledge)
        if early is not None:
            return Ruling(early)
    for rank, tag in contest.best_first():
        relation = contest.relation(rank, tag)
        if _is_third(contest, rank, tag, relation):
            return Ruling(_below_taken_back(contest, tag))
        selection = _at(contest, contest.order, tag, relation)
        if selection is not None:
            return Ruling(selection, (rank, tag), relation)
    return Ruling(_nothing(contest))


def _is_third(contest: Contest, rank: Rank, tag: str, relation: Relation) -> bool:
    """Whether a candidate comes after one that was taken back for a tag without a place.

    Who took that one back wants what stands there, and not each older one in turn.
    """
    if relation is not Relation.NONE or tag == contest.view.tag or not contest.view.tag:
        return False
    return contest.is_below_taken_back(rank)


def _below_taken_back(contest: Contest, tag: str) -> Selection:
    detail = f"the policy's best is {tag}, older than what was taken back for {contest.view.tag}"
    return Selection(None, SelectionReason.WOULD_DOWNGRADE, detail)


def _at(contest: Contest, order: TagOrder, tag: str, relation: Relation) -> Selection | None:
    """Return the selection if it is made at a candidate; None to look at the next one."""
    allows = contest.rules.allows_downgrade
    moves = relation in (Relation.HIGHER, Relation.NONE) or allows
    if not moves and not isinstance(contest.rules.policy, DigestPolicy):
        return _stay(contest, order, tag, relation)
    match contest.objection(tag):
        case str():
            return None
        case Want() as want:
            detail = f"the platforms of {tag} are not known yet"
            return Selection(None, SelectionReason.UNKNOWN_IMAGES, detail, wants=(want,))
        case ReconcilerError() as error:
            detail = f"the platforms of {tag} cannot be read: {error.message}"
            return Selection(None, SelectionReason.UNREADABLE_IMAGES, detail, failures=(error,))
    if tag == contest.view.tag:
        return _stay(contest, order, tag, relation)
    return _move(contest, order, tag, relation)


def _move(contest: Contest, order: TagOrder, tag: str, relation: Relation) -> Selection:
    current, words = contest.view.tag, order.words
    match relation:
        case Relation.HIGHER:
            detail = f"{tag} is {words.higher} {current}"
            return Selection(tag, SelectionReason.NEWER, detail)
        case Relation.NONE if not current:
            return Selection(tag, SelectionReason.BEST, "is the policy's best")
        case Relation.NONE:
            detail = f"{tag} is the policy's best; {current!r} has no place in its order"
            return Selection(tag, SelectionReason.ADOPTED, detail)
        case _:
            how = words.same if relation is Relation.SAME else words.lower
            detail = f"{tag} is the policy's best; it is {how} {current}, which its rules allow"
            return Selection(tag, SelectionReason.DOWNGRADE, detail)


def _stay(contest: Contest, order: TagOrder, tag: str, relation: Relation) -> Selection:
    current, words = contest.view.tag, order.words
    if not contest.is_listed:
        return _missing(current, words.higher)
    if relation is Relation.LOWER:
        detail = f"the policy's best is {tag}, {words.lower} {current}"
        return Selection(None, SelectionReason.WOULD_DOWNGRADE, detail)
    detail = f"{current} is the {words.best}"
    return Selection(None, SelectionReason.ALREADY_NEWEST, detail)


def _missing(current: str, higher: str) -> Selection:
    what = f"{higher} it".removesuffix(" than it")
    detail = f"the registry no longer lists {current}, and nothing {what}"
    return Selection(None, SelectionReason.CURRENT_MISSING, detail)


def _nothing(contest: Contest) -> Selection:
    """Return the selection where no candidate is left."""
    if contest.view.tag and not contest.is_listed:
        return _missing(contest.view.tag, contest.order.words.higher if contest.order else "newer")
    return Selection(None, SelectionReason.NO_TAG_MATCHES, _no_match(contest))


def _no_match(contest: Contest) -> str:
    policy = contest.rules.policy
    if contest.candidates:
        platforms = " and ".join(map(str, contest.rules.platforms))
        return f"no tag that matches {policy} has {platforms}"
    wanted = [f"matches {policy}"] if policy != DEFAULT_POLICY else []
    if isinstance(contest.order, ShapeOrder):
        wanted.insert(0, f"has the shape {contest.order.shape} of {contest.view.text}")
    if contest.rules.tag_filter is not None:
        wanted.append(f"matches the filter {contest.rules.tag_filter.pattern}")
    return f"none of {len(contest.listed):,} listed tags {' and '.join(wanted)}"


def _no_version(current: str) -> Selection:
    detail = f"{current!r} is no version: give a policy, e.g. 'semver:*'"
    if not current:
        detail = "there is no current tag to compare with: give a policy"
    return Selection(None, SelectionReason.NO_VERSION, detail)


def _before_times_matter(
    contest: Contest, order: CreationOrder, knowledge: Knowledge
) -> Selection | None:
    """Return the selection if the times are not needed for it, or not all of them known.

    Whatever time is missing may be the latest, so all of them must be known.
    """
    current = contest.view.tag
    names = [tag for tags in contest.candidates.values() for tag in tags]
    names += [tag for tag in contest.refused if _is_admitted(contest, order, tag)]
    if names == [current]:
        return _stay(contest, order, current, Relation.SAME)
    if not names:
        return None
    is_lost = order.is_lost(is_listed=contest.is_listed)
    if is_lost and not contest.rules.allows_downgrade:
        return _lost(current, is_listed=contest.is_listed)
    if order.has_current and not contest.is_listed:
        names.append(current)
    gaps = order.gaps(sorted(names, key=lambda tag: (tag == current, tag), reverse=True))
    if not gaps:
        return None
    return _held(
        gaps, len(names), knowledge, is_first_alone=not contest.is_listed and gaps[0] == current
    )


def _is_admitted(contest: Contest, order: CreationOrder, tag: str) -> bool:
    if contest.never(tag):
        return False
    text = contest.text_of(tag)
    return text is not None and order.admits(text)


def _lost(current: str, *, is_listed: bool) -> Selection:
    what = "its image is gone" if is_listed else "the registry no longer lists it"
    detail = f"nothing can be called newer than {current}: {what}"
    return Selection(None, SelectionReason.CURRENT_MISSING, detail)


def _held(gaps: list[str], count: int, knowledge: Knowledge, *, is_first_alone: bool) -> Selection:
    """Return the selection that waits for creation times.

    Args:
        gaps: the tags without one.
        count: how many tags there are in all.
        knowledge: says why.
        is_first_alone: whether the others are not worth reading before the first is known.
    """
    detail = f"creation time known for {count - len(gaps):,} of {count:,}"
    if is_first_alone:
        gaps = gaps[:1]
    errors = {
        tag: known
        for tag in gaps
        if isinstance(known := knowledge.created.get(tag), ReconcilerError)
    }
    wants = tuple(Want(tag, Fact.CREATED) for tag in gaps if tag not in errors)
    if errors:
        tag, error = next(iter(errors.items()))
        detail += f"; that of {tag} cannot be read: {error.message}"
    reason = SelectionReason.UNKNOWN_IMAGES if wants else SelectionReason.UNREADABLE_IMAGES
    return Selection(None, reason, detail, wants, tuple(errors.values()))
