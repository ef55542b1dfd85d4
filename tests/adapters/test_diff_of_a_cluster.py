"""What a dry run shows, against the lab's real API server: what Git changes, and nothing else."""

import json
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import RefusedError
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.simulators.fault_proxy import Answer, FaultProxy

pytestmark = pytest.mark.cluster

SECRET = """\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Secret
  metadata: {name: db}
  stringData: {password: canary-7f3a, user: web}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once, annotations: {reconcile/force: enabled}}
spec:
  suspend: true
  template:
    spec:
      restartPolicy: Never
      containers: [{name: a, image: "busybox:1"}]
"""


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


def versions(cluster: Cluster) -> dict[str, str]:
    """Return the resourceVersion of each object that Git might have, by name."""
    kinds = "configmap,secret,deployment,job"
    items = json.loads(cluster.kubectl("get", kinds, "-o", "json"))["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": item["metadata"]["generation"]
        if item["kind"] in ("Deployment", "Job")  # their controllers write to them
        else item["metadata"]["resourceVersion"]
        for item in items
    }


def test_of_what_is_created_only_what_git_says_is_shown(cluster: Cluster) -> None:
    synced = cluster.sync(deployment("web"), SECRET, dry_run=True)

    web, db = synced.report.objects
    assert (web.action, db.action) == (Action.CREATED, Action.CREATED)
    assert (
        web.headed_diff
        == f"""\
deployment.apps/web (namespace {cluster.namespace}) created  [file0.yaml:1]
--- a/deployment.apps/web (namespace {cluster.namespace})
+++ b/deployment.apps/web (namespace {cluster.namespace})
@@ -0,0 +1,18 @@
+apiVersion: apps/v1
+kind: Deployment
+metadata:
+  name: web
+  namespace: {cluster.namespace}
+spec:
+  replicas: 1
+  selector:
+    matchLabels:
+      app: web
+  template:
+    metadata:
+      labels:
+        app: web
+    spec:
+      containers:
+      - image: nginx:1
+        name: web
"""
    )
    assert '+data:\n+  password: "***"\n+  user: "***"\n' in db.diff
    assert "[file1.yaml:4]" in db.headed_diff
    assert "canary" not in synced.report.diff
    assert "Deployment/web" not in versions(cluster)


def test_of_what_changes_only_what_git_changes_is_shown(cluster: Cluster) -> None:
    texts = [deployment("web"), SECRET, config_map("a"), config_map("b"), JOB]
    assert cluster.sync(*texts, wait=False).problems == ()
    assert cluster.sync(*texts, wait=False, dry_run=True).report.diff == ""
    before = versions(cluster)

    changed = [
        deployment("web", image="nginx:2").replace("  replicas: 1\n", ""),
        SECRET.replace("7f3a", "8000"),
        config_map("a"),
        JOB.replace("busybox:1", "busybox:2"),
    ]
    synced = cluster.sync(*changed, dry_run=True)

    found = {each.key.name: each for each in synced.report.objects}
    assert {name: each.action for name, each in found.items()} == {
        "web": Action.CONFIGURED,
        "db": Action.CONFIGURED,
        "a": Action.UNCHANGED,
        "b": Action.DELETED,
        "once": Action.CONFIGURED,
    }
    assert _changed(found["web"].diff) == ["-      - image: nginx:1", "+      - image: nginx:2"]
    assert _changed(found["db"].diff) == [
        '-  password: "*** (before)"',
        '+  password: "*** (after)"',
    ]
    assert _changed(found["b"].diff) == [
        "-apiVersion: v1",
        "-kind: ConfigMap",
        "-metadata:",
        "-  name: b",
        f"-  namespace: {cluster.namespace}",
        "-data:",
        '-  key: "1"',
    ]
    assert _changed(found["once"].diff) == [
        "-      - image: busybox:1",
        "+      - image: busybox:2",
    ]
    assert "made anew, since it cannot be changed" in found["once"].headed_diff.splitlines()[0]
    assert synced.report.has_changes
    assert "canary" not in synced.report.diff
    assert versions(cluster) == before


def test_an_object_that_cannot_be_tried_is_told(
    cluster: Cluster, authority: Authority, tmp_path: Path
) -> None:
    message = 'admission webhook "x.example" does not support dry run'
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message}
    with FaultProxy(cluster.control_plane.kubeconfig, authority, tmp_path) as proxy:
        proxy.on("PATCH", "configmaps/a", Answer(400, body=json.dumps(body).encode()))
        cluster.kubeconfig = proxy.kubeconfig

        synced = cluster.sync(config_map("a"), config_map("b"), dry_run=True)

    assert [each.action for each in synced.report.objects] == [Action.SKIPPED, Action.CREATED]
    (problem,) = synced.problems
    assert isinstance(problem, RefusedError)
    assert "cannot be tried without being done" in problem.message
    assert message in problem.message


def _changed(diff: str) -> list[str]:
    """Return the lines of a diff that differ."""
    return [line for line in diff.splitlines()[2:] if line.startswith(("+", "-"))]
