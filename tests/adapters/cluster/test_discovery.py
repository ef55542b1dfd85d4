"""What is served: asked for once, told anew only when it changed; groups whose server is down."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.connection import Connection
from reconciler.adapters.cluster.discovery import Discovery
from reconciler.core.objects.identity import GroupKind
from reconciler.core.objects.report import Action
from reconciler.core.objects.served import Served
from reconciler.errors import ClusterError
from reconciler.settings import ClusterSettings
from tests.adapters.cluster_world import Cluster, config_map
from tests.simulators.older_api import OlderApiServer

pytestmark = pytest.mark.cluster

GROUP = "discovered.example"
DEFINITION = f"""\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: things.{GROUP}}}
spec:
  group: {GROUP}
  scope: Namespaced
  names: {{plural: things, singular: thing, kind: Thing, listKind: ThingList}}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {{openAPIV3Schema: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}
"""
DOWN = """\
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.down.example}
spec:
  group: down.example
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: nobody, namespace: default}
"""
THING = GroupKind(GROUP, "Thing")


def thing(group: str, name: str = "one") -> str:
    return f"apiVersion: {group}/v1\nkind: Thing\nmetadata: {{name: {name}}}\n"


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def discovery(control_plane: ControlPlane) -> Iterator[Discovery]:
    connection = Connection.open(ClusterSettings(kubeconfig=control_plane.kubeconfig))
    yield Discovery(connection)
    connection.close()


@pytest.fixture
def defined(control_plane: ControlPlane, discovery: Discovery) -> Iterator[None]:
    """A kind by a definition."""
    control_plane.kubectl("apply", "-f", "-", stdin=DEFINITION)
    until(lambda: (THING, "v1") in discovery.served().resources)
    yield
    control_plane.kubectl("delete", "-f", "-", stdin=DEFINITION)


@pytest.fixture
def down(control_plane: ControlPlane, discovery: Discovery) -> Iterator[None]:
    """A group whose server is not there."""
    control_plane.kubectl("apply", "-f", "-", stdin=DOWN)
    until(lambda: ("down.example", "v1") in discovery.served().silent)
    yield
    control_plane.kubectl("delete", "-f", "-", stdin=DOWN)


def asked_twice(older: OlderApiServer) -> tuple[Served, Served, list[tuple[int, str]]]:
    """Return what is served, twice, and the requests of the second time."""
    connection = Connection.open(ClusterSettings(kubeconfig=older.kubeconfig))
    discovery = Discovery(connection)
    first = discovery.served()
    before = len(older.requests)
    second = discovery.served()
    connection.close()
    return first, second, older.requests[before:]


def test_what_has_not_changed_is_not_told_again(
    control_plane: ControlPlane, discovery: Discovery, tmp_path: Path
) -> None:
    with OlderApiServer(control_plane.kubeconfig, tmp_path, is_beta=True) as older:
        first, second, requests = asked_twice(older)

    assert requests == [(304, "/api"), (304, "/apis")]
    assert second is first
    assert first == discovery.served()
    assert discovery.served() is discovery.served()


def test_an_older_api_server_is_asked_version_by_version(
    control_plane: ControlPlane, discovery: Discovery, tmp_path: Path
) -> None:
    with OlderApiServer(control_plane.kubeconfig, tmp_path) as older:
        first, second, requests = asked_twice(older)

    assert first.resources == discovery.served().resources
    assert second == first
    assert len(requests) == len({path for _, path in requests}) > 2


def test_of_an_older_api_server_one_broken_version_breaks_no_other(
    control_plane: ControlPlane, discovery: Discovery, tmp_path: Path
) -> None:
    with OlderApiServer(control_plane.kubeconfig, tmp_path) as older:
        older.broken = {"/apis/batch/v1"}
        served, _, _ = asked_twice(older)
        older.broken = {"/api/v1"}
        with pytest.raises(ClusterError, match="service unavailable"):
            asked_twice(older)

    assert served.silent.keys() == {("batch", "v1")}
    assert "service unavailable" in served.silent["batch", "v1"]
    whole = discovery.served().resources
    assert served.resources == {k: v for k, v in whole.items() if v.api_version != "batch/v1"}


@pytest.mark.usefixtures("down")
@pytest.mark.parametrize("is_old", [False, True], ids=["newest", "old"])
def test_a_group_whose_server_is_down_holds_back_its_own_objects_alone(
    control_plane: ControlPlane, tmp_path: Path, is_old: bool
) -> None:
    cluster = Cluster.fresh(control_plane)
    with OlderApiServer(control_plane.kubeconfig, tmp_path) as older:
        if is_old:
            cluster.kubeconfig = older.kubeconfig

        first = cluster.sync(thing("down.example"), config_map("a"), config_map("b"))
        second = cluster.sync(config_map("a"))

    assert cluster.actions(first) == {
        "thing/one": Action.SKIPPED,
        "configmap/a": Action.CREATED,
        "configmap/b": Action.CREATED,
    }
    assert [type(each) for each in first.problems] == [ClusterError]
    assert "file0.yaml:1: thing.down.example/one" in str(first.problems[0])
    assert "down.example/v1 is not to be had now" in str(first.problems[0])
    assert [each.where for each in second.problems] == ["Thing.down.example"]
    assert "b" in cluster.names("configmap")


@pytest.mark.usefixtures("defined")
def test_an_object_whose_group_went_down_is_not_forgotten(
    control_plane: ControlPlane, discovery: Discovery
) -> None:
    cluster = Cluster.fresh(control_plane)
    cluster.sync(thing(GROUP), thing(GROUP, "two"), config_map("a"))
    api_service = f"apiservice/v1.{GROUP}"
    patch = f"""{{"metadata": {{"labels": {{"kube-aggregator.kubernetes.io/automanaged": null}}}},
        "spec": {{"service": {{"name": "nobody", "namespace": "default"}},
                  "insecureSkipTLSVerify": true, "group": "{GROUP}"}}}}"""
    control_plane.kubectl("patch", api_service, "--type=merge", "-p", patch)
    until(lambda: (THING, "v1") not in discovery.served().resources)

    down = cluster.sync(thing(GROUP, "two"), config_map("a", "2"))

    assert cluster.actions(down)["configmap/a"] is Action.CONFIGURED
    assert {type(each) for each in down.problems} == {ClusterError}
    control_plane.kubectl("delete", api_service)  # it is made again, as for every definition
    until(lambda: (THING, "v1") in discovery.served().resources)
    up = cluster.sync(thing(GROUP, "two"), config_map("a", "2"))
    assert not up.problems
    assert cluster.actions(up) == {
        "thing/two": Action.UNCHANGED,
        "configmap/a": Action.UNCHANGED,
        "thing/one": Action.DELETED,
    }


def test_a_group_that_is_not_asked_for_disturbs_nobody(
    control_plane: ControlPlane, down: None
) -> None:
    del down
    cluster = Cluster.fresh(control_plane)
    cluster.sync(config_map("a"), config_map("b"))

    synced = cluster.sync(config_map("a"))

    assert not synced.problems
    assert "b" not in cluster.names("configmap")
