"""Keeps the memory of a source in the cluster: ConfigMaps, and a key in a Secret."""

import base64
import binascii
import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.home import ensure_namespace
from reconciler.adapters.cluster.paths import object_path
from reconciler.core.objects.applyset import (
    ID_LABEL,
    TOOLING_ANNOTATION,
    applyset_id,
    is_our_tooling,
    tooling,
)
from reconciler.core.objects.inventory import SourceState
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.state_codec import count_of_parts, decode, encode
from reconciler.core.objects.sync_status import SyncStatus, decode_status, encode_status
from reconciler.errors import (
    AccessDeniedError,
    ChangedError,
    ClusterError,
    NotFoundError,
    RefusedError,
)

KEY_BYTES: Final = 32
_CONFIG_MAP: Final = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
_SECRET: Final = Resource("", "v1", "Secret", "secrets", is_namespaced=True)
_KEY: Final = "key"
PREFIX: Final = "reconcile-"
_STATUS: Final = "status.json"
_MANAGED: Final = {"app.kubernetes.io/managed-by": "reconcile"}


class ConfigMapStore:
    """The memory of one source.

    One ConfigMap ``reconcile-<source>``, and ``reconcile-<source>.1`` … when it grows; the status
    is a value of its own in the first one. The key for hashing Secrets is in the Secret
    ``reconcile-<source>``, made at the first save.
    """

    def __init__(self, connection: Connection, *, namespace: str, source: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._source = source
        self._name = f"{PREFIX}{source}"
        self.part_of = applyset_id(name=self._name, namespace=namespace)
        self._items: dict[int, Mapping[str, Any]] = {}  # the ConfigMaps as we know them, by shard
        self._key = b""
        self._is_key_kept = False

    @property
    def secret_key(self) -> bytes:
        """The key that hashes Secrets; random until it is kept."""
        if not self._key:
            self._key = secrets.token_bytes(KEY_BYTES)
        return self._key

    def load(self) -> SourceState:
        """Return what is remembered; an empty state the first time.

        Raises:
            RefusedError: the object is another tool's, of a newer schema, or of another source.
            AccessDeniedError, ClusterError: it cannot be read.
        """
        self._load_key()
        return self.look()

    def look(self) -> SourceState:
        """Return the same for somebody who only wants to know: without the key.

        Raises:
            RefusedError, AccessDeniedError, ClusterError: as for :meth:`load`.
        """
        self._items.clear()
        shards: dict[str, str] = {}
        number, count = 0, 1  # those behind a gap are to be written over, or deleted
        while (item := self._get(_CONFIG_MAP, self._shard_name(number))) or number < count:
            if item is not None:
                self._require_ours(item)
                self._items[number] = item
                name = f"state.{number}.json"
                shards[name] = str(_data(item).get(name, ""))  # the rest is not ours
                count = max(count, count_of_parts(shards[name]))
            number += 1
        state = decode(shards, source=self._source)
        return replace(state, status=_status_of(self._items.get(0)))

    def remove(self) -> None:
        """Forget everything, the key too: the source is no more.

        Raises:
            ClusterError: the API server failed; what is left is no state.
            AccessDeniedError: we may not.
        """
        for number in sorted(self._items, reverse=True):
            self._delete(number)
        with contextlib.suppress(NotFoundError, AccessDeniedError):  # a key that opens nothing
            item = self._get(_SECRET, self._name)
            if item is not None and _is_our_secret(item):
                body = _exactly(item, "uid", "resourceVersion")
                self._connection.request("DELETE", self._path(_SECRET, self._name), body=body)

    def status(self) -> SyncStatus:
        """Return what the source's last sync came to, and nothing else of its memory.

        Raises:
            RefusedError: the object is another tool's.
            AccessDeniedError, ClusterError: it cannot be read.
        """
        item = self._get(_CONFIG_MAP, self._name)
        if item is not None:
            self._require_ours(item)
        return _status_of(item)

    def save(self, state: SourceState) -> bool:
        """Remember a state, with its status; return whether anything was written.

        Raises:
            RefusedError: a Secret of somebody else's is where our key is to be.
            ClusterError: somebody else wrote in between, or the API server failed.
            AccessDeniedError: we may not.
        """
        wanted = {_number(name): {name: text} for name, text in encode(state).items()}
        if status := encode_status(state.status):
            wanted[0][_STATUS] = status
        changed = [number for number, data in wanted.items() if self._is_new(number, data)]
        surplus = sorted(self._items.keys() - wanted.keys())
        if not changed and not surplus:
            return False
        if not self._items:
            ensure_namespace(self._connection, self._namespace)
        self._keep_key()
        for number in sorted(changed, reverse=True):
            self._write(number, wanted[number])
        for number in surplus:
            self._delete(number)
        return True

    def _is_new(self, number: int, data: Mapping[str, str]) -> bool:
        written = _data(self._items.get(number))
        return any(written.get(name) != text for name, text in data.items())

    def _write(self, number: int, data: Mapping[str, str]) -> None:
        """Write one ConfigMap; what others have put there stays."""
        found = self._items.get(number, {})
        metadata = _metadata(found)
        labels = {ID_LABEL: self.part_of, **_MANAGED} if number == 0 else _MANAGED
        body = {
            **found,
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                **metadata,
                "name": self._shard_name(number),
                "namespace": self._namespace,
                "labels": {**metadata.get("labels", {}), **labels},
                "annotations": {
                    **metadata.get("annotations", {}),
                    TOOLING_ANNOTATION: tooling(),
                },
            },
            "data": {**_data(found), **data},
        }
        self._items[number] = self._put(_CONFIG_MAP, body, is_new=not found)

    def _delete(self, number: int) -> None:
        path = self._path(_CONFIG_MAP, self._shard_name(number))
        body = _exactly(self._items[number], "resourceVersion")
        with contextlib.suppress(NotFoundError):
            self._connection.request("DELETE", path, body=body)
        del self._items[number]

    def _load_key(self) -> None:
        item = self._get(_SECRET, self._name)
        encoded = (item.get("data") or {}).get(_KEY, "") if item else ""
        try:
            self._key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, TypeError):
            self._key = b""
        self._is_key_kept = len(self._key) >= KEY_BYTES
        if not self._is_key_kept:
            self._key = secrets.token_bytes(KEY_BYTES)

    def _keep_key(self) -> None:
        """Write the key down. A Secret of that name that somebody else made is not touched.

        Raises:
            RefusedError: there is one.
        """
        if self._is_key_kept:
            return
        found = self._get(_SECRET, self._name)
        if found is not None and not _is_our_secret(found):
            raise RefusedError(
                f"is somebody else's, and ours for source {self._source!r} is to be called so: "
                "give one of them another name",
                where=f"secret/{self._name} (namespace {self._namespace})",
            )
        body = {
            **(found or {}),
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                **_metadata(found),
                "name": self._name,
                "namespace": self._namespace,
                "labels": {**_metadata(found).get("labels", {}), **_MANAGED},
            },
            "data": {**_data(found), _KEY: base64.b64encode(self.secret_key).decode()},
        }
        self._put(_SECRET, body, is_new=found is None)
        self._is_key_kept = True

    def _put(
        self, resource: Resource, body: Mapping[str, Any], *, is_new: bool
    ) -> Mapping[str, Any]:
        path = self._path(resource, body["metadata"]["name"])
        method, path = ("POST", path.rpartition("/")[0]) if is_new else ("PUT", path)
        try:
            return self._connection.request(
                method, path, body=body, query={"fieldManager": "reconcile"}
            ).body
        except (ChangedError, NotFoundError, RefusedError) as error:
            message = f"{self._where()} was written by somebody else: {error.message}"
            raise ClusterError(message) from error

    def _get(self, resource: Resource, name: str) -> Mapping[str, Any] | None:
        try:
            return self._connection.request("GET", self._path(resource, name)).body
        except NotFoundError:
            return None

    def _require_ours(self, item: Mapping[str, Any]) -> None:
        if not is_ours(item):
            raise RefusedError("is another tool's, or nobody's: remove it", where=self._where())

    def _shard_name(self, number: int) -> str:
        """No source is named so: a name has no dot."""
        return self._name if number == 0 else f"{self._name}.{number}"

    def _path(self, resource: Resource, name: str) -> str:
        return object_path(resource, namespace=self._namespace, name=name)

    def _where(self) -> str:
        return f"configmap/{self._name} (namespace {self._namespace})"


def _number(shard: str) -> int:
    """Return the number of ``state.<number>.json``."""
    return int(shard.removeprefix("state.").removesuffix(".json"))


def _data(item: Mapping[str, Any] | None) -> Mapping[str, str]:
    return (item or {}).get("data") or {}


def _metadata(item: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return the metadata of an object that is to be written again."""
    metadata = (item or {}).get("metadata") or {}
    return {name: value for name, value in metadata.items() if name != "managedFields"}


def _exactly(item: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return what deletes an object only if these of its metadata are the same still."""
    preconditions = {name: item["metadata"][name] for name in names}
    return {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}


def _is_our_secret(item: Mapping[str, Any]) -> bool:
    return (_metadata(item).get("labels") or {}).items() >= _MANAGED.items()


def _status_of(item: Mapping[str, Any] | None) -> SyncStatus:
    return decode_status(str(_data(item).get(_STATUS, "")))


def is_ours(item: Mapping[str, Any]) -> bool:
    """Whether a ConfigMap is some source's memory."""
    annotations = item["metadata"].get("annotations") or {}
    return is_our_tooling(str(annotations.get(TOOLING_ANNOTATION, "")))
