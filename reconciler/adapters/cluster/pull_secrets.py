"""Reads registry secrets by name, and the names that ServiceAccounts give."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.failures import ForbiddenError
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.images.pull_secret import PullSecret
from reconciler.core.objects.resource import Resource
from reconciler.core.redaction import Secret
from reconciler.errors import AccessDeniedError, NotFoundError, RefusedError

_SECRET: Final = Resource("", "v1", "Secret", "secrets", is_namespaced=True)
_ACCOUNT: Final = Resource("", "v1", "ServiceAccount", "serviceaccounts", is_namespaced=True)
_KEYS: Final = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
"""Type of a Secret, and under which key it has its docker config: the kubelet looks at no others
(``pkg/credentialprovider/secrets``, ``MakeDockerKeyring``)."""
_LEGACY: Final = "kubernetes.io/dockercfg"
_NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_MAX_SHOWN: Final = 100


class ClusterPullSecrets:
    """The registry secrets of a cluster. Asks for single objects, never for lists.

    Safe to use from many threads.
    """

    def __init__(self, connection: Callable[[], Connection]) -> None:
        """Ask nothing yet.

        Args:
            connection: gives the connection; called at every read, so that none is opened before.
        """
        self._connection = connection

    def pull_secret(self, namespace: str, name: str) -> PullSecret:
        """Return a Secret that pods can pull images with.

        Raises:
            NotFoundError: it is not there.
            RefusedError: it is of another type, or holds nothing that can be read.
            AccessDeniedError: we may not read it.
            ClusterError: the API server failed, or did not answer in time.
            SettingsError: the cluster's configuration cannot be used.
        """
        item = self._get(_SECRET, namespace, name)
        kind = str(item.get("type") or "Opaque")
        key = _KEYS.get(kind)
        if key is None:
            wanted = " or ".join(_KEYS)
            raise RefusedError(f"its type is {kind[:_MAX_SHOWN]!r}; {wanted} is needed")
        content = _decoded((item.get("data") or {}).get(key))
        if content is None:
            raise RefusedError(f"its {key!r} is missing, or is no text")
        return PullSecret(f"{namespace}/{name}", Secret(content), is_legacy=kind == _LEGACY)

    def pull_secret_names(self, namespace: str, service_account: str) -> tuple[str, ...]:
        """Return the names of the secrets that a ServiceAccount lends its pods, in its order.

        Raises:
            NotFoundError: it is not there.
            RefusedError: that is no name of one.
            AccessDeniedError: we may not read it.
            ClusterError: the API server failed, or did not answer in time.
            SettingsError: the cluster's configuration cannot be used.
        """
        item = self._get(_ACCOUNT, namespace, service_account)
        names = (each.get("name") for each in item.get("imagePullSecrets") or [])
        return tuple(dict.fromkeys(str(name) for name in names if name))

    def _get(self, resource: Resource, namespace: str, name: str) -> Mapping[str, Any]:
        """Return one object. What is no name could be a path that leads to a list: not asked for.

        Manifests and ServiceAccounts may hold any text there.
        """
        if not (_NAME.fullmatch(namespace) and _NAME.fullmatch(name)):
            raise RefusedError(f"that is no name of a {resource.kind}")
        path = object_path(resource, namespace=namespace, name=name)
        connection = self._connection()
        try:
            return connection.request("GET", path).body
        except NotFoundError as error:
            raise NotFoundError("it is not there") from error
        except ForbiddenError as error:
            what = f"{resource.plural} in namespace {namespace}"
            whom = f", to the ServiceAccount {connection.account}" if connection.account else ""
            message = f"we are not permitted to read it: grant get on {what}{whom}"
            raise AccessDeniedError(message) from error


def _decoded(data: object) -> str | None:
    """Return the text of a Secret's value; None if there is none."""
    try:
        text = base64.b64decode(data, validate=True).decode() if isinstance(data, str) else ""
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text or None
