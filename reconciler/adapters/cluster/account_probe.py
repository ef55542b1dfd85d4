"""Tries what a ServiceAccount may do, by acting as it."""

from collections.abc import Callable
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.fields import field_of
from reconciler.core.objects.resource import Resource
from reconciler.errors import AccessDeniedError, NotFoundError

_ACCOUNT: Final = Resource("", "v1", "ServiceAccount", "serviceaccounts", is_namespaced=True)
_REVIEWS: Final = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class ClusterAccountProbe:
    """Asks the API server as the ServiceAccount; whoever is let in may ask what it may do."""

    def __init__(self, connection: Callable[[], Connection], account: ServiceAccount) -> None:
        """Ask nothing yet.

        Args:
            connection: gives a connection that acts as the account.
            account: which.
        """
        self._connection = connection
        self._account = account

    def may_apply(self) -> bool:
        """Return whether it may apply Deployments in its own namespace.

        Raises:
            ImpersonationError: we may not act as it.
            SettingsError: there is no cluster.
            AccessDeniedError, ClusterError: it cannot be asked.
        """
        right = {
            "namespace": self._account.namespace,
            "verb": "patch",
            "group": "apps",
            "resource": "deployments",
        }
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": right},
        }
        answer = self._connection().request("POST", _REVIEWS, body=body).body
        return field_of(answer, "status", "allowed") is True

    def is_missing(self) -> bool:
        """Return whether it is known that there is no such ServiceAccount: few may look.

        Raises:
            ClusterError: it cannot be asked.
        """
        names = self._account.namespace, self._account.name
        try:
            self._connection().request(
                "GET", object_path(_ACCOUNT, namespace=names[0], name=names[1])
            )
        except AccessDeniedError:
            return False
        except NotFoundError:
            return True
        return False
