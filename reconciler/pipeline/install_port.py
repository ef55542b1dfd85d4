"""What installing and uninstalling need from a cluster, in their own words."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.right import Right

Item = Mapping[str, Any]


class Site(Protocol):
    """A cluster where we are installed.

    Raises:
        SettingsError: from each of its methods: there is no cluster.
        AccessDeniedError: likewise: we may not.
        ClusterError: likewise: the API server failed, or did not answer.
    """

    def live(self, key: ObjectKey) -> Item | None:
        """Return an object as it is; None if it is not there."""
        ...

    def apply(self, key: ObjectKey, body: Item, *, is_dry_run: bool) -> Item:
        """Make or change an object by server-side apply, and return it as it is then.

        Raises:
            NotFoundError: its namespace is not there, or, in a dry run, the role that it binds.
            RefusedError: the API server declined it.
        """
        ...

    def delete(self, key: ObjectKey, item: Item) -> None:
        """Delete exactly that object; a Deployment is there until its pods have ended.

        Raises:
            ChangedError: it is another one meanwhile.
        """
        ...

    def lacking(self, rights: Sequence[Right]) -> Sequence[Right]:
        """Return the rights that we do not have, in their order."""
        ...

    def memories(self, namespace: str) -> Sequence[ObjectKey]:
        """Return what the sources keep in a namespace: ConfigMaps, Secrets and Leases."""
        ...

    def contents(self, namespace: str) -> Sequence[ObjectKey]:
        """Return what is in a namespace, but for what each namespace has by itself."""
        ...
