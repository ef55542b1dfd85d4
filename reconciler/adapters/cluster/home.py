"""The namespace of our memory, which is made if it is missing."""

import contextlib
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.objects.resource import Resource
from reconciler.errors import ChangedError, NotFoundError

_NAMESPACE: Final = Resource("", "v1", "Namespace", "namespaces", is_namespaced=False)
_LABELS: Final = {"app.kubernetes.io/managed-by": "reconcile"}


def ensure_namespace(connection: Connection, name: str) -> None:
    """Make a namespace if it is missing.

    Raises:
        AccessDeniedError, ClusterError: it cannot be looked for, or not be made.
    """
    try:
        connection.request("GET", object_path(_NAMESPACE, namespace="", name=name))
    except NotFoundError:
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": _LABELS},
        }
        with contextlib.suppress(ChangedError):  # somebody else was first
            connection.request("POST", "/api/v1/namespaces", body=body)
