"""Cycle: read -> scan and update -> sync, and one outcome that says what was done and why."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from reconciler.core.build import BuildResult
from reconciler.core.difference import unified_diff
from reconciler.core.manifests.variables import Variables
from reconciler.core.outcome import READ, SYNC, UPDATE, CycleOutcome, Problem
from reconciler.core.plan import UpdatePlan
from reconciler.errors import ReconcilerError, StoppedError
from reconciler.pipeline.cluster_port import Cluster
from reconciler.pipeline.contention import Contention
from reconciler.pipeline.events import Applying, Fetching, Progress
from reconciler.pipeline.gather import Gatherer, ImageFacts
from reconciler.pipeline.kustomize import Kustomizations
from reconciler.pipeline.linker import Linker
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.patience import Patience
from reconciler.pipeline.ports import (
    Clock,
    Kustomize,
    ManifestRepository,
    MessageTemplate,
    ProposalBranch,
    SecretSource,
    TagSource,
)
from reconciler.pipeline.propose import Chooser, Proposer, Withholder
from reconciler.pipeline.publisher import DirectPublisher, Publisher, Updated
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.read import Reader
from reconciler.pipeline.requests import Requests
from reconciler.pipeline.statuses import Statuses
from reconciler.pipeline.stopwatch import Stopwatch
from reconciler.pipeline.sync import Synced, sync
from reconciler.pipeline.update import Updater
from reconciler.pipeline.variables import variables_of
from reconciler.pipeline.view import View
from reconciler.pipeline.wording import Wording, wording_of
from reconciler.settings import SourceSettings
from reconciler.stop import Stop

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
        stop: asks a cycle to end early.
        is_hurried: whether another cycle of the source is asked for, so that this one does not
            linger.
        patience: how long objects have not been healthy, over all cycles.
        contention: who takes fields of ours again and again, over all cycles.
        image_facts: where what is to be known of single images comes from.
        template: words the commits that change images; None: we do.
        proposals: the branch to which commits go; None: the one that is read.
        requests: shows what is on that branch at a forge; None: nobody does.
        statuses: tells a forge what became of the revision; None: nobody does.
        kustomize: builds kustomizations; None if nothing does.
    """

    repository: ManifestRepository
    registries: TagSource
    cluster: Cluster | None
    clock: Clock
    jitter: Callable[[], float]
    progress: Progress
    secrets: SecretSource | None = None
    memory: Memory = field(default_factory=Memory)
    stop: Stop = field(default_factory=Stop)
    is_hurried: Callable[[], bool] = lambda: False
    patience: Patience = field(default_factory=Patience)
    contention: Contention = field(default_factory=Contention)
    image_facts: ImageFacts = field(default_factory=ImageFacts)
    template: MessageTemplate | None = None
    proposals: ProposalBranch | None = None
    requests: Requests | None = None
    statuses: Statuses | None = None
    kustomize: Kustomize | None = None


def gatherer_of(parts: Parts) -> Gatherer:
    """Return what reads facts about single images for one cycle."""
    return Gatherer(
        parts.image_facts,
        clock=parts.clock,
        jitter=parts.jitter,
        progress=parts.progress,
        stop=parts.stop,
    )


def wording_for(source: SourceSettings, parts: Parts) -> Wording:
    """Return how the commits of one cycle, or of one command, are worded."""
    return wording_of(source, parts.template, _linker(parts))


def _linker(parts: Parts) -> Linker | None:
    source = parts.image_facts.source
    if source is None:
        return None
    return Linker(
        source,
        parts.image_facts.store,
        pull_secrets=PullSecrets(parts.secrets),
        clock=parts.clock,
        jitter=parts.jitter,
        progress=parts.progress,
        stop=parts.stop,
    )


def run(source: SourceSettings, parts: Parts) -> CycleOutcome:
    """Run one cycle: registries to Git, and Git to the cluster.

    Never raises but for an interrupt: what goes wrong is in the outcome.
    """
    nothing = CycleOutcome(source.name, source.git.url, is_dry_run=source.sync.dry_run)
    watch = Stopwatch(parts.clock)
    try:
        with watch.stage("all"):
            outcome = _run(source, parts, nothing, watch)
    except ReconcilerError as error:
        outcome = _with_problems(nothing, {READ: [error]})
    except Exception as error:  # the one place where a bug becomes an outcome
        log.exception("cycle.crashed", source=source.name)
        message = f"unexpected {type(error).__name__}: {error}"
        problem = Problem("", message, is_stalled=True, kind="bug")
        outcome = replace(nothing, problems=(problem,), is_bug=True)
    return replace(outcome, durations=watch.seconds)


def _run(
    source: SourceSettings, parts: Parts, nothing: CycleOutcome, watch: Stopwatch
) -> CycleOutcome:
    parts.progress.tell(Fetching(source.git.url))
    with watch.stage(READ):
        view = _reader(source, parts).read()
    cluster, signature, unreachable = _connect(source, parts)
    parts.stop.check()
    pull_secrets = PullSecrets(parts.secrets, unreachable[0] if unreachable else None)
    with watch.stage(UPDATE):
        updated = _update(
            source, parts, view, signature=signature, pull_secrets=pull_secrets, watch=watch
        )
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
        finished=frozenset(_finished(updated, synced, unreachable)),
    )
    problems = {
        READ: updated.found.problems,
        UPDATE: (*updated.plan.problems, updated.problem),
        SYNC: (*unreachable, *synced.problems),
    }
    outcome = _with_problems(outcome, problems)
    return parts.statuses.report(outcome) if parts.statuses else outcome


def _finished(
    updated: Updated, synced: Synced, unreachable: Sequence[ReconcilerError]
) -> Iterator[str]:
    """Yield the stages that came to their end."""
    yield READ
    if updated.problem is None:
        yield UPDATE
    if synced.is_finished and not unreachable:
        yield SYNC


def _reader(source: SourceSettings, parts: Parts) -> Reader:
    return Reader.of(source, parts.repository, parts.memory)


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
    watch: Stopwatch,
) -> Updated:
    if not source.is_updated:
        return Updated(view, view, UpdatePlan())
    updater = Updater(
        repository=parts.repository,
        registries=parts.registries,
        gatherer=gatherer_of(parts),
        selections=parts.memory.selections,
        pull_secrets=pull_secrets,
        reader=_reader(source, parts),
        publisher=_publisher(source, parts, signature),
        clock=parts.clock,
        jitter=parts.jitter,
        progress=parts.progress,
        stop=parts.stop,
        watch=watch,
    )
    return updater.update(view, dry_run=source.sync.dry_run)


def _publisher(source: SourceSettings, parts: Parts, signature: str) -> Publisher:
    if source.git.read_only:
        return Withholder()
    wording = wording_for(source, parts)
    direct = DirectPublisher(parts.repository, signature, wording, parts.progress)
    if parts.proposals is None:
        return direct
    proposer = Proposer(
        repository=parts.repository,
        branch=parts.proposals,
        signature=signature,
        wording=wording,
        progress=parts.progress,
        requests=parts.requests,
    )
    return Chooser(direct, proposer)


def _sync(
    source: SourceSettings, parts: Parts, updated: Updated, cluster: Cluster | None
) -> Synced:
    """Sync what the branch says after the update; in a dry run, what it would say."""
    if cluster is None:
        return Synced()
    try:
        view = _reader(source, parts).with_texts(updated.view)
        texts = {**view.texts, **(updated.plan.contents if source.sync.dry_run else {})}
        parts.stop.check()
        parts.progress.tell(Applying(view.revision))
        synced = sync(
            cluster,
            _build(parts, view, texts, variables_of(source.variables, cluster)),
            source=source,
            revision=view.revision,
            is_complete=not view.problems,
            progress=parts.progress,
            stop=parts.stop,
            is_hurried=parts.is_hurried,
            patience=parts.patience,
            contention=parts.contention,
        )
        unread = view.problems[len(updated.view.problems) :]
        return replace(synced, problems=(*unread, *synced.problems))
    except ReconcilerError as error:
        return Synced(problems=(error,), is_finished=False)


def _build(
    parts: Parts, view: View, texts: Mapping[str, str], variables: Variables | None
) -> BuildResult:
    if parts.kustomize is None:
        return parts.memory.build(texts, variables=variables)
    kustomizations = Kustomizations(
        entries=view.entries,
        texts=texts,
        repository=parts.repository,
        kustomize=parts.kustomize,
        memory=parts.memory.kustomizations,
        variables=variables,
    )
    return parts.memory.build(texts, kustomized=kustomizations.build(), variables=variables)


def _diff(plan: UpdatePlan, before: Mapping[str, str]) -> str:
    texts = plan.contents.items()
    return "".join(unified_diff(before.get(path, ""), text, path=path) for path, text in texts)


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
