"""Workload events: what is worth telling beside a workload, where ``kubectl describe`` shows it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from reconciler.core.decision import Change, Skip
from reconciler.core.manifests.images import SkipReason
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import ObjectReport
from reconciler.core.outcome import CycleOutcome
from reconciler.core.proposal import ProposalState
from reconciler.core.revision import Revision

MAX_NOTE: Final = 1024
"""Bytes that the API server takes."""

_HELD: Final = frozenset(
    {
        SkipReason.CURRENT_MISSING,
        SkipReason.NO_VERSION,
        SkipReason.NO_TAG,
        SkipReason.TAKEN_BACK,
        SkipReason.FOUGHT_OVER,
        SkipReason.TURNED_DOWN,
        SkipReason.TAG_MOVED,
        SkipReason.INVALID,
        SkipReason.NOT_EDITABLE,
        SkipReason.BAD_POLICY,
        SkipReason.BAD_ANNOTATION,
        SkipReason.CONFLICT,
        SkipReason.REGISTRY_FAILED,
    }
)
"""What somebody wants to know who wonders why an image does not change.

What is as people want it (a lock, the newest tag) is no news."""


_STANDS: Final = frozenset({ProposalState.PUSHED, ProposalState.WAITING})


@dataclass(frozen=True, slots=True)
class WorkloadEvent:
    """Something that happened to a workload, or goes on.

    Attributes:
        workload: which.
        reason: in one word, ``ImageUpdated``.
        action: what was done, in one word.
        note: the same for a person.
        is_warning: whether somebody should look.
        lasts: whether it goes on until another cycle does not say it any more.
    """

    workload: ObjectKey
    reason: str
    action: str
    note: str
    is_warning: bool = False
    lasts: bool = False


def events_of(outcome: CycleOutcome) -> Iterator[WorkloadEvent]:
    """Yield what a cycle says about workloads; what goes on it says in each cycle."""
    if outcome.is_dry_run or outcome.suspension is not None:
        return
    if outcome.pushed is not None and outcome.proposal is None:
        for change in outcome.changes:
            yield _updated(change, outcome.pushed)
    if outcome.proposal is not None and outcome.proposal.state in _STANDS:
        for change in outcome.pending:
            yield _proposed(change, outcome.proposal.branch)
    for skip in outcome.skips:
        if skip.reason in _HELD:
            yield _held(skip)
    ours = {skip.field.workload for skip in outcome.skips}
    ours |= {change.field.workload for change in (*outcome.changes, *outcome.pending)}
    for report in outcome.sync.objects if outcome.sync else ():
        if report.key in ours and report.is_mended and report.is_change:
            yield _mended(report, outcome.revision)


def _updated(change: Change, pushed: Revision) -> WorkloadEvent:
    note = f"{_what(change)} in {pushed.branch}@{pushed.short}"
    return WorkloadEvent(change.field.workload, "ImageUpdated", "UpdateImage", _short(note))


def _proposed(change: Change, branch: str) -> WorkloadEvent:
    note = f"{_what(change)}, proposed on branch {branch}"
    workload = change.field.workload
    return WorkloadEvent(workload, "ImageProposed", "ProposeImage", _short(note), lasts=True)


def _held(skip: Skip) -> WorkloadEvent:
    is_silent = skip.reason is SkipReason.REGISTRY_FAILED
    note = f"{skip.field.container}: {skip.field.text} stays: {skip.detail}"
    return WorkloadEvent(
        skip.field.workload,
        "ImageCheckFailed" if is_silent else "ImageHeld",
        "CheckImage",
        _short(note),
        is_warning=skip.reason is not SkipReason.TAKEN_BACK,
        lasts=True,
    )


def _mended(report: ObjectReport, revision: Revision | None) -> WorkloadEvent:
    at = f" at {revision.branch}@{revision.short}" if revision else ""
    note = f"{report.action.value}: somebody had changed it; it is as Git says{at} again"
    return WorkloadEvent(report.key, "DriftMended", "Apply", _short(note))


def _what(change: Change) -> str:
    return f"{change.field.container}: {change.old} -> {change.new.suffix.removeprefix(':')}"


def _short(note: str) -> str:
    one_line = " ".join(note.split()).encode("utf-8", "replace")
    if len(one_line) <= MAX_NOTE:
        return one_line.decode()
    return f"{one_line[: MAX_NOTE - len('…'.encode())].decode(errors='ignore')}…"
