"""Sync: what Git wants becomes what the cluster has, and what left Git leaves it."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.build import BuildResult, resolve
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.drift import Apply, Foreign, Unchanged, UnchangedReason, decide
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject, read_live
from reconciler.core.objects.report import Action, SyncReport
from reconciler.core.objects.resource import Resource
from reconciler.core.revision import Revision
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    ReconcilerError,
    RefusedError,
    StoppedError,
)
from reconciler.pipeline.apply import Applier, in_parallel
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.contention import Contention
from reconciler.pipeline.events import Progress, Waiting
from reconciler.pipeline.health import by_kind, wait_for_health
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.patience import Patience
from reconciler.pipeline.prune import Pruner
from reconciler.settings import SourceSettings
from reconciler.stop import Stop

IGNORED = "is marked to be left out of sync"


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
    is_complete: bool,
    progress: Progress,
    stop: Stop | None = None,
    is_hurried: Callable[[], bool] = lambda: False,
    patience: Patience | None = None,
    contention: Contention | None = None,
) -> Synced:
    """Bring the cluster to what a revision wants.

    Objects that are as they were applied are not sent. One object that fails leaves the others
    done and holds back all pruning.

    Args:
        cluster: where to.
        built: what the revision wants.
        source: whose objects these are, and what the sync may do.
        revision: what is applied.
        is_complete: whether all manifests of the revision could be read; nothing is pruned else.
        progress: hears when there is something to wait for.
        stop: asks to end early: what is under way is finished, and nothing more is begun.
        is_hurried: whether to look at the objects' health but not to wait for it.
        patience: how long objects have not been healthy, over all syncs of the source.
        contention: who took fields of ours, over all syncs of the source.

    Raises:
        ClusterError, AccessDeniedError, RefusedError: what is needed to begin could not be had.
    """
    ledger, catalog = Ledger(), Catalog.of(cluster)
    resolved = resolve(
        built, namespaced=catalog.is_namespaced, default_namespace=source.default_namespace
    )
    ledger.problems += resolved.problems
    run = _Sync(
        cluster=cluster,
        catalog=catalog,
        store=cluster.state(source.name),
        ledger=ledger,
        source=source,
        revision=revision,
        progress=progress,
        stop=stop or Stop(),
        is_hurried=is_hurried,
        patience=patience or Patience(),
        contention=contention or Contention(),
    )
    return run.run(resolved, is_complete=is_complete)


@dataclass(frozen=True, slots=True)
class _Sync:
    """One sync, with what all its steps need."""

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    source: SourceSettings
    revision: Revision
    progress: Progress
    stop: Stop
    is_hurried: Callable[[], bool]
    patience: Patience
    contention: Contention

    def run(self, built: BuildResult, *, is_complete: bool) -> Synced:
        before = self._load()
        live = self._list(built.objects, before)
        foreign = self._list_foreign(built.objects, live)
        self.stop.check()
        pending = self._pending(built, before, {**foreign, **live})
        is_dry_run = self.source.sync.dry_run
        after = before.announced(built.objects, revision=str(self.revision))
        if not is_dry_run:
            self.store.save(after)  # before the first apply: what we may apply, we must know
        health = self._apply(built.objects, pending, before, live)
        if self.stop.is_asked:
            self.ledger.problems.append(StoppedError("the sync was cut short"))
        is_complete = is_complete and not self.ledger.problems
        gone = self._pruner(before, live).prune(built, health, is_complete=is_complete)
        if not is_dry_run:
            self.store.save(after.merge(self.ledger.applied.values()).without(gone))
        self._complain(health)
        report = self.ledger.report((each.key for each in built.objects), health)
        return Synced(report, tuple(self.ledger.problems), is_finished=not self.stop.is_asked)

    def _load(self) -> SourceState:
        state = self.store.load()
        if state.lost:
            message = f"the inventory was lost ({state.lost}): nothing is pruned this time"
            self.ledger.problems.append(ClusterError(message))
        return state

    def _list(
        self, objects: Sequence[DesiredObject], state: SourceState
    ) -> Mapping[ObjectKey, LiveObject]:
        """Return the metadata of everything under our label, of all kinds that matter."""
        wanted = {each.key for each in objects}

        def listed(resource: Resource, keys: Collection[ObjectKey]) -> Sequence[LiveObject]:
            try:
                return self.cluster.list_metadata(
                    resource, part_of=self.store.part_of, namespaces=_namespaces_of(keys)
                )
            except AccessDeniedError:
                return self._get_each(resource, keys, wanted)

        return self._listed(wanted | state.entries.keys(), listed)

    def _list_foreign(
        self, objects: Sequence[DesiredObject], live: Mapping[ObjectKey, LiveObject]
    ) -> Mapping[ObjectKey, LiveObject]:
        """Return the metadata of other sets' objects, of the kinds of which we miss some.

        Where listing is not granted, our own was not either, and they were looked at one by one.
        """

        def listed(resource: Resource, keys: Collection[ObjectKey]) -> Sequence[LiveObject]:
            with contextlib.suppress(AccessDeniedError):
                return self.cluster.list_metadata(
                    resource,
                    part_of=self.store.part_of,
                    namespaces=_namespaces_of(keys),
                    is_foreign=True,
                )
            return ()

        return self._listed({each.key for each in objects} - live.keys(), listed)

    def _listed(
        self,
        keys: Iterable[ObjectKey],
        listed: Callable[[Resource, Collection[ObjectKey]], Sequence[LiveObject]],
    ) -> Mapping[ObjectKey, LiveObject]:
        """Ask for objects kind by kind, of all kinds that are served."""
        by_resource: dict[Resource, set[ObjectKey]] = {}
        for key in keys:
            if resource := self.catalog.any_resource(key):
                by_resource.setdefault(resource, set()).add(key)
        pairs = sorted(by_resource.items(), key=lambda pair: pair[0])
        lists = in_parallel(lambda pair: listed(*pair), pairs)
        return {live.key: live for found in lists for live in found}

    def _get_each(
        self, resource: Resource, keys: Iterable[ObjectKey], wanted: Collection[ObjectKey]
    ) -> list[LiveObject]:
        """Return objects one by one, where listing is not granted, as often for Secrets.

        What we may not even look at is told once: by its apply, if it is wanted.
        """
        found: list[LiveObject] = []
        for key in sorted(keys):
            try:
                item = self.cluster.get(resource, key)
            except AccessDeniedError as error:
                if key not in wanted:
                    self.ledger.problems.append(error)
                continue
            if item is not None:
                found.append(read_live(item, group_kind=resource.group_kind))
        return found

    def _pending(
        self, built: BuildResult, before: SourceState, live: Mapping[ObjectKey, LiveObject]
    ) -> list[DesiredObject]:
        """Return the objects that must be sent; the others are as they were applied."""
        for each in built.ignored:
            self.ledger.note(each.key, Action.SKIPPED, IGNORED)
        pending: list[DesiredObject] = []
        for each in built.objects:
            decision = decide(
                each,
                before.entries.get(each.key),
                live.get(each.key),
                part_of=self.store.part_of,
                secret_key=self.store.secret_key,
            )
            match decision:
                case Apply():
                    pending.append(each)
                case Foreign(part_of):
                    self.ledger.fail(each, RefusedError(_of_another_source(part_of)))
                case Unchanged(reason):
                    self.ledger.note(each.key, Action.UNCHANGED, _told(reason))
        return pending

    def _apply(
        self,
        objects: Sequence[DesiredObject],
        pending: Sequence[DesiredObject],
        before: SourceState,
        live: Mapping[ObjectKey, LiveObject],
    ) -> Mapping[ObjectKey, Health]:
        """Apply what is pending, and return how all objects are then; a dry run only looks."""
        applier = Applier(
            cluster=self.cluster,
            catalog=self.catalog,
            store=self.store,
            ledger=self.ledger,
            remembered=before.entries,
            live=live,
            timeout_s=self.source.sync.timeout_s,
            stop=self.stop,
            take_over=frozenset(self.source.sync.take_over),
            contention=self.contention,
        )
        if self.source.sync.dry_run:
            applier.preview(pending)
            return {}
        applier.apply(pending)
        there = live.keys() | self.ledger.applied.keys()  # a job may have run and gone
        keys = (each.key for each in objects)
        return self._health([key for key in keys if key in there and self.ledger.is_there(key)])

    def _health(self, keys: Sequence[ObjectKey]) -> Mapping[ObjectKey, Health]:
        if self.stop.is_asked:
            return {}
        settings = self.source.sync
        self.patience.begin(keys, applied=self.ledger.applied)
        told: list[bool] = []

        def on_wait() -> None:
            if settings.wait and not told:
                told.append(True)
                self.progress.tell(Waiting(self.revision))

        health, problems = wait_for_health(
            self.cluster,
            by_kind(keys, self.catalog.any_resource),
            part_of=self.store.part_of,
            timeout_s=settings.timeout_s if settings.wait else 0.0,
            on_wait=on_wait,
            stop=self.stop,
            is_hurried=self.is_hurried,
            given_up=frozenset(filter(self._is_given_up, keys)),
        )
        self.patience.note(health)
        self.ledger.problems += problems
        return health

    def _is_given_up(self, key: ObjectKey) -> bool:
        return self.patience.is_over(key, self.source.sync.timeout_s)

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
        )

    def _complain(self, health: Mapping[ObjectKey, Health]) -> None:
        """Failed objects need a person; those under way are a problem when their time is over."""
        settings = self.source.sync
        for key, found in sorted(health.items()):
            if found.status is Status.FAILED:
                self.ledger.problems.append(
                    RefusedError(f"failed: {found.message}", where=str(key))
                )
            elif found.status is Status.TERMINATING:
                message = "is being deleted; it is applied again when it has gone"
                self.ledger.problems.append(ClusterError(message, where=str(key)))
            elif not found.is_current and settings.wait and self._is_given_up(key):
                message = f"not healthy after {settings.timeout_s:g} s: {found.message}"
                self.ledger.problems.append(ClusterError(message, where=str(key)))


def _namespaces_of(keys: Iterable[ObjectKey]) -> set[str]:
    return {key.namespace for key in keys if key.namespace}


def _told(reason: UnchangedReason) -> str:
    """Return why an object is not sent, where that is not what everybody expects."""
    return "" if reason is UnchangedReason.AS_APPLIED else reason.value


def _of_another_source(part_of: str) -> str:
    return (
        f"belongs to another source, whose set is {part_of!r}: remove it from one of the two; if "
        f"that source is no more, remove the label {PART_OF_LABEL!r} from it"
    )
