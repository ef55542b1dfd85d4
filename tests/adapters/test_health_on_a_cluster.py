"""What a sync says of workloads that do not become healthy, on the lab's API server."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.objects.health import Health, Status
from reconciler.errors import UnhealthyError
from reconciler.pipeline.sync import Synced
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.simulators.fault_proxy import Answer, FaultProxy

pytestmark = pytest.mark.cluster

FAILING = ', lab/fail: "true"'
UNSCHEDULABLE = deployment("homeless").replace(
    "containers:", "nodeSelector: {no: node}, containers:"
)
QUOTA = """\
apiVersion: v1
kind: ResourceQuota
metadata: {name: none, namespace: FULL}
spec: {hard: {pods: "0"}}
"""
STATEFUL_SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: rejected, namespace: FULL}
spec:
  serviceName: none
  selector: {matchLabels: {app: rejected}}
  template:
    metadata: {labels: {app: rejected}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: broken}
spec:
  backoffLimit: 0
  template:
    metadata: {labels: {lab/fail: "true"}}
    spec: {restartPolicy: Never, containers: [{name: work, image: "nginx:1"}]}
"""


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


@pytest.fixture
def proxied(
    cluster: Cluster, control_plane: ControlPlane, authority: Authority, tmp_path: Path
) -> Iterator[tuple[Cluster, FaultProxy]]:
    with FaultProxy(control_plane.kubeconfig, authority, tmp_path / "proxy") as proxy:
        yield replace(cluster, kubeconfig=proxy.kubeconfig), proxy


def health_of(synced: Synced) -> Mapping[str, Health]:
    return {each.key.name: each.health for each in synced.report.objects if each.health}


def test_workloads_say_what_their_pods_wait_for(cluster: Cluster) -> None:
    full = f"{cluster.namespace}-full"
    cluster.control_plane.kubectl("create", "namespace", full)
    cluster.control_plane.kubectl("apply", "-f", "-", stdin=QUOTA.replace("FULL", full))
    texts = [
        deployment("looping", labels=FAILING),
        UNSCHEDULABLE,
        deployment("refused").replace(
            "{name: refused}", f"{{name: refused, namespace: {full}}}", 1
        ),
        STATEFUL_SET.replace("FULL", full),
        deployment("well"),
    ]
    wanted = {
        "looping": ": container web: CrashLoopBackOff",
        "homeless": ": cannot be scheduled: 0/1 nodes are available",
        "refused": "exceeded quota: none",
        "rejected": "exceeded quota: none",
        "well": "1 replicas are available",
    }

    health: Mapping[str, Health] = {}
    for timeout_s in (5.0, 20.0, 60.0):  # as long as the machine needs
        health = health_of(cluster.sync(*texts, timeout_s=timeout_s))
        if all(words in health[name].message for name, words in wanted.items()):
            break

    assert {name: words in health[name].message for name, words in wanted.items()} == dict.fromkeys(
        wanted, True
    ), health
    assert health["looping"].message.startswith("0 of 1 replicas available: pod looping-")
    assert health["rejected"].message.startswith(
        "0 of 1 replicas created: FailedCreate: Create Pod rejected-0"
    )
    assert {found.status for name, found in health.items() if name != "well"} == {
        Status.IN_PROGRESS
    }


def test_a_wait_ends_when_something_fails_for_good(cluster: Cluster) -> None:
    synced = cluster.sync(JOB, UNSCHEDULABLE, timeout_s=100_000.0)

    health = health_of(synced)
    assert (health["broken"].status, health["homeless"].status) == (
        Status.FAILED,
        Status.IN_PROGRESS,
    )
    assert ": pod broken-" in health["broken"].message
    assert health["broken"].message.endswith(": container work: ended (exit code 1)")
    assert [type(problem) for problem in synced.problems] == [UnhealthyError]
    assert "failed: " in str(synced.problems[0])


def test_nobody_asks_for_pods_when_all_is_well(proxied: tuple[Cluster, FaultProxy]) -> None:
    cluster, proxy = proxied

    synced = cluster.sync(config_map("a"), deployment("well"), timeout_s=300.0)

    assert synced.problems == ()
    assert [request for request in proxy.requests if "/pods" in request] == []
    watches = [request for request in proxy.requests if "watch=true" in request]
    assert len(watches) <= 1
    proxy.requests.clear()
    assert cluster.sync(config_map("a"), deployment("well")).problems == ()
    assert [request for request in proxy.requests if "watch=true" in request] == []


def test_where_pods_may_not_be_listed_the_workloads_own_words_stand(
    proxied: tuple[Cluster, FaultProxy],
) -> None:
    cluster, proxy = proxied
    proxy.on("GET", "/pods", Answer(403))

    health = health_of(cluster.sync(UNSCHEDULABLE, timeout_s=1.0))

    assert "homeless-" not in health["homeless"].message
    assert health["homeless"].status is Status.IN_PROGRESS
