"""Tries the access to a cluster step by step, and says of what fails why, and what mends it."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.on_demand import OnDemand
from reconciler.adapters.cluster.paths import collection_path, object_path
from reconciler.adapters.cluster.rights import lacking
from reconciler.adapters.cluster.store import PREFIX
from reconciler.core.checkup import Check, failed, passed, skipped, warned
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.resource import Resource
from reconciler.core.objects.right import Right
from reconciler.errors import (
    AccessDeniedError,
    NoAnswerError,
    NotFoundError,
    ReconcilerError,
    SettingsError,
    TransientError,
)
from reconciler.settings import ClusterSettings

OLDEST: Final = (1, 27)
"""Of API servers before that, what they serve is asked group by group."""

APART_S: Final = 30.0
"""Clocks that are further apart make certificates and tokens end too early."""

_LEASE: Final = Resource("coordination.k8s.io", "v1", "Lease", "leases", is_namespaced=True)
_MEMORY: Final = (
    Resource("", "v1", "ConfigMap", "configmaps", is_namespaced=True),
    Resource("", "v1", "Secret", "secrets", is_namespaced=True),
    _LEASE,
)
_NAMESPACE: Final = Resource("", "v1", "Namespace", "namespaces", is_namespaced=False)
_NUMBER: Final = re.compile(r"\d+")


class ClusterProbe:
    """One cluster, by the settings of a cycle. Changes nothing."""

    def __init__(self, settings: ClusterSettings) -> None:
        """Ask nothing yet."""
        self._settings = settings
        self._connections = OnDemand(settings)

    @property
    def name(self) -> str:
        """The API server's URL, or what the settings say where there is none."""
        try:
            return self._connections.get().url
        except SettingsError:
            return "the cluster"

    def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def check_server(self) -> Iterator[Check]:
        """Try the API server, and compare our clock with its own; after a failure nothing more."""
        began = time.monotonic()
        try:
            answer = self._connections.get().request("GET", "/version")
        except ReconcilerError as error:
            yield _unreached(error)
            yield skipped("clock", "see server")
            return
        took_ms = (time.monotonic() - began) * 1000
        version = f"{answer.body.get('major', '')}.{answer.body.get('minor', '')}"
        said = f"Kubernetes {version}, after {took_ms:,.0f} ms"
        numbers = tuple(map(int, _NUMBER.findall(version)))
        if numbers and numbers < OLDEST:
            oldest = ".".join(map(str, OLDEST))
            yield warned("server", said, cause=f"older than {oldest}, the oldest that is tried")
        else:
            yield passed("server", said)
        yield _clock(answer.date)

    def lacking(
        self, rights: Sequence[Right], account: ServiceAccount | None = None
    ) -> list[Right]:
        """Return the rights that we, or a ServiceAccount, do not have; see the port."""
        return lacking(self._connections.get(account), rights)

    def try_memory(self, source: str) -> str:
        """Write a source's memory and lease, as a dry run; return what is to be told."""
        connection, namespace = self._connections.get(), self._settings.namespace
        try:
            for resource in _MEMORY:
                _try_write(connection, resource, namespace, f"{PREFIX}{source}")
        except NotFoundError:
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            path = collection_path(_NAMESPACE)
            connection.request("POST", path, body=body, query={"dryRun": "All"})
            return f"namespace {namespace} is not there, and may be made"
        return f"may be written in namespace {namespace}"


def _try_write(connection: Connection, resource: Resource, namespace: str, name: str) -> None:
    """Make an object, or write it as it is, by a dry run: admission and quotas have their say."""
    query = {"dryRun": "All", "fieldManager": "reconcile"}
    found = _found(connection, resource, namespace, name)
    if found is not None:
        path = object_path(resource, namespace=namespace, name=name)
        connection.request("PUT", path, body=found, query=query)
        return
    body = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": name, "namespace": namespace},
    }
    connection.request("POST", collection_path(resource, namespace), body=body, query=query)


def _found(
    connection: Connection, resource: Resource, namespace: str, name: str
) -> Mapping[str, Any] | None:
    """Return an object as a cycle would look for it: leases are listed, and none is asked for."""
    if resource == _LEASE:
        query = {"fieldSelector": f"metadata.name={name}"}
        path = collection_path(resource, namespace)
        items = connection.request("GET", path, query=query).body.get("items") or []
        head = {"apiVersion": resource.api_version, "kind": resource.kind}
        return {**items[0], **head} if items else None
    try:
        return connection.request("GET", object_path(resource, namespace=namespace, name=name)).body
    except NotFoundError:
        return None


def _clock(date: str) -> Check:
    theirs = None
    with suppress(TypeError, ValueError):
        theirs = parsedate_to_datetime(date)
    if theirs is None:
        return skipped("clock", "the API server does not say what time it is")
    apart_s = abs((datetime.now(UTC) - theirs.astimezone(UTC)).total_seconds())
    if apart_s <= APART_S:
        return passed("clock", "as the API server's, to the second or so")
    return warned(
        "clock",
        f"{apart_s:,.0f} s apart from the API server's",
        cause="certificates and tokens end too early, or are not good yet, by a wrong clock",
        remedy="date --utc",
    )


def _unreached(error: ReconcilerError) -> Check:
    match error:
        case SettingsError():
            cause = "there is no cluster in the settings; without one: --no-sync"
        case AccessDeniedError():
            cause = "the kubeconfig's user, or the pod's token, is not let in, or has ended"
        case NoAnswerError():
            cause = "it is down, the kubeconfig names another one, or the network is down"
        case TransientError():
            cause = "it is overloaded, or is being started"
        case _:
            cause = "what answers there is no API server, or a proxy in between refuses us"
    return failed(
        "server",
        str(error),
        cause=cause,
        remedy="kubectl config view --minify"
        if isinstance(error, SettingsError)
        else "kubectl version",
        may_pass=isinstance(error, TransientError),
    )
