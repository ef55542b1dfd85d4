"""Writes Kubernetes Events beside workloads, where ``kubectl describe`` shows them."""

import socket
import uuid
from datetime import UTC, datetime
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.discovery import Discovery
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.resource import Resource
from reconciler.core.workload_events import WorkloadEvent
from reconciler.errors import NotFoundError

CONTROLLER: Final = "reconcile"
MAX_INSTANCE: Final = 128
_EVENT: Final = Resource("events.k8s.io", "v1", "Event", "events", is_namespaced=True)
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


class ClusterEvents:
    """Events of ``events.k8s.io/v1``; a repetition is counted in the first one's series."""

    def __init__(self, connection: Connection, discovery: Discovery) -> None:
        self._connection = connection
        self._discovery = discovery

    def write(self, event: WorkloadEvent) -> str:
        """Write an event about a workload; return its name, or nothing if that is not there.

        Raises:
            AccessDeniedError, ClusterError: it cannot be written.
        """
        regarding = self._regarding(event.workload)
        if regarding is None:
            return ""
        key, name = (
            event.workload,
            f"{event.workload.name[:200].rstrip('.-')}.{uuid.uuid4().hex[:16]}",
        )
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": key.namespace},
            "eventTime": _now(),
            "reportingController": CONTROLLER,
            "reportingInstance": socket.gethostname()[:MAX_INSTANCE],
            "action": event.action,
            "reason": event.reason,
            "note": event.note,
            "type": "Warning" if event.is_warning else "Normal",
            "regarding": regarding,
        }
        self._connection.request("POST", collection_path(_EVENT, key.namespace), body=body)
        return name

    def repeat(self, event: WorkloadEvent, name: str, count: int) -> None:
        """Say of an event that was written how often it has been seen by now.

        Raises:
            NotFoundError: the API server has forgotten it; it keeps events for an hour.
            AccessDeniedError, ClusterError: it cannot be written.
        """
        path = object_path(_EVENT, namespace=event.workload.namespace, name=name)
        body = {"series": {"count": count, "lastObservedTime": _now()}}
        content = "application/merge-patch+json"
        self._connection.request("PATCH", path, body=body, content_type=content)

    def _regarding(self, key: ObjectKey) -> dict[str, Any] | None:
        """Return a reference to an object as it is now; ``kubectl describe`` looks for its uid."""
        found = (
            each
            for each in self._discovery.served().resources.values()
            if each.group_kind == key.group_kind
        )
        resource = next(found, None)
        if resource is None:
            return None
        path = object_path(resource, namespace=key.namespace, name=key.name)
        try:
            item = self._connection.request("GET", path, accept=_METADATA).body
        except NotFoundError:
            return None
        version = f"{resource.group}/{resource.version}" if resource.group else resource.version
        return {
            "apiVersion": version,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "uid": item["metadata"]["uid"],
        }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
