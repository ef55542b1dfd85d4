"""Reads the values of one Secret, as bytes."""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.objects.fields import mapping_of
from reconciler.core.objects.resource import Resource
from reconciler.errors import NotFoundError, RefusedError

SECRET: Final = Resource("", "v1", "Secret", "secrets", is_namespaced=True)


def secret_values(
    connection: Connection, *, namespace: str, name: str
) -> Mapping[str, bytes] | None:
    """Return the values of a Secret by their keys; None if it is not there.

    Raises:
        RefusedError: a value cannot be read. It is not in the message.
        AccessDeniedError, ClusterError: it cannot be asked for.
    """
    try:
        item = connection.request("GET", object_path(SECRET, namespace=namespace, name=name)).body
    except NotFoundError:
        return None
    found: dict[str, bytes] = {}
    for key, value in mapping_of(item.get("data")).items():
        try:
            found[key] = base64.b64decode(str(value), validate=True)
        except binascii.Error as error:
            where = f"secret/{name} (namespace {namespace})"
            raise RefusedError(f"the value of {key!r} is no base64", where=where) from error
    return found
