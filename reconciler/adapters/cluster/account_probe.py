"""Tries what a ServiceAccount may do, by acting as it."""

from collections.abc import Callable
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paths import object_path
from reconciler.adapters.cluster.rights import may_patch
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.resource import Resource
from reconciler.errors import AccessDeniedError, NotFoundError

_ACCOUNT: Final = Resource("", "v1", "ServiceAccount", "serviceaccounts", is_namespaced=True)
_DEPLOYMENT: Final = Resource("apps", "v1", "Deployment", "deployments", is_namespaced=True)


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
        namespace = self._account.namespace
        return may_patch(self._connection(), _DEPLOYMENT, namespace=namespace)

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
