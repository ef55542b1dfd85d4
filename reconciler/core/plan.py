"""Plan: what was decided for image fields becomes edits of files, all of them proved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.decision import Change, Decision, Decisions, Skip
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import Repository
from reconciler.core.manifests.document import Scalar
from reconciler.core.manifests.edit import ScalarEdit, edit_scalars, replace_scalar
from reconciler.core.manifests.images import FileReport, SkipReason
from reconciler.errors import ManifestError, ReconcilerError


@dataclass(frozen=True, slots=True)
class UpdatePlan:
    """What an update changes.

    Attributes:
        changes: in the order of paths and lines.
        skips: likewise.
        problems: what a person must look at, or what may pass by itself.
        contents: the new texts of the files that change, by path; proved.
    """

    changes: tuple[Change, ...] = ()
    skips: tuple[Skip, ...] = ()
    problems: tuple[ReconcilerError, ...] = ()
    contents: Mapping[str, str] = field(default_factory=dict)


def repositories(reports: Iterable[FileReport]) -> frozenset[Repository]:
    """Return the repositories whose tags a plan needs."""
    return frozenset(pullers(reports))


def pullers(reports: Iterable[FileReport]) -> Mapping[Repository, tuple[Puller, ...]]:
    """Return who pulls from each repository of :func:`repositories`, in the reports' order."""
    found: dict[Repository, dict[Puller, None]] = {}
    for report in reports:
        for each in report.fields:
            if each.reference and not each.obstacle:
                found.setdefault(each.reference.repository, {})[each.puller] = None
    return {repository: tuple(each) for repository, each in found.items()}


def make_plan(
    reports: Sequence[FileReport], texts: Mapping[str, str], decided: Decisions
) -> UpdatePlan:
    """Return what changes in the manifests.

    Deterministic: the same inputs give the same plan, and the plan of a planned tree is empty.

    Args:
        reports: of all manifests.
        texts: by path, at least those of the manifests that change.
        decided: what becomes of each field of the reports.
    """
    decisions: list[Decision] = []
    problems: list[ReconcilerError] = []
    contents: dict[str, str] = {}
    for report, wanted in zip(reports, decided.by_report, strict=True):
        problems += report.problems
        made = _without_conflicts(wanted, problems)
        text, made = _edited(report, texts, made, problems)
        if text is not None:
            contents[report.path] = text
        decisions += made
    skips = tuple(each for each in decisions if isinstance(each, Skip))
    problems += _behind(skips)
    return UpdatePlan(
        changes=tuple(each for each in decisions if isinstance(each, Change)),
        skips=skips,
        problems=tuple(problems),
        contents=contents,
    )


def _without_conflicts(
    decisions: Sequence[Decision], problems: list[ReconcilerError]
) -> list[Decision]:
    """Turn changes of one scalar (through aliases) that disagree into skips, and say so.

    Where one of those who share it is held until more is known, nobody knows yet who disagrees.
    """
    is_alone = len(decisions) == 1
    if is_alone or not any(isinstance(each, Change) for each in decisions):  # as in most files
        return list(decisions)
    wishes: dict[int, set[str]] = {}
    held: dict[int, Skip] = {}
    for each in decisions:
        for scalar, value in _wanted(each):
            wishes.setdefault(scalar.start, set()).add(value)
            if isinstance(each, Skip) and each.reason is SkipReason.UNKNOWN_IMAGES:
                held[scalar.start] = each
    checked: list[Decision] = []
    for each in decisions:
        starts = [scalar.start for scalar, _ in _wanted(each) if len(wishes[scalar.start]) > 1]
        start = starts[0] if starts else None
        if not isinstance(each, Change) or start is None:
            checked.append(each)
        elif start in held:
            detail = f"shares its image with {held[start].field.container}: {held[start].detail}"
            checked.append(Skip(each.field, SkipReason.UNKNOWN_IMAGES, detail))
        else:
            wanted = wishes[start]
            detail = f"several containers share this image and want {', '.join(sorted(wanted))}"
            problems.append(ManifestError(detail, where=each.field.where))
            checked.append(Skip(each.field, SkipReason.CONFLICT, detail))
    return checked


def _wanted(decision: Decision) -> Iterable[tuple[Scalar, str]]:
    """Return what is to stand in which value, also where it stands there already."""
    if isinstance(decision, Change):
        return decision.field.written.values_for(decision.new)
    return ((scalar, scalar.value) for scalar in decision.field.written.scalars)


def _edited(
    report: FileReport,
    texts: Mapping[str, str],
    decisions: list[Decision],
    problems: list[ReconcilerError],
) -> tuple[str | None, list[Decision]]:
    """Return the file's new text; a file that cannot be edited exactly is left alone."""
    changes = [each for each in decisions if isinstance(each, Change)]
    if not changes:
        return None, decisions
    text = texts[report.path]
    edits: dict[int, ScalarEdit] = {}
    for each in changes:
        for scalar, value in _wanted(each):
            if value != scalar.value:
                edits[scalar.start] = replace_scalar(text, scalar, value)
    if not edits:
        return None, decisions
    try:
        edited = edit_scalars(
            text, list(edits.values()), path=report.path, known=report.fingerprints
        )
    except ManifestError as error:
        problems.append(error)
        return None, [_unedited(each, error) for each in decisions]
    return edited, decisions


def _unedited(decision: Decision, error: ManifestError) -> Decision:
    if isinstance(decision, Skip):
        return decision
    return Skip(decision.field, SkipReason.NOT_EDITABLE, error.message)


def _behind(skips: Iterable[Skip]) -> Iterable[ReconcilerError]:
    """Return the problems behind skips: a registry's once, however many images it holds back."""
    return {str(error): error for skip in skips for error in skip.failures}.values()
