"""Keeps leases in the cluster: one a source, beside its memory."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.home import ensure_namespace
from reconciler.adapters.cluster.paging import pages
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.adapters.cluster.store import PREFIX
from reconciler.core.lease import LEASE_S, LeaseRecord
from reconciler.core.objects.fields import field_of, number_of, text_of
from reconciler.core.objects.live import FIELD_MANAGER
from reconciler.core.objects.resource import Resource
from reconciler.errors import NotFoundError

LABEL: Final = "reconcile/lease"
_LEASE: Final = Resource("coordination.k8s.io", "v1", "Lease", "leases", is_namespaced=True)
_LABELS: Final = {"app.kubernetes.io/managed-by": "reconcile", LABEL: "true"}


class Leases:
    """The leases ``reconcile-<source>`` of a namespace.

    A write that somebody else came before fails: two can never hold a lease at the same time.
    """

    def __init__(self, connection: Connection, *, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace

    def all(self) -> Mapping[str, LeaseRecord]:
        """Return the leases by source, in one request.

        Raises:
            AccessDeniedError, ClusterError: they cannot be read.
        """
        path = collection_path(_LEASE, self._namespace)
        found: dict[str, LeaseRecord] = {}
        for page in pages(self._connection, path, {"labelSelector": LABEL}):
            for item in page.get("items") or []:
                name = str(item["metadata"]["name"])
                found[name.removeprefix(PREFIX)] = _record(item)
        return found

    def write(self, source: str, before: LeaseRecord | None, holder: str) -> LeaseRecord:
        """Write who holds a lease, and that he holds it from now on; return what stands there.

        Args:
            source: whose lease.
            before: what was read of it; None: there was none.
            holder: who holds it; empty: nobody does any more.

        Raises:
            ChangedError: somebody else has written since.
            AccessDeniedError, ClusterError: it cannot be written.
        """
        name = f"{PREFIX}{source}"
        transitions = before.transitions if before else 0
        is_other = before is not None and bool(holder) and before.holder != holder
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": self._namespace,
            "labels": _LABELS,
        }
        if before is not None:
            metadata["resourceVersion"] = before.version
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": round(LEASE_S),
                "renewTime": now,
                "leaseTransitions": transitions + is_other,
            },
        }
        query = {"fieldManager": FIELD_MANAGER}
        if before is None:
            return self._made(body, query)
        path = object_path(_LEASE, namespace=self._namespace, name=name)
        return _record(self._connection.request("PUT", path, body=body, query=query).body)

    def _made(self, body: Mapping[str, Any], query: Mapping[str, str]) -> LeaseRecord:
        path = collection_path(_LEASE, self._namespace)
        try:
            answer = self._connection.request("POST", path, body=body, query=query)
        except NotFoundError:
            ensure_namespace(self._connection, self._namespace)
            answer = self._connection.request("POST", path, body=body, query=query)
        return _record(answer.body)


def _record(item: Mapping[str, Any]) -> LeaseRecord:
    return LeaseRecord(
        text_of(field_of(item, "spec", "holderIdentity")),
        float(number_of(field_of(item, "spec", "leaseDurationSeconds"), round(LEASE_S))),
        text_of(field_of(item, "metadata", "resourceVersion")),
        number_of(field_of(item, "spec", "leaseTransitions"), 0),
    )
