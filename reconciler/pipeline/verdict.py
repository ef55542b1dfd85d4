"""Verdict: what a sync came to, as its source's status tells it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from reconciler.core.build import BuildResult
from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action, SyncReport
from reconciler.core.objects.sync_status import (
    APPLYING,
    FAILING,
    PROGRESSING,
    PRUNE_HELD,
    READY,
    STALLED,
    UNHEALTHY,
    SyncStatus,
)
from reconciler.core.revision import Revision
from reconciler.errors import (
    BusyError,
    NoAnswerError,
    ReconcilerError,
    StalledError,
    StoppedError,
)
from reconciler.pipeline.cluster_port import Cluster
from reconciler.settings import SourceSettings

HEALTHY = "all objects are applied and healthy"


def utc_now() -> str:
    """Return the time of the machine, to the second: ``2026-11-24T09:00:00Z``."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def applying(revision: Revision) -> SyncStatus:
    """Return the status of a revision that is about to be applied."""
    return SyncStatus(
        reason=APPLYING, message=f"{revision} is being applied", attempted=str(revision)
    )


def failing(errors: Sequence[ReconcilerError], revision: Revision) -> SyncStatus:
    """Return the status of a revision that could not be applied in full."""
    is_stalled = any(isinstance(error, StalledError) for error in errors)
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return SyncStatus(
        reason=STALLED if is_stalled else FAILING,
        message=f"{errors[0]}{more}",
        attempted=str(revision),
    )


def verdict(
    errors: Sequence[ReconcilerError],
    report: SyncReport,
    health: Mapping[ObjectKey, Health],
    *,
    built: BuildResult,
    held: str,
    unpruned: Sequence[ReconcilerError],
    problems: Sequence[ReconcilerError],
    revision: Revision,
) -> SyncStatus:
    """Return what a sync came to that was not cut short.

    Args:
        errors: what went wrong until everything was applied, what could not be read included.
        report: what was done.
        health: how the objects were at the end.
        built: what was wanted.
        held: why nothing was pruned; empty if nothing is held.
        unpruned: why objects that were to be pruned are still there.
        problems: all that went wrong, in order.
        revision: what was applied.
    """
    found = _judged(
        errors, health, held=held, unpruned=unpruned, problems=problems, revision=revision
    )
    actions = Counter(each.action for each in report.objects)
    failed = {each.key for each in report.objects if each.action is Action.SKIPPED}
    return SyncStatus(
        is_ready=found.is_ready,
        reason=found.reason,
        message=found.message,
        attempted=str(revision),
        applied="" if errors else str(revision),
        counts={
            "wanted": len(built.objects),
            "unhealthy": sum(not each.is_current for each in health.values()),
            "failed": sum(each.key in failed for each in built.objects),
            "kept": actions[Action.KEPT],
        },
    )


def _judged(
    errors: Sequence[ReconcilerError],
    health: Mapping[ObjectKey, Health],
    *,
    held: str,
    unpruned: Sequence[ReconcilerError],
    problems: Sequence[ReconcilerError],
    revision: Revision,
) -> SyncStatus:
    if errors:
        return failing(errors, revision)
    if held:
        return SyncStatus(reason=PRUNE_HELD, message=held)
    if unpruned:
        return failing(unpruned, revision)
    if problems:
        return SyncStatus(reason=UNHEALTHY, message=failing(problems, revision).message)
    waiting = sorted(key for key, each in health.items() if not each.is_current)
    if waiting:
        found = health[waiting[0]]
        message = f"{waiting[0]}: {found.status.value}: {found.message}"
        return SyncStatus(reason=PROGRESSING, message=message)
    return SyncStatus(is_ready=True, reason=READY, message=HEALTHY)


def record_failure(
    cluster: Cluster,
    source: SourceSettings,
    revision: Revision,
    error: ReconcilerError,
    *,
    now: Callable[[], str] = utc_now,
) -> None:
    """Let the status of a source tell that its sync did not begin; its inventory stays as it is.

    Whoever waits for the source must not take an earlier success for its present one. What cannot
    be written is no problem of its own: the same error is told by the cycle.
    """
    if source.sync.dry_run or isinstance(error, (StoppedError, NoAnswerError, BusyError)):
        return  # nobody has judged the revision, or nobody can be told
    try:
        store = cluster.state(source.name)
        state = store.load()
        told = state.with_status(failing([error], revision), now=now())
        if not (state.lost or state.doubt) and told is not state:
            store.save(told)
    except ReconcilerError:
        return
