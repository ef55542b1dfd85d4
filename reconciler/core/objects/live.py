"""Objects as the cluster has them: their metadata."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler.core.objects import marks
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.digests import digest_of
from reconciler.core.objects.fields import items_of, mapping_of, text_of, texts_of
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.errors import ClusterError

FIELD_MANAGER = "reconcile"

_ENTRY_FIELDS = ("manager", "operation", "apiVersion", "time", "fieldsV1")


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
    metadata = mapping_of(item.get("metadata"))
    entries = [mapping_of(entry) for entry in items_of(metadata.get("managedFields"))]
    return LiveObject(
        key=key_of(item, group_kind=group_kind),
        uid=_required(metadata, "uid", group_kind),
        resource_version=_required(metadata, "resourceVersion", group_kind),
        labels=texts_of(metadata.get("labels")),
        annotations=texts_of(metadata.get("annotations")),
        is_owned=bool(items_of(metadata.get("ownerReferences"))),
        is_terminating=bool(metadata.get("deletionTimestamp")),
        entry_digest=_entry_digest(entries, manager),
        managers=tuple(sorted({text_of(entry.get("manager")) for entry in entries})),
    )


def key_of(item: Mapping[str, object], *, group_kind: GroupKind) -> ObjectKey:
    """Return which object an item is, given whole or as ``PartialObjectMetadata``.

    Args:
        item: the API server's JSON; items of a list do not name their own kind.
        group_kind: what was asked for.

    Raises:
        ClusterError: the item has no name.
    """
    metadata = mapping_of(item.get("metadata"))
    return ObjectKey(
        group_kind.group,
        group_kind.kind,
        namespace=text_of(metadata.get("namespace")),
        name=_required(metadata, "name", group_kind),
    )


def _entry_digest(entries: Sequence[Mapping[str, object]], manager: str) -> str | None:
    """Return the hash of our Apply entry.

    The API server keeps one Apply entry a manager and subresource. An entry of a subresource, such
    as ``status``, says nothing about what we sent, whoever's name it carries.
    """
    ours = [
        {name: entry.get(name) for name in _ENTRY_FIELDS}
        for entry in entries
        if entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    ]
    return digest_of(ours) if ours else None


def _required(metadata: Mapping[str, object], name: str, group_kind: GroupKind) -> str:
    value = text_of(metadata.get(name))
    if not value:
        raise ClusterError(f"the API server sent an object without metadata.{name}: {group_kind}")
    return value
