"""Whether an object must be sent."""

import enum
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject

JOB = GroupKind("batch", "Job")


class ApplyReason(enum.Enum):
    """Why an object is sent."""

    NEW = "is not in the inventory"
    MISSING = "is not in the cluster, or without our label"
    UNCONFIRMED = "an earlier apply was not finished"
    RECREATED = "was deleted and created again by somebody"
    TERMINATING = "is being deleted"
    RELABELLED = "carries no label of ours"
    MANIFEST_CHANGED = "its manifest changed"
    DRIFTED = "somebody changed fields that are ours"


MENDED = frozenset(
    {
        ApplyReason.MISSING,
        ApplyReason.RECREATED,
        ApplyReason.RELABELLED,
        ApplyReason.DRIFTED,
    }
)
"""The reasons that are somebody else's doing, if the manifest is the same: drift."""


class UnchangedReason(enum.Enum):
    """Why an object is not sent."""

    AS_APPLIED = "is as it was applied"
    JOB_GONE = "the job has run and gone, and its manifest has not changed"


@dataclass(frozen=True, slots=True)
class Apply:
    """The object is sent."""

    reason: ApplyReason


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The object is not sent."""

    reason: UnchangedReason


@dataclass(frozen=True, slots=True)
class Foreign:
    """The object is another source's, and not sent: two would undo each other's work for ever."""

    part_of: str  # the id of its set


Decision: TypeAlias = Apply | Unchanged | Foreign


def decide(
    desired: DesiredObject,
    entry: InventoryEntry | None,
    live: LiveObject | None,
    *,
    part_of: str,
    secret_key: bytes,
) -> Decision:
    """Return whether ``desired`` is sent.

    An object belongs to one set (KEP-3659): what carries another set's label is left alone.

    Args:
        desired: the object, its namespace resolved.
        entry: what the inventory remembers of it.
        live: its metadata in the cluster; None if it was not listed under our label nor under
            another set's.
        part_of: the id of our set.
        secret_key: see :meth:`DesiredObject.digest`.
    """
    if live is not None and live.part_of not in ("", part_of):
        return Foreign(live.part_of)
    desired_digest = desired.digest(secret_key)
    if entry is None:
        return Apply(ApplyReason.NEW)
    has_changed = entry.desired_digest != desired_digest
    if live is None:
        if desired.key.group_kind == JOB and entry.uid and not has_changed:
            return Unchanged(UnchangedReason.JOB_GONE)
        return Apply(ApplyReason.MISSING)
    return _compared(entry, live, part_of=part_of, has_changed=has_changed)


def _compared(
    entry: InventoryEntry, live: LiveObject, *, part_of: str, has_changed: bool
) -> Decision:
    if live.part_of != part_of:
        return Apply(ApplyReason.RELABELLED)
    if live.uid != entry.uid:
        return Apply(ApplyReason.RECREATED if entry.uid else ApplyReason.UNCONFIRMED)
    if live.is_terminating:
        return Apply(ApplyReason.TERMINATING)
    if has_changed:
        return Apply(ApplyReason.MANIFEST_CHANGED)
    if live.entry_digest is None or live.entry_digest != entry.entry_digest:
        return Apply(ApplyReason.DRIFTED)
    return Unchanged(UnchangedReason.AS_APPLIED)
