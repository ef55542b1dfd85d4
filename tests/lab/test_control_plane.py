"""The control plane behaves as a cluster does, and shows what was written to it."""

import json
from pathlib import Path

import pytest

from lab import build
from lab.audit import Write, read_writes
from lab.cluster import Cluster
from lab.control_plane import ControlPlane, program
from lab.process import LabError

pytestmark = pytest.mark.cluster


def deploy(control_plane: Cluster, namespace: str, *, fails: bool) -> None:
    labels = {"app": "web", **({"lab/fail": "true"} if fails else {})}
    pod = {"containers": [{"name": "web", "image": "registry.example/web:1"}]}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    control_plane.kubectl("-n", namespace, "create", "-f", "-", stdin=json.dumps(deployment))


def job(*, fails: bool) -> str:
    pod = {
        "restartPolicy": "Never",
        "containers": [{"name": "once", "image": "registry.example/once:1"}],
    }
    labels = {"lab/fail": "true"} if fails else {}
    spec = {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}}
    return json.dumps(
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, "spec": spec}
    )


def wait(control_plane: Cluster, namespace: str, condition: str, *what: str) -> None:
    inside = ("-n", namespace)
    control_plane.kubectl(*inside, "wait", f"--for={condition}", "--timeout=60s", *what)


def test_a_deployment_becomes_available(control_plane: Cluster, cluster_namespace: str) -> None:
    deploy(control_plane, cluster_namespace, fails=False)

    wait(control_plane, cluster_namespace, "condition=Available", "deployment/web")


def test_a_marked_pod_fails_and_its_deployment_stays_unavailable(
    control_plane: Cluster, cluster_namespace: str
) -> None:
    deploy(control_plane, cluster_namespace, fails=True)

    reason = "jsonpath={.status.containerStatuses[0].state.waiting.reason}=CrashLoopBackOff"
    wait(control_plane, cluster_namespace, "jsonpath={.status.replicas}=2", "deployment/web")
    wait(control_plane, cluster_namespace, reason, "pods", "-l", "app=web")
    wait(control_plane, cluster_namespace, "condition=Ready=False", "pods", "-l", "app=web")
    wait(control_plane, cluster_namespace, "condition=Available=False", "deployment/web")


@pytest.mark.parametrize(
    ("fails", "condition"),
    [pytest.param(False, "Complete", id="ends"), pytest.param(True, "Failed", id="marked")],
)
def test_a_job_ends_as_its_pods_are_marked(
    control_plane: Cluster, cluster_namespace: str, *, fails: bool, condition: str
) -> None:
    control_plane.kubectl("-n", cluster_namespace, "create", "-f", "-", stdin=job(fails=fails))

    wait(control_plane, cluster_namespace, f"condition={condition}", "job/once")


def test_the_limited_user_may_do_what_it_was_granted_and_nothing_else(
    control_plane: Cluster, cluster_namespace: str
) -> None:
    inside = ("-n", cluster_namespace)
    with pytest.raises(LabError, match='User "limited" cannot list resource "configmaps"'):
        control_plane.kubectl(*inside, "get", "configmaps", user="limited")

    rule = ("--verb=list", "--resource=configmaps")
    control_plane.kubectl(*inside, "create", "role", "reader", *rule)
    control_plane.kubectl(
        *inside, "create", "rolebinding", "reader", "--role=reader", "--user=limited"
    )

    control_plane.kubectl(*inside, "get", "configmaps", user="limited")
    with pytest.raises(LabError, match='cannot list resource "secrets"'):
        control_plane.kubectl(*inside, "get", "secrets", user="limited")


def test_a_token_that_nobody_has_is_refused(control_plane: Cluster) -> None:
    stranger = ("--kubeconfig", str(control_plane.kubeconfig_for("stranger", token="canary")))

    with pytest.raises(LabError, match="Unauthorized"):
        control_plane.kubectl(*stranger, "get", "namespaces")


def test_service_accounts_have_tokens_that_the_api_server_knows(
    control_plane: Cluster, cluster_namespace: str
) -> None:
    control_plane.kubectl("-n", cluster_namespace, "create", "serviceaccount", "robot")
    token = control_plane.kubectl("-n", cluster_namespace, "create", "token", "robot").strip()
    robot = ("--kubeconfig", str(control_plane.kubeconfig_for("robot", token=token)))

    with pytest.raises(LabError, match=f"system:serviceaccount:{cluster_namespace}:robot"):
        control_plane.kubectl(*robot, "get", "namespaces")


def test_writes_are_read_from_the_audit_log_and_reads_and_dry_runs_are_not(
    control_plane: Cluster, cluster_namespace: str
) -> None:
    inside = ("-n", cluster_namespace)
    control_plane.kubectl(*inside, "create", "configmap", "before")
    mark = control_plane.mark()

    control_plane.kubectl(*inside, "get", "configmaps")
    control_plane.kubectl(*inside, "create", "configmap", "dry", "--dry-run=server")
    control_plane.kubectl(*inside, "create", "configmap", "real")
    with pytest.raises(LabError, match="forbidden"):
        control_plane.kubectl(*inside, "delete", "configmap", "real", user="limited")

    written = control_plane.writes(since=mark, agent="kubectl")
    assert [(write.verb, write.name, write.user, write.status) for write in written] == [
        ("create", "real", "admin", 201),
        ("delete", "real", "limited", 403),
    ]
    assert control_plane.writes(since=mark, agent="kubectl", user="limited") == written[1:]
    assert control_plane.writes(since=mark) == []


def test_what_a_service_account_asks_of_rbac_is_read_from_the_audit_log(
    control_plane: Cluster, cluster_namespace: str
) -> None:
    inside = ("-n", cluster_namespace)
    robot = f"{cluster_namespace}:robot"
    control_plane.kubectl(*inside, "create", "serviceaccount", "robot")
    edit = ("create", "rolebinding", "robot", "--clusterrole=edit", f"--serviceaccount={robot}")
    control_plane.kubectl(*inside, *edit)
    token = control_plane.kubectl(*inside, "create", "token", "robot").strip()
    as_robot = ("--kubeconfig", str(control_plane.kubeconfig_for("robot", token=token)), *inside)
    manifest = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}'
    mark = control_plane.mark()

    control_plane.kubectl(*as_robot, "get", "deployments.apps")
    with pytest.raises(LabError, match="forbidden"):
        control_plane.kubectl(*as_robot, "get", "roles")
    apply = ("apply", "--server-side", "--validate=false", "-f", "-")
    control_plane.kubectl(*as_robot, *apply, stdin=manifest)

    asked = control_plane.asked(since=mark, user=f"system:serviceaccount:{robot}")
    assert [(each.verb, each.group, each.resource, each.status) for each in asked] == [
        ("list", "apps", "deployments", 200),
        ("list", "rbac.authorization.k8s.io", "roles", 403),
        ("patch", "", "configmaps", 201),
        ("create", "", "configmaps", 201),
    ]
    assert {each.namespace for each in asked} == {cluster_namespace}
    assert control_plane.asked(since=mark, user="admin") == []


def test_an_event_without_an_object_is_a_write_all_the_same(tmp_path: Path) -> None:
    event = {"verb": "create", "user": {"username": "admin"}, "userAgent": "x/1"}
    (tmp_path / "log").write_text(json.dumps(event) + "\n")

    assert read_writes(tmp_path / "log") == [Write("create", "", "", "", "admin", "x/1", 0)]


def test_the_api_server_comes_back_with_what_it_held(
    control_plane: Cluster, cluster_namespace: str
) -> None:
    control_plane.kubectl("-n", cluster_namespace, "create", "configmap", "kept")

    control_plane.stop_apiserver()
    try:
        with pytest.raises(LabError, match="refused"):
            control_plane.kubectl("get", "namespaces")
    finally:
        control_plane.start_apiserver()

    assert control_plane.get("-n", cluster_namespace, "configmap", "kept")


def test_a_part_that_cannot_start_is_told_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build.require("kubernetes")
    etcd = tmp_path / "assets" / "etcd"
    etcd.parent.mkdir()
    etcd.write_text("#!/bin/sh\necho no room on this device\nexit 7\n")
    etcd.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(etcd.parent))

    with pytest.raises(LabError, match=r"etcd ended with 7:\nno room on this device"):
        ControlPlane.start(tmp_path / "cluster")


def test_components_are_taken_from_the_assets_where_they_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "etcd").touch()
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert program("etcd") == [str(tmp_path / "etcd")]
    assert program("kube-scheduler") == [str(build.require("kubernetes")), "kube-scheduler"]
