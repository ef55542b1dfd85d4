"""Survey: every image field with what would become of it, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.images.selection import SelectionReason, select
from reconciler.core.images.verdict import Verdict, verdicts
from reconciler.core.manifests.images import FileReport, ImageField
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.plan import Change, Decision, Skip, Tags, UpdatePlan, make_plan, repositories
from reconciler.errors import ReconcilerError


@dataclass(frozen=True, slots=True)
class SurveyedImage:
    """One image field.

    Attributes:
        decision: what a cycle would do with it.
        newest: the tag that its policy would have there, whether or not it is automated; None if
            the policy has none or the registry could not be asked.
        verdicts: what became of each tag of its repository; empty if they are not known.
    """

    field: ImageField
    decision: Decision
    newest: str | None
    verdicts: tuple[Verdict, ...] = ()

    @property
    def word(self) -> str:
        """The decision as a fixed word: ``UPDATE``, or the name of the reason to stay."""
        return self.decision.reason.name if isinstance(self.decision, Skip) else "UPDATE"

    @property
    def text(self) -> str:
        """The decision for a person."""
        if isinstance(self.decision, Change):
            return f"update to {self.decision.new.effective_tag}"
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
    has_verdicts: bool = False,
) -> Survey:
    """Return what would become of every image, by the same plan that a cycle makes.

    That the registry of an image fails which is not automated is no problem: nobody waits for it.

    Args:
        reports: of all manifests, with the fields of all workloads.
        texts: the manifests by path.
        tags: for every repository of :func:`openly`.
        has_verdicts: whether the tags are judged one by one.
    """
    automated = repositories(reports)
    plan = make_plan(reports, texts, {each: tags[each] for each in automated})
    decisions = _by_field(plan)
    images = [
        _surveyed(field, decisions[id(field)], tags, has_verdicts=has_verdicts)
        for report in reports
        for field in report.fields
    ]
    return Survey(tuple(images), plan.problems)


def openly(reports: Iterable[FileReport]) -> list[FileReport]:
    """Return the reports as if nothing kept an image from being updated: whose tags are wanted."""
    return [
        replace(report, fields=tuple(replace(field, obstacle=None) for field in report.fields))
        for report in reports
    ]


def only(reports: Iterable[FileReport], keys: frozenset[ObjectKey]) -> list[FileReport]:
    """Return the reports with the fields of these workloads alone; problems of other files go."""
    return [
        replace(report, fields=tuple(field for field in report.fields if field.workload in keys))
        for report in reports
        if any(field.workload in keys for field in report.fields)
    ]


def _by_field(plan: UpdatePlan) -> Mapping[int, Decision]:
    """Return the decisions by identity of their fields: equal ones may stand twice in a file."""
    made: tuple[Decision, ...] = (*plan.changes, *plan.skips)
    return {id(each.field): each for each in made}


def _surveyed(
    field: ImageField, decision: Decision, tags: Tags, *, has_verdicts: bool
) -> SurveyedImage:
    listed = tags.get(field.reference.repository) if field.reference else None
    if field.reference is None or listed is None or isinstance(listed, ReconcilerError):
        return SurveyedImage(field, decision, None)
    if field.reference.tag is None and field.reference.digest is not None:
        return SurveyedImage(field, decision, None)  # no tag is meant, not even ``latest``
    current = field.reference.effective_tag
    rules = field.rules
    selection = select(listed, rules, current=current)
    is_newest = selection.reason is SelectionReason.ALREADY_NEWEST
    return SurveyedImage(
        field,
        decision,
        current if is_newest else selection.winner,
        verdicts(listed, rules, current=current) if has_verdicts else (),
    )
