"""Sync: objects go to an API server; then there is nothing to send."""

import contextlib
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final
from unittest import mock

import urllib3

from bench.child import Job, require
from bench.cost import Cost, cost_of
from bench.works.running import parts, settings_of
from reconciler.adapters.cluster.connection import Connection
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.report import Action
from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline import cycle
from reconciler.settings import ClusterSettings

_REPLICAS: Final = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
_CONDITIONS: Final[Mapping[str, str]] = {
    "Available": "MinimumReplicasAvailable",
    "Progressing": "NewReplicaSetAvailable",
}
_STATUS: Final[Mapping[str, object]] = {
    "observedGeneration": 1,
    **dict.fromkeys(_REPLICAS, 2),
    "conditions": [
        {"type": kind, "status": "True", "reason": reason, "message": "as a controller says"}
        for kind, reason in _CONDITIONS.items()
    ],
}
_WANTED: Final[Mapping[str, Mapping[Action, int]]] = {
    "first": {Action.CREATED: 0},
    "drifted": {Action.CONFIGURED: 1, Action.UNCHANGED: 0},
}
"""How many objects come to what; 0: all the others."""


def run_syncs(job: Job) -> Iterator[tuple[str, Cost]]:
    """Run cycles of one process, one for each name in ``cycles``.

    ``first`` creates the ``objects``, ``drifted`` mends the one that somebody changed just before,
    and all others change nothing.
    """
    settings = settings_of(
        git_url=job["git_url"],
        data_dir=Path(job["folder"]),
        is_synced=True,
        is_updated=False,
        kubeconfig=job["kubeconfig"],
        namespace=job["namespace"],
    )
    with contextlib.ExitStack() as stack:
        cost, (source, made) = cost_of(lambda: stack.enter_context(parts(settings)))
        yield "connect", cost
        before: CycleOutcome | None = None
        for name in job["cycles"]:
            if name == "drifted" and before is not None:
                _drift(settings.cluster, before)
            with _counted() as counts:
                cost, outcome = cost_of(lambda: cycle.run(source, made))
            _check(outcome, _WANTED.get(name, {Action.UNCHANGED: 0}), job["objects"])
            yield name, cost.with_counts(counts)
            if name == "first":
                _settle(settings.cluster, outcome)
            before = outcome


def _check(outcome: CycleOutcome, wanted: Mapping[Action, int], count: int) -> None:
    """Require that as many objects came to each action as is wanted; 0 stands for all others."""
    require(not outcome.problems, f"problems: {outcome.problems[:3]}")
    reports = outcome.sync.objects if outcome.sync else ()
    actions = [report.action for report in reports]
    for action, number in wanted.items():
        expected = number or count - sum(wanted.values())
        found = actions.count(action)
        require(found == expected, f"{found} {action.value}, and not {expected}")


def _drift(cluster: ClusterSettings, outcome: CycleOutcome) -> None:
    """Change a field of one ConfigMap that is ours, as a person would."""
    keys = [report.key for report in outcome.sync.objects] if outcome.sync else []
    key = next(key for key in keys if key.kind == "ConfigMap")
    connection = Connection.open(cluster)
    connection.request(
        "PATCH",
        f"/api/v1/namespaces/{key.namespace}/configmaps/{key.name}",
        query={"fieldManager": "kubectl-edit"},
        body={"data": {"greeting": "good night"}},
        content_type="application/merge-patch+json",
    )
    connection.close()


def _settle(cluster: ClusterSettings, outcome: CycleOutcome) -> None:
    """Give the Deployments the status that controllers would, so that they are Current."""
    connection = Connection.open(cluster)

    def settle(key: ObjectKey) -> None:
        path = f"/apis/apps/v1/namespaces/{key.namespace}/deployments/{key.name}/status"
        body = {"status": _STATUS}
        connection.request("PATCH", path, body=body, content_type="application/merge-patch+json")

    keys = [report.key for report in outcome.sync.objects] if outcome.sync else []
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(settle, [key for key in keys if key.kind == "Deployment"]))
    connection.close()


@contextlib.contextmanager
def _counted() -> Iterator[dict[str, int]]:
    """Count this process's HTTP requests, and its bytes within TLS, while the body runs."""
    counts = {"requests": 0, "KB sent": 0, "KB received": 0}
    sizes = {"sent": 0, "received": 0}
    ask, send, receive = (
        urllib3.HTTPConnectionPool.urlopen,
        ssl.SSLSocket.send,
        ssl.SSLSocket.recv_into,
    )

    def asking(*arguments: Any, **options: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401 - passed on
        counts["requests"] += 1
        return ask(*arguments, **options)

    def sending(*arguments: Any, **options: Any) -> int:  # noqa: ANN401 - passed on
        size = send(*arguments, **options)
        sizes["sent"] += size
        return size

    def receiving(*arguments: Any, **options: Any) -> int:  # noqa: ANN401 - passed on
        size = receive(*arguments, **options)
        sizes["received"] += size or 0
        return size or 0

    with (
        mock.patch.object(urllib3.HTTPConnectionPool, "urlopen", asking),
        mock.patch.object(ssl.SSLSocket, "send", sending),
        mock.patch.object(ssl.SSLSocket, "recv_into", receiving),
    ):
        yield counts
    counts |= {f"KB {name}": round(size / 1000) for name, size in sizes.items()}
