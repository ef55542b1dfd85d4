"""The Secret with the key by which Secrets are hashed, on a real API server."""

import base64
from dataclasses import replace

import pytest

from lab.control_plane import ControlPlane
from reconciler.errors import RefusedError
from tests.adapters.cluster_world import Cluster, config_map

pytestmark = pytest.mark.cluster


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return replace(Cluster.fresh(control_plane), url="https://git.example/shop")


def in_state(cluster: Cluster, *arguments: str) -> str:
    """Run kubectl where the memory is."""
    return cluster.control_plane.kubectl("-n", f"{cluster.namespace}-state", *arguments)


def test_what_somebody_else_keeps_under_that_name_is_not_written_over(cluster: Cluster) -> None:
    name = f"reconcile-{cluster.namespace}"
    cluster.control_plane.kubectl("create", "namespace", f"{cluster.namespace}-state")
    in_state(cluster, "create", "secret", "generic", name, "--from-literal=identity=deploy-key")

    with pytest.raises(RefusedError, match="is somebody else's, and ours for source ") as caught:
        cluster.sync(config_map("a"))

    assert caught.value.where == f"secret/{name} (namespace {cluster.namespace}-state)"
    kept = in_state(cluster, "get", "secret", name, "-o", "jsonpath={.data}")
    assert kept == f'{{"identity":"{base64.b64encode(b"deploy-key").decode()}"}}'
    assert "a" not in cluster.names("configmap")


def test_a_damaged_key_is_mended_and_what_others_put_beside_it_stays(cluster: Cluster) -> None:
    name = f"reconcile-{cluster.namespace}"
    cluster.sync(config_map("a"))
    in_state(
        cluster, "patch", "secret", name, "--patch", '{"data": {"key": "eA==", "more": "eQ=="}}'
    )

    assert cluster.sync(config_map("a", "2")).problems == ()

    data = cluster.control_plane.get("-n", f"{cluster.namespace}-state", "secret", name)["data"]
    assert len(base64.b64decode(data["key"])) == 32
    assert data["more"] == "eQ=="


def test_only_our_own_key_goes_with_the_name_of_a_source(cluster: Cluster) -> None:
    old = replace(cluster, source="before")
    old.sync(config_map("a"))
    in_state(cluster, "label", "secret", "reconcile-before", "app.kubernetes.io/managed-by-")

    assert replace(old, source="after").sync(config_map("a")).problems == ()

    names = in_state(cluster, "get", "secret", "-o", "name").split()
    assert names == ["secret/reconcile-after", "secret/reconcile-before"]
    assert "configmap/reconcile-before" not in in_state(cluster, "get", "configmap", "-o", "name")
