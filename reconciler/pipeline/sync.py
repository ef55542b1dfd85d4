"""Sync: what Git wants becomes what the cluster has, and what left Git leaves it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from reconciler.core.build import BuildResult, resolve
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.report import SyncReport
from reconciler.core.objects.sync_status import SyncStatus
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError, StoppedError
from reconciler.pipeline.adoption import Adoption, recalled
from reconciler.pipeline.apply import Applier
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.contention import Contention
from reconciler.pipeline.events import Progress
from reconciler.pipeline.explanation import discreet
from reconciler.pipeline.latecomers import Latecomers
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.listing import Lister
from reconciler.pipeline.neighbours import Kin, Neighbours
from reconciler.pipeline.observation import Observer
from reconciler.pipeline.patience import Patience
from reconciler.pipeline.pending import pending
from reconciler.pipeline.prune import Pruner
from reconciler.pipeline.verdict import applying, utc_now, verdict
from reconciler.settings import SourceSettings
from reconciler.stop import Stop


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did, and what went wrong.

    Attributes:
        is_finished: whether it came to its end, and so told all its problems.
    """

    report: SyncReport = field(default_factory=SyncReport)
    problems: tuple[ReconcilerError, ...] = ()
    is_finished: bool = True


def sync(
    cluster: Cluster,
    built: BuildResult,
    *,
    source: SourceSettings,
    revision: Revision,
    unread: Sequence[ReconcilerError] = (),
    progress: Progress,
    stop: Stop | None = None,
    is_hurried: Callable[[], bool] = lambda: False,
    patience: Patience | None = None,
    contention: Contention | None = None,
    now: Callable[[], str] = utc_now,
    kin: Kin | None = None,
    resting: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Synced:
    """Bring the cluster to what a revision wants.

    Objects that are as they were applied are not sent. One object that fails leaves the others
    done and holds back all pruning.

    Args:
        cluster: where to.
        built: what the revision wants.
        source: whose objects these are, and what the sync may do.
        revision: what is applied.
        unread: why manifests of the revision could not be read; nothing is pruned if there are any.
            They are told by who read them.
        progress: hears when there is something to wait for.
        stop: asks to end early: what is under way is finished, and nothing more is begun.
        is_hurried: whether to look at the objects' health but not to wait for it.
        patience: how long objects have not been healthy, over all syncs of the source.
        contention: who took fields of ours, over all syncs of the source.
        now: the time, for the status.
        kin: the other sources of this process.
        resting: lets other syncs work while this one waits for health.

    Raises:
        ClusterError, AccessDeniedError, RefusedError: what is needed to begin could not be had.
    """
    ledger, catalog = Ledger(), Catalog.of(cluster)
    resolved = resolve(
        built, namespaced=catalog.is_namespaced, default_namespace=source.default_namespace
    )
    ledger.problems += resolved.problems
    store, stop = cluster.state(source.name), stop or Stop()
    patience = patience or Patience()
    latecomers = Latecomers(
        catalog=catalog,
        ledger=ledger,
        settings=source.sync,
        wanted=resolved.objects,
        patience=patience,
        stop=stop,
        is_hurried=is_hurried,
    )
    observer = Observer(
        cluster=cluster,
        catalog=catalog,
        store=store,
        ledger=ledger,
        settings=source.sync,
        revision=revision,
        progress=progress,
        stop=stop,
        is_hurried=is_hurried,
        patience=patience,
        resting=resting,
    )
    run = _Sync(
        cluster=cluster,
        catalog=catalog,
        store=store,
        ledger=ledger,
        source=source,
        revision=revision,
        stop=stop,
        lister=Lister(cluster, catalog, store, ledger),
        latecomers=latecomers,
        observer=observer,
        contention=contention or Contention(),
        now=now,
        neighbours=Neighbours(cluster, source.name, revision, catalog.any_resource, kin or Kin()),
    )
    return run.run(resolved, unread=unread)


@dataclass(frozen=True, slots=True)
class _Sync:
    """One sync, with what all its steps need."""

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    source: SourceSettings
    revision: Revision
    stop: Stop
    lister: Lister
    latecomers: Latecomers
    observer: Observer
    contention: Contention
    now: Callable[[], str]
    neighbours: Neighbours

    def run(self, built: BuildResult, *, unread: Sequence[ReconcilerError]) -> Synced:
        before = self._load()
        ours = self.lister.ours(built.objects, before)
        live = {**self._adoption.previewed(before), **ours}
        to_send = self._to_send(built, before, live)
        self.stop.check()
        after = before.announced(
            built.objects,
            revision=str(self.revision),
            ignored=[each.key for each in built.ignored],
            is_whole=not (unread or built.problems),
        )
        self._announce(before, after, to_send)
        applier = self._applier(before, live)
        health: Mapping[ObjectKey, Health] = {}
        if self.source.sync.dry_run:
            applier.preview(to_send)
        else:
            applier.apply(to_send)
            built, after, health = self._settled(built, after, applier, before, live)
        if self.stop.is_asked:
            self.ledger.problems.append(StoppedError("the sync was cut short"))
        errors = (*unread, *self.ledger.problems)
        told = len(self.ledger.problems)
        gone = self._pruner(before, live).prune(built, health, is_complete=not errors)
        unpruned = self.ledger.problems[told:]
        self.observer.complain(health)
        report = self.ledger.report((*built.objects, *built.ignored), health)
        after = after.merge(self.ledger.applied.values()).without(gone)
        if not self.stop.is_asked:
            unhealthy = (key for key, found in health.items() if not found.is_current)
            after = after.settled(self.ledger.applied, unhealthy)
        status = self._verdict(errors, report, health, built=built, unpruned=unpruned)
        self._conclude(after, status)
        return Synced(report, tuple(self.ledger.problems), is_finished=not self.stop.is_asked)

    def _settled(
        self,
        built: BuildResult,
        after: SourceState,
        applier: Applier,
        before: SourceState,
        live: dict[ObjectKey, LiveObject],
    ) -> tuple[BuildResult, SourceState, Mapping[ObjectKey, Health]]:
        """Look at what was applied, and apply what comes late, until all that is settled.

        Returns:
            What is wanted and remembered then, and how all objects are.
        """
        health = self._look(built, live, {})
        try:
            while come := self.latecomers.come():
                built, fresh = self._resolved_again(built, come)
                live |= self.lister.ours(fresh.objects, SourceState(self.source.name))
                to_send = self._to_send(fresh, before, live)
                renamed = {each.key for each in come} - {each.key for each in built.objects}
                after = after.without(renamed)
                after = after.announced(built.objects, revision=str(self.revision))
                self._announce(before, after, to_send)
                applier.apply(to_send)
                health = self._look(built, live, health)
        except ReconcilerError as error:  # what was done before is told all the same
            self.ledger.problems.append(error)
        self.latecomers.give_up()
        return built, after, health

    def _to_send(
        self, built: BuildResult, before: SourceState, live: Mapping[ObjectKey, LiveObject]
    ) -> list[DesiredObject]:
        return pending(
            built,
            before,
            {**self.lister.others(built.objects, live), **live},
            unlisted=self.lister.unlisted,
            store=self.store,
            ledger=self.ledger,
            neighbours=self.neighbours,
        )

    def _look(
        self,
        built: BuildResult,
        live: Mapping[ObjectKey, LiveObject],
        health: Mapping[ObjectKey, Health],
    ) -> Mapping[ObjectKey, Health]:
        """Return how all objects are that are in place, when that is settled."""
        there = live.keys() | self.ledger.applied.keys()  # a job may have run and gone
        keys = (each.key for each in built.objects)
        found = self.observer.look(
            [key for key in keys if key in there and self.ledger.is_there(key)],
            late=self.latecomers.expected(health),
            is_enough=self.latecomers.have_come,
        )
        return discreet(found, built.objects)

    def _resolved_again(
        self, built: BuildResult, come: Sequence[DesiredObject]
    ) -> tuple[BuildResult, BuildResult]:
        """Return what is wanted, and what of it is new: now it is known what has a namespace."""
        early = {each.key for each in built.objects} - {each.key for each in come}
        for each in come:
            self.ledger.forget(each.key)
        again = resolve(
            replace(built, problems=()),
            namespaced=self.catalog.is_namespaced,
            default_namespace=self.source.default_namespace,
        )
        self.ledger.problems += again.problems
        fresh = tuple(each for each in again.objects if each.key not in early)
        return again, replace(again, objects=fresh, ignored=())

    def _announce(
        self, before: SourceState, after: SourceState, to_send: Sequence[DesiredObject]
    ) -> None:
        """Remember, before the first apply, what we may apply; where nothing is sent, nothing is.

        Raises:
            ClusterError, AccessDeniedError: it cannot be remembered, so nothing may be applied.
        """
        if to_send and after != before and not self.source.sync.dry_run:
            self.store.save(after.with_status(applying(self.revision), now=self.now()))

    def _verdict(
        self,
        errors: Sequence[ReconcilerError],
        report: SyncReport,
        health: Mapping[ObjectKey, Health],
        *,
        built: BuildResult,
        unpruned: Sequence[ReconcilerError],
    ) -> SyncStatus:
        return verdict(
            errors,
            report,
            health,
            built=built,
            held=self.ledger.held,
            unpruned=unpruned,
            problems=self.ledger.problems,
            revision=self.revision,
        )

    def _conclude(self, state: SourceState, status: SyncStatus) -> None:
        """Remember how it ended; if that fails, what was done is told all the same.

        A sync that was cut short has come to nothing that it could tell.
        """
        if self.source.sync.dry_run:
            return
        if not self.stop.is_asked:
            state = state.with_status(status, now=self.now())
        try:
            self.store.save(state)
        except ReconcilerError as error:
            self.ledger.problems.append(error)

    def _load(self) -> SourceState:
        """Return what is remembered, with what the source had under another name."""
        state = self._adoption.begin(recalled(self.store, self.ledger))
        self.neighbours.former = state.former
        return state

    @property
    def _adoption(self) -> Adoption:
        kin = self.neighbours.kin
        return Adoption(
            self.cluster, self.catalog, self.store, self.ledger, self.source, kin, self.stop
        )

    def _applier(self, before: SourceState, live: Mapping[ObjectKey, LiveObject]) -> Applier:
        return Applier(
            cluster=self.cluster,
            catalog=self.catalog,
            store=self.store,
            ledger=self.ledger,
            latecomers=self.latecomers,
            remembered=before.entries,
            live=live,
            timeout_s=self.source.sync.timeout_s,
            stop=self.stop,
            take_over=frozenset(self.source.sync.take_over),
            contention=self.contention,
        )

    def _pruner(self, before: SourceState, live: Mapping[ObjectKey, LiveObject]) -> Pruner:
        return Pruner(
            cluster=self.cluster,
            catalog=self.catalog,
            store=self.store,
            ledger=self.ledger,
            settings=self.source.sync,
            revision=self.revision,
            before=before,
            live=live,
            neighbours=self.neighbours,
        )
