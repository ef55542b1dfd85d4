"""Leases in the lab's API server."""

from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.leases import Leases
from reconciler.core.lease import LEASE_S
from reconciler.errors import ChangedError
from reconciler.settings import ClusterSettings

pytestmark = pytest.mark.cluster


@pytest.fixture
def connection(control_plane: ControlPlane) -> Iterator[Connection]:
    connection = Connection.open(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    yield connection
    connection.close()


def test_what_is_written_is_read_and_only_who_read_the_newest_writes(
    connection: Connection, cluster_namespace: str, control_plane: ControlPlane
) -> None:
    leases = Leases(connection, namespace=cluster_namespace)
    assert leases.all() == {}
    first = leases.write("web", None, "one")
    assert leases.all() == {"web": first}
    assert (first.holder, first.duration_s, first.transitions) == ("one", LEASE_S, 0)

    with pytest.raises(ChangedError):
        leases.write("web", None, "other")
    renewed = leases.write("web", first, "one")
    assert renewed.version != first.version
    with pytest.raises(ChangedError):
        leases.write("web", first, "other")
    released = leases.write("web", renewed, "")
    taken = leases.write("web", released, "other")

    assert (released.holder, taken.holder, taken.transitions) == ("", "other", 1)
    found = control_plane.get("-n", cluster_namespace, "lease", "reconcile-web")
    assert found["spec"]["holderIdentity"] == "other"


def test_other_leases_are_left_aside_and_a_missing_namespace_is_made(
    connection: Connection, cluster_namespace: str
) -> None:
    assert "kube-scheduler" not in Leases(connection, namespace="kube-system").all()
    leases = Leases(connection, namespace=f"{cluster_namespace}-home")
    assert leases.all() == {}
    assert leases.write("web", None, "one").holder == "one"
