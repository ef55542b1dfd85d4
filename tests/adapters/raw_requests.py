"""Requests to the lab's API server as other programs send them."""

from collections.abc import Mapping
from typing import Any

from lab.cluster import Cluster
from reconciler.adapters.cluster.connection import Connection
from reconciler.settings import ClusterSettings

JSON = "application/json"
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

_PLURALS = {"NetworkPolicy": "networkpolicies", "Ingress": "ingresses"}


class Raw:
    """An API server asked directly, as an administrator.

    Args:
        cluster: whose API server.
        namespace: where paths that are given by kind lead.
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._connection = Connection.open(ClusterSettings(kubeconfig=cluster.kubeconfig))
        self.namespace = namespace

    def path(self, kind: str, name: str = "", api_version: str = "v1") -> str:
        """Return the path of a namespaced object, or of all of its kind."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        plural = _PLURALS.get(kind, f"{kind.lower()}s")
        whole = f"{root}/namespaces/{self.namespace}/{plural}"
        return f"{whole}/{name}" if name else whole

    def make_namespace(self, name: str) -> None:
        """Make a namespace."""
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self._connection.request("POST", "/api/v1/namespaces", body=body)

    def get(self, path: str) -> Mapping[str, Any]:
        """Return what stands at a path."""
        return self._connection.request("GET", path).body

    def post(self, path: str, body: object, *, manager: str = "other") -> Mapping[str, Any]:
        """Make an object."""
        query = {"fieldManager": manager}
        return self._connection.request("POST", path, body=body, query=query).body

    def put(self, path: str, body: object, *, manager: str = "other") -> Mapping[str, Any]:
        """Replace an object."""
        query = {"fieldManager": manager}
        return self._connection.request("PUT", path, body=body, query=query).body

    def patch(
        self,
        path: str,
        body: object,
        *,
        kind: str = MERGE_PATCH,
        manager: str = "other",
        **more: str,
    ) -> Mapping[str, Any]:
        """Patch an object."""
        return self._connection.request(
            "PATCH", path, body=body, query={"fieldManager": manager, **more}, content_type=kind
        ).body

    def delete(self, path: str) -> None:
        """Delete an object."""
        self._connection.request("DELETE", path)

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()
