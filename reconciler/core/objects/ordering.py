"""In which order objects are applied; the reverse is the order of deletion."""

import enum
import itertools
from collections.abc import Iterable, Mapping

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import GroupKind, ObjectKey


class Stage(enum.IntEnum):
    """A group of kinds applied together, after those before it."""

    DEFINITIONS = 0  # custom resource definitions and namespaces: others need them established
    CLASSES = 1  # classes and RBAC
    CONFIG = 2
    SERVICES = 3
    WORKLOADS = 4
    OTHERS = 5
    ADMISSION = 6  # webhooks and API services: they may stand in the way of everything before


_KINDS: Mapping[Stage, frozenset[GroupKind]] = {
    Stage.DEFINITIONS: frozenset(
        {
            GroupKind("", "Namespace"),
            GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
        }
    ),
    Stage.CLASSES: frozenset(
        GroupKind("rbac.authorization.k8s.io", kind)
        for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    ),
    Stage.CONFIG: frozenset(
        {
            GroupKind("", "ConfigMap"),
            GroupKind("", "LimitRange"),
            GroupKind("", "PersistentVolume"),
            GroupKind("", "PersistentVolumeClaim"),
            GroupKind("", "ResourceQuota"),
            GroupKind("", "Secret"),
            GroupKind("", "ServiceAccount"),
            GroupKind("networking.k8s.io", "NetworkPolicy"),
        }
    ),
    Stage.SERVICES: frozenset(
        {
            GroupKind("", "Endpoints"),
            GroupKind("", "Service"),
            GroupKind("discovery.k8s.io", "EndpointSlice"),
        }
    ),
    Stage.WORKLOADS: frozenset(
        {
            GroupKind("", "Pod"),
            GroupKind("", "ReplicationController"),
            GroupKind("apps", "DaemonSet"),
            GroupKind("apps", "Deployment"),
            GroupKind("apps", "ReplicaSet"),
            GroupKind("apps", "StatefulSet"),
            GroupKind("batch", "CronJob"),
            GroupKind("batch", "Job"),
        }
    ),
}
_STAGES = {group_kind: stage for stage, kinds in _KINDS.items() for group_kind in kinds}


def stage_of(group_kind: GroupKind) -> Stage:
    """Return the stage in which objects of that kind are applied."""
    known = _STAGES.get(group_kind)
    if known is not None:
        return known
    if group_kind.kind.endswith("Class"):  # storage, priority, runtime, ingress, gateway …
        return Stage.CLASSES
    if group_kind.group in {"admissionregistration.k8s.io", "apiregistration.k8s.io"}:
        return Stage.ADMISSION
    return Stage.OTHERS


def stages(objects: Iterable[DesiredObject]) -> tuple[tuple[DesiredObject, ...], ...]:
    """Return the objects in groups to apply one after the other; empty groups left out.

    Within a group the order is that of the keys and does not matter. After a group of
    ``Stage.DEFINITIONS`` its objects must be established before the next.
    """
    ordered = sorted(objects, key=lambda each: _place(each.key))
    groups = itertools.groupby(ordered, key=lambda each: stage_of(each.key.group_kind))
    return tuple(tuple(group) for _, group in groups)


def removal_order(keys: Iterable[ObjectKey]) -> tuple[ObjectKey, ...]:
    """Return the keys in the order of deletion: last stage first."""
    return tuple(sorted(keys, key=_place, reverse=True))


def _place(key: ObjectKey) -> tuple[Stage, ObjectKey]:
    return stage_of(key.group_kind), key
