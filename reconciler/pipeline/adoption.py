"""Adoption: a source that has got another name takes over what it applied under the old one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.digests import digest_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry, SourceState
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.sync_status import SyncStatus
from reconciler.errors import (
    AccessDeniedError,
    ClusterError,
    NotFoundError,
    ReconcilerError,
    RefusedError,
    StalledError,
)
from reconciler.pipeline.catalog import Catalog
from reconciler.pipeline.cluster_port import Cluster, StateStore
from reconciler.pipeline.ledger import Ledger
from reconciler.pipeline.listing import Lister
from reconciler.pipeline.neighbours import Kin
from reconciler.pipeline.parallel import in_parallel
from reconciler.settings import SourceSettings
from reconciler.stop import Stop


def identity_of(source: SourceSettings) -> str:
    """Return two hashes: of where a source reads from, and of what it makes of that.

    The first is of remote (without credentials), branch and paths; the second of the other settings
    that say which objects those become.
    """
    url = urlsplit(source.git.url)
    remote = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    place = digest_of([remote, source.git.branch, sorted(source.paths)])
    account = str(source.service_account or "")
    return f"{place}.{digest_of([source.default_namespace, account, *map(str, source.variables)])}"


def is_elsewhere(identity: str, other: str) -> bool:
    """Whether two identities are of different places; an empty one is of no known place."""
    places = {each.partition(".")[0] for each in (identity, other)}
    return len(places - {""}) > 1


def recalled(store: StateStore, ledger: Ledger) -> SourceState:
    """Return what is remembered; the ledger hears why it may not be believed.

    Raises:
        RefusedError, AccessDeniedError, ClusterError: it cannot be read.
    """
    state = store.load()
    if state.lost:
        message = f"the inventory was lost ({state.lost}): nothing is pruned this time"
        ledger.problems.append(ClusterError(message))
    if state.doubt:
        message = f"the inventory may not be whole ({state.doubt}): nothing is pruned this time"
        ledger.problems.append(ClusterError(message))
    return state


@dataclass(frozen=True, slots=True)
class Adoption:
    """Makes the objects of a source's earlier name its own, before one sync.

    The memory of the new name is written first, with all that the old one knew; then each object's
    label; then the old memory is removed. Whenever that is interrupted, the next sync goes on.

    Attributes:
        kin: sources of this process: none of them has been renamed.
    """

    cluster: Cluster
    catalog: Catalog
    store: StateStore
    ledger: Ledger
    source: SourceSettings
    kin: Kin
    stop: Stop

    def begin(self, state: SourceState) -> SourceState:
        """Return the memory to go on with; it names the source's identity, if that has one.

        Raises:
            RefusedError: it is not clear which source this one was.
            ClusterError, AccessDeniedError: the memory cannot be written.
        """
        identity = "" if self.kin.is_local else identity_of(self.source)
        has_moved = is_elsewhere(state.identity, identity)
        state = replace(state, identity=identity, has_moved=has_moved)
        is_new = not state.lost and not any(entry.uid for entry in state.entries.values())
        if is_new and identity:
            state = self._taken(state)
        if state.former in self.kin.names:  # it has its old name back, and this one is another
            return replace(state, former="")
        if state.former and not self.source.sync.dry_run:
            return self._relabelled(state)
        return state

    def _taken(self, state: SourceState) -> SourceState:
        """Return the memory of the source's earlier name, written under the new one."""
        found = self._candidates(state)
        if not found:
            return state
        if len(found) > 1:
            names = " or ".join(map(repr, sorted(found)))
            message = f"it is not clear which source {self.source.name!r} was before: {names}, of "
            message += "the same remote, branch and paths; delete the state object of all but one"
            raise RefusedError(message)
        ((name, former),) = found.items()
        state = replace(former, source=self.source.name, former=name, status=SyncStatus())
        if not self.source.sync.dry_run:
            self.store.save(state)
        return state

    def _candidates(self, state: SourceState) -> Mapping[str, SourceState]:
        """Return the memories of sources that are nobody's here and read from the same place."""
        try:
            names = set(self.cluster.sources().values())
        except AccessDeniedError:  # to list them may not be granted
            return {}
        found: dict[str, SourceState] = {}
        for name in sorted(names - self.kin.names - {self.source.name}):
            try:
                other = self.cluster.state(name).look()
            except StalledError:  # another tool's, or of a later release
                continue
            if other.entries and other.identity == state.identity and not other.former:
                found[name] = other
        return found

    def _relabelled(self, state: SourceState) -> SourceState:
        """Label what is known as ours, and forget the old name if that was all."""
        former = self.cluster.state(state.former)
        former.look()  # what is to be removed, as it is now
        before = len(self.ledger.problems)
        in_parallel(self._relabel, self._labelled_for(former, state))
        if len(self.ledger.problems) > before:
            return state
        former.remove()
        return replace(state, former="")

    def previewed(self, state: SourceState) -> Mapping[ObjectKey, LiveObject]:
        """Return the old name's objects as they would be: what a dry run does not label.

        Raises:
            ClusterError, AccessDeniedError: they cannot be listed.
        """
        if not (self.source.sync.dry_run and state.former):
            return {}
        found = self._labelled_for(self.cluster.state(state.former), state)
        label = {PART_OF_LABEL: self.store.part_of}
        return {each.key: replace(each, labels={**each.labels, **label}) for each in found}

    def _labelled_for(self, former: StateStore, state: SourceState) -> list[LiveObject]:
        """Return the objects that are known as ours and have the old name's label."""
        lister = Lister(self.cluster, self.catalog, former, self.ledger)
        return [
            live
            for key, live in lister.ours((), state).items()
            if live.part_of == former.part_of and _is_ours(live, state.entries.get(key))
        ]

    def _relabel(self, live: LiveObject) -> None:
        resource = self.catalog.any_resource(live.key)
        if resource is None:
            return
        try:
            self.stop.check()
            self.cluster.relabel(resource, live, part_of=self.store.part_of)
        except NotFoundError:
            return
        except ReconcilerError as error:
            self.ledger.problems.append(error)


def _is_ours(live: LiveObject, entry: InventoryEntry | None) -> bool:
    """Whether an object is the one that was applied, see docs/adr/0002."""
    if entry is None:
        return False
    return live.uid == entry.uid if entry.uid else live.entry_digest is not None
