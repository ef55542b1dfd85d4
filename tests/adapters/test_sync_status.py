"""What the state object tells of a source's last sync, read as a person reads it."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.errors import RefusedError
from reconciler.pipeline.verdict import record_failure
from reconciler.settings import ClusterSettings, GitSettings, SourceSettings, SyncSettings
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

FAILING = deployment("bad", labels=', lab/fail: "true"')
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: s}
immutable: true
stringData: {password: canary-7f3a}
"""


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


def status_of(cluster: Cluster) -> Mapping[str, Any]:
    """Return the status as docs/reference/sync.md says how to read it."""
    text = cluster.control_plane.kubectl(
        "-n", f"{cluster.namespace}-state", "get", "configmap", f"reconcile-{cluster.namespace}",
        "-o", r"jsonpath={.data.status\.json}",
    )  # fmt: skip
    found: Mapping[str, Any] = json.loads(text)
    return found


def test_a_sync_that_came_to_its_end_is_told_once_and_costs_one_write(cluster: Cluster) -> None:
    cluster.sync(config_map("a"), config_map("b"))
    first, revision = status_of(cluster), str(cluster.revision)
    mark = cluster.control_plane.mark()
    cluster.sync(config_map("a"), config_map("b"))

    assert [each.resource for each in cluster.control_plane.writes(since=mark)] == ["configmaps"]
    assert first == {
        "v": 1,
        "ready": True,
        "reason": "Ready",
        "message": "all objects are applied and healthy",
        "since": first["since"],
        "attempted": revision,
        "applied": revision,
        "objects": {"failed": 0, "kept": 0, "unhealthy": 0, "wanted": 2},
    }
    assert status_of(cluster) == {
        **first,
        "attempted": str(cluster.revision),
        "applied": str(cluster.revision),
    }


def test_what_is_wrong_is_told_with_the_first_problem_and_its_reason(cluster: Cluster) -> None:
    good = [config_map("a"), config_map("b")]
    cluster.sync(*good)
    applied = str(cluster.revision)

    cluster.sync(*good, config_map("c", extra="  unknown: x\n"))
    refused = status_of(cluster)
    assert (refused["ready"], refused["reason"]) == (False, "Stalled")
    assert refused["message"].startswith("file2.yaml:1: configmap/c")
    assert (refused["attempted"], refused["applied"]) == (str(cluster.revision), applied)
    assert refused["objects"]["failed"] == 1

    cluster.sync(*good, is_complete=False)
    assert status_of(cluster)["message"] == "bad.yaml:1: unreadable"

    cluster.sync(config_map("other"))
    assert status_of(cluster)["reason"] == "PruneHeld"
    assert "everything that was applied before" in status_of(cluster)["message"]

    cluster.sync(*good, config_map("other"), FAILING, timeout_s=1.0)
    assert status_of(cluster)["reason"] == "Unhealthy"
    assert status_of(cluster)["applied"] == str(cluster.revision)
    assert "deployment.apps/bad" in status_of(cluster)["message"]

    cluster.sync(*good, config_map("other"), FAILING, wait=False)
    assert status_of(cluster)["reason"] == "Progressing"


def test_no_value_of_a_secret_stands_in_it(cluster: Cluster) -> None:
    cluster.sync(SECRET)
    synced = cluster.sync(SECRET.replace("7f3a", "8000"))

    assert synced.problems
    assert status_of(cluster)["reason"] == "Stalled"
    state = cluster.control_plane.kubectl(
        "-n", f"{cluster.namespace}-state", "get", "configmap", "-o", "yaml"
    )
    assert "canary" not in state


def test_another_source_reads_it_by_name_and_hears_of_what_did_not_begin(
    cluster: Cluster,
) -> None:
    cluster.sync(config_map("a"))
    state = ["-n", f"{cluster.namespace}-state", "annotate", "--overwrite", "configmap"]
    name = f"reconcile-{cluster.namespace}"
    settings = ClusterSettings(
        kubeconfig=cluster.control_plane.kubeconfig, namespace=f"{cluster.namespace}-state"
    )
    source = SourceSettings(cluster.namespace, GitSettings("https://git.example/a"), SyncSettings())
    connected = KubernetesCluster.connect(settings)
    try:
        ready = connected.state(cluster.namespace).status()
        record_failure(connected, source, cluster.revision, RefusedError("no such variable"))
        held = connected.state(cluster.namespace).status()
        inventory = connected.state(cluster.namespace).load().entries
        nobody = connected.state("nobody").status()
        cluster.control_plane.kubectl(*state, name, "applyset.kubernetes.io/tooling=kubectl/v1")
        with pytest.raises(RefusedError, match="is another tool's"):
            connected.state(cluster.namespace).status()
        record_failure(connected, source, cluster.revision, RefusedError("it is not ours"))
    finally:
        connected.close()

    assert ready.is_ready
    assert ready.attempted == ready.applied == str(cluster.revision)
    assert (held.is_ready, held.reason, held.message) == (False, "Stalled", "no such variable")
    assert held.applied == ready.applied
    assert [key.name for key in inventory] == ["a"]
    assert not nobody.is_ready
    assert nobody.attempted == ""


def test_what_others_keep_in_the_state_object_stays_there(cluster: Cluster) -> None:
    cluster.sync(config_map("a"))
    cluster.control_plane.kubectl(
        "-n", f"{cluster.namespace}-state", "patch", "configmap", f"reconcile-{cluster.namespace}",
        "-p", '{"metadata":{"annotations":{"team":"web"}},"data":{"gates.json":"[]"}}',
    )  # fmt: skip

    cluster.sync(config_map("a", "2"))

    item = cluster.control_plane.get(
        "-n", f"{cluster.namespace}-state", "configmap", f"reconcile-{cluster.namespace}"
    )
    assert item["metadata"]["annotations"]["team"] == "web"
    assert item["data"].keys() == {"gates.json", "state.0.json", "status.json"}
