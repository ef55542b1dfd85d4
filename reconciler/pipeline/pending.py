"""Which objects a sync must send."""

from collections.abc import Collection, Mapping

from reconciler.core.build import BuildResult
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.drift import (
    MENDED,
    Apply,
    Foreign,
    Unchanged,
    UnchangedReason,
    decide,
)
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.report import Action
from reconciler.pipeline.cluster_port import StateStore
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.neighbours import Neighbours

IGNORED = "is marked to be left out of sync"
UNLISTED = "not tried: objects of its kind cannot be listed"


def pending(
    built: BuildResult,
    before: SourceState,
    live: Mapping[ObjectKey, LiveObject],
    *,
    unlisted: Collection[GroupKind],
    store: StateStore,
    ledger: Ledger,
    neighbours: Neighbours,
) -> list[DesiredObject]:
    """Return the objects that must be sent, and note why the others are not.

    Args:
        built: what the revision wants.
        before: what is remembered.
        live: what was found in the cluster, another source's objects included.
        unlisted: kinds of whose objects nothing could be found out: they are not sent.
        store: whose objects these are.
        ledger: hears of what is not sent.
        neighbours: say what becomes of objects that another source has.
    """
    for each in built.ignored:
        ledger.note(each.key, Action.SKIPPED, IGNORED)
    found: list[DesiredObject] = []
    for each in built.objects:
        if each.key.group_kind in unlisted:
            ledger.note(each.key, Action.SKIPPED, UNLISTED)
            continue
        there = live.get(each.key)
        if there and _is_foreign(there, store) and neighbours.has_given_up(there):
            there = None
        decision = decide(
            each,
            before.entries.get(each.key),
            there,
            part_of=store.part_of,
            secret_key=store.secret_key,
        )
        match decision:
            case Apply(reason):
                found.append(each)
                entry = before.entries.get(each.key)
                is_same = entry and entry.desired_digest == each.digest(store.secret_key)
                if is_same and reason in MENDED:
                    ledger.drifted.add(each.key)
            case Foreign(part_of):
                ledger.fail(each, neighbours.complaint(part_of))
            case Unchanged(reason):
                ledger.note(each.key, Action.UNCHANGED, _told(reason))
    return found


def _told(reason: UnchangedReason) -> str:
    """Return why an object is not sent, where that is not what everybody expects."""
    return "" if reason is UnchangedReason.AS_APPLIED else reason.value


def _is_foreign(found: LiveObject, store: StateStore) -> bool:
    return found.part_of not in ("", store.part_of)
