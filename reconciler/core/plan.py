"""Plan: image fields and tags become edits; what stays as it is says why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference, Repository
from reconciler.core.images.selection import Selection, SelectionReason, select
from reconciler.core.manifests.edit import ScalarEdit, edit_scalars, replace_scalar
from reconciler.core.manifests.images import FileReport, ImageField, SkipReason
from reconciler.errors import ManifestError, ReconcilerError

Tags: TypeAlias = Mapping[Repository, tuple[str, ...] | ReconcilerError]
"""The tags of each repository, or why they could not be had."""


@dataclass(frozen=True, slots=True)
class Change:
    """An image field that gets a new tag."""

    field: ImageField
    old: ImageReference
    new: ImageReference


@dataclass(frozen=True, slots=True)
class Skip:
    """An image field that stays as it is.

    Attributes:
        reason: why.
        detail: the same for a person.
    """

    field: ImageField
    reason: SkipReason
    detail: str


Decision: TypeAlias = Change | Skip


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


_SKIPS = {
    SelectionReason.ALREADY_NEWEST: SkipReason.ALREADY_NEWEST,
    SelectionReason.NO_TAG_MATCHES: SkipReason.NO_TAG_MATCHES,
    SelectionReason.WOULD_DOWNGRADE: SkipReason.WOULD_DOWNGRADE,
    SelectionReason.CURRENT_MISSING: SkipReason.CURRENT_MISSING,
    SelectionReason.NO_VERSION: SkipReason.NO_VERSION,
    SelectionReason.UNKNOWN_IMAGES: SkipReason.UNKNOWN_IMAGES,
    SelectionReason.UNREADABLE_IMAGES: SkipReason.REGISTRY_FAILED,
}


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


def make_plan(reports: Iterable[FileReport], texts: Mapping[str, str], tags: Tags) -> UpdatePlan:
    """Return what changes, given what the manifests say and what the registries list.

    Deterministic: the same inputs give the same plan, and the plan of a planned tree is empty.

    Args:
        reports: of all manifests.
        texts: the manifests by path.
        tags: for every repository of :func:`repositories`.
    """
    decisions: list[Decision] = []
    problems: list[ReconcilerError] = []
    contents: dict[str, str] = {}
    for report in reports:
        problems += report.problems
        made = _without_conflicts([_decide(field, tags) for field in report.fields], problems)
        text, made = _edited(report.path, texts[report.path], made, problems)
        if text is not None:
            contents[report.path] = text
        decisions += made
    problems += _of_skips(decisions, tags)
    return UpdatePlan(
        changes=tuple(each for each in decisions if isinstance(each, Change)),
        skips=tuple(each for each in decisions if isinstance(each, Skip)),
        problems=tuple(problems),
        contents=contents,
    )


def _decide(field: ImageField, tags: Tags) -> Decision:
    if field.obstacle or field.reference is None:
        obstacle = field.obstacle
        reason = obstacle.reason if obstacle else SkipReason.INVALID
        return Skip(field, reason, obstacle.detail if obstacle else reason.value)
    listed = tags[field.reference.repository]
    if isinstance(listed, ReconcilerError):
        return Skip(field, SkipReason.REGISTRY_FAILED, str(listed))
    rules = field.rules
    selection = select(listed, rules, current=field.reference.effective_tag)
    return _of_selection(field, field.reference, selection)


def _of_selection(field: ImageField, old: ImageReference, selection: Selection) -> Decision:
    if selection.winner is None:
        return Skip(field, _SKIPS[selection.reason], selection.detail)
    return Change(field, old, old.with_tag(selection.winner))


def _without_conflicts(
    decisions: list[Decision], problems: list[ReconcilerError]
) -> list[Decision]:
    """Turn changes of one scalar (through aliases) that disagree into skips, and say so."""
    wishes: dict[int, set[str]] = {}
    for each in decisions:
        new = str(each.new) if isinstance(each, Change) else each.field.text
        wishes.setdefault(each.field.scalar.start, set()).add(new)
    checked: list[Decision] = []
    for each in decisions:
        wanted = wishes[each.field.scalar.start]
        if isinstance(each, Change) and len(wanted) > 1:
            detail = f"several containers share this image and want {', '.join(sorted(wanted))}"
            problems.append(ManifestError(detail, where=each.field.where))
            checked.append(Skip(each.field, SkipReason.CONFLICT, detail))
        else:
            checked.append(each)
    return checked


def _edited(
    path: str, text: str, decisions: list[Decision], problems: list[ReconcilerError]
) -> tuple[str | None, list[Decision]]:
    """Return the file's new text; a file that cannot be edited exactly is left alone."""
    edits: dict[int, ScalarEdit] = {}
    for each in decisions:
        if isinstance(each, Change):
            edit = replace_scalar(text, each.field.scalar, str(each.new))
            edits[edit.start] = edit
    if not edits:
        return None, decisions
    try:
        return edit_scalars(text, list(edits.values()), path=path), decisions
    except ManifestError as error:
        problems.append(error)
        return None, [_unedited(each, error) for each in decisions]


def _unedited(decision: Decision, error: ManifestError) -> Decision:
    if isinstance(decision, Skip):
        return decision
    return Skip(decision.field, SkipReason.NOT_EDITABLE, error.message)


def _of_skips(decisions: Iterable[Decision], tags: Tags) -> list[ReconcilerError]:
    """Return the problems behind skips: a registry's once, however many images it holds back."""
    problems: dict[str, ReconcilerError] = {}
    for each in decisions:
        if not isinstance(each, Skip):
            continue
        reference = each.field.reference
        if each.reason in (SkipReason.NO_VERSION, SkipReason.INVALID):
            problems[each.field.where] = ManifestError(each.detail, where=each.field.where)
        failure = tags.get(reference.repository) if reference else None
        if isinstance(failure, ReconcilerError):
            problems[str(failure)] = failure
    return list(problems.values())
