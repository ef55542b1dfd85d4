"""Whose fields are whose, when others had them before, share them, or take them, on a real API."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import RefusedError
from tests.adapters.cluster_world import Cluster, config_map
from tests.adapters.raw_requests import APPLY_PATCH, Raw

pytestmark = pytest.mark.cluster

SCALER: Mapping[str, Any] = {
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "web"},
    "spec": {
        "maxReplicas": 5,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"},
    },
}


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


@pytest.fixture
def raw(cluster: Cluster) -> Iterator[Raw]:
    raw = Raw(cluster.control_plane, cluster.namespace)
    yield raw
    raw.close()


def deployment(replicas: int | None, ports: object = None) -> str:
    container = {"name": "web", "image": "nginx:1", **({"ports": ports} if ports else {})}
    spec: dict[str, object] = {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}},
    }
    spec |= {} if replicas is None else {"replicas": replicas}
    named = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
    return json.dumps({**named, "spec": spec})


def scaler(version: str, **spec: object) -> str:
    body = {"apiVersion": f"autoscaling/{version}", **SCALER}
    return json.dumps({**body, "spec": {**SCALER["spec"], **spec}})


def data(raw: Raw, name: str = "a") -> Mapping[str, str]:
    found: Mapping[str, str] = raw.get(raw.path("ConfigMap", name))["data"]
    return found


def made(raw: Raw, manager: str, **values: str) -> None:
    raw.post(raw.path("ConfigMap"), {"metadata": {"name": "a"}, "data": values}, manager=manager)


@pytest.mark.parametrize("manager", ["kubectl-create", "kubectl-edit", "kubectl-patch", "kubectl"])
def test_what_a_person_made_becomes_ours_where_git_says_something(
    cluster: Cluster, raw: Raw, manager: str
) -> None:
    made(raw, manager, key="theirs", other="theirs")

    assert cluster.sync(config_map("a", "ours")).problems == ()
    assert data(raw) == {"key": "ours", "other": "theirs"}


def test_what_helm_made_otherwise_is_a_conflict_that_names_it(cluster: Cluster, raw: Raw) -> None:
    made(raw, "helm", key="theirs")

    refused = cluster.sync(config_map("a", "ours"))
    taken = cluster.sync(config_map("a", "ours"), take_over=("helm",))

    assert [type(problem) for problem in refused.problems] == [RefusedError]
    assert "conflicts with 'helm' about .data.key" in str(refused.problems[0])
    assert taken.problems == ()
    assert data(raw) == {"key": "ours"}


def test_what_helm_made_alike_is_shared_until_it_says_something_else(
    cluster: Cluster, raw: Raw
) -> None:
    made(raw, "helm", key="1")
    assert cluster.sync(config_map("a", "1")).problems == ()
    raw.patch(raw.path("ConfigMap", "a"), {"data": {"key": "2"}}, manager="helm")

    assert cluster.sync(config_map("a", "1")).problems == ()
    assert data(raw) == {"key": "1"}


def test_a_field_that_leaves_git_stays_if_another_one_has_it_too(
    cluster: Cluster, raw: Raw
) -> None:
    both = config_map("a", "1") + "  more: '1'\n"
    cluster.sync(both)
    shared = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"more": "1"}}
    body = {**shared, "metadata": {"name": "a"}}
    raw.patch(raw.path("ConfigMap", "a"), body, kind=APPLY_PATCH, manager="second")

    assert cluster.sync(config_map("a", "1")).problems == ()
    assert data(raw) == {"key": "1", "more": "1"}


def test_a_field_that_leaves_git_with_the_api_version_goes(cluster: Cluster, raw: Raw) -> None:
    assert cluster.sync(scaler("v1", minReplicas=2)).problems == ()

    synced = cluster.sync(scaler("v2"))
    again = cluster.sync(scaler("v2"))

    assert (synced.problems, again.problems) == ((), ())
    found = raw.get(raw.path("HorizontalPodAutoscaler", "web", "autoscaling/v2"))
    assert found["spec"]["minReplicas"] == 1  # the API server's default
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
    back = cluster.sync(scaler("v1", minReplicas=3))
    assert back.problems == ()


def test_replicas_leave_git_and_come_back_while_an_autoscaler_has_them(
    cluster: Cluster, raw: Raw
) -> None:
    path = raw.path("Deployment", "web", "apps/v1")

    def replicas() -> object:
        return raw.get(path)["spec"]["replicas"]

    def autoscale(number: int) -> None:
        raw.patch(f"{path}/scale", {"spec": {"replicas": number}}, manager="autoscaler")

    cluster.sync(deployment(0), wait=False)
    autoscale(3)
    assert cluster.sync(deployment(0), wait=False).problems == ()
    assert replicas() == 3
    assert cluster.sync(deployment(None), wait=False).problems == ()
    assert replicas() == 3
    autoscale(2)
    assert cluster.sync(deployment(5), wait=False).problems == ()
    assert replicas() == 2
    again = cluster.sync(deployment(5), wait=False)
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}


def test_ports_of_one_number_are_told_apart_by_their_protocol(cluster: Cluster, raw: Raw) -> None:
    udp = {"containerPort": 53, "protocol": "UDP"}
    both = deployment(0, [{"containerPort": 53}, udp])

    first = cluster.sync(both)
    again = cluster.sync(both)
    less = cluster.sync(deployment(0, [udp]))

    assert (first.problems, again.problems, less.problems) == ((), (), ())
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
    found = raw.get(raw.path("Deployment", "web", "apps/v1"))["spec"]["template"]["spec"]
    assert found["containers"][0]["ports"] == [udp]
    twice = cluster.sync(deployment(0, [udp, udp]))
    assert [type(problem) for problem in twice.problems] == [RefusedError]
    assert "duplicate" in str(twice.problems[0])


def test_an_annotation_of_a_person_stays_where_git_has_others(cluster: Cluster, raw: Raw) -> None:
    noted = config_map("a", extra="  annotations: {ours: '1'}\n")
    cluster.sync(noted)
    cluster.kubectl("annotate", "configmap", "a", "theirs=1")
    left = cluster.sync(noted)
    cluster.kubectl("annotate", "configmap", "a", "ours=2", "--overwrite")
    mended = cluster.sync(noted)

    assert set(cluster.actions(left).values()) == {Action.UNCHANGED}
    assert set(cluster.actions(mended).values()) == {Action.CONFIGURED}
    annotations = raw.get(raw.path("ConfigMap", "a"))["metadata"]["annotations"]
    assert annotations == {"ours": "1", "theirs": "1"}
