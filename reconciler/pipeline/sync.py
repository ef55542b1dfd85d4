"""Sync: what Git wants becomes what the cluster has, and what left Git leaves it."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reconciler.core.build import BuildResult, resolve
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.drift import Apply, decide
from reconciler.core.objects.health import Health, Status
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import InventoryEntry, SourceState
from reconciler.core.objects.live import LiveObject, read_live
from reconciler.core.objects.ordering import Stage, stage_of, stages
from reconciler.core.objects.preview import object_diff
from reconciler.core.objects.pruning import PrunePlan, plan_prune
from reconciler.core.objects.report import Action, ObjectReport, SyncReport
from reconciler.core.objects.resource import Applied, Preview, Resource
from reconciler.core.revision import Revision
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    StalledError,
)
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.events import Progress, Waiting
from reconciler.pipeline.health import by_kind, wait_for_health
from reconciler.settings import SourceSettings

WORKERS = 8
CUT_OFF = "not tried: the API server failed"
IGNORED = "is marked to be left out of sync"

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Synced:
    """What a sync did, and what went wrong."""

    report: SyncReport = field(default_factory=SyncReport)
    problems: tuple[ReconcilerError, ...] = ()


def sync(
    cluster: Cluster,
    built: BuildResult,
    *,
    source: SourceSettings,
    revision: Revision,
    is_complete: bool,
    progress: Progress,
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

    Raises:
        ClusterError, AccessDeniedError, RefusedError: what is needed to begin could not be had.
    """
    run = _Sync(cluster, source, revision, progress)
    return run.run(built, is_complete=is_complete)


@dataclass(slots=True)
class _Sync:
    """One sync: what it knows, and what it has done so far."""

    cluster: Cluster
    source: SourceSettings
    revision: Revision
    progress: Progress
    problems: list[ReconcilerError] = field(default_factory=list)
    actions: dict[ObjectKey, ObjectReport] = field(default_factory=dict)
    done: dict[ObjectKey, InventoryEntry] = field(default_factory=dict)
    diffs: list[str] = field(default_factory=list)
    served: Mapping[tuple[GroupKind, str], Resource] = field(default_factory=dict)
    is_cut_off: bool = False  # the API server failed: the rest would fail likewise

    def run(self, built: BuildResult, *, is_complete: bool) -> Synced:
        self.served = self.cluster.resources()
        resolved = resolve(
            built, namespaced=self._is_namespaced, default_namespace=self.source.default_namespace
        )
        self.problems += resolved.problems
        for each in resolved.ignored:
            self.actions[each.key] = ObjectReport(each.key, Action.SKIPPED, IGNORED)
        store = self.cluster.state(self.source.name)
        before = self._load(store)
        live = self._list(resolved.objects, before, store.part_of)
        pending = self._decide(resolved.objects, before, live, store)
        health: Mapping[ObjectKey, Health] = {}
        state = before.announced(resolved.objects, revision=str(self.revision))
        if self.source.sync.dry_run:
            self._preview(pending, before, store)
        else:
            store.save(state)
            self._apply(pending, before, store)
            health = self._health(resolved.objects, store.part_of)
        was_done = is_complete and not self.problems
        plan = self._plan_prune(resolved, before, live, store, health, is_complete=was_done)
        gone = self._prune(plan)
        if not self.source.sync.dry_run:
            store.save(state.merge(self.done.values()).without([*gone, *plan.forget]))
        self._complain_of_health(health)
        return Synced(self._report(resolved.objects, health), tuple(self.problems))

    def _load(self, store: StateStore) -> SourceState:
        state = store.load()
        if state.lost:
            message = f"the inventory was lost ({state.lost}): nothing is pruned this time"
            self.problems.append(ClusterError(message))
        return state

    # What is there, and what must be sent

    def _list(
        self, objects: Sequence[DesiredObject], state: SourceState, part_of: str
    ) -> dict[ObjectKey, LiveObject]:
        """Return the metadata of everything under our label, of all kinds that matter."""
        by_resource: dict[Resource, set[ObjectKey]] = {}
        for key in {*(each.key for each in objects), *state.entries}:
            resource = self._any_resource(key)
            if resource is not None:
                by_resource.setdefault(resource, set()).add(key)

        wanted = {each.key for each in objects}

        def listed(pair: tuple[Resource, set[ObjectKey]]) -> list[LiveObject]:
            resource, keys = pair
            try:
                namespaces = {key.namespace for key in keys if key.namespace}
                return list(
                    self.cluster.list_metadata(resource, part_of=part_of, namespaces=namespaces)
                )
            except AccessDeniedError:
                return self._get_each(resource, keys, wanted)

        lists = _in_parallel(listed, sorted(by_resource.items(), key=lambda pair: pair[0]))
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
                    self.problems.append(error)
                continue
            if item is not None:
                found.append(read_live(item, group_kind=resource.group_kind))
        return found

    def _decide(
        self,
        objects: Sequence[DesiredObject],
        state: SourceState,
        live: Mapping[ObjectKey, LiveObject],
        store: StateStore,
    ) -> list[DesiredObject]:
        """Return the objects that must be sent; the others are as they were applied."""
        pending: list[DesiredObject] = []
        for each in objects:
            key = each.key
            decision = decide(
                each,
                state.entries.get(key),
                live.get(key),
                part_of=store.part_of,
                secret_key=store.secret_key,
            )
            if isinstance(decision, Apply):
                pending.append(each)
            else:
                self.actions[key] = ObjectReport(key, Action.UNCHANGED)
        return pending

    # Applying

    def _apply(
        self, pending: Sequence[DesiredObject], before: SourceState, store: StateStore
    ) -> None:
        for group in stages(pending):

            def applied(each: DesiredObject) -> None:
                self._apply_one(each, before.entries.get(each.key), store)

            _in_parallel(applied, group)
            if stage_of(group[0].key.group_kind) is Stage.DEFINITIONS:
                self._await_definitions(group, store.part_of)

    def _apply_one(
        self, desired: DesiredObject, entry: InventoryEntry | None, store: StateStore
    ) -> None:
        if self.is_cut_off:
            self.actions[desired.key] = ObjectReport(desired.key, Action.SKIPPED, CUT_OFF)
            return
        digest = desired.digest(store.secret_key)
        is_drift = entry is not None and bool(entry.uid) and entry.desired_digest == digest
        try:
            applied = self.cluster.apply(
                self._resource(desired), desired, part_of=store.part_of, is_drift=is_drift
            )
        except ReconcilerError as error:
            self._failed(desired, error)
        else:
            self._applied(desired, applied, digest)

    def _applied(self, desired: DesiredObject, applied: Applied, digest: str) -> None:
        key, live = desired.key, applied.live
        self.actions[key] = ObjectReport(key, applied.action)
        self.done[key] = InventoryEntry(
            key,
            desired.version,
            uid=live.uid,
            desired_digest=digest,
            entry_digest=live.entry_digest or "",
        )

    def _failed(self, desired: DesiredObject, error: ReconcilerError) -> None:
        key = desired.key
        self.is_cut_off = self.is_cut_off or isinstance(error, ClusterError)
        self.actions[key] = ObjectReport(key, Action.SKIPPED, error.message)
        self.problems.append(_placed(error, desired))

    def _await_definitions(self, group: Sequence[DesiredObject], part_of: str) -> None:
        """Wait until what others build on is established, then ask anew what is served."""
        applied = [each.key for each in group if each.key in self.done]
        wait_for_health(
            self.cluster,
            by_kind(applied, self._any_resource),
            part_of=part_of,
            timeout_s=self.source.sync.timeout_s,
            on_wait=lambda: None,
        )
        if any(key.kind == "CustomResourceDefinition" for key in applied):
            self.served = self.cluster.resources(refresh=True)

    def _preview(
        self, pending: Sequence[DesiredObject], before: SourceState, store: StateStore
    ) -> None:
        """Say what an apply would come to."""
        new_here = {(e.key.kind, e.key.name) for e in pending if e.key not in before.entries}
        for each in pending:
            entry = before.entries.get(each.key)
            digest = each.digest(store.secret_key)
            is_drift = entry is not None and entry.desired_digest == digest
            try:
                preview = self.cluster.preview(
                    self._resource(each), each, part_of=store.part_of, is_drift=is_drift
                )
            except NotFoundError as error:
                if ("Namespace", each.key.namespace) not in new_here and not _defines(
                    pending, each
                ):
                    self._failed(each, error)
                    continue
                preview = Preview(None, each.body)
            except ReconcilerError as error:
                self._failed(each, error)
                continue
            self._previewed(each, preview)

    def _previewed(self, desired: DesiredObject, preview: Preview) -> None:
        key = desired.key
        diff = object_diff(preview, name=str(key))
        changed = Action.CONFIGURED if diff else Action.UNCHANGED
        action = Action.CREATED if preview.before is None else changed
        self.actions[key] = ObjectReport(key, action)
        self.diffs.append(diff)

    # Health

    def _health(self, objects: Sequence[DesiredObject], part_of: str) -> Mapping[ObjectKey, Health]:
        """Return how the applied objects are, after waiting for them if that is asked for."""
        sync = self.source.sync
        keys = [each.key for each in objects if self._is_there(each.key)]
        told: list[bool] = []

        def on_wait() -> None:
            if sync.wait and not told:
                told.append(True)
                self.progress.tell(Waiting(self.revision))

        health, problems = wait_for_health(
            self.cluster,
            by_kind(keys, self._any_resource),
            part_of=part_of,
            timeout_s=sync.timeout_s if sync.wait else 0.0,
            on_wait=on_wait,
        )
        self.problems += problems
        return health

    def _is_there(self, key: ObjectKey) -> bool:
        report = self.actions.get(key)
        return report is not None and report.action is not Action.SKIPPED

    def _complain_of_health(self, health: Mapping[ObjectKey, Health]) -> None:
        """Failed objects need a person; those under way are a problem only if we waited."""
        for key, found in sorted(health.items()):
            if found.status is Status.FAILED:
                self.problems.append(RefusedError(f"failed: {found.message}", where=str(key)))
            elif not found.is_current and self.source.sync.wait:
                message = f"not healthy after {self.source.sync.timeout_s:g} s: {found.message}"
                self.problems.append(ClusterError(message, where=str(key)))

    # Pruning

    def _plan_prune(
        self,
        resolved: BuildResult,
        before: SourceState,
        live: Mapping[ObjectKey, LiveObject],
        store: StateStore,
        health: Mapping[ObjectKey, Health],
        *,
        is_complete: bool,
    ) -> PrunePlan:
        if not self.source.sync.prune:
            return PrunePlan()
        plan = plan_prune(
            before.entries,
            desired=frozenset(each.key for each in resolved.objects),
            ignored=frozenset(each.key for each in resolved.ignored),
            live=live,
            part_of=store.part_of,
            own=self.cluster.own_keys(),
            is_build_complete=is_complete,
            unhealthy=self._first_unhealthy(health),
            revision=self.revision,
            allowed_revision=self.source.sync.prune_allow,
        )
        for kept in plan.kept:
            self.actions[kept.key] = ObjectReport(kept.key, Action.KEPT, kept.reason)
        if plan.held and plan.is_stalled:
            self.problems.append(RefusedError(plan.held))
        return plan

    def _first_unhealthy(self, health: Mapping[ObjectKey, Health]) -> str | None:
        for key, found in sorted(health.items()):
            if key in self.done and not found.is_current:
                return f"{key} is {found.status.value}: {found.message}"
        return None

    def _prune(self, plan: PrunePlan) -> list[ObjectKey]:
        """Delete what the plan says, and return what is gone."""
        gone: list[ObjectKey] = []
        for live in plan.delete:
            try:
                if not self.source.sync.dry_run:
                    self._delete(live)
            except ReconcilerError as error:
                self.actions[live.key] = ObjectReport(live.key, Action.KEPT, error.message)
                self.problems.append(error)
            else:
                self.actions[live.key] = ObjectReport(live.key, Action.DELETED)
                gone.append(live.key)
        return gone

    def _delete(self, planned: LiveObject) -> None:
        """Delete an object as it is now, if it is still the one that was planned."""
        resource = self._any_resource(planned.key)
        item = self.cluster.get(resource, planned.key) if resource else None
        if resource is None or item is None:
            return
        now = read_live(item, group_kind=resource.group_kind)
        if (now.uid, now.part_of) != (planned.uid, planned.part_of):
            raise RefusedError("somebody else took it over in between", where=str(planned.key))
        self.cluster.delete(resource, now)

    # Small questions

    def _is_namespaced(self, kind: GroupKind) -> bool | None:
        found = next((r for (each, _), r in self.served.items() if each == kind), None)
        return found.is_namespaced if found else None

    def _resource(self, desired: DesiredObject) -> Resource:
        found = self.served.get((desired.key.group_kind, desired.version))
        if found is None:
            message = f"the cluster does not serve {desired.key.kind} in {desired.api_version}"
            raise NotFoundError(message)
        return found

    def _any_resource(self, key: ObjectKey) -> Resource | None:
        kind = key.group_kind
        return next((r for (each, _), r in self.served.items() if each == kind), None)

    def _report(
        self, objects: Iterable[DesiredObject], health: Mapping[ObjectKey, Health]
    ) -> SyncReport:
        wanted = [each.key for each in objects]
        others = sorted(self.actions.keys() - set(wanted))
        reports = [self.actions[key] for key in [*wanted, *others] if key in self.actions]
        return SyncReport(
            tuple(replace(report, health=health.get(report.key)) for report in reports),
            diff="".join(self.diffs),
        )


def _in_parallel(function: Callable[[Given], Made], items: Sequence[Given]) -> list[Made]:
    if len(items) < 2:  # noqa: PLR2004 - a thread for one item is a waste
        return [function(item) for item in items]
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="sync") as executor:
        return list(executor.map(function, items))


def _placed(error: ReconcilerError, desired: DesiredObject) -> ReconcilerError:
    """Return the error with the place in Git that it is about."""
    if isinstance(error, StalledError):
        kind = type(error) if type(error) in (AccessDeniedError, NotFoundError) else RefusedError
        return kind(f"{desired.key}: {error.message}", where=str(desired.origin))
    return ClusterError(f"{desired.key}: {error}", where=str(desired.origin))


def _defines(pending: Iterable[DesiredObject], desired: DesiredObject) -> bool:
    """Whether the definition of an object's kind is itself about to be applied."""
    return any(
        each.key.kind == "CustomResourceDefinition" and each.key.name.endswith(desired.key.group)
        for each in pending
        if desired.key.group
    )
