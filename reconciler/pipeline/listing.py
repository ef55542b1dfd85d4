"""What of a source's objects is in the cluster: the metadata, kind by kind."""

import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject, read_live
from reconciler.core.objects.resource import Resource
from reconciler.errors import (
    AccessDeniedError,
    BusyError,
    ClusterError,
    NoAnswerError,
    NotFoundError,
    ReconcilerError,
)
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.parallel import in_parallel


@dataclass(frozen=True, slots=True)
class Lister:
    """Lists for one sync; what may not be looked at is told by the ledger.

    Attributes:
        unlisted: the kinds that the API server serves and cannot list, as when an API behind it is
            down: nothing is known of their objects.
    """

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    unlisted: set[GroupKind] = field(default_factory=set)

    def ours(
        self, objects: Sequence[DesiredObject], state: SourceState
    ) -> Mapping[ObjectKey, LiveObject]:
        """Return the metadata of everything under our label, of all kinds that matter."""
        wanted = {each.key for each in objects}
        self._note_unknown(state.entries.keys() - wanted)  # what is wanted is told by its apply

        def listed(resource: Resource, keys: Collection[ObjectKey]) -> Sequence[LiveObject]:
            try:
                return self.cluster.list_metadata(
                    resource, part_of=self.store.part_of, namespaces=_namespaces_of(keys)
                )
            except AccessDeniedError:
                return self._get_each(resource, keys, wanted)
            except (NoAnswerError, BusyError):
                raise
            except (ClusterError, NotFoundError) as error:
                self._note_unlisted(resource, error)
                return ()

        return self._listed(wanted | state.entries.keys(), listed)

    def others(
        self, objects: Sequence[DesiredObject], live: Mapping[ObjectKey, LiveObject]
    ) -> Mapping[ObjectKey, LiveObject]:
        """Return the metadata of other sets' objects, of the kinds of which we miss some.

        Where listing is not granted, our own was not either, and they were looked at one by one.
        """

        def listed(resource: Resource, keys: Collection[ObjectKey]) -> Sequence[LiveObject]:
            with contextlib.suppress(AccessDeniedError, NotFoundError):
                return self.cluster.list_metadata(
                    resource,
                    part_of=self.store.part_of,
                    namespaces=_namespaces_of(keys),
                    is_foreign=True,
                )
            return ()

        missing = {each.key for each in objects} - live.keys()
        known = (key for key in missing if key.group_kind not in self.unlisted)
        return self._listed(known, listed)

    def _note_unlisted(self, resource: Resource, error: ReconcilerError) -> None:
        self.unlisted.add(resource.group_kind)
        where = f"{resource.plural} in {resource.api_version}"
        self.ledger.problems.append(ClusterError(f"cannot be listed: {error}", where=where))

    def _note_unknown(self, keys: Iterable[ObjectKey]) -> None:
        """Note the kinds of which nobody knows for the moment what of them is there."""
        kinds = {key.group_kind for key in keys if self.catalog.is_unknown(key)}
        for kind in sorted(kinds):
            message = "objects that left Git cannot be looked for: the server of the group is down"
            self.ledger.problems.append(ClusterError(message, where=str(kind)))

    def _listed(
        self,
        keys: Iterable[ObjectKey],
        listed: Callable[[Resource, Collection[ObjectKey]], Sequence[LiveObject]],
    ) -> Mapping[ObjectKey, LiveObject]:
        """Ask for objects kind by kind, of all kinds that are served."""
        by_resource: dict[Resource, set[ObjectKey]] = {}
        for key in keys:
            resource = self.catalog.any_resource(key)
            if resource is not None and resource.is_kept:
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


def _namespaces_of(keys: Iterable[ObjectKey]) -> set[str]:
    return {key.namespace for key in keys if key.namespace}
