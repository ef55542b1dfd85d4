"""Events in the lab's API server, as ``kubectl describe`` shows them."""

from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.workload_events import MAX_NOTE, WorkloadEvent
from reconciler.errors import NotFoundError
from reconciler.settings import ClusterSettings

pytestmark = pytest.mark.cluster


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Iterator[KubernetesCluster]:
    cluster = KubernetesCluster.connect(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    yield cluster
    cluster.close()


def event(namespace: str, note: str = "main: v3 -> v4 in main@3a33f0a") -> WorkloadEvent:
    key = ObjectKey("apps", "Deployment", namespace, "web")
    return WorkloadEvent(key, "ImageUpdated", "UpdateImage", note)


def test_what_is_written_is_described_and_what_is_repeated_is_counted(
    cluster: KubernetesCluster, control_plane: ControlPlane, cluster_namespace: str
) -> None:
    where = ("-n", cluster_namespace)
    control_plane.kubectl(*where, "create", "deployment", "web", "--image=r.example/web:v4")
    events, said = cluster.events(), event(cluster_namespace)

    name = events.write(said)
    described = control_plane.kubectl(*where, "describe", "deployment", "web")
    (line,) = [line for line in described.splitlines() if "ImageUpdated" in line]
    assert line.split()[:2] == ["Normal", "ImageUpdated"]
    assert line.endswith("main: v3 -> v4 in main@3a33f0a")
    events.repeat(said, name, 7)

    described = control_plane.kubectl(*where, "describe", "deployment", "web")
    (line,) = [line for line in described.splitlines() if "ImageUpdated" in line]
    assert "(x7 over " in line


def test_the_longest_names_and_notes_are_taken(
    cluster: KubernetesCluster, control_plane: ControlPlane, cluster_namespace: str
) -> None:
    name = ".".join(["x" * 39] * 6)  # a dot where it is cut
    where = ("-n", cluster_namespace)
    control_plane.kubectl(*where, "create", "configmap", name)
    key = ObjectKey("", "ConfigMap", cluster_namespace, name)

    assert cluster.events().write(
        WorkloadEvent(key, "R", "A", "ä" * (MAX_NOTE // 2), is_warning=True)
    )


def test_of_what_is_not_there_nothing_is_written(
    cluster: KubernetesCluster, cluster_namespace: str
) -> None:
    events = cluster.events()

    assert events.write(event(cluster_namespace)) == ""
    unknown = ObjectKey("nobody.example", "Widget", cluster_namespace, "web")
    assert events.write(WorkloadEvent(unknown, "R", "A", "x")) == ""
    with pytest.raises(NotFoundError):
        events.repeat(event(cluster_namespace), "gone", 2)
