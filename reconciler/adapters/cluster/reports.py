"""What the cluster reports of workloads: their pods, and events about them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.fields import text_of

LIMIT: Final = "100"


def pods_of(connection: Connection, namespace: str, selector: str) -> Sequence[Mapping[str, Any]]:
    """Return pods by a label selector, whole: a hundred at most."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    query = {"labelSelector": selector, "limit": LIMIT}
    return list(connection.request("GET", path, query=query).body.get("items") or [])


def warnings_about(connection: Connection, namespace: str, uid: str) -> Sequence[str]:
    """Return ``reason: message`` of the warnings about an object, newest first: a hundred at most.

    Events are sent in one of two forms, and answered in the older one; a newer one has no
    ``lastTimestamp`` but an ``eventTime``.
    """
    path = f"/api/v1/namespaces/{namespace}/events"
    query = {"fieldSelector": f"involvedObject.uid={uid},type=Warning", "limit": LIMIT}
    events = list(connection.request("GET", path, query=query).body.get("items") or [])
    events.sort(key=_time, reverse=True)
    return [f"{text_of(each.get('reason'))}: {text_of(each.get('message'))}" for each in events]


def _time(event: Mapping[str, Any]) -> str:
    return text_of(event.get("lastTimestamp")) or text_of(event.get("eventTime"))
