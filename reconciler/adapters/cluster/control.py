"""Keeps what people want of a running reconciler, in a ConfigMap a source beside its memory."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.paging import pages
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.adapters.cluster.store import PREFIX
from reconciler.core.objects.control import (
    ANSWERED,
    REQUESTED,
    SUSPENDED,
    Answer,
    Control,
    Request,
    Suspension,
    asked,
    decode_control,
    encode_control,
)
from reconciler.core.objects.live import FIELD_MANAGER
from reconciler.core.objects.resource import Resource
from reconciler.errors import ChangedError, NotFoundError, RefusedError

LABEL: Final = "reconcile/control"
_CONFIG_MAP: Final = Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True)
_LABELS: Final = {"app.kubernetes.io/managed-by": "reconcile", LABEL: "true"}
_SUFFIX: Final = ".control"
_ATTEMPTS: Final = 5

Item = Mapping[str, Any]


class ConfigMapControls:
    """One ConfigMap ``reconcile-<source>.control`` for each source of which anything was said.

    It is an object of its own, so that whoever suspends a source does not come between a cycle and
    its memory, which is written only where nobody else has written.
    """

    def __init__(self, connection: Connection, *, namespace: str) -> None:
        self._connection = connection
        self._namespace = namespace

    def all(self) -> Mapping[str, Control]:
        """Return what is said, by source, in one request.

        Raises:
            AccessDeniedError, ClusterError: it cannot be read.
        """
        path = collection_path(_CONFIG_MAP, self._namespace)
        query = {"labelSelector": LABEL}
        found: dict[str, Control] = {}
        for page in pages(self._connection, path, query):
            for item in page.get("items") or []:
                name = str(item["metadata"]["name"])
                if name.startswith(PREFIX) and name.endswith(_SUFFIX):
                    source = name.removeprefix(PREFIX).removesuffix(_SUFFIX)
                    found[source] = decode_control(item.get("data") or {})
        return found

    def of(self, source: str) -> Control:
        """Return what is said of one source.

        Raises:
            AccessDeniedError, ClusterError: it cannot be read.
        """
        item = self._get(source)
        return decode_control((item or {}).get("data") or {})

    def suspend(self, source: str, suspension: Suspension | None) -> Suspension | None:
        """Suspend a source, or resume it with None; return what was before.

        Raises:
            NotFoundError: our namespace is not there.
            RefusedError: an object of that name is somebody else's.
            AccessDeniedError, ClusterError: it cannot be written.
        """
        before = self._change(source, lambda known: replace(known, suspension=suspension))
        return before.suspension

    def request(self, source: str, request: Request) -> None:
        """Ask for a cycle of a source.

        Raises:
            NotFoundError, RefusedError, AccessDeniedError, ClusterError: as for :meth:`suspend`.
        """
        self._change(source, lambda known: replace(known, request=asked(known, request)))

    def answer(self, source: str, answer: Answer) -> None:
        """Say what becomes of a request; nothing if it is not the newest one any more.

        Raises:
            RefusedError, AccessDeniedError, ClusterError: as for :meth:`suspend`.
        """

        def answered(known: Control) -> Control:
            is_newest = known.request is not None and known.request.id == answer.id
            return replace(known, answer=answer) if is_newest else known

        self._change(source, answered)

    def _change(self, source: str, change: Callable[[Control], Control]) -> Control:
        """Change what is said of a source; return what was said before."""
        for attempt in range(_ATTEMPTS):
            item = self._get(source)
            data = (item or {}).get("data") or {}
            before = decode_control(data)
            after = change(before)
            if after == before:
                return before
            try:
                self._write(source, item, data, after)
            except (ChangedError, NotFoundError):  # somebody else came between, or it has gone
                if item is None or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return before
        raise AssertionError  # the last attempt returned or raised

    def _write(
        self, source: str, item: Item | None, data: Mapping[str, str], control: Control
    ) -> None:
        rest = {
            name: text
            for name, text in data.items()
            if name not in (SUSPENDED, REQUESTED, ANSWERED)
        }
        metadata = {
            name: value
            for name, value in ((item or {}).get("metadata") or {}).items()
            if name != "managedFields"
        }
        name = f"{PREFIX}{source}{_SUFFIX}"
        labels = {**metadata.get("labels", {}), **_LABELS}
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                **metadata,
                "name": name,
                "namespace": self._namespace,
                "labels": labels,
            },
            "data": {**rest, **encode_control(control)},
        }
        query = {"fieldManager": FIELD_MANAGER}
        if item is None:
            path = collection_path(_CONFIG_MAP, self._namespace)
            self._connection.request("POST", path, body=body, query=query)
        else:
            self._connection.request("PUT", self._path(source), body=body, query=query)

    def _get(self, source: str) -> Item | None:
        """Return the ConfigMap of a source, None if there is none.

        Raises:
            RefusedError: it is somebody else's.
        """
        try:
            item = self._connection.request("GET", self._path(source)).body
        except NotFoundError:
            return None
        if LABEL not in (item["metadata"].get("labels") or {}):
            where = f"configmap/{item['metadata']['name']} (namespace {self._namespace})"
            raise RefusedError("is somebody else's: remove it", where=where)
        return item

    def _path(self, source: str) -> str:
        return object_path(
            _CONFIG_MAP, namespace=self._namespace, name=f"{PREFIX}{source}{_SUFFIX}"
        )
