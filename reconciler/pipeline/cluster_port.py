"""What the sync stage needs from a cluster, in its own words."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.claim import Claim
from reconciler.core.objects.control import Control
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.live import LiveObject
from reconciler.core.objects.resource import Applied, Listed, Preview, Resource
from reconciler.core.objects.served import Served
from reconciler.core.objects.sync_status import SyncStatus
from reconciler.stop import Stop


class StateStore(Protocol):
    """The memory of one source in the cluster: a ConfigMap or several, and a key in a Secret."""

    @property
    def part_of(self) -> str:
        """The id of the source's set: the value of the label on its objects."""
        ...

    @property
    def secret_key(self) -> bytes:
        """The key that hashes Secrets; made and kept the first time it is written (see save)."""
        ...

    def load(self) -> SourceState:
        """Return what is remembered; an empty state the first time.

        Raises:
            RefusedError: the object is another tool's, of a newer schema, or of another source.
            AccessDeniedError, ClusterError: it cannot be read.
        """
        ...

    def look(self) -> SourceState:
        """Return the same for somebody who only wants to know: another source.

        Raises:
            RefusedError, AccessDeniedError, ClusterError: as for :meth:`load`.
        """
        ...

    def remove(self) -> None:
        """Forget all that was loaded, the key too: the source is no more.

        Raises:
            AccessDeniedError, ClusterError: it cannot be removed, or not all of it.
        """
        ...

    def save(self, state: SourceState) -> bool:
        """Remember a state, with its status; return whether anything was written.

        Nothing is if the bytes are the same. Creates the namespace and the objects if they are
        missing. Somebody else's write in between is noticed by resourceVersion.

        Raises:
            ClusterError: somebody else wrote in between, or the API server failed.
            AccessDeniedError: we may not.
        """
        ...

    def status(self) -> SyncStatus:
        """Return what the source's last sync came to, and nothing else of its memory.

        For whoever waits for another source: in one request. An empty status if it never was
        synced, or if nobody can read what is written there.

        Raises:
            RefusedError: the object is another tool's.
            AccessDeniedError, ClusterError: it cannot be read.
        """
        ...


class Cluster(Protocol):
    """A cluster through its API server. Safe to call from many threads."""

    def uid(self) -> str:
        """Return the first eight hex of the uid of ``kube-system``; ``-`` if we may not read it."""
        ...

    def served(self) -> Served:
        """Return what is served now.

        Raises:
            ClusterError, AccessDeniedError: it cannot be asked.
        """
        ...

    def state(self, source: str) -> StateStore:
        """Return the memory of a source; nothing is asked yet."""
        ...

    def sources(self) -> Mapping[str, str]:
        """Return all sources that have a memory here: the ids of their sets, and their names.

        Raises:
            AccessDeniedError, ClusterError: they cannot be listed.
        """
        ...

    def relabel(self, resource: Resource, live: LiveObject, *, part_of: str) -> None:
        """Let the label of exactly that object (uid and resourceVersion) say another set.

        Raises:
            NotFoundError: it is gone.
            ChangedError: it changed in between.
            AccessDeniedError, ClusterError: it cannot be written.
        """
        ...

    def control(self, source: str) -> Control:
        """Return what people want of a source.

        Raises:
            RefusedError, AccessDeniedError, ClusterError: it cannot be read.
        """
        ...

    def values(self, kind: str, name: str) -> Mapping[str, str]:
        """Return the values of a ``configmap`` or ``secret``.

        It is read in the namespace of our state, or in that of the ServiceAccount that we act as.

        Raises:
            NotFoundError: it is not there.
            RefusedError: one of its values is no text.
            AccessDeniedError, ClusterError: it cannot be read.
        """
        ...

    def own_keys(self) -> frozenset[ObjectKey]:
        """Return the objects that this process runs from, which must never be pruned."""
        ...

    def may_apply(self, resource: Resource, key: ObjectKey, account: ServiceAccount) -> bool:
        """Return whether a ServiceAccount has the rights to change an object.

        Raises:
            AccessDeniedError: we may not act as it.
            ClusterError: the API server failed.
        """
        ...

    def list_metadata(
        self,
        resource: Resource,
        *,
        part_of: str,
        namespaces: Collection[str],
        is_foreign: bool = False,
    ) -> Sequence[LiveObject]:
        """Return the metadata of all objects of a kind with our label, or with another set's.

        Cluster-wide; where that is forbidden, in each of the given namespaces.

        Raises:
            AccessDeniedError: neither is permitted.
            ClusterError: the API server failed.
        """
        ...

    def get(self, resource: Resource, key: ObjectKey) -> Mapping[str, object] | None:
        """Return a whole object, or None if it does not exist."""
        ...

    def apply(
        self,
        resource: Resource,
        desired: DesiredObject,
        claim: Claim,
        *,
        known: LiveObject | None,
        is_confirmed: bool,
    ) -> Applied:
        """Apply an object by server-side apply, as manager ``reconcile``, with our label.

        ``known`` is the object as it was listed, to tell whether anything changed. Fields of others
        are taken as the claim says, and the first time (unless ``is_confirmed``) all that ``kubectl
        apply`` wrote. Replicas that an autoscaler set stay its own. An object with a field that
        cannot be changed is deleted and made anew, if it is marked so.

        Raises:
            RefusedError: a conflict (naming manager and field), or an object that is not valid.
            AccessDeniedError: we may not.
            ClusterError: the API server failed.
        """
        ...

    def preview(self, resource: Resource, desired: DesiredObject, claim: Claim) -> Preview:
        """Return what :meth:`apply` would do, changing nothing."""
        ...

    def delete(self, resource: Resource, live: LiveObject) -> bool:
        """Delete exactly that object (uid and resourceVersion), in the background.

        Returns:
            Whether it was there; False if it was gone already.

        Raises:
            ChangedError: it changed in between.
        """
        ...

    def watch(
        self,
        resource: Resource,
        *,
        part_of: str,
        namespaces: Collection[str],
        timeout_s: float,
        until: Stop,
    ) -> Iterator[Mapping[str, object] | ObjectKey | Listed]:
        """Yield the objects of a kind with our label: all that are there, then every change.

        A deletion is yielded as its key, a list's end as a ``Listed``. Where all namespaces
        together are forbidden, each of the given ones is watched. Connection cuts and expired
        versions are survived, if need be by telling all that are there anew. Ends when the time is
        up, or at once when ``until`` is asked for.

        Raises:
            AccessDeniedError: we may not.
            ClusterError: nothing could be listed, or the time ended without a connection.
        """
        ...

    def pods(self, namespace: str, selector: str) -> Sequence[Mapping[str, object]]:
        """Return pods by a label selector, whole: a hundred at most.

        Raises:
            AccessDeniedError: we may not.
            ClusterError: the API server failed.
        """
        ...

    def warnings(self, namespace: str, uid: str) -> Sequence[str]:
        """Return what was warned of about an object, in events, newest first: a hundred at most.

        Raises:
            AccessDeniedError: we may not.
            ClusterError: the API server failed.
        """
        ...
