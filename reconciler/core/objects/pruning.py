"""Which objects that left Git are deleted, and why the others are not."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias, assert_never

from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import InventoryEntry
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.ordering import removal_order
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

_ABANDONED = "left Git with everything else, or was applied from elsewhere: delete it by hand"

BUDGET_LEAST = 5
BUDGET_PERCENT = 20
_SHORTEST_COMMIT = 7
_SHOWN = 20  # names in a message


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
            ours any more, in key order. The latter are among ``kept`` as well.
        held: why nothing at all is deleted although something could be; None if nothing is held.
        is_stalled: whether a person must act before what is held can be deleted.
    """

    delete: tuple[LiveObject, ...] = ()
    kept: tuple[KeptObject, ...] = ()
    forget: tuple[ObjectKey, ...] = ()
    held: str | None = None
    is_stalled: bool = False


@dataclass(frozen=True, slots=True)
class _Delete:
    """It is ours, and nothing about it speaks against deleting it."""

    live: LiveObject


@dataclass(frozen=True, slots=True)
class _Keep:
    """It is ours, and stays."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Forget:
    """It is gone, or not ours any more."""

    reason: str = ""


_Verdict: TypeAlias = _Delete | _Keep | _Forget


def plan_prune(
    inventory: Mapping[ObjectKey, InventoryEntry],
    *,
    desired: AbstractSet[ObjectKey],
    ignored: AbstractSet[ObjectKey],
    live: Mapping[ObjectKey, LiveObject],
    part_of: str,
    own: AbstractSet[ObjectKey],
    is_build_complete: bool,
    unhealthy: str | None,
    revision: Revision,
    allowed_revision: str | None,
    has_moved: bool = False,
    why: str = "",
    moving: Mapping[ObjectKey, str] = MappingProxyType({}),
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
        why: what keeps that one, for a person; it may be told in other words in each cycle.
        revision: the revision that was applied.
        allowed_revision: what ``--prune-allow`` says: a commit (seven hex or more) or the text of
            a revision.
        has_moved: whether the source read from elsewhere when the inventory was written.
        moving: objects that another source has or may want, each with the reason.
    """
    judge = _Judge(
        live=live,
        part_of=part_of,
        own=own,
        ignored=ignored,
        moving=moving,
        wanted_uids=frozenset(live[key].uid for key in desired if key in live),
    )
    left = [entry for key, entry in sorted(inventory.items()) if key not in desired]
    plan = _planned({entry.key: judge.verdict(entry) for entry in left})
    if not is_build_complete:
        # What was not listed may be there all the same: nothing is forgotten either.
        return _held(replace(plan, forget=()), ": not everything could be built and applied")
    refusal = _refusal(plan, inventory, desired, revision, allowed_revision)
    if plan.delete and has_moved and not inventory.keys().isdisjoint(desired):
        refusal = ": they were applied from another remote, branch or path: delete them by hand"
    if refusal:
        return replace(_held(plan, refusal), is_stalled=True)
    return plan if unhealthy is None else _held(plan, f" by {unhealthy}", why)


def is_allowed(revision: Revision, allowed: str | None) -> bool:
    """Whether ``--prune-allow`` names this revision, in full or by seven hex of it or more."""
    if allowed is None:
        return False
    named = allowed.strip().lower()
    is_commit = len(named) >= _SHORTEST_COMMIT and revision.commit.lower().startswith(named)
    return is_commit or allowed.strip() == str(revision)


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judges objects that left Git one by one."""

    live: Mapping[ObjectKey, LiveObject]
    part_of: str
    own: AbstractSet[ObjectKey]
    ignored: AbstractSet[ObjectKey]
    moving: Mapping[ObjectKey, str]
    wanted_uids: frozenset[str]

    def verdict(self, entry: InventoryEntry) -> _Verdict:
        """Say what becomes of an object of the inventory."""
        live = self.live.get(entry.key)
        if live is None:
            return _Forget()
        stranger = self._stranger(entry, live)
        if stranger:
            return _Forget(stranger)
        reason = self._protection(entry, live)
        return _Keep(reason) if reason else _Delete(live)

    def _stranger(self, entry: InventoryEntry, live: LiveObject) -> str:
        """Return why the object is not ours, whatever the inventory says; empty if it is."""
        if live.part_of != self.part_of:
            return "does not carry our label any more"
        if entry.uid and live.uid != entry.uid:
            return "was deleted and created again by somebody"
        if not entry.uid and live.entry_digest is None:
            # Announced, then we were interrupted: only our Apply entry proves that we applied it.
            return "was never applied by us"
        if live.uid in self.wanted_uids:
            return "is still wanted, under another group or kind"
        return ""

    def _protection(self, entry: InventoryEntry, live: LiveObject) -> str:
        """Return why the object, which is ours, is never deleted; empty if it may be."""
        key = entry.key
        protections = {
            "we run from it": key in self.own,
            f"left behind: a {key.kind} is never deleted": key.group_kind in NEVER_PRUNED,
            "is marked to be ignored": key in self.ignored or live.is_ignored,
            "is marked never to be pruned": live.is_prune_disabled,
            "is owned by another object": live.is_owned,
            "is being deleted already": live.is_terminating,
            _ABANDONED: entry.is_abandoned,
            "is marked by a later release of reconcile, which may prune it": bool(entry.unknown),
        }
        reasons = (reason for reason, applies in protections.items() if applies)
        return next(reasons, self.moving.get(key, ""))


def _planned(verdicts: Mapping[ObjectKey, _Verdict]) -> PrunePlan:
    delete: dict[ObjectKey, LiveObject] = {}
    kept: list[KeptObject] = []
    forget: list[ObjectKey] = []
    for key, verdict in verdicts.items():
        match verdict:
            case _Delete(live):
                delete[key] = live
            case _Keep(reason):
                kept.append(KeptObject(key, reason))
            case _Forget(reason):
                forget.append(key)
                kept += [KeptObject(key, reason)] if reason else []
            case _:
                assert_never(verdict)
    ordered = tuple(delete[key] for key in removal_order(delete))
    return PrunePlan(delete=ordered, kept=tuple(kept), forget=tuple(forget))


def _held(plan: PrunePlan, reason: str, why: str = "") -> PrunePlan:
    """Return the plan without its deletions, if it has any; ``why`` is told once, not of each."""
    if not plan.delete:
        return plan
    spared = [KeptObject(live.key, f"prune held{reason}") for live in plan.delete]
    kept = sorted((*plan.kept, *spared), key=lambda each: each.key)
    whole = f"{reason}: {why}" if why else reason
    return replace(plan, delete=(), kept=tuple(kept), held=_with_names(whole, plan.delete))


def _with_names(reason: str, spared: Sequence[LiveObject]) -> str:
    names = [live.key.workload for live in spared]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"prune held{reason} (spared: {', '.join(names[:_SHOWN])}{more})"


def _refusal(
    plan: PrunePlan,
    inventory: Mapping[ObjectKey, InventoryEntry],
    desired: AbstractSet[ObjectKey],
    revision: Revision,
    allowed_revision: str | None,
) -> str:
    """Return why a person must act before so much is deleted; empty if it may be."""
    if not plan.delete:
        return ""
    if not desired:
        return ": the build is empty"
    if inventory.keys().isdisjoint(desired):
        return ": everything that was applied before has left Git at once"
    count, limit = len(plan.delete), max(BUDGET_LEAST, len(inventory) * BUDGET_PERCENT // 100)
    if count > limit and not is_allowed(revision, allowed_revision):
        permit = f"--prune-allow {revision.short} permits it"
        return f": {count} objects would be deleted, over the limit of {limit}; {permit}"
    return ""
