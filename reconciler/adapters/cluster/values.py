"""Reads the values of a ConfigMap or a Secret, each by its name."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.manifests.variables import CONFIG_MAP, SECRET
from reconciler.core.objects.fields import mapping_of
from reconciler.core.objects.resource import Resource
from reconciler.errors import NotFoundError, RefusedError

_RESOURCES: Final = {
    CONFIG_MAP: Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True),
    SECRET: Resource("", "v1", "Secret", "secrets", is_namespaced=True),
}


def values_of(connection: Connection, kind: str, *, namespace: str, name: str) -> Mapping[str, str]:
    """Return the values of an object by their keys.

    Raises:
        NotFoundError: it is not there.
        RefusedError: one of its values is no text.
        AccessDeniedError, ClusterError: it cannot be read.
    """
    path = object_path(_RESOURCES[kind], namespace=namespace, name=name)
    where = f"{kind} {namespace}/{name}"
    try:
        data = mapping_of(connection.request("GET", path).body.get("data"))
    except NotFoundError as error:
        message = f"{error.message}: --variables names it"
        raise NotFoundError(message, where=where) from error
    if kind == CONFIG_MAP:
        return {key: str(value) for key, value in data.items()}
    return {key: _text(str(value), f"{where}, {key}") for key, value in data.items()}


def _text(value: str, where: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise RefusedError("is no text: no variable can be made of it", where=where) from error
