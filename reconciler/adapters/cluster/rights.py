"""Whether who is asked as may do something: whoever is let in may ask that."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.fields import field_of
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.right import Right

WORKERS: Final = 8
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def may(connection: Connection, right: Right) -> bool:
    """Return whether who is asked as has a right.

    Raises:
        ImpersonationError: we may not act as who is asked as.
        AccessDeniedError, ClusterError: it cannot be asked.
    """
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": right.attributes},
    }
    answer = connection.request("POST", _REVIEWS, body=body).body
    return field_of(answer, "status", "allowed") is True


def lacking(connection: Connection, rights: Iterable[Right]) -> list[Right]:
    """Return the rights that who is asked as does not have, in their order.

    Raises:
        ImpersonationError, AccessDeniedError, ClusterError: as for :func:`may`.
    """
    asked = list(rights)
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="rights") as workers:
        answers = list(workers.map(lambda right: may(connection, right), asked))
    return [right for right, is_held in zip(asked, answers, strict=True) if not is_held]


def may_patch(
    connection: Connection, resource: Resource, *, namespace: str, name: str = ""
) -> bool:
    """Return whether an object may be patched, or any of a namespace.

    Raises:
        ImpersonationError: we may not act as who is asked as.
        AccessDeniedError, ClusterError: it cannot be asked.
    """
    where = namespace if resource.is_namespaced else ""
    return may(connection, Right(resource.group, resource.plural, where, "patch", name))
