"""In which order objects are applied; the reverse is the order of deletion."""

import enum
from collections.abc import Iterable

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


def stage_of(group_kind: GroupKind) -> Stage:
    """Return the stage in which objects of that kind are applied."""
    raise NotImplementedError


def stages(objects: Iterable[DesiredObject]) -> tuple[tuple[DesiredObject, ...], ...]:
    """Return the objects in groups to apply one after the other; empty groups left out.

    Within a group the order is that of the keys and does not matter. After a group of
    ``Stage.DEFINITIONS`` its objects must be established before the next.
    """
    raise NotImplementedError


def removal_order(keys: Iterable[ObjectKey]) -> tuple[ObjectKey, ...]:
    """Return the keys in the order of deletion: last stage first."""
    raise NotImplementedError
