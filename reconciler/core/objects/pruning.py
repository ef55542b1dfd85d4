"""Which objects that left Git are deleted, and why the others are not."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject
from reconciler.core.revision import Revision

NEVER_PRUNED = frozenset(
    {
        GroupKind("", "Namespace"),
        GroupKind("", "PersistentVolume"),
        GroupKind("", "PersistentVolumeClaim"),
        GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"),
    }
)
"""Kinds whose deletion takes data or other people's objects along."""


@dataclass(frozen=True, slots=True)
class KeptObject:
    """An object that left Git and is not deleted."""

    key: ObjectKey
    reason: str


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What becomes of the objects that left Git.

    Attributes:
        delete: the objects to delete, in this order, with uid and resourceVersion as
            preconditions and background propagation.
        kept: those that stay in the cluster, each with its reason, in key order.
        forget: those that leave the inventory without a deletion, because they are gone or not
            ours any more, in key order.
        held: why nothing at all is deleted although something could be; None if nothing is held.
        is_stalled: whether a person must act before what is held can be deleted.
    """

    delete: tuple[LiveObject, ...] = ()
    kept: tuple[KeptObject, ...] = ()
    forget: tuple[ObjectKey, ...] = ()
    held: str | None = None
    is_stalled: bool = False


def plan_prune(
    inventory: Mapping[ObjectKey, InventoryEntry],
    *,
    desired: Set[ObjectKey],
    ignored: Set[ObjectKey],
    live: Mapping[ObjectKey, LiveObject],
    part_of: str,
    own: Set[ObjectKey],
    is_build_complete: bool,
    unhealthy: str | None,
    revision: Revision,
    allowed_revision: str | None,
) -> PrunePlan:
    """Return what to delete of the inventory.

    Args:
        inventory: as it was read at the beginning of the cycle, before this revision joined it.
        desired: what this revision wants applied.
        ignored: what stands in Git but is marked to be left out of sync.
        live: the metadata of every object under our label, of all kinds of the inventory; an
            object that is missing here counts as gone.
        part_of: the id of our set.
        own: the objects that we run from.
        is_build_complete: whether everything was listed, parsed, built and applied.
        unhealthy: the first object that this revision created or configured and that is not
            Current, for a person; None if all are.
        revision: the revision that was applied.
        allowed_revision: what ``--prune-allow`` says: a commit (seven hex or more) or the text of
            a revision.
    """
    raise NotImplementedError
