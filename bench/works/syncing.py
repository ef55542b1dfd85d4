"""Sync: objects go to an API server; then there is nothing to send."""

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

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


def sync_twice(job: Job) -> Iterator[tuple[str, Cost]]:
    """Run two cycles of one process: ``objects`` are created if ``is_first``; nothing changes."""
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
        for name in ("first", "second") if job["is_first"] else ("fresh",):
            with _counted() as counts:
                cost, outcome = cost_of(lambda: cycle.run(source, made))
            wanted = Action.CREATED if name == "first" else Action.UNCHANGED
            _check(outcome, wanted, job["objects"])
            yield name, cost.with_counts(counts)
            if name == "first":
                _settle(settings.cluster, outcome)


def _check(outcome: CycleOutcome, wanted: Action, count: int) -> None:
    require(not outcome.problems, f"problems: {outcome.problems[:3]}")
    reports = outcome.sync.objects if outcome.sync else ()
    actions = [report.action for report in reports]
    require(actions.count(wanted) == count, f"{actions.count(wanted)} of {count} {wanted.value}")


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
    """Count the HTTP requests of this process while the body runs."""
    counts = {"requests": 0}
    original = urllib3.HTTPConnectionPool.urlopen

    def counting(*arguments: Any, **options: Any) -> urllib3.BaseHTTPResponse:  # noqa: ANN401 - passed on
        counts["requests"] += 1
        return original(*arguments, **options)

    urllib3.HTTPConnectionPool.urlopen = counting  # type: ignore[method-assign]  # for a while
    try:
        yield counts
    finally:
        urllib3.HTTPConnectionPool.urlopen = original  # type: ignore[method-assign]  # as it was
