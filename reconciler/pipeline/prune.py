"""Prune: delete what left Git, if everything else is beyond doubt."""

import contextlib
import functools
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reconciler.core.build import BuildResult
from reconciler.core.objects.desired import is_of_veiled
from reconciler.core.objects.health import Health
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject, read_live
from reconciler.core.objects.preview import object_diff, values_of
from reconciler.core.objects.pruning import PrunePlan, plan_prune
from reconciler.core.objects.report import Action
from reconciler.core.objects.resource import Preview
from reconciler.core.revision import Revision
from reconciler.errors import ChangedError, ReconcilerError, RefusedError
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.neighbours import Neighbours
from reconciler.settings import SyncSettings

ATTEMPTS = 5
"""At a deletion of what others write to at the same time."""


@dataclass(frozen=True, slots=True)
class Pruner:
    """Deletes, for one sync, what the inventory knows and the revision does not want.

    Attributes:
        before: the memory as it was before this sync.
        live: the metadata of what was found under our label, before anything was applied.
        neighbours: say which objects other sources want.
    """

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    settings: SyncSettings
    revision: Revision
    before: SourceState
    live: Mapping[ObjectKey, LiveObject]
    neighbours: Neighbours

    def prune(
        self, built: BuildResult, health: Mapping[ObjectKey, Health], *, is_complete: bool
    ) -> Collection[ObjectKey]:
        """Delete what may be deleted; return what is to be forgotten.

        Args:
            built: what the revision wants.
            health: how the wanted objects are.
            is_complete: whether everything was read, built, listed and applied.
        """
        if not self.settings.prune:
            return ()
        plan = self._plan(built, health, is_complete=is_complete)
        for kept in plan.kept:
            self.ledger.note(kept.key, Action.KEPT, kept.reason)
        self.ledger.held = plan.held or ""
        if plan.held and plan.is_stalled:
            self.ledger.problems.append(RefusedError(plan.held))
        return [*plan.forget, *(live.key for live in plan.delete if self._is_deleted(live))]

    def _plan(
        self, built: BuildResult, health: Mapping[ObjectKey, Health], *, is_complete: bool
    ) -> PrunePlan:
        """Return what to delete; other sources are asked only if there is anything."""
        unhealthy, why = self._first_unhealthy(health)
        plan = functools.partial(
            plan_prune,
            self.before.entries,
            desired=frozenset(each.key for each in built.objects),
            ignored=frozenset(each.key for each in built.ignored),
            live=self.live,
            part_of=self.store.part_of,
            own=self.cluster.own_keys(),
            is_build_complete=is_complete,
            unhealthy=unhealthy,
            why=why,
            revision=self.revision,
            allowed_revision=self.settings.prune_allow,
            has_moved=self.before.has_moved,
        )
        alone = plan()
        if not (alone.delete or alone.held):
            return alone
        wanted = {each.key for each in built.objects}
        left = sorted(self.before.entries.keys() & self.live.keys() - wanted)
        moving = self.neighbours.moving(left)
        return plan(moving=moving) if moving else alone

    def _first_unhealthy(self, health: Mapping[ObjectKey, Health]) -> tuple[str | None, str]:
        """Return the first object that is not Current, and was applied since it last was; and why.

        When this revision was begun by an earlier sync, any object may be of its making.
        """
        is_repeated = self.before.revision == str(self.revision)
        suspects = self.before.unsettled | self.ledger.applied.keys()
        for key, found in sorted(health.items()):
            if not found.is_current and (is_repeated or key in suspects):
                return f"{key}, which is {found.status.value}", found.message
        return None, ""

    def _is_deleted(self, planned: LiveObject) -> bool:
        diff = ""
        try:
            if self.settings.dry_run:
                diff = self._preview(planned)
            else:
                self._delete(planned)
        except ReconcilerError as error:
            self.ledger.note(planned.key, Action.KEPT, error.message)
            self.ledger.problems.append(error)
            return False
        self.ledger.note(planned.key, Action.DELETED, diff=diff)
        return True

    def _preview(self, planned: LiveObject) -> str:
        """Return what would go as a diff, and change nothing."""
        resource = self.catalog.any_resource(planned.key)
        item = self.cluster.get(resource, planned.key) if resource else None
        if resource is None or item is None:
            return ""
        named = {"apiVersion": resource.api_version, "kind": resource.kind, **item}
        entry = self.before.entries.get(planned.key)
        is_veiled = entry is not None and is_of_veiled(entry.desired_digest)
        veiled = values_of(named) if is_veiled else ()
        return object_diff(Preview(named, None), name=str(planned.key), veiled=veiled)

    def _delete(self, planned: LiveObject) -> None:
        """Delete an object, though a controller may write to it while we look."""
        for _ in range(ATTEMPTS - 1):
            with contextlib.suppress(ChangedError):
                return self._delete_now(planned)
        return self._delete_now(planned)

    def _delete_now(self, planned: LiveObject) -> None:
        """Delete an object as it is now, if it is still the one that was planned."""
        resource = self.catalog.any_resource(planned.key)
        item = self.cluster.get(resource, planned.key) if resource else None
        if resource is None or item is None:
            return
        now = read_live(item, group_kind=resource.group_kind)
        if (now.uid, now.part_of) != (planned.uid, planned.part_of):
            raise RefusedError("somebody else took it over in between", where=str(planned.key))
        self.cluster.delete(resource, now)
