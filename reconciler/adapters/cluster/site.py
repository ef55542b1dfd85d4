"""A cluster where we are installed: single objects, made and removed with a person's rights."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.discovery import Discovery
from reconciler.adapters.cluster.on_demand import OnDemand
from reconciler.adapters.cluster.paging import pages
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.adapters.cluster.rights import lacking
from reconciler.adapters.cluster.store import PREFIX
from reconciler.core.installation.kinds import CONFIG_MAP, DEPLOYMENT, LEASE, SECRET, resource_of
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.right import Right
from reconciler.errors import AccessDeniedError, NotFoundError, RefusedError
from reconciler.settings import ClusterSettings

FIELD_MANAGER: Final = "reconcile-install"
_APPLY: Final = "application/apply-patch+yaml"
_PARTIAL: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_MEMORY: Final = "app.kubernetes.io/managed-by=reconcile"
_PASSING: Final = frozenset({"Event", "Endpoints", "EndpointSlice", "PodMetrics", "ReplicaSet"})
"""Kinds that come and go by themselves, or with what they belong to."""

_OF_EACH_NAMESPACE: Final = frozenset(
    {("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default")}
)

_ENOUGH: Final = 10
"""Objects of a kind that are told: one suffices to keep a namespace."""

Item = Mapping[str, Any]


class ClusterSite:
    """The cluster of the settings, as whoever runs this may use it."""

    def __init__(self, settings: ClusterSettings) -> None:
        """Ask nothing yet."""
        self._connections = OnDemand(settings)

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def live(self, key: ObjectKey) -> Item | None:
        """Return an object as it is; see the port."""
        try:
            return self._own.request("GET", _path(key)).body
        except NotFoundError:
            return None

    def apply(self, key: ObjectKey, body: Item, *, is_dry_run: bool) -> Item:
        """Make or change an object; see the port. Whose it is has been looked at before."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        query |= {"dryRun": "All"} if is_dry_run else {}
        answer = self._own.request("PATCH", _path(key), query=query, body=body, content_type=_APPLY)
        return answer.body

    def delete(self, key: ObjectKey, item: Item) -> None:
        """Delete exactly that object; see the port."""
        is_waited_for = key.group_kind == DEPLOYMENT.group_kind  # it ends after its pods
        body = {
            "propagationPolicy": "Foreground" if is_waited_for else "Background",
            "preconditions": {"uid": item["metadata"]["uid"]},
        }
        with contextlib.suppress(NotFoundError):
            self._own.request("DELETE", _path(key), body=body)

    def lacking(self, rights: Sequence[Right]) -> Sequence[Right]:
        """Return the rights that we do not have; see the port."""
        return lacking(self._own, rights)

    def memories(self, namespace: str) -> Sequence[ObjectKey]:
        """Return what the sources keep in a namespace; see the port."""
        return [
            key
            for resource in (CONFIG_MAP, SECRET, LEASE)
            for key in self._listed(resource, namespace, {"labelSelector": _MEMORY})
            if key.name.startswith(PREFIX)
        ]

    def contents(self, namespace: str) -> Sequence[ObjectKey]:
        """Return what is in a namespace; see the port. What may not be listed may be there."""
        found: dict[ObjectKey, None] = {}
        seen: set[tuple[str, str]] = set()
        for resource in Discovery(self._own).served().resources.values():
            kind = (resource.group, resource.kind)
            is_passing = resource.kind in _PASSING or not resource.is_kept
            if kind in seen or is_passing or not resource.is_namespaced:
                continue
            seen.add(kind)
            with contextlib.suppress(NotFoundError, RefusedError):  # of a kind just gone
                some = self._listed(resource, namespace, {})
                found.update(dict.fromkeys(islice(some, _ENOUGH)))
        return [key for key in found if (key.kind, key.name) not in _OF_EACH_NAMESPACE]

    @property
    def _own(self) -> Connection:
        return self._connections.get()

    def _listed(
        self, resource: Resource, namespace: str, query: Mapping[str, str]
    ) -> Iterator[ObjectKey]:
        path = collection_path(resource, namespace)
        try:
            for page in pages(self._own, path, query, accept=_PARTIAL):
                for item in page.get("items") or []:
                    name = str(item["metadata"]["name"])
                    yield ObjectKey(resource.group, resource.kind, namespace, name)
        except AccessDeniedError as error:
            what = f"{resource.plural} in namespace {namespace}"
            raise AccessDeniedError(
                f"cannot be looked through: {error.message}", where=what
            ) from error


def _path(key: ObjectKey) -> str:
    return object_path(resource_of(key), namespace=key.namespace, name=key.name)
