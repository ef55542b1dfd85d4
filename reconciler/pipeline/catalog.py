"""Which resource serves an object."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.served import Served
from reconciler.errors import ClusterError, NotServedError, RefusedError
from reconciler.pipeline.cluster_port import Cluster


@dataclass(slots=True)
class Catalog:
    """What a cluster serves, as it was when it was last asked."""

    cluster: Cluster
    served: Served
    by_kind: Mapping[GroupKind, Resource] = field(default_factory=dict)

    @classmethod
    def of(cls, cluster: Cluster) -> "Catalog":
        """Ask the cluster what it serves."""
        catalog = cls(cluster, Served({}))
        catalog.refresh()
        return catalog

    def refresh(self) -> None:
        """Ask again: definitions were applied."""
        self.served = self.cluster.served()
        self.by_kind = _first_of_kinds(self.served.resources.values())

    def is_namespaced(self, kind: GroupKind) -> bool | None:
        """Whether objects of a kind have a namespace; None if nobody knows the kind."""
        found = self.by_kind.get(kind) or self.served.remembered.get(kind)
        return found.is_namespaced if found else None

    def any_resource(self, key: ObjectKey) -> Resource | None:
        """Return a resource by which an object can be found, whatever the version."""
        return self.by_kind.get(key.group_kind)

    def is_served(self, desired: DesiredObject) -> bool:
        """Whether the cluster serves an object's kind in the version that the manifest names."""
        return (desired.key.group_kind, desired.version) in self.served.resources

    def resource(self, desired: DesiredObject) -> Resource:
        """Return the resource of the very version that a manifest names.

        Raises:
            NotServedError: the cluster does not serve it.
            RefusedError: the cluster keeps no objects of the kind.
            ClusterError: nobody knows whether it does: the server of its group does not answer.
        """
        found = self.served.resources.get((desired.key.group_kind, desired.version))
        if found is not None:
            if not found.is_kept:
                raise RefusedError(f"objects of {found.kind} are not kept: it cannot be applied")
            return found
        silent = self.served.silent.get((desired.key.group, desired.version))
        if silent is not None:
            raise ClusterError(f"{desired.api_version} is not to be had now: {silent}")
        message = f"the cluster does not serve {desired.key.kind} in {desired.api_version}"
        raise NotServedError(message)

    def is_unknown(self, key: ObjectKey) -> bool:
        """Whether nobody knows for the moment if an object is there.

        No version of its kind is served, and the server of some version of its group does not
        answer.
        """
        is_served = key.group_kind in self.by_kind
        return not is_served and any(group == key.group for group, _ in self.served.silent)


def _first_of_kinds(resources: Iterable[Resource]) -> Mapping[GroupKind, Resource]:
    first: dict[GroupKind, Resource] = {}
    for resource in resources:
        first.setdefault(resource.group_kind, resource)
    return first
