"""Cycle: read -> scan and update -> sync, and one outcome that says what was done and why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from reconciler.core.difference import unified_diff
from reconciler.core.outcome import CycleOutcome, Problem
from reconciler.core.plan import UpdatePlan
from reconciler.errors import ReconcilerError
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.events import Applying, Fetching, Progress
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.ports import Clock, ManifestRepository, SecretSource, TagSource
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.read import View, read
from reconciler.pipeline.sync import Synced, sync
from reconciler.pipeline.update import Updated, Updater
from reconciler.settings import SourceSettings

log = structlog.get_logger(__name__)

NO_CLUSTER = "-"
"""Stands in a commit's trailer for a cluster that is not there or could not be asked."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What one source's cycles work with.

    Attributes:
        repository: its branch.
        registries: all registries.
        cluster: where to sync to; None for a source that does not.
        clock: tells the time.
        jitter: gives fractions from 0 to 1.
        progress: hears what is done, as it is done.
        secrets: where the registry secrets are that workloads pull with; None if nowhere.
        memory: what earlier cycles made of the same files.
    """

    repository: ManifestRepository
    registries: TagSource
    cluster: Cluster | None
    clock: Clock
    jitter: Callable[[], float]
    progress: Progress
    secrets: SecretSource | None = None
    memory: Memory = field(default_factory=Memory)


def run(source: SourceSettings, parts: Parts) -> CycleOutcome:
    """Run one cycle: registries to Git, and Git to the cluster.

    Never raises but for an interrupt: what goes wrong is in the outcome.
    """
    nothing = CycleOutcome(source.name, source.git.url, is_dry_run=source.sync.dry_run)
    try:
        outcome = _run(source, parts, nothing)
    except ReconcilerError as error:
        outcome = replace(nothing, problems=(Problem.of(error),))
    except Exception as error:  # the one place where a bug becomes an outcome
        log.exception("cycle.crashed", source=source.name)
        problem = Problem("", f"unexpected {type(error).__name__}: {error}", is_stalled=True)
        outcome = replace(nothing, problems=(problem,), is_bug=True)
    _log(outcome)
    return outcome


def _run(source: SourceSettings, parts: Parts, nothing: CycleOutcome) -> CycleOutcome:
    parts.progress.tell(Fetching(source.git.url))
    view = _read(source, parts)
    cluster, signature, unreachable = _connect(source, parts)
    pull_secrets = PullSecrets(parts.secrets, unreachable[0] if unreachable else None)
    updated = _update(source, parts, view, signature=signature, pull_secrets=pull_secrets)
    synced = _sync(source, parts, updated, cluster)
    problems = (
        *view.problems,
        *updated.plan.problems,
        updated.problem,
        *unreachable,
        *synced.problems,
    )
    return replace(
        nothing,
        fetched=view.revision,
        revision=updated.view.revision,
        pushed=updated.pushed,
        changes=updated.plan.changes if updated.problem is None else (),
        skips=updated.plan.skips,
        commit_diff=_diff(updated.plan, view.texts),
        sync=synced.report if cluster else None,
        problems=_distinct(problems),
    )


def _read(source: SourceSettings, parts: Parts) -> View:
    return read(
        parts.repository,
        paths=source.paths,
        default_namespace=source.default_namespace,
        memory=parts.memory,
    )


def _connect(
    source: SourceSettings, parts: Parts
) -> tuple[Cluster | None, str, tuple[ReconcilerError, ...]]:
    """Return the cluster, how commits are signed, and what kept us from the cluster.

    A cluster that cannot be reached does not hold back Git.
    """
    if parts.cluster is None:
        return None, f"{source.name}@{NO_CLUSTER}", ()
    try:
        return parts.cluster, f"{source.name}@{parts.cluster.uid()}", ()
    except ReconcilerError as error:
        return None, f"{source.name}@{NO_CLUSTER}", (error,)


def _update(
    source: SourceSettings,
    parts: Parts,
    view: View,
    *,
    signature: str,
    pull_secrets: PullSecrets,
) -> Updated:
    if not source.is_updated:
        return Updated(view=view, plan=UpdatePlan())
    updater = Updater(
        repository=parts.repository,
        registries=parts.registries,
        pull_secrets=pull_secrets,
        read_again=lambda: _read(source, parts),
        signature=signature,
        clock=parts.clock,
        jitter=parts.jitter,
        progress=parts.progress,
    )
    return updater.update(view, dry_run=source.sync.dry_run)


def _sync(
    source: SourceSettings, parts: Parts, updated: Updated, cluster: Cluster | None
) -> Synced:
    """Sync what the branch says after the update; in a dry run, what it would say."""
    if cluster is None:
        return Synced()
    view = updated.view
    texts = {**view.texts, **(updated.plan.contents if source.sync.dry_run else {})}
    parts.progress.tell(Applying(view.revision))
    try:
        return sync(
            cluster,
            parts.memory.build(texts),
            source=source,
            revision=view.revision,
            is_complete=not view.problems,
            progress=parts.progress,
        )
    except ReconcilerError as error:
        return Synced(problems=(error,))


def _diff(plan: UpdatePlan, before: Mapping[str, str]) -> str:
    texts = plan.contents.items()
    return "".join(unified_diff(before.get(path, ""), text, path=path) for path, text in texts)


def _distinct(errors: Sequence[ReconcilerError | None]) -> tuple[Problem, ...]:
    """Return the problems once each: two stages may stumble over the same file."""
    return tuple(dict.fromkeys(Problem.of(error) for error in errors if error is not None))


def _log(outcome: CycleOutcome) -> None:
    for problem in outcome.problems:
        log.warning("cycle.problem", source=outcome.source, problem=str(problem))
    for change in outcome.changes:
        log.info(
            "update.changed", where=change.field.where, old=str(change.old), new=str(change.new)
        )
    log.info(
        "cycle.finished",
        source=outcome.source,
        revision=str(outcome.revision) if outcome.revision else None,
        changes=len(outcome.changes),
        problems=len(outcome.problems),
        exit_code=outcome.exit_code,
    )
