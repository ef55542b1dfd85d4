"""To which source objects belong: the sources that there are, and the label that says it."""

from collections.abc import Mapping
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.adapters.cluster.store import PREFIX, is_ours
from reconciler.core.objects.applyset import ID_LABEL, PART_OF_LABEL, applyset_id
from reconciler.core.objects.live import FIELD_MANAGER, LiveObject
from reconciler.core.objects.resource import Resource

_CONFIG_MAP: Final = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
_PARTIAL: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def names_of_sources(connection: Connection, namespace: str) -> Mapping[str, str]:
    """Return the sources that have a memory in a namespace: the ids of their sets, and their names.

    Raises:
        AccessDeniedError, ClusterError: they cannot be listed.
    """
    path, query = collection_path(_CONFIG_MAP, namespace), {"labelSelector": ID_LABEL}
    items = connection.request("GET", path, query=query, accept=_PARTIAL).body.get("items") or []
    names = [str(item["metadata"]["name"]) for item in items if is_ours(item)]
    return {
        applyset_id(name=name, namespace=namespace): name.removeprefix(PREFIX)
        for name in names
        if name.startswith(PREFIX)
    }


def relabel(connection: Connection, resource: Resource, live: LiveObject, *, part_of: str) -> None:
    """Let the label of exactly that object (uid and resourceVersion) say another set.

    Raises:
        NotFoundError: it is gone.
        ChangedError: it changed in between.
        AccessDeniedError, ClusterError, RefusedError: it cannot be written.
    """
    path = object_path(resource, namespace=live.key.namespace, name=live.key.name)
    metadata = {
        "uid": live.uid,
        "resourceVersion": live.resource_version,
        "labels": {PART_OF_LABEL: part_of},
    }
    connection.request(
        "PATCH",
        path,
        body={"metadata": metadata},
        query={"fieldManager": FIELD_MANAGER},
        content_type="application/merge-patch+json",
    )
