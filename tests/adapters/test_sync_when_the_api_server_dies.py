"""The API server dies at each request of a sync: the next sync ends where one sync would have."""

import json
import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, NoAnswerError
from tests.adapters.cluster_world import Cluster, config_map
from tests.adapters.raw_requests import Raw
from tests.simulators.fault_proxy import FaultProxy, First

pytestmark = pytest.mark.cluster

AT_A_TIME = 4
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: 'VALUE'}\n"
ACCOUNT = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n"
SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NAMESPACE-extra}\n"
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:VALUE"}]}
"""
QUOTA = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: q}\nspec: {hard: {pods: '50'}}\n"
SORTED_KINDS = ("ConfigMap", "Secret", "ServiceAccount", "Service", "ResourceQuota")
UNTOUCHED = {"ConfigMap/same", "Secret/s", "Service/web", "Deployment/web", "ServiceAccount/robot"}


def first_revision() -> list[str]:
    return [
        config_map("same"),
        config_map("changed", "1"),
        config_map("gone"),
        SECRET.replace("VALUE", "1"),
        ACCOUNT,
        SERVICE,
        DEPLOYMENT.replace("VALUE", "1"),
    ]


def second_revision(namespace: str) -> list[str]:
    """Return manifests in which something is the same, changed, new, gone, and adopted."""
    return [
        SPACE.replace("NAMESPACE", namespace),
        config_map("inside", extra=f"  namespace: {namespace}-extra\n"),
        config_map("same"),
        config_map("changed", "2"),
        config_map("new"),
        config_map("adopted", "ours"),
        SECRET.replace("VALUE", "2"),
        ACCOUNT,
        QUOTA,
        SERVICE,
        DEPLOYMENT.replace("VALUE", "2"),
    ]


class World:
    """A namespace in which the first revision is applied, and a proxy that can die."""

    def __init__(self, plane: ControlPlane, authority: Authority, folder: Path, name: str) -> None:
        self.raw = Raw(plane, name)
        self.raw.make_namespace(name)
        self.cluster = Cluster(plane, name)
        self.proxy = FaultProxy(plane.kubeconfig, authority, folder / name)
        self.disturbed = replace(self.cluster, kubeconfig=self.proxy.kubeconfig)
        self.raw.post(
            self.raw.path("ConfigMap"),
            {"metadata": {"name": "adopted"}, "data": {"key": "theirs", "stale": "gone from Git"}},
            manager="kubectl-client-side-apply",
        )
        self.raw.post(self.raw.path("ConfigMap"), {"metadata": {"name": "foreign"}})
        assert self.cluster.sync(*first_revision()).problems == ()
        self.before = self.objects()

    def objects(self) -> Mapping[str, Mapping[str, Any]]:
        """Return all objects of the namespace that a sync or somebody else made, by kind/name."""
        paths = {kind: self.raw.path(kind) for kind in SORTED_KINDS}
        paths["Deployment"] = self.raw.path("Deployment", api_version="apps/v1")
        return {
            f"{kind}/{item['metadata']['name']}": item
            for kind, path in paths.items()
            for item in self.raw.get(path)["items"]
        }

    def end(self) -> Mapping[str, object]:
        """Sync the second revision undisturbed; return what the cluster is then, and prove it."""
        wanted = second_revision(self.cluster.namespace)
        synced = self.cluster.sync(*wanted, timeout_s=300.0)  # controllers find it again, too
        assert synced.problems == ()
        after = self.objects()
        assert "ConfigMap/gone" not in after
        for name in UNTOUCHED | {"ConfigMap/adopted", "ConfigMap/foreign"}:
            assert after[name]["metadata"]["uid"] == self.before[name]["metadata"]["uid"], name
        again = self.cluster.sync(*second_revision(self.cluster.namespace))
        assert again.problems == ()
        assert set(self.cluster.actions(again).values()) == {Action.UNCHANGED}
        self.raw.close()
        return {name: shape_of(item) for name, item in after.items()}


def shape_of(item: Mapping[str, Any]) -> Mapping[str, object]:
    """Return what was wanted of an object, and by whom."""
    metadata = item["metadata"]
    managers = [
        (entry["manager"], entry["operation"], json.dumps(entry["fieldsV1"], sort_keys=True))
        for entry in metadata.get("managedFields", ())
        if not entry.get("subresource") and entry["manager"] != "kube-controller-manager"
    ]
    template = item.get("spec", {}).get("template")
    is_ours = "applyset.kubernetes.io/part-of" in metadata.get("labels", {})
    return {"data": item.get("data"), "template": template, "ours": is_ours, "by": sorted(managers)}


@pytest.mark.parametrize("is_forwarded", [False, True], ids=["unheard", "carried-out"])
def test_whenever_the_api_server_dies_the_next_sync_ends_as_one_sync_would_have(
    control_plane: ControlPlane, authority: Authority, tmp_path: Path, is_forwarded: bool
) -> None:
    prefix = f"die{int(is_forwarded)}-{id(tmp_path) % 10000}"
    reference = World(control_plane, authority, tmp_path, f"{prefix}-reference")
    with reference.proxy:
        reference.disturbed.sync(*second_revision(reference.cluster.namespace))
    requests = len(reference.proxy.requests)
    expected = reference.end()

    def died_at(number: int) -> Mapping[str, object]:
        world = World(control_plane, authority, tmp_path, f"{prefix}-{number}")
        world.proxy.die_at(number, is_forwarded=is_forwarded)
        with world.proxy:
            try:
                problems = world.disturbed.sync(*second_revision(world.cluster.namespace)).problems
            except NoAnswerError as error:
                problems = (error,)
        assert problems
        assert all(isinstance(problem, ClusterError) for problem in problems), problems
        return world.end()

    with ThreadPoolExecutor(AT_A_TIME) as executor:
        ends = dict(enumerate(executor.map(died_at, range(1, requests + 1)), start=1))

    assert requests > 25
    assert {number for number, end in ends.items() if end != expected} == set()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("PUT", "/configmaps/reconcile-", id="when-it-is-remembered"),
        pytest.param("PATCH", "/deployments/", id="when-it-is-applied"),
        pytest.param("DELETE", "/configmaps/gone", id="when-it-is-pruned"),
    ],
)
def test_an_api_server_that_is_killed_and_started_again_has_lost_nothing(
    control_plane: ControlPlane, authority: Authority, tmp_path: Path, method: str, path: str
) -> None:
    name = f"killed-{method.lower()}-{id(tmp_path) % 10000}"
    world = World(control_plane, authority, tmp_path, name)
    pid = control_plane.pids["kube-apiserver"]
    world.proxy.on(method, path, First(lambda: os.kill(pid, signal.SIGKILL)), times=1)

    with world.proxy:
        try:
            problems = world.disturbed.sync(*second_revision(name), timeout_s=3.0).problems
        except NoAnswerError as error:
            problems = (error,)
        finally:
            control_plane.stop_apiserver()
            control_plane.start_apiserver()

    assert any(isinstance(problem, ClusterError) for problem in problems)
    world.end()
