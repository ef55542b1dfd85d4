"""Whether who is asked as may do something: whoever is let in may ask that."""

from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.fields import field_of
from reconciler.core.objects.resource import Resource

_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def may_patch(
    connection: Connection, resource: Resource, *, namespace: str, name: str = ""
) -> bool:
    """Return whether an object may be patched, or any of a namespace.

    Raises:
        ImpersonationError: we may not act as who is asked as.
        AccessDeniedError, ClusterError: it cannot be asked.
    """
    right = {
        "namespace": namespace if resource.is_namespaced else "",
        "verb": "patch",
        "group": resource.group,
        "resource": resource.plural,
        "name": name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {field: value for field, value in right.items() if value}},
    }
    answer = connection.request("POST", _REVIEWS, body=body).body
    return field_of(answer, "status", "allowed") is True
