"""Survey: every image field with what would become of it, and why."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.decision import Change, Decision, KnowledgeOf, Select, Skip, Tags, decide
from reconciler.core.images.knowledge import NOTHING_KNOWN, Knowledge
from reconciler.core.images.reference import ImageReference
from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.verdict import Verdict, verdicts
from reconciler.core.manifests.images import FileReport, ImageField, SkipReason
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.plan import UpdatePlan, make_plan
from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True)
class SurveyedImage:
    """One image field.

    Attributes:
        decision: what a cycle would do with it.
        newest: the tag that its policy would have there, whether or not it is automated; None if
            the policy has none or the registry could not be asked.
        tags: those of its repository; empty if they are not known.
        knowledge: what is known of their images.
        verdicts: what became of each tag; empty if nobody asked.
    """

    field: ImageField
    decision: Decision
    newest: str | None
    tags: Collection[str] = ()
    knowledge: Knowledge = NOTHING_KNOWN
    verdicts: tuple[Verdict, ...] = ()

    @property
    def depends_on_history(self) -> bool:
        """Whether what was taken back before might matter, if nobody knows of it."""
        if isinstance(self.decision, Change):
            return True
        is_told = self.decision.reason in (SkipReason.ALREADY_NEWEST, SkipReason.TAKEN_BACK)
        return self.field.obstacle is None and not is_told and self.newest is not None

    @property
    def images(self) -> tuple[ImageReference, ...]:
        """What stands there, and what would be written."""
        if isinstance(self.decision, Change):
            return self.decision.old, self.decision.new
        return () if self.field.reference is None else (self.field.reference,)

    @property
    def word(self) -> str:
        """The decision as a fixed word: ``UPDATE``, or the name of the reason to stay."""
        return self.decision.reason.name if isinstance(self.decision, Skip) else "UPDATE"

    @property
    def text(self) -> str:
        """The decision for a person."""
        if isinstance(self.decision, Change):
            return f"update to {self.decision.new.suffix}"
        return self.decision.detail


@dataclass(frozen=True, slots=True)
class Survey:
    """All image fields in the order of paths and lines, and what is wrong."""

    images: tuple[SurveyedImage, ...] = ()
    problems: tuple[ReconcilerError, ...] = ()


def survey(
    reports: Sequence[FileReport],
    texts: Mapping[str, str],
    tags: Tags,
    *,
    knowledge: KnowledgeOf | None = None,
    workloads: frozenset[ObjectKey] | None = None,
    has_verdicts: bool = False,
    choose: Select = select,
) -> Survey:
    """Return what would become of every image, by the same plan that a cycle makes.

    That the registry of an image fails which is not automated is no problem: nobody waits for it.

    Args:
        reports: of all manifests, with the fields of all workloads.
        texts: the manifests by path.
        tags: for every repository of :func:`openly`.
        knowledge: of the repositories' images.
        workloads: those whose images are wanted, see :func:`only`; None: all.
        has_verdicts: whether the tags are judged one by one.
        choose: selects among the tags of one repository.
    """
    known = knowledge or {}
    plan = make_plan(reports, texts, decide(reports, tags, known, choose=choose))
    decisions = _by_field(plan)
    images = [
        surveyed(field, decisions[id(field)], tags, known, has_verdicts=has_verdicts, choose=choose)
        for report in reports
        for field in report.fields
        if workloads is None or field.workload in workloads
    ]
    return Survey(tuple(images), plan.problems)


def openly(reports: Iterable[FileReport]) -> list[FileReport]:
    """Return the reports as if nothing kept an image from being updated: whose tags are wanted.

    But for what no policy could begin with.
    """
    return [
        replace(report, fields=tuple(_open(field) for field in report.fields)) for report in reports
    ]


def _open(field: ImageField) -> ImageField:
    is_comparable = field.reference is not None and field.reference.has_meant_tag
    return replace(field, obstacle=None) if is_comparable else field


def only(reports: Iterable[FileReport], keys: frozenset[ObjectKey]) -> list[FileReport]:
    """Return the reports with the fields of these workloads; problems of other files go.

    Who shares an image with them by an alias stays too: it may want another one.
    """
    return [
        replace(report, fields=tuple(_concerning(report.fields, keys)))
        for report in reports
        if any(field.workload in keys for field in report.fields)
    ]


def _concerning(fields: Sequence[ImageField], keys: frozenset[ObjectKey]) -> Iterator[ImageField]:
    starts = {start for field in fields if field.workload in keys for start in _starts(field)}
    yield from (
        field for field in fields if field.workload in keys or not starts.isdisjoint(_starts(field))
    )


def _starts(field: ImageField) -> Iterator[int]:
    return (scalar.start for scalar in field.written.scalars)


def _by_field(plan: UpdatePlan) -> Mapping[int, Decision]:
    """Return the decisions by identity of their fields: equal ones may stand twice in a file."""
    made: tuple[Decision, ...] = (*plan.changes, *plan.skips)
    return {id(each.field): each for each in made}


def surveyed(
    field: ImageField,
    decision: Decision,
    tags: Tags,
    known: KnowledgeOf,
    *,
    has_verdicts: bool = False,
    choose: Select = select,
) -> SurveyedImage:
    """Return an image about which was decided, with what its registry lists; as in a survey."""
    reference = field.reference
    listed = tags.get(reference.repository) if reference and reference.has_meant_tag else None
    if reference is None or listed is None or isinstance(listed, ReconcilerError):
        return SurveyedImage(field, decision, None)
    current, rules = reference.effective_tag, field.rules
    knowledge = known.get(reference.repository, NOTHING_KNOWN)
    selection = choose(listed, rules, current=current, knowledge=knowledge)
    is_newest = selection.reason is SelectionReason.ALREADY_NEWEST
    judged = verdicts(listed, rules, current=current, knowledge=knowledge) if has_verdicts else ()
    newest = current if is_newest else selection.winner
    return SurveyedImage(field, decision, newest, listed, knowledge, judged)
