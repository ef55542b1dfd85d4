"""A cluster as the sync stage sees it."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final, Self

from reconciler.adapters.cluster.apply import Application
from reconciler.adapters.cluster.belonging import names_of_sources, relabel
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.control import ConfigMapControls
from reconciler.adapters.cluster.discovery import Discovery
from reconciler.adapters.cluster.events import ClusterEvents
from reconciler.adapters.cluster.failures import ImmutableError
from reconciler.adapters.cluster.leases import Leases
from reconciler.adapters.cluster.live_memory import LiveMemory
from reconciler.adapters.cluster.own import keys_of_ours
from reconciler.adapters.cluster.paging import pages
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.adapters.cluster.pull_secrets import ClusterPullSecrets
from reconciler.adapters.cluster.renewal import Renewal
from reconciler.adapters.cluster.reports import pods_of, warnings_about
from reconciler.adapters.cluster.rights import may_patch
from reconciler.adapters.cluster.store import ConfigMapStore
from reconciler.adapters.cluster.values import values_of
from reconciler.adapters.cluster.watch import Watch
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.claim import Claim
from reconciler.core.objects.control import Control
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.live import LiveObject, read_live
from reconciler.core.objects.report import Action
from reconciler.core.objects.resource import Applied, Listed, Preview, Resource
from reconciler.core.objects.served import Served
from reconciler.errors import AccessDeniedError, NotFoundError, RefusedError
from reconciler.settings import ClusterSettings
from reconciler.stop import Stop

NO_DRY_RUN: Final = "does not support dry run"  # of a webhook that has side effects

_PARTIAL: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_CREATED: Final = 201

Item = Mapping[str, Any]


class KubernetesCluster:
    """A cluster through its API server. Safe to call from many threads.

    What is ours (memory, what the API server serves, which cluster it is) is asked for by
    ourselves; a source's objects and what its manifests name, by the source's ServiceAccount, if it
    has one: then it can do no more than that.
    """

    def __init__(
        self,
        own: Connection,
        *,
        namespace: str,
        stop: Stop | None = None,
        account: ServiceAccount | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        """Ask nothing yet.

        Args:
            own: with our own rights.
            namespace: where our memory is.
            stop: ends waits for an API server that is busy.
            account: whom to act as; None: nobody else.
            discovery: what is known of the API server already.

        Raises:
            SettingsError: the kubeconfig has us act as somebody else already.
        """
        self._own = own
        self._connection = own.acting_as(account) if account else own
        self._account = account
        self._namespace = namespace
        self._stop = stop or Stop()
        self._discovery = discovery or Discovery(own)
        self._seen = LiveMemory()

    @classmethod
    def connect(cls, settings: ClusterSettings, *, stop: Stop | None = None) -> Self:
        """Return the cluster of the settings; nothing is asked yet.

        Args:
            settings: which cluster.
            stop: ends waits for an API server that is busy.

        Raises:
            SettingsError: there is no configuration, or it cannot be used.
        """
        connection = Connection.open(settings, stop=stop)
        return cls(connection, namespace=settings.namespace, stop=stop)

    def acting_as(self, account: ServiceAccount | None) -> Self:
        """Return the same cluster, for a source that acts as a ServiceAccount; this one for None.

        Raises:
            SettingsError: the kubeconfig has us act as somebody else already.
        """
        if account is None:
            return self
        return type(self)(
            self._own,
            namespace=self._namespace,
            stop=self._stop,
            account=account,
            discovery=self._discovery,
        )

    def close(self) -> None:
        """Close all connections."""
        self._own.close()

    def uid(self) -> str:
        """Return the first eight hex of the uid of ``kube-system``; ``-`` if we may not read it.

        Raises:
            ClusterError: the API server failed.
        """
        try:
            item = self._own.request("GET", "/api/v1/namespaces/kube-system").body
        except (AccessDeniedError, NotFoundError):
            return "-"
        return str(item["metadata"]["uid"])[:8]

    def served(self) -> Served:
        """Return what is served now.

        Raises:
            ClusterError, AccessDeniedError: it cannot be asked.
        """
        return self._discovery.served()

    def state(self, source: str) -> ConfigMapStore:
        """Return the memory of a source; nothing is asked yet."""
        return ConfigMapStore(self._own, namespace=self._namespace, source=source)

    def sources(self) -> Mapping[str, str]:
        """Return all sources that have a memory here: the ids of their sets, and their names.

        Raises:
            AccessDeniedError, ClusterError: they cannot be listed.
        """
        return names_of_sources(self._own, self._namespace)

    def controls(self) -> ConfigMapControls:
        """Return what people want of all sources; nothing is asked yet."""
        return ConfigMapControls(self._own, namespace=self._namespace)

    def leases(self) -> Leases:
        """Return the leases of all sources; nothing is asked yet."""
        return Leases(self._own, namespace=self._namespace)

    def events(self) -> ClusterEvents:
        """Return where events about its workloads are written; nothing is asked yet."""
        return ClusterEvents(self._connection, self._discovery)

    def control(self, source: str) -> Control:
        """Return what people want of a source, see the port."""
        return self.controls().of(source)

    def relabel(self, resource: Resource, live: LiveObject, *, part_of: str) -> None:
        """Let the label of exactly that object say another set, see the port."""
        relabel(self._connection, resource, live, part_of=part_of)

    def pull_secrets(self) -> ClusterPullSecrets:
        """Return its registry secrets; nothing is asked yet."""
        return ClusterPullSecrets(lambda: self._connection)

    def values(self, kind: str, name: str) -> Mapping[str, str]:
        """Return the values of a ``configmap`` or ``secret``.

        It is read in the namespace of our state, or in that of the ServiceAccount that we act as.

        Raises:
            NotFoundError: it is not there.
            RefusedError: one of its values is no text.
            AccessDeniedError, ClusterError: it cannot be read.
        """
        namespace = self._account.namespace if self._account else self._namespace
        return values_of(self._connection, kind, namespace=namespace, name=name)

    def own_keys(self) -> frozenset[ObjectKey]:
        """Return the objects that this process runs from, which must never be deleted."""
        return keys_of_ours(self._namespace)

    def may_apply(self, resource: Resource, key: ObjectKey, account: ServiceAccount) -> bool:
        """Return whether a ServiceAccount has the rights to change an object.

        Raises:
            AccessDeniedError: we may not act as it.
            ClusterError: the API server failed.
        """
        acting = self._own.acting_as(account)
        return may_patch(acting, resource, namespace=key.namespace, name=key.name)

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
        selector = f"{PART_OF_LABEL}={part_of}"
        if is_foreign:
            selector = f"{PART_OF_LABEL},{PART_OF_LABEL}!={part_of}"

        def listed(namespace: str) -> list[LiveObject]:
            query = {"labelSelector": selector}
            path = collection_path(resource, namespace)
            found = pages(self._connection, path, query, accept=_PARTIAL)
            items = (item for page in found for item in page.get("items") or [])
            return self._seen.read((path, selector), items, group_kind=resource.group_kind)

        return _wide_or_narrow(listed, resource, namespaces)

    def get(self, resource: Resource, key: ObjectKey) -> Item | None:
        """Return a whole object, or None if it does not exist."""
        path = object_path(resource, namespace=key.namespace, name=key.name)
        try:
            return self._connection.request("GET", path).body
        except NotFoundError:
            return None

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

        Fields of others are taken if the claim says so; the replicas that an autoscaler has set are
        left to it. What ``kubectl apply`` once wrote from the client becomes ours whole (then the
        object is sent a second time). Where a field cannot be changed, an object that is marked so
        is deleted and made anew.

        Args:
            resource: who serves it.
            desired: what to send.
            claim: in whose name, and whose fields it takes.
            known: the object as it was listed under our label, if it was.
            is_confirmed: whether an earlier apply of ours came to its end.

        Raises:
            RefusedError: a conflict (naming manager and field), or an object that is not valid.
            AccessDeniedError: we may not.
            ClusterError: the API server failed.
        """
        sending = Application.of(self._connection, resource, desired, claim)
        try:
            sent, why = sending.send(), ""
        except ImmutableError as error:
            sent, why = self._renewal(sending, desired).settle(error)
        is_created, item = sent.answer.status == _CREATED, sent.answer.body
        is_new_to_us = known is None or not is_confirmed
        if is_new_to_us and not is_created and sending.take_over(item):
            item = sending.send().answer.body
        live = read_live(item, group_kind=resource.group_kind)
        is_same = known is not None and known.resource_version == live.resource_version
        changed = Action.CREATED if is_created and not why else Action.CONFIGURED
        action = Action.UNCHANGED if is_same else changed
        return Applied(action, live, item, taken_from=sent.taken_from, reason=why)

    def preview(self, resource: Resource, desired: DesiredObject, claim: Claim) -> Preview:
        """Return what :meth:`apply` would do, changing nothing.

        Raises:
            NotFoundError: its namespace is not there.
            RefusedError, AccessDeniedError, ClusterError: see :meth:`apply`.
        """
        before = self.get(resource, desired.key)
        trial = Application.of(self._connection, resource, desired, claim, is_dry_run=True)
        try:
            return Preview(before, trial.send().answer.body)
        except ImmutableError as error:
            renewal = self._renewal(trial, desired)
            why = renewal.permitted(renewal.look(), error)
            return Preview(before, trial.body, reason=why)
        except RefusedError as error:
            if NO_DRY_RUN not in error.message:
                raise
            message = f"cannot be tried without being done ({error.message}): a sync would send it"
            raise RefusedError(message) from error

    def _renewal(self, sending: Application, desired: DesiredObject) -> Renewal:
        is_own = desired.key in self.own_keys()
        return Renewal(self._connection, sending, desired, self._stop, is_own=is_own)

    def delete(self, resource: Resource, live: LiveObject) -> bool:
        """Delete exactly that object (uid and resourceVersion), in the background.

        Returns:
            Whether it was there; False if it was gone already.

        Raises:
            ChangedError: it changed in between.
        """
        path = object_path(resource, namespace=live.key.namespace, name=live.key.name)
        preconditions = {"uid": live.uid, "resourceVersion": live.resource_version}
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        }
        try:
            self._connection.request("DELETE", path, body=body)
        except NotFoundError:
            return False
        return True

    def watch(
        self,
        resource: Resource,
        *,
        part_of: str,
        namespaces: Collection[str],
        timeout_s: float,
        until: Stop,
    ) -> Iterator[Item | ObjectKey | Listed]:
        """Yield the objects of a kind with our label: all that are there, then every change.

        See :meth:`Watch.told`, for its errors too. Ends when the time is up or ``until`` is asked
        for.
        """
        watch = Watch(
            self._connection,
            resource,
            selector=f"{PART_OF_LABEL}={part_of}",
            deadline=time.monotonic() + timeout_s,
            until=until,
        )
        return watch.told(namespaces)

    def pods(self, namespace: str, selector: str) -> Sequence[Item]:
        """Return pods by a label selector, whole: a hundred at most.

        Raises:
            AccessDeniedError: we may not.
            ClusterError: the API server failed.
        """
        return pods_of(self._connection, namespace, selector)

    def warnings(self, namespace: str, uid: str) -> Sequence[str]:
        """Return what was warned of about an object, in events, newest first: a hundred at most.

        Raises:
            AccessDeniedError: we may not.
            ClusterError: the API server failed.
        """
        return warnings_about(self._connection, namespace, uid)


def _wide_or_narrow(
    listed: Callable[[str], list[LiveObject]], resource: Resource, namespaces: Collection[str]
) -> list[LiveObject]:
    try:
        return listed("")
    except AccessDeniedError:
        if not (resource.is_namespaced and namespaces):
            raise
        return [live for namespace in sorted(namespaces) for live in listed(namespace)]
