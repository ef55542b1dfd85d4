"""Syncs past admission webhooks that change, refuse or say nothing, on a real API server."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, StalledError
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.adapters.raw_requests import Raw
from tests.simulators.admission import AdmissionSimulator, Review, denied, patched

pytestmark = pytest.mark.cluster

HOOKS = "/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations"
SIDECAR = {"name": "proxy", "image": "proxy:1"}


@dataclass(frozen=True)
class Hooked:
    """A cluster, and the webhooks that are asked about objects labelled with their names."""

    cluster: Cluster
    admission: AdmissionSimulator


def hook(
    admission: AdmissionSimulator, name: str, namespace: str, policy: str
) -> Mapping[str, Any]:
    return {
        "name": f"{name}.lab.example",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": policy,
        "timeoutSeconds": 1 if name.startswith("silent") else 30,
        "clientConfig": admission.client(f"/{name}"),
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {"hook": name}},
        "rules": [
            {
                "apiGroups": ["", "apps"],
                "apiVersions": ["v1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": ["configmaps", "deployments"],
            }
        ],
    }


def injected(review: Review) -> Mapping[str, object]:
    """Do as meshes and registry mirrors do: add a container and a note, and change our image."""
    containers = review["object"]["spec"]["template"]["spec"]["containers"]
    pod = "/spec/template/spec"
    changes: list[Mapping[str, object]] = []
    for index, each in enumerate(containers):
        if each["name"] == "web" and not each["image"].startswith("mirror/"):
            image = {"op": "replace", "path": f"{pod}/containers/{index}/image"}
            changes.append({**image, "value": f"mirror/{each['image']}"})
    if not any(each["name"] == "proxy" for each in containers):
        changes.append({"op": "add", "path": f"{pod}/containers/-", "value": SIDECAR})
    return patched(*changes)


@pytest.fixture(scope="module")
def hooked(
    control_plane: ControlPlane, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Hooked]:
    cluster = Cluster.fresh(control_plane)
    raw = Raw(control_plane, cluster.namespace)
    name = {"metadata": {"name": f"hooks-{os.getpid()}"}}
    with AdmissionSimulator(authority, tmp_path_factory.mktemp("admission")) as admission:
        admission.by_path |= {
            "/changing": injected,
            "/refusing": lambda _: denied("no such thing here"),
            "/silent": lambda _: None,
            "/silent-ignored": lambda _: None,
        }
        one = (admission, "changing", cluster.namespace, "Fail")
        raw.post(HOOKS.format("mutating"), {**name, "webhooks": [hook(*one)]})
        others = [("refusing", "Fail"), ("silent", "Fail"), ("silent-ignored", "Ignore")]
        hooks = [hook(admission, each, cluster.namespace, policy) for each, policy in others]
        raw.post(HOOKS.format("validating"), {**name, "webhooks": hooks})
        _await_hooks(raw)
        yield Hooked(cluster, admission)
        for kind in ("mutating", "validating"):
            raw.delete(f"{HOOKS.format(kind)}/{name['metadata']['name']}")
    raw.close()


def _await_hooks(raw: Raw) -> None:
    """Wait until the API server asks them: it hears of them a moment after they are made."""
    labelled = {"metadata": {"name": "probe", "labels": {"hook": "refusing"}}}
    while True:
        try:
            raw.post(raw.path("ConfigMap"), labelled)
        except StalledError:
            return
        raw.delete(raw.path("ConfigMap", "probe"))


def labelled(name: str, hook_name: str, value: str = "1") -> str:
    return config_map(name, value, extra=f"  labels: {{hook: {hook_name}}}\n")


def changing(image: str) -> str:
    text = deployment("web", image)
    return text.replace("metadata: {name: web}", "metadata: {name: web, labels: {hook: changing}}")


def images(cluster: Cluster) -> list[str]:
    found = json.loads(cluster.kubectl("get", "deployment", "web", "-o", "json"))
    return [each["image"] for each in found["spec"]["template"]["spec"]["containers"]]


def test_of_a_change_what_a_webhook_adds_is_not_shown(hooked: Hooked) -> None:
    cluster = hooked.cluster
    text = changing("nginx:1").replace("web", "edited")
    assert cluster.sync(text.replace("edited", "web"), text, wait=False).problems == ()

    changed = text.replace("replicas: 1", "replicas: 2")
    new = text.replace("edited", "new")
    shown = cluster.sync(text.replace("edited", "web"), changed, new, dry_run=True)

    assert shown.problems == ()
    diffs = {each.key.name: each.diff.splitlines()[2:] for each in shown.report.objects}
    lines = [line for line in diffs["edited"] if line.startswith(("+", "-"))]
    assert lines == ["-  replicas: 1", "+  replicas: 2"]
    assert "+        name: new" in diffs["new"]
    assert not any("proxy" in line for line in diffs["new"])


def test_what_a_webhook_changes_is_neither_fought_over_nor_shown(hooked: Hooked) -> None:
    cluster = hooked.cluster
    first = cluster.sync(changing("nginx:1"), wait=False)
    mark = cluster.control_plane.mark()
    again = cluster.sync(changing("nginx:1"), wait=False)
    shown = cluster.sync(changing("nginx:1"), wait=False, dry_run=True)
    writes = cluster.control_plane.writes(since=mark)

    assert (first.problems, again.problems, shown.problems) == ((), (), ())
    assert images(cluster) == ["mirror/nginx:1", "proxy:1"]
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
    assert [each.resource for each in writes if each.resource != "configmaps"] == []
    assert shown.report.diff == ""


def test_a_change_in_git_goes_the_same_way_past_a_webhook(hooked: Hooked) -> None:
    cluster = hooked.cluster
    cluster.sync(changing("nginx:1"), wait=False)

    synced = cluster.sync(changing("nginx:2"), wait=False)
    again = cluster.sync(changing("nginx:2"), wait=False)

    assert (synced.problems, again.problems) == ((), ())
    assert images(cluster) == ["mirror/nginx:2", "proxy:1"]
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}


def test_what_a_webhook_refuses_holds_back_itself_alone_in_the_webhooks_words(
    hooked: Hooked,
) -> None:
    synced = hooked.cluster.sync(labelled("refused", "refusing"), config_map("fine"))

    assert len(synced.problems) == 1
    assert isinstance(synced.problems[0], StalledError)
    assert "no such thing here" in str(synced.problems[0])
    assert str(synced.problems[0]).startswith("file0.yaml:1: configmap/refused")
    assert hooked.cluster.actions(synced)["configmap/fine"] is not Action.SKIPPED


def test_a_webhook_that_hangs_holds_back_only_what_it_must_be_asked_about(hooked: Hooked) -> None:
    texts = [config_map(f"apart{number}") for number in range(20)]

    synced = hooked.cluster.sync(
        labelled("held", "silent"), labelled("passed", "silent-ignored"), *texts
    )

    actions = dict(hooked.cluster.actions(synced))
    assert len(synced.problems) == 1
    assert isinstance(synced.problems[0], ClusterError)
    assert "failed calling webhook" in str(synced.problems[0])
    assert actions.pop("configmap/held") is Action.SKIPPED
    assert Action.SKIPPED not in actions.values()
