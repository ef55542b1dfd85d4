"""Gallery: the images of a source as its last cycle left them, for people who look."""

import enum
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.decision import Change, Decision, KnowledgeOf, Select, Tags
from reconciler.core.images.selection import select
from reconciler.core.manifests.images import FieldKey, SkipReason
from reconciler.core.outcome import CycleOutcome
from reconciler.core.survey import SurveyedImage, surveyed

ID_LENGTH = 16
"""Hex digits of an image's id: 64 bits, so that no two of a source have the same."""

_FAILED = frozenset(
    {
        SkipReason.REGISTRY_FAILED,
        SkipReason.BAD_POLICY,
        SkipReason.BAD_ANNOTATION,
        SkipReason.BAD_MANIFEST,
        SkipReason.INVALID,
    }
)


class State(enum.Enum):
    """How an image stands, in one word; the reason is in its verdict."""

    CURRENT = "current"
    UPDATED = "updated"
    DUE = "due"
    HELD = "held"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One image field, after a cycle.

    Attributes:
        source: whose.
        surveyed: what the cycle decided, and why.
        is_written: whether the cycle's commit changed it, so that Git has the new image now.
    """

    source: str
    surveyed: SurveyedImage
    is_written: bool = False

    @property
    def id(self) -> str:
        """Names it in URLs: the same as long as manifest, workload and container are."""
        return image_id(self.surveyed.field.key)

    @property
    def state(self) -> State:
        """How it stands."""
        decision = self.surveyed.decision
        if isinstance(decision, Change):
            return State.UPDATED if self.is_written else State.DUE
        if decision.reason is SkipReason.ALREADY_NEWEST:
            return State.CURRENT
        return State.FAILED if decision.reason in _FAILED else State.HELD

    @property
    def image(self) -> str:
        """What Git says now."""
        decision = self.surveyed.decision
        if isinstance(decision, Change) and self.is_written:
            return str(decision.new)
        return self.surveyed.field.text

    @property
    def current(self) -> str:
        """The tag that Git has now; empty if it has none."""
        decision, reference = self.surveyed.decision, self.surveyed.field.reference
        if isinstance(decision, Change) and self.is_written:
            reference = decision.new
        return (reference.tag or "") if reference else ""

    @property
    def text(self) -> str:
        """The verdict for a person."""
        decision = self.surveyed.decision
        if isinstance(decision, Change) and self.is_written:
            return f"updated from {decision.old.suffix.removeprefix(':')}"
        return self.surveyed.text

    def matches(self, words: Iterable[str]) -> bool:
        """Whether all of these words, in lower case, stand somewhere in what is shown of it."""
        field = self.surveyed.field
        parts = (
            *(self.source, field.workload.workload, field.container, self.image, field.path),
            *(str(field.rules.policy), self.state.value, self.text),
        )
        shown = " ".join(parts).lower()
        return all(word in shown for word in words)


def image_id(key: FieldKey) -> str:
    """Return what names an image field in URLs."""
    return hashlib.sha256("\0".join(key).encode("utf-8", "replace")).hexdigest()[:ID_LENGTH]


def exhibits(
    outcome: CycleOutcome, tags: Tags, knowledge: KnowledgeOf, *, choose: Select = select
) -> tuple[Exhibit, ...]:
    """Return the images of a cycle in the order of paths and lines.

    Args:
        outcome: of a cycle that decided about images.
        tags: what the registries listed, as far as that is still known.
        knowledge: what was known of single images.
        choose: selects among the tags of one repository.
    """
    is_pushed = outcome.pushed is not None and outcome.proposal is None
    found = [
        Exhibit(
            outcome.source,
            surveyed(each.field, each, tags, knowledge, choose=choose),
            is_written=is_pushed and is_change,
        )
        for each, is_change in _decisions(outcome)
    ]
    return tuple(sorted(found, key=_place))


def judged(
    exhibit: Exhibit, tags: Tags, knowledge: KnowledgeOf, *, choose: Select = select
) -> SurveyedImage:
    """Return an image of the gallery with a verdict on each tag that its registry lists."""
    image = exhibit.surveyed
    return surveyed(image.field, image.decision, tags, knowledge, has_verdicts=True, choose=choose)


def _decisions(outcome: CycleOutcome) -> Iterator[tuple[Decision, bool]]:
    """Yield what was decided, and whether it was done."""
    for change in outcome.changes:
        yield change, True
    for change in outcome.pending:
        yield change, False
    for skip in outcome.skips:
        yield skip, False


def _place(exhibit: Exhibit) -> tuple[str, int]:
    field = exhibit.surveyed.field
    return field.path, field.line
