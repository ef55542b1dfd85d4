"""The inventory: which objects a source applied, as the state object keeps it.

It is the only proof that an object is ours to delete, so it is written before anything is applied.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.sync_status import SyncStatus


@dataclass(frozen=True, slots=True)
class InventoryEntry:
    """What is remembered of one object.

    An entry without ``uid`` was announced before its first apply and never confirmed.

    Attributes:
        version: the API version it was applied with, to find its endpoint when it has left Git.
        uid: its uid in the cluster when it was applied; empty if not known yet.
        desired_digest: :meth:`DesiredObject.digest` of what was applied.
        entry_digest: :attr:`LiveObject.entry_digest` right after; empty if not known.
        is_abandoned: whether the whole set left Git at once with it, or it was not found where the
            source reads from now: only a person deletes it.
        unknown: what a later release remembers of it beside that, as JSON; empty for nothing.
    """

    key: ObjectKey
    version: str
    uid: str = ""
    desired_digest: str = ""
    entry_digest: str = ""
    is_abandoned: bool = False
    unknown: str = ""

    def marked(self, *, is_abandoned: bool) -> "InventoryEntry":
        """Return the entry with that mark; itself if it has it."""
        if is_abandoned == self.is_abandoned:
            return self
        return replace(self, is_abandoned=is_abandoned)


@dataclass(frozen=True, slots=True)
class SourceState:
    """What the cluster remembers of one source.

    Attributes:
        source: the source's name.
        revision: the revision whose apply was begun last, as text; empty for none.
        entries: the inventory.
        lost: why the memory could not be read, for a person; empty if it could. The inventory is
            then empty too, so that nothing is pruned.
        doubt: why the memory may not be whole, for a person; empty if it is. Nothing is pruned.
        status: what its last sync came to.
        identity: hashes of where the source reads from, and what it makes of that: the same for a
            source that is renamed; empty for a local folder.
        has_moved: whether the source read from elsewhere (remote, branch or paths) when the
            inventory was written.
        seen: the last revision of which everything could be built.
        left: objects of the inventory that ``seen`` did not want: another source may have them.
        unsettled: objects that were applied and have not been healthy since.
        former: the name under which the source's objects are still labelled; empty for none.
        unknown: what a later release remembers beside that.
    """

    source: str
    revision: str = ""
    entries: Mapping[ObjectKey, InventoryEntry] = field(default_factory=dict)
    lost: str = ""
    doubt: str = ""
    status: SyncStatus = field(default_factory=SyncStatus)
    identity: str = ""
    has_moved: bool = False
    seen: str = ""
    left: frozenset[ObjectKey] = frozenset()
    unsettled: frozenset[ObjectKey] = frozenset()
    former: str = ""
    unknown: Mapping[str, object] = field(default_factory=dict)

    def announced(
        self,
        objects: Iterable[DesiredObject],
        *,
        revision: str,
        ignored: Iterable[ObjectKey] = (),
        is_whole: bool = False,
    ) -> "SourceState":
        """Return old and new together, to be written *before* the first apply of a revision.

        What is known stays known; new objects join without a uid. If not one known object is among
        the new ones, or the source reads from elsewhere now, all the known that are not wanted are
        marked abandoned. The same objects and revision give an equal state: nothing to write.

        Args:
            objects: what the revision wants.
            revision: its text.
            ignored: what stands in it and is marked to be left out.
            is_whole: whether everything of it could be built.
        """
        wanted = {each.key: each for each in objects}
        is_swapped = bool(wanted) and (self.has_moved or self.entries.keys().isdisjoint(wanted))
        known = {
            key: entry.marked(is_abandoned=key not in wanted and (is_swapped or entry.is_abandoned))
            for key, entry in self.entries.items()
        }
        fresh = {
            key: InventoryEntry(key, each.version)
            for key, each in wanted.items()
            if key not in known
        }
        stays = wanted.keys() | frozenset(ignored)
        left = frozenset(self.entries) if is_whole else self.left
        return replace(
            self,
            revision=revision,
            entries={**known, **fresh},
            has_moved=False,
            lost="",
            doubt="",
            seen=revision if is_whole else self.seen,
            left=left - stays,
        )

    def settled(
        self, applied: Iterable[ObjectKey], unhealthy: Iterable[ObjectKey]
    ) -> "SourceState":
        """Return the state after objects were applied and all have been looked at."""
        return replace(self, unsettled=(self.unsettled | set(applied)) & set(unhealthy))

    def wants(self, key: ObjectKey) -> bool:
        """Whether the source has that object and has not given it up."""
        return key in self.entries and key not in self.left

    def with_status(self, later: SyncStatus, *, now: str) -> "SourceState":
        """Return the state with what a sync came to; itself if that is nothing new."""
        status = self.status.followed_by(later, now=now)
        return self if status == self.status else replace(self, status=status)

    def merge(self, entries: Iterable[InventoryEntry]) -> "SourceState":
        """Return the state with these entries added, each in place of an earlier one."""
        merged = {**self.entries}
        for entry in entries:
            known = merged.get(entry.key)
            unknown = known.unknown if known is not None else ""
            merged[entry.key] = replace(entry, unknown=unknown) if unknown else entry
        return replace(self, entries=merged)

    def without(self, keys: Iterable[ObjectKey]) -> "SourceState":
        """Return the state without these objects; unknown keys do not matter."""
        gone = frozenset(keys)
        kept = {key: entry for key, entry in self.entries.items() if key not in gone}
        return replace(self, entries=kept, left=self.left - gone)
