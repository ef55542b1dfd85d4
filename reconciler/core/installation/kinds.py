"""The kinds of which an installation has objects, and in which order they are made."""

from collections.abc import Mapping
from typing import Final

from reconciler.core.objects.fields import field_of, text_of
from reconciler.core.objects.identity import ObjectKey, split_api_version
from reconciler.core.objects.resource import Resource
from reconciler.errors import RefusedError

_RBAC: Final = "rbac.authorization.k8s.io"

NAMESPACE: Final = Resource("", "v1", "Namespace", "namespaces", is_namespaced=False)
CONFIG_MAP: Final = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
SECRET: Final = Resource("", "v1", "Secret", "secrets", is_namespaced=True)
LEASE: Final = Resource("coordination.k8s.io", "v1", "Lease", "leases", is_namespaced=True)
DEPLOYMENT: Final = Resource("apps", "v1", "Deployment", "deployments", is_namespaced=True)

IN_ORDER: Final = (
    NAMESPACE,
    Resource("", "v1", "ServiceAccount", "serviceaccounts", is_namespaced=True),
    Resource(_RBAC, "v1", "ClusterRole", "clusterroles", is_namespaced=False),
    Resource(_RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", is_namespaced=False),
    Resource(_RBAC, "v1", "Role", "roles", is_namespaced=True),
    Resource(_RBAC, "v1", "RoleBinding", "rolebindings", is_namespaced=True),
    CONFIG_MAP,
    SECRET,
    Resource("", "v1", "Service", "services", is_namespaced=True),
    DEPLOYMENT,
    LEASE,
)
"""A pod is made when all is there that it reads."""

_BY_KIND: Final = {(each.group, each.kind): each for each in IN_ORDER}
_PLACES: Final = {each.group_kind: place for place, each in enumerate(IN_ORDER)}


def resource_of(key: ObjectKey) -> Resource:
    """Return how an object's kind is served.

    Raises:
        RefusedError: an installation has no objects of the kind.
    """
    found = _BY_KIND.get((key.group, key.kind))
    if found is None:
        raise RefusedError(f"an installation has no {key.kind}", where=str(key))
    return found


def is_of_ours(key: ObjectKey) -> bool:
    """Whether an installation has objects of that kind, with a namespace or without as it is."""
    found = _BY_KIND.get((key.group, key.kind))
    return found is not None and found.is_namespaced == bool(key.namespace)


def key_of(body: Mapping[str, object]) -> ObjectKey:
    """Return which object a body is."""
    group, _ = split_api_version(text_of(body.get("apiVersion")))
    namespace = text_of(field_of(body, "metadata", "namespace"))
    name = text_of(field_of(body, "metadata", "name"))
    return ObjectKey(group, text_of(body.get("kind")), namespace, name)


def place_of(key: ObjectKey) -> tuple[int, ObjectKey]:
    """Return an object's place in the order in which all are made."""
    return _PLACES.get(key.group_kind, len(_PLACES)), key
