"""Keeps the memory of a source in the cluster: ConfigMaps, and a key in a Secret."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
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
from reconciler.core.objects.state_codec import decode, encode
from reconciler.errors import ChangedError, ClusterError, NotFoundError, RefusedError

KEY_BYTES: Final = 32
_NAMESPACE: Final = Resource("", "v1", "Namespace", "namespaces", is_namespaced=False)
_CONFIG_MAP: Final = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
_SECRET: Final = Resource("", "v1", "Secret", "secrets", is_namespaced=True)
_KEY: Final = "key"
_MANAGED: Final = {"app.kubernetes.io/managed-by": "reconcile"}


class ConfigMapStore:
    """The memory of one source.

    One ConfigMap ``reconcile-<source>``, and ``reconcile-<source>.1`` … when it grows. The key for
    hashing Secrets is in the Secret ``reconcile-<source>``, made at the first save.
    """

    def __init__(self, connection: Connection, *, namespace: str, source: str) -> None:
        self._connection = connection
        self._namespace = namespace
        self._source = source
        self._name = f"reconcile-{source}"
        self.part_of = applyset_id(name=self._name, namespace=namespace)
        self._versions: dict[str, str] = {}  # resourceVersion of each ConfigMap, by key of shard
        self._written: dict[str, str] = {}
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
        shards: dict[str, str] = {}
        number = 0
        while (item := self._get(_CONFIG_MAP, self._shard_name(number))) is not None:
            self._require_ours(item)
            shard = f"state.{number}.json"
            self._versions[shard] = str(item["metadata"]["resourceVersion"])
            shards[shard] = str((item.get("data") or {}).get(shard, ""))  # the rest is not ours
            number += 1
        self._written = dict(shards)
        return decode(shards, source=self._source)

    def save(self, state: SourceState) -> bool:
        """Remember a state; return whether anything was written (not if the bytes are the same).

        Raises:
            ClusterError: somebody else wrote in between, or the API server failed.
            AccessDeniedError: we may not.
        """
        shards = encode(state)
        if shards == self._written:
            return False
        self._ensure_namespace()
        self._keep_key()
        for shard in sorted(shards, key=_number, reverse=True):
            if self._written.get(shard) != shards[shard]:
                self._write(shard, shards[shard])
        for shard in sorted(self._written.keys() - shards.keys(), key=_number):
            self._delete(shard)
        return True

    def _write(self, shard: str, text: str) -> None:
        number = _number(shard)
        version = self._versions.get(shard)
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self._shard_name(number),
                "namespace": self._namespace,
                "labels": {ID_LABEL: self.part_of, **_MANAGED} if number == 0 else _MANAGED,
                "annotations": {TOOLING_ANNOTATION: tooling()},
                **({"resourceVersion": version} if version else {}),
            },
            "data": {shard: text},
        }
        item = self._put(_CONFIG_MAP, body, is_new=version is None)
        self._versions[shard] = str(item["metadata"]["resourceVersion"])
        self._written[shard] = text

    def _delete(self, shard: str) -> None:
        path = self._path(_CONFIG_MAP, self._shard_name(_number(shard)))
        self._connection.request("DELETE", path)
        self._versions.pop(shard, None)
        del self._written[shard]

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
        if self._is_key_kept:
            return
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": self._name, "namespace": self._namespace, "labels": _MANAGED},
            "data": {_KEY: base64.b64encode(self.secret_key).decode()},
        }
        self._put(_SECRET, body, is_new=self._get(_SECRET, self._name) is None)
        self._is_key_kept = True

    def _ensure_namespace(self) -> None:
        if self._written:
            return
        path = object_path(_NAMESPACE, namespace="", name=self._namespace)
        try:
            self._connection.request("GET", path)
        except NotFoundError:
            body = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": self._namespace, "labels": _MANAGED},
            }
            self._connection.request("POST", "/api/v1/namespaces", body=body)

    def _put(
        self, resource: Resource, body: Mapping[str, Any], *, is_new: bool
    ) -> Mapping[str, Any]:
        path = self._path(resource, body["metadata"]["name"])
        method, path = ("POST", path.rpartition("/")[0]) if is_new else ("PUT", path)
        try:
            return self._connection.request(
                method, path, body=body, query={"fieldManager": "reconcile"}
            ).body
        except (ChangedError, RefusedError) as error:
            message = f"{self._where()} was written by somebody else: {error.message}"
            raise ClusterError(message) from error

    def _get(self, resource: Resource, name: str) -> Mapping[str, Any] | None:
        try:
            return self._connection.request("GET", self._path(resource, name)).body
        except NotFoundError:
            return None

    def _require_ours(self, item: Mapping[str, Any]) -> None:
        annotations = item["metadata"].get("annotations") or {}
        if not is_our_tooling(str(annotations.get(TOOLING_ANNOTATION, ""))):
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
