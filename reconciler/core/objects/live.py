"""Objects as the cluster has them: their metadata."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.core.objects import marks
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import PART_OF_LABEL
from reconciler.errors import ClusterError

FIELD_MANAGER = "reconcile"


@dataclass(frozen=True, slots=True)
class LiveObject:
    """The metadata of an object in the cluster.

    Attributes:
        is_owned: whether another object owns it (``ownerReferences``).
        is_terminating: whether it is being deleted.
        entry_digest: hash of our own Apply entry in ``managedFields``; None if there is none.
            It changes when anyone touches a field of ours.
        managers: the names of all field managers, ours included, sorted.
    """

    key: ObjectKey
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    is_owned: bool
    is_terminating: bool
    entry_digest: str | None
    managers: tuple[str, ...]

    @property
    def part_of(self) -> str:
        """The id of the set that the object's label says it belongs to; empty for none."""
        return self.labels.get(PART_OF_LABEL, "")

    @property
    def is_ignored(self) -> bool:
        """Whether it is marked to be left out of sync."""
        return marks.is_ignored(self.annotations)

    @property
    def is_prune_disabled(self) -> bool:
        """Whether it is marked never to be deleted."""
        return marks.is_prune_disabled(self.annotations)


def read_live(
    item: Mapping[str, object], *, group_kind: GroupKind, manager: str = FIELD_MANAGER
) -> LiveObject:
    """Return the metadata of an object, given whole or as ``PartialObjectMetadata``.

    Args:
        item: the API server's JSON; items of a list do not name their own kind.
        group_kind: what was asked for.
        manager: our name as field manager.

    Raises:
        ClusterError: the item has no name, uid or resourceVersion.
    """
    raise NotImplementedError
