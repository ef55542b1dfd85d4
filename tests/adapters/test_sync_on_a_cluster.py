"""What a sync does on a real API server, asserted on the cluster."""

import json

import pytest

from lab.control_plane import ControlPlane
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.health import Status
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, ReconcilerError, RefusedError
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: NAMEs.lab.example}
spec:
  group: lab.example
  scope: Namespaced
  names: {plural: NAMEs, singular: NAME, kind: KIND}
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
CUSTOM = "apiVersion: lab.example/v1\nkind: KIND\nmetadata: {name: one}\nspec: {size: 1}\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: canary-7f3a}\n"


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


def told(problems: tuple[ReconcilerError, ...]) -> str:
    return "\n".join(map(str, problems))


def test_objects_are_created_then_left_alone_then_configured(cluster: Cluster) -> None:
    first = cluster.sync(config_map("a"), deployment("web"))
    mark = cluster.control_plane.mark()
    second = cluster.sync(config_map("a"), deployment("web"))
    writes = {(write.verb, write.resource) for write in cluster.control_plane.writes(since=mark)}
    third = cluster.sync(config_map("a", "2"), deployment("web"))

    assert set(cluster.actions(first).values()) == {Action.CREATED}
    assert set(cluster.actions(second).values()) == {Action.UNCHANGED}
    assert writes == {("update", "configmaps")}  # a new revision is remembered, nothing else
    assert cluster.actions(third) == {
        "configmap/a": Action.CONFIGURED,
        "deployment/web": Action.UNCHANGED,
    }
    assert cluster.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.key}") == "2"


def test_what_others_changed_of_ours_is_taken_back_and_what_is_theirs_is_left(
    cluster: Cluster,
) -> None:
    cluster.sync(config_map("a"), deployment("web"))
    cluster.kubectl("patch", "configmap", "a", "-p", '{"data":{"key":"drift","other":"theirs"}}')
    cluster.kubectl("set", "image", "deployment/web", "web=nginx:drift")

    synced = cluster.sync(config_map("a"), deployment("web"))

    assert set(cluster.actions(synced).values()) == {Action.CONFIGURED}
    data = json.loads(cluster.kubectl("get", "configmap", "a", "-o", "json"))["data"]
    assert data == {"key": "1", "other": "theirs"}


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["delete", "configmap", "a"], id="deleted"),
        pytest.param(["label", "configmap", "a", f"{PART_OF_LABEL}-"], id="label-removed"),
        pytest.param(
            ["patch", "configmap", "a", "--type=json", "-p",
             '[{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]'],
            id="managed-fields-stripped",
        ),
    ],
)  # fmt: skip
def test_what_was_taken_from_us_is_put_back(cluster: Cluster, command: list[str]) -> None:
    cluster.sync(config_map("a"), config_map("b"))
    cluster.kubectl(*command)

    synced = cluster.sync(config_map("a"), config_map("b"))

    assert synced.problems == ()
    found = json.loads(cluster.kubectl("get", "configmap", "a", "-o", "json"))
    assert found["data"] == {"key": "1"}
    assert PART_OF_LABEL in found["metadata"]["labels"]
    assert cluster.actions(synced)["configmap/b"] is Action.UNCHANGED


def test_a_field_of_another_manager_is_a_conflict_that_names_both(cluster: Cluster) -> None:
    theirs = config_map("a", "theirs")
    cluster.kubectl("apply", "--server-side", "--field-manager=helm", "-f", "-", stdin=theirs)

    synced = cluster.sync(config_map("a", "ours"), config_map("b"))

    assert told(synced.problems) == (
        f"file0.yaml:1: configmap/a (namespace {cluster.namespace}): "
        "conflicts with 'helm' about .data.key"
    )
    assert isinstance(synced.problems[0], RefusedError)
    assert cluster.names("configmap") == ["a", "b"]
    assert cluster.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.key}") == "theirs"


def test_what_kubectl_applied_from_the_client_becomes_ours_whole(cluster: Cluster) -> None:
    theirs = config_map("a", "theirs") + "  gone: from Git\n"
    cluster.kubectl("apply", "-f", "-", stdin=theirs)

    synced = cluster.sync(config_map("a", "ours"))

    assert synced.problems == ()
    data = json.loads(cluster.kubectl("get", "configmap", "a", "-o", "json"))["data"]
    assert data == {"key": "ours"}


def test_a_definition_and_its_object_are_applied_in_one_cycle(cluster: Cluster) -> None:
    name = f"widget{cluster.namespace.replace('-', '')}"
    texts = [
        text.replace("NAME", name).replace("KIND", name.capitalize()) for text in (CUSTOM, CRD)
    ]

    synced = cluster.sync(*texts)

    assert synced.problems == ()
    assert set(cluster.actions(synced).values()) == {Action.CREATED}
    assert set(cluster.actions(cluster.sync(*texts)).values()) == {Action.UNCHANGED}


def test_a_kind_that_nobody_serves_holds_back_itself_alone(cluster: Cluster) -> None:
    synced = cluster.sync(CUSTOM.replace("KIND", "Nothing"), config_map("a"))

    assert "file0.yaml:1: " in told(synced.problems)
    assert "the cluster does not serve Nothing in lab.example/v1" in told(synced.problems)
    assert "a" in cluster.names("configmap")


def test_an_invalid_object_is_told_with_the_servers_words(cluster: Cluster) -> None:
    bad = config_map("a", extra="  unknown: x\n")

    synced = cluster.sync(
        bad, deployment("web").replace("app: web}}\n  template", "app: x}}\n  template")
    )

    assert "file0.yaml:1: " in told(synced.problems)
    assert "unknown" in told(synced.problems)
    assert "`selector` does not match template" in told(synced.problems)
    assert all(isinstance(problem, RefusedError) for problem in synced.problems)


def test_a_missing_namespace_is_told(cluster: Cluster) -> None:
    synced = cluster.sync(config_map("a", extra="  namespace: nowhere\n"))

    assert 'namespaces "nowhere" not found' in told(synced.problems)


def test_a_secret_is_nowhere_but_in_its_secret(cluster: Cluster) -> None:
    cluster.sync(SECRET)
    preview = cluster.sync(SECRET.replace("7f3a", "8000"), dry_run=True)
    state = cluster.control_plane.kubectl(
        "-n", f"{cluster.namespace}-state", "get", "configmap,secret", "-o", "json"
    )

    assert "***" in preview.report.diff
    assert "canary" not in preview.report.diff + state


def test_health_is_waited_for_and_told(cluster: Cluster) -> None:
    good = cluster.sync(deployment("good"))
    assert [report.health and report.health.status for report in good.report.objects] == [
        Status.CURRENT
    ]

    failing = deployment("bad", labels=', lab/fail: "true"')
    bad = cluster.sync(deployment("good"), failing, timeout_s=1.5)
    assert "deployment.apps/bad" in told(bad.problems)
    assert "not healthy after 1.5 s" in told(bad.problems)
    assert isinstance(bad.problems[0], ClusterError)

    unwaited = cluster.sync(deployment("good"), failing, wait=False)
    assert unwaited.problems == ()


def test_an_api_server_that_restarts_is_found_again(cluster: Cluster) -> None:
    cluster.sync(config_map("a"))
    cluster.control_plane.stop_apiserver()
    try:
        with pytest.raises(ClusterError, match="cannot connect to the API server"):
            cluster.sync(config_map("a", "2"))
    finally:
        cluster.control_plane.start_apiserver()

    synced = cluster.sync(config_map("a", "2"))
    assert cluster.actions(synced) == {"configmap/a": Action.CONFIGURED}
