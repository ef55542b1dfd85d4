"""Contest: the tags of a repository in the order that one image's rules give them."""

import enum
import re
from collections.abc import Iterable, Iterator
from typing import assert_never

from reconciler.core.images.glob import Glob
from reconciler.core.images.knowledge import Fact, Knowledge, Want
from reconciler.core.images.order import Rank, SemverOrder, ShapeOrder, TagOrder
from reconciler.core.images.pattern import Pattern
from reconciler.core.images.policy import (
    AlphabeticalPolicy,
    DigestPolicy,
    MatchPolicy,
    NewestPolicy,
    NumericPolicy,
    Policy,
    SemverPolicy,
    ShapePolicy,
)
from reconciler.core.images.reference import is_tag
from reconciler.core.images.rules import TagRules
from reconciler.core.images.shape import take_apart
from reconciler.core.images.text_order import AlphabeticalOrder, NumericOrder, SameTagOrder
from reconciler.core.images.time_order import CreationOrder
from reconciler.core.images.viewpoint import Viewpoint
from reconciler.errors import NotFoundError, ReconcilerError

LATEST = "latest"
_NO_TAG = ""  # stands for the current tag where there is none; it is no tag and has no place
_PLAIN = re.compile(rf"(?!{LATEST}\Z|sha256-)[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}")
"""What needs no closer look before it is ordered: nearly every tag."""
_SIGNATURE = re.compile(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")


class Relation(enum.Enum):
    """How a tag stands to the current one."""

    HIGHER = "higher"
    SAME = "same"
    LOWER = "lower"
    NONE = "none"


class Contest:
    """The tags of a repository, seen from the current one.

    Attributes:
        rules: by which it is held.
        listed: what the registry lists.
        view: the current tag.
        order: of the tags; None if the policy needs a version to start from and there is none.
        candidates: the tags that have a place, by their rank.
        refused: the others.
    """

    def __init__(
        self, tags: Iterable[str], rules: TagRules, *, current: str | None, knowledge: Knowledge
    ) -> None:
        """Give each tag its place."""
        self.rules = rules
        self._knowledge = knowledge
        self._filter = None if isinstance(rules.policy, DigestPolicy) else rules.tag_filter
        self._names_latest = _may_be_latest(rules.policy, current) or _names_latest(rules)
        self._taken_back = dict(rules.taken_back.tags)
        self.listed = frozenset(tags)
        self.view = self._viewpoint(_NO_TAG if current is None else current)
        self.order = _order_of(rules.policy, self.view, knowledge)
        self.candidates: dict[Rank, list[str]] = {}
        self.refused: list[str] = []
        if self.order is not None:
            self._sort_out(self.order)

    @property
    def is_listed(self) -> bool:
        """Whether the registry lists the current tag."""
        return self.view.tag in self.listed

    def text_of(self, tag: str) -> str | None:
        """Return what is ordered in a tag's place; None if the tag is not looked at."""
        if self._filter is None or not is_tag(tag):
            return tag
        return self._filter.extract(tag)

    def best_first(self) -> Iterator[tuple[Rank, str]]:
        """Return the candidates with their ranks; of one rank, the preferred spelling first.

        Nearly always the first one is all that is wanted, so the others are sorted only then.
        """
        if not self.candidates:
            return
        top = max(self.candidates)
        yield from ((top, tag) for tag in self._spelled(self.candidates[top]))
        for rank in sorted(self.candidates, reverse=True)[1:]:
            yield from ((rank, tag) for tag in self._spelled(self.candidates[rank]))

    def relation(self, rank: Rank, tag: str) -> Relation:
        """Return how a candidate stands to the current tag."""
        text = self.text_of(tag) or tag
        has_place = self.view.is_matched and not self.never(self.view.tag)
        floor = self.order.floor(text) if self.order and has_place else None
        if floor is None:
            return Relation.LOWER if self.view.is_above(text) else Relation.NONE
        if rank == floor:
            return Relation.SAME
        return Relation.HIGHER if rank > floor else Relation.LOWER

    def never(self, tag: str) -> str:
        """Return why a tag is never chosen, whatever the policy; empty if it may be."""
        if not is_tag(tag):
            return "is no tag"
        if tag == LATEST and not self._names_latest:
            return "is 'latest', which names no version"
        if _SIGNATURE.fullmatch(tag):
            return "is a signature or attestation"
        if tag in self._taken_back:
            return self.rules.taken_back.reason_of(tag)
        for pattern in self.rules.excluded:
            if pattern.matches(tag):
                return f"is excluded by {pattern}"
        return ""

    def is_below_taken_back(self, rank: Rank) -> bool:
        """Whether some tag that was taken back has a higher place."""
        for tag in self._taken_back:
            text = self.text_of(tag)
            place = None if self.order is None or text is None else self.order.rank(text, tag)
            if place is not None and place > rank:
                return True
        return False

    def refusal(self, tag: str) -> str:
        """Return why a tag has no place."""
        reason = self.never(tag)
        if reason or self.order is None:
            return reason or f"cannot be compared with {self.view.tag!r}, which is no version"
        text = self.text_of(tag)
        if text is None:
            return f"does not match the filter {str(self._filter and self._filter.pattern)!r}"
        reason = self.order.refusal(text, tag)
        return reason if text == tag else f"gives {text!r}, which {reason}"

    def objection(self, tag: str) -> str | Want | ReconcilerError | None:
        """Return what stands against a candidate: a rule, a fact that is missing, or an error."""
        if not self.rules.platforms:
            return None
        known = self._knowledge.platforms.get(tag)
        match known:
            case None:
                return Want(tag, Fact.PLATFORMS)
            case NotFoundError():
                return "is listed, but its image is not there"
            case ReconcilerError():
                return known
        lacking = [each for each in self.rules.platforms if not any(map(each.is_served_by, known))]
        if lacking:
            return f"has no {' and no '.join(map(str, lacking))}"
        return Want(tag, Fact.PLATFORMS) if tag in self._knowledge.recalled else None

    def _viewpoint(self, current: str) -> Viewpoint:
        text = self.text_of(current) if is_tag(current) else None
        return Viewpoint(current, current if text is None else text, text is not None)

    def _sort_out(self, order: TagOrder) -> None:
        candidates, rank_of = self.candidates, order.rank
        text_of = self.text_of if self._filter else None
        odd = [tag for tag in self.listed if not _PLAIN.fullmatch(tag) and self.never(tag)]
        odd += [tag for tag in self._taken_back if tag in self.listed and tag not in odd]
        if self.rules.excluded:
            known = frozenset(odd)
            odd += [tag for tag in self.listed if tag not in known and self.never(tag)]
        self.refused += odd
        for tag in self.listed.difference(odd):  # may be tens of thousands
            text = text_of(tag) if text_of else tag
            rank = None if text is None else rank_of(text, tag)
            if rank is None:
                self.refused.append(tag)
            else:
                candidates.setdefault(rank, []).append(tag)

    def _spelled(self, tags: list[str]) -> list[str]:
        """Return the spellings of one version, the preferred one first; nearly always it is one."""
        if len(tags) == 1:
            return tags
        return sorted(
            tags, key=lambda tag: self.view.spelling(tag, self.text_of(tag) or tag), reverse=True
        )


def _order_of(policy: Policy, view: Viewpoint, knowledge: Knowledge) -> TagOrder | None:
    """Return a policy's order; None if it needs a version to start from, which this is not."""
    match policy:
        case ShapePolicy(step):
            return ShapeOrder(apart, step=step) if (apart := take_apart(view.text)) else None
        case SemverPolicy():
            return SemverOrder(policy.constraint, view.text)
        case MatchPolicy() | NewestPolicy():
            return _order_of_matches(policy, view, knowledge)
        case NumericPolicy():
            return NumericOrder(policy.direction, view.text)
        case AlphabeticalPolicy():
            return AlphabeticalOrder(policy.direction, view.text)
        case DigestPolicy():
            return SameTagOrder(view.tag)
        case _:
            assert_never(policy)


def _order_of_matches(
    policy: MatchPolicy | NewestPolicy, view: Viewpoint, knowledge: Knowledge
) -> TagOrder:
    if isinstance(policy, NewestPolicy):
        return CreationOrder(knowledge.created, view)
    apart = take_apart(view.text)
    if apart is None:
        return CreationOrder(knowledge.created, view, pattern=policy.pattern)
    return ShapeOrder(apart, pattern=policy.pattern)


def _may_be_latest(policy: Policy, current: str | None) -> bool:
    """Whether ``latest`` has a place because it is current; between letters it has none."""
    return current == LATEST and not isinstance(policy, AlphabeticalPolicy)


def _names_latest(rules: TagRules) -> bool:
    """Whether a pattern of the rules names ``latest``, and does not merely match it."""
    patterns: list[Glob | Pattern] = []
    if isinstance(rules.policy, MatchPolicy):
        patterns.append(rules.policy.pattern)
    if rules.tag_filter is not None:
        patterns.append(rules.tag_filter.pattern)
    return any(LATEST in each.text and each.matches(LATEST) for each in patterns)
