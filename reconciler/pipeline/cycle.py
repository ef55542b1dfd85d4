"""Cycle: read -> scan and update -> sync, and one outcome that says what was done and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import structlog

from reconciler.core.manifests.secrecy import manifest_diff
from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome, Problem
from reconciler.core.plan import UpdatePlan
from reconciler.errors import DependencyError, ReconcilerError, StoppedError
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.elsewhere import obstacles_elsewhere
from reconciler.pipeline.events import Applying, Fetching
from reconciler.pipeline.parts import Parts
from reconciler.pipeline.publisher import Updated
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.stopwatch import WHOLE, Stopwatch
from reconciler.pipeline.sync import Synced, sync
from reconciler.pipeline.update import Updater
from reconciler.pipeline.variables import variables_of
from reconciler.pipeline.verdict import record_failure
from reconciler.pipeline.view import View
from reconciler.settings import SourceSettings

log = structlog.get_logger(__name__)

NO_CLUSTER = "-"
"""Stands in a commit's trailer for a cluster that is not there or could not be asked."""


def run(
    source: SourceSettings, parts: Parts, *, asked: frozenset[str] | None = None
) -> CycleOutcome:
    """Run one cycle: registries to Git, and Git to the cluster.

    Never raises but for an interrupt: what goes wrong is in the outcome.

    Args:
        source: what to keep current.
        parts: what that takes.
        asked: repositories whose tags are asked for, ``host/path``, where an earlier cycle has
            heard those of the others; None: all.
    """
    nothing = CycleOutcome(source.name, source.git.url, is_dry_run=source.sync.dry_run)
    watch = Stopwatch(parts.clock)
    suspension = parts.suspension()
    if suspension is not None and not source.sync.dry_run:
        return replace(nothing, suspension=suspension)
    try:
        with watch.stage(WHOLE):
            outcome = _run(source, parts, nothing, watch, asked)
    except ReconcilerError as error:
        outcome = _with_problems(nothing, {READ: [error]})
    except Exception as error:  # the one place where a bug becomes an outcome
        log.exception("cycle.crashed", source=source.name)
        message = f"unexpected {type(error).__name__}: {error}"
        problem = Problem("", message, is_stalled=True, kind="bug")
        outcome = replace(nothing, problems=(problem,), is_bug=True)
    parts.readiness.record(source, outcome)
    return replace(outcome, durations=watch.seconds, laps=watch.laps)


def _run(
    source: SourceSettings,
    parts: Parts,
    nothing: CycleOutcome,
    watch: Stopwatch,
    asked: frozenset[str] | None,
) -> CycleOutcome:
    parts.progress.tell(Fetching(source.git.url))
    with watch.stage(READ):
        view = parts.reader(source).read()
    parts.readiness.begin(source, view.revision)
    cluster, signature, unreachable = _connect(source, parts)
    parts.stop.check()
    pull_secrets = PullSecrets(parts.secrets, unreachable[0] if unreachable else None)
    with watch.stage(UPDATE):
        updated = _update(
            source,
            parts,
            view,
            signature=signature,
            pull_secrets=pull_secrets,
            watch=watch,
            asked=asked,
        )
    obstacles = (*unreachable, *_waits(source, parts, updated, cluster))
    cluster = None if obstacles else cluster
    with watch.stage(SYNC):
        synced = _sync(source, parts, updated, cluster)
    outcome = replace(
        nothing,
        fetched=updated.found.revision,
        revision=updated.view.revision,
        pushed=updated.pushed,
        changes=updated.changes,
        pending=updated.pending,
        proposal=updated.proposal,
        attempts=updated.attempts,
        skips=updated.plan.skips,
        commit_diff=_diff(updated.plan, updated.found.texts),
        sync=synced.report if cluster else None,
        finished=frozenset(_finished(updated, synced, obstacles)),
    )
    problems = {
        READ: updated.found.problems,
        UPDATE: (*updated.plan.problems, updated.problem),
        SYNC: (*obstacles, *synced.problems),
    }
    outcome = _with_problems(outcome, problems)
    return parts.statuses.report(outcome) if parts.statuses else outcome


def _finished(
    updated: Updated, synced: Synced, obstacles: Sequence[ReconcilerError]
) -> Iterator[str]:
    """Yield the stages that came to their end."""
    yield READ
    if updated.problem is None:
        yield UPDATE
    if synced.is_finished and not obstacles:
        yield SYNC


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


def _waits(
    source: SourceSettings, parts: Parts, updated: Updated, cluster: Cluster | None
) -> tuple[ReconcilerError, ...]:
    """Return why the source's turn has not come yet; its status in the cluster tells that, too.

    What a process that has just begun does not know is no reason to call the source not ready: its
    status would change with each restart.
    """
    seen = (updated.found.revision, updated.view.revision)
    away = [] if source.sync.dry_run else [*filter(parts.is_elsewhere, source.depends_on)]
    waits: tuple[DependencyError, ...] = parts.readiness.obstacles(source, seen, away=away)
    if cluster is not None and away:
        same = parts.kin.same_branch
        lags = partial(parts.readiness.lags, source.name)
        waits += obstacles_elsewhere(cluster, away, same_branch=same, seen=seen, on_lag=lags)
    told = next((each for each in waits if each.is_known), None)
    if told is not None and cluster is not None:
        record_failure(cluster, source, updated.view.revision, told)
    return waits


def _update(
    source: SourceSettings,
    parts: Parts,
    view: View,
    *,
    signature: str,
    pull_secrets: PullSecrets,
    watch: Stopwatch,
    asked: frozenset[str] | None,
) -> Updated:
    if not source.is_updated:
        return Updated(view, view, UpdatePlan())
    updater = Updater(
        repository=parts.repository,
        registries=parts.registries,
        gatherer=parts.gatherer(),
        selections=parts.memory.selections,
        listings=parts.memory.listings,
        asked=asked,
        pull_secrets=pull_secrets,
        reader=parts.reader(source),
        publisher=parts.publisher(source, signature),
        clock=parts.clock,
        jitter=parts.jitter,
        progress=parts.progress,
        stop=parts.stop,
        watch=watch,
    )
    return updater.update(view, dry_run=source.sync.dry_run)


def _sync(
    source: SourceSettings, parts: Parts, updated: Updated, cluster: Cluster | None
) -> Synced:
    """Sync what the branch says after the update; in a dry run, what it would say."""
    if cluster is None:
        return Synced()
    try:
        view = parts.reader(source).with_texts(updated.view)
        texts = {**view.texts, **(updated.plan.contents if source.sync.dry_run else {})}
        parts.stop.check()
        parts.progress.tell(Applying(view.revision))
        synced = sync(
            cluster,
            parts.build(view, texts, variables_of(source.variables, cluster)),
            source=source,
            revision=view.revision,
            unread=view.problems,
            progress=parts.progress,
            stop=parts.stop,
            is_hurried=parts.is_hurried,
            patience=parts.patience,
            contention=parts.contention,
            kin=parts.kin,
            resting=parts.resting,
        )
        unread = view.problems[len(updated.view.problems) :]
        return replace(synced, problems=(*unread, *synced.problems))
    except ReconcilerError as error:
        record_failure(cluster, source, updated.view.revision, error)
        return Synced(problems=(error,), is_finished=False)


def _diff(plan: UpdatePlan, before: Mapping[str, str]) -> str:
    texts = plan.contents.items()
    return "".join(manifest_diff(before.get(path, ""), text, path=path) for path, text in texts)


def _with_problems(
    outcome: CycleOutcome, errors: Mapping[str, Sequence[ReconcilerError | None]]
) -> CycleOutcome:
    """Add what went wrong by stage, once each: two stages may stumble over the same file.

    To be asked to end is no problem.
    """
    told = [(stage, error) for stage, group in errors.items() for error in group if error]
    is_stopped = any(isinstance(error, StoppedError) for _, error in told)
    problems = (
        Problem.of(error, stage=stage)
        for stage, error in told
        if not isinstance(error, StoppedError)
    )
    return replace(outcome, problems=tuple(dict.fromkeys(problems)), is_stopped=is_stopped)
