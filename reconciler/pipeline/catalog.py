"""Which resource serves an object."""

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.resource import Resource
from reconciler.errors import NotFoundError
from reconciler.pipeline.cluster_port import Cluster


@dataclass(slots=True)
class Catalog:
    """What a cluster serves, as it was when it was last asked."""

    cluster: Cluster
    served: Mapping[tuple[GroupKind, str], Resource]
    by_kind: Mapping[GroupKind, Resource]

    @classmethod
    def of(cls, cluster: Cluster) -> "Catalog":
        """Ask the cluster what it serves."""
        catalog = cls(cluster, {}, {})
        catalog._take(cluster.resources())
        return catalog

    def refresh(self) -> None:
        """Ask again: definitions were applied."""
        self._take(self.cluster.resources())

    def is_namespaced(self, kind: GroupKind) -> bool | None:
        """Whether objects of a kind have a namespace; None if nobody serves it."""
        found = self.by_kind.get(kind)
        return found.is_namespaced if found else None

    def any_resource(self, key: ObjectKey) -> Resource | None:
        """Return a resource by which an object can be found, whatever the version."""
        return self.by_kind.get(key.group_kind)

    def resource(self, desired: DesiredObject) -> Resource:
        """Return the resource of the very version that a manifest names.

        Raises:
            NotFoundError: the cluster does not serve it.
        """
        found = self.served.get((desired.key.group_kind, desired.version))
        if found is None:
            message = f"the cluster does not serve {desired.key.kind} in {desired.api_version}"
            raise NotFoundError(message)
        return found

    def _take(self, served: Mapping[tuple[GroupKind, str], Resource]) -> None:
        first: dict[GroupKind, Resource] = {}
        for (kind, _), resource in served.items():
            first.setdefault(kind, resource)
        self.served, self.by_kind = served, first
