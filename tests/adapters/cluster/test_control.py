"""What people want of a reconciler, in the lab's API server."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.control import ConfigMapControls
from reconciler.core.objects.control import Answer, Control, Request, Suspension
from reconciler.errors import ChangedError, NotFoundError, RefusedError
from reconciler.settings import ClusterSettings

pytestmark = pytest.mark.cluster

HELD = Suspension("jane", "the migration", "2026-11-24T09:00:00Z")


@pytest.fixture
def connection(control_plane: ControlPlane) -> Iterator[Connection]:
    connection = Connection.open(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    yield connection
    connection.close()


@pytest.fixture
def controls(connection: Connection, cluster_namespace: str) -> ConfigMapControls:
    return ConfigMapControls(connection, namespace=cluster_namespace)


def test_what_is_said_is_kept_beside_what_others_say(
    controls: ConfigMapControls, control_plane: ControlPlane, cluster_namespace: str
) -> None:
    assert (controls.all(), controls.of("web")) == ({}, Control())
    assert controls.suspend("web", HELD) is None
    name = ("configmap", "reconcile-web.control")
    control_plane.kubectl(
        "-n", cluster_namespace, "patch", *name, "--type=merge", "-p", '{"data": {"more": "x"}}'
    )
    controls.request("web", Request("1", "joe"))
    controls.answer("web", Answer("1", result="ok"))
    controls.answer("web", Answer("0", result="late"))
    controls.request("api", Request("2"))

    whole = Control(HELD, Request("1", "joe"), Answer("1", result="ok"))
    assert controls.all() == {"web": whole, "api": Control(None, Request("2"))}
    assert controls.suspend("web", None) == HELD
    assert controls.of("web") == replace(whole, suspension=None)
    found = control_plane.get("-n", cluster_namespace, *name)
    assert found["data"]["more"] == "x"


def test_an_object_of_somebody_else_is_left_alone(
    controls: ConfigMapControls, control_plane: ControlPlane, cluster_namespace: str
) -> None:
    control_plane.kubectl("-n", cluster_namespace, "create", "configmap", "reconcile-web.control")

    with pytest.raises(RefusedError, match="somebody else's"):
        controls.suspend("web", HELD)
    assert controls.all() == {}


def test_whoever_comes_between_is_not_overwritten(
    controls: ConfigMapControls, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    controls.request("web", Request("1"))
    other = ConfigMapControls(connection, namespace=controls._namespace)
    write = controls._write

    def meddled(*given: object) -> None:
        monkeypatch.setattr(controls, "_write", write)
        other.request("web", Request("2"))
        write(*given)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(controls, "_write", meddled)
    controls.suspend("web", HELD)

    assert controls.of("web") == Control(HELD, Request("2"))


def test_where_the_namespace_is_missing_that_is_said(connection: Connection) -> None:
    with pytest.raises((NotFoundError, ChangedError), match="not found"):
        ConfigMapControls(connection, namespace="missing").suspend("web", HELD)
