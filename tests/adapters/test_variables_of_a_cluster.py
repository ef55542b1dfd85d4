"""Variables from objects of the cluster, and what of them cannot be had."""

from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.manifests.variables import Variable, VariablesFrom
from reconciler.errors import AccessDeniedError, NotFoundError, RefusedError
from reconciler.pipeline.variables import variables_of
from reconciler.settings import ClusterSettings

pytestmark = pytest.mark.cluster


@pytest.fixture
def cluster(control_plane: ControlPlane, cluster_namespace: str) -> Iterator[KubernetesCluster]:
    control_plane.kubectl(
        "-n", cluster_namespace, "create", "configmap", "zone",
        "--from-literal=ZONE=north", "--from-literal=SIZE=3",
    )  # fmt: skip
    control_plane.kubectl(
        "-n", cluster_namespace, "create", "secret", "generic", "keys", "--from-literal=KEY=hunter2"
    )
    settings = ClusterSettings(kubeconfig=control_plane.kubeconfig, namespace=cluster_namespace)
    connected = KubernetesCluster.connect(settings)
    yield connected
    connected.close()


def test_values_of_config_maps_and_secrets_are_variables_and_the_last_one_counts(
    cluster: KubernetesCluster,
) -> None:
    sources = (
        Variable("SIZE", "1"),
        VariablesFrom("configmap", "zone"),
        VariablesFrom("secret", "keys"),
        Variable("ZONE", "south"),
    )

    found = variables_of(sources, cluster)

    assert found is not None
    assert found.values == {"SIZE": "3", "ZONE": "south", "KEY": "hunter2"}
    assert found.secret == {"KEY"}


def test_without_sources_nothing_is_filled_in(cluster: KubernetesCluster) -> None:
    assert variables_of((), cluster) is None


def test_an_object_that_is_not_there_is_told(cluster: KubernetesCluster) -> None:
    with pytest.raises(NotFoundError, match='configmaps "other" not found: --variables') as told:
        variables_of([VariablesFrom("configmap", "other")], cluster)

    assert told.value.where.startswith("configmap ")
    assert told.value.where.endswith("/other")


def test_a_secret_that_is_no_text_is_refused_without_its_value(
    cluster: KubernetesCluster, control_plane: ControlPlane, cluster_namespace: str
) -> None:
    patch = '{"data": {"KEY": "/w=="}}'
    control_plane.kubectl("-n", cluster_namespace, "patch", "secret", "keys", "-p", patch)

    with pytest.raises(RefusedError, match="is no text") as caught:
        variables_of([VariablesFrom("secret", "keys")], cluster)

    assert caught.value.where == f"secret {cluster_namespace}/keys, KEY"


def test_what_we_may_not_read_is_told(control_plane: ControlPlane, cluster_namespace: str) -> None:
    kubeconfig = control_plane.kubeconfig_for("nobody", token="nobody-token")
    settings = ClusterSettings(kubeconfig=kubeconfig, namespace=cluster_namespace)
    cluster = KubernetesCluster.connect(settings)
    try:
        with pytest.raises(AccessDeniedError):
            cluster.values("secret", "keys")
    finally:
        cluster.close()
