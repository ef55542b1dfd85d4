"""What a sync does when others act on the same objects, asserted on a real API server."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.apply import Application
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, RefusedError
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: work, image: "busybox:1"}]
"""
SCALED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
"""
SCALE = {"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": {"replicas": 3}}
HOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAME}
webhooks:
- name: nobody.lab.example
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 2
  clientConfig: {url: "https://127.0.0.1:1/"}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAME}}
  objectSelector: {matchLabels: {hooked: "true"}}
  rules:
  - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}
"""


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


@pytest.fixture
def hooked(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster whose ConfigMaps labelled ``hooked`` a webhook is asked about that nobody runs."""
    cluster.control_plane.kubectl("apply", "-f", "-", stdin=HOOK.replace("NAME", cluster.namespace))
    yield cluster
    cluster.control_plane.kubectl("delete", "validatingwebhookconfiguration", cluster.namespace)


def test_a_job_that_has_run_and_gone_is_neither_made_again_nor_waited_for(cluster: Cluster) -> None:
    cluster.sync(JOB, config_map("a"), config_map("b"))
    cluster.kubectl("delete", "job", "once")

    synced = cluster.sync(JOB, config_map("a"), timeout_s=60.0)

    assert synced.problems == ()
    assert cluster.names("job") == []
    assert cluster.actions(synced)["job/once"] is Action.UNCHANGED
    assert cluster.actions(synced)["configmap/b"] is Action.DELETED


def test_a_job_that_goes_while_others_are_waited_for_counts_as_it_ended(cluster: Cluster) -> None:
    brief = JOB.replace("spec:\n", "spec:\n  ttlSecondsAfterFinished: 0\n", 1)
    held = JOB.replace("once", "held").replace("spec:\n", "spec:\n  suspend: true\n", 1)

    synced = cluster.sync(brief, held, timeout_s=6.0)

    assert cluster.names("job") == ["held"]
    assert [problem.where for problem in synced.problems] == [
        f"job.batch/held (namespace {cluster.namespace})"
    ]


def test_a_webhook_that_fails_holds_back_only_what_it_is_asked_about(hooked: Cluster) -> None:
    bad = config_map("a-bad", extra='  labels: {hooked: "true"}\n')

    synced = hooked.sync(bad, *(config_map(f"b{number:02}") for number in range(30)))

    assert len(synced.problems) == 1
    assert "failed calling webhook" in str(synced.problems[0])
    assert isinstance(synced.problems[0], ClusterError)
    assert len(hooked.names("configmap")) == 30


def scale(cluster: Cluster, replicas: int) -> None:
    """Scale as an autoscaler does: by the subresource, as a manager of its own."""
    path = f"/apis/apps/v1/namespaces/{cluster.namespace}/deployments/web/scale"
    body = {**SCALE, "metadata": {"name": "web", "namespace": cluster.namespace}}
    body["spec"] = {"replicas": replicas}
    cluster.control_plane.kubectl(
        "replace", "--raw", f"{path}?fieldManager=autoscaler", "-f", "-", stdin=json.dumps(body)
    )


def replicas(cluster: Cluster) -> int:
    return int(cluster.kubectl("get", "deployment", "web", "-o", "jsonpath={.spec.replicas}"))


def test_the_replicas_that_an_autoscaler_sets_are_left_to_it(cluster: Cluster) -> None:
    cluster.sync(SCALED)
    scale(cluster, 3)

    synced = cluster.sync(SCALED)
    assert synced.problems == ()
    assert replicas(cluster) == 3

    scale(cluster, 2)
    mark = cluster.control_plane.mark()
    again = cluster.sync(SCALED)
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
    assert [w.resource for w in cluster.control_plane.writes(since=mark)] == ["configmaps"]

    changed = cluster.sync(SCALED.replace("nginx:1", "nginx:2"))
    assert changed.problems == ()
    assert replicas(cluster) == 2
    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert cluster.kubectl("get", "deployment", "web", "-o", image) == "nginx:2"


def test_replicas_that_a_person_sets_are_drift(cluster: Cluster) -> None:
    cluster.sync(SCALED)
    cluster.kubectl("scale", "deployment", "web", "--replicas=3")

    assert cluster.sync(SCALED).problems == ()
    assert replicas(cluster) == 1


def test_other_fields_of_an_object_with_an_autoscaler_are_still_taken_back(
    cluster: Cluster,
) -> None:
    cluster.sync(SCALED)
    scale(cluster, 3)
    patch = '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"drift:1"}]}}}}'
    cluster.kubectl("patch", "deployment", "web", "--field-manager=rival", "-p", patch)

    assert cluster.sync(SCALED).problems == ()

    image = "jsonpath={.spec.template.spec.containers[0].image}"
    assert cluster.kubectl("get", "deployment", "web", "-o", image) == "nginx:1"
    assert replicas(cluster) == 3


def test_an_object_of_two_sources_stays_with_the_first_and_the_second_is_told(
    cluster: Cluster,
) -> None:
    first, second = cluster, replace(cluster, source="second")
    first.sync(config_map("a", "first"), config_map("mine"))

    synced = second.sync(config_map("a", "second"), config_map("other"))

    assert len(synced.problems) == 1
    assert isinstance(synced.problems[0], RefusedError)
    assert "file0.yaml:1: configmap/a" in str(synced.problems[0])
    assert f"belongs to source '{first.namespace}', and source 'second' wants" in str(
        synced.problems[0]
    )
    assert first.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.key}") == "first"
    assert "other" in first.names("configmap")
    again = first.sync(config_map("a", "first"), config_map("mine"))
    assert set(first.actions(again).values()) == {Action.UNCHANGED}


def test_what_one_source_gives_up_another_one_can_have(cluster: Cluster) -> None:
    first, second = cluster, replace(cluster, source="second")
    first.sync(config_map("a"), config_map("mine"))
    second.sync(config_map("other"))
    first.sync(config_map("mine"))

    assert second.sync(config_map("a"), config_map("other")).problems == ()
    assert "a" in cluster.names("configmap")


def test_a_namespace_that_is_going_is_transient_and_names_the_reason(cluster: Cluster) -> None:
    held = config_map("held", extra="  finalizers: [lab.example/hold]\n")
    cluster.sync(held)
    cluster.control_plane.kubectl("delete", "namespace", cluster.namespace, "--wait=false")
    space = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {cluster.namespace}}}\n"

    synced = cluster.sync(held, space, config_map("new"), timeout_s=2.0)

    told = "\n".join(map(str, synced.problems))
    assert "is being terminated" in told
    assert all(isinstance(problem, ClusterError) for problem in synced.problems), told
    patch = '{"metadata":{"finalizers":null}}'
    cluster.kubectl("patch", "configmap", "held", "--type=merge", "-p", patch)


def test_a_value_that_a_person_adds_to_the_inventory_does_no_harm(cluster: Cluster) -> None:
    cluster.sync(config_map("a"), config_map("b"))
    cluster.control_plane.kubectl(
        "-n", f"{cluster.namespace}-state", "patch", "configmap", f"reconcile-{cluster.namespace}",
        "-p", '{"data":{"note":"do not touch"}}',
    )  # fmt: skip

    assert cluster.sync(config_map("a"), config_map("b")).problems == ()
    synced = cluster.sync(config_map("a"))

    assert cluster.actions(synced)["configmap/b"] is Action.DELETED


def test_what_kubectl_applied_becomes_ours_whole_though_we_were_killed_half_way(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = config_map("a", "theirs") + "  gone: from Git\n"
    cluster.kubectl("apply", "-f", "-", stdin=theirs)

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Application, "take_over", killed)
        with pytest.raises(KeyboardInterrupt):
            cluster.sync(config_map("a", "ours"))

    synced = cluster.sync(config_map("a", "ours"))

    assert synced.problems == ()
    data = json.loads(cluster.kubectl("get", "configmap", "a", "-o", "json"))["data"]
    assert data == {"key": "ours"}


@pytest.mark.parametrize(
    ("env", "words"),
    [
        pytest.param("{name: A, value: '1'}, {name: A, value: '2'}", "duplicate", id="key-twice"),
        pytest.param("{name: A, value: 1}", "expected string", id="number-for-a-text"),
    ],
)
def test_an_object_that_does_not_fit_its_schema_holds_back_itself_alone(
    cluster: Cluster, env: str, words: str
) -> None:
    bad = deployment("bad").replace('image: "nginx:1"', f'image: "nginx:1", env: [{env}]')

    synced = cluster.sync(bad, *(config_map(f"z{number}") for number in range(9)))

    assert len(synced.problems) == 1
    assert isinstance(synced.problems[0], RefusedError)
    assert str(synced.problems[0]).startswith("file0.yaml:1: deployment.apps/bad")
    assert words in str(synced.problems[0])
    assert len(cluster.names("configmap")) == 9


GENERATED = (
    "deployment web --image=nginx:1 --replicas=2 --port=80",
    "service clusterip web --tcp=80",
    "configmap config --from-literal=a=b",
    "secret generic secret --from-literal=a=b",
    "cronjob cron --image=busybox:1 --schedule=@daily",
    "job job --image=busybox:1",
    "ingress in --rule=example.com/=web:80",
    "role role --verb=get --resource=pods",
    "rolebinding binding --role=role --serviceaccount=default:default",
    "serviceaccount account",
    "quota quota --hard=pods=50",
    "poddisruptionbudget budget --selector=app=web --min-available=1",
)


def test_what_kubectl_generates_is_applied_and_then_left_alone(cluster: Cluster) -> None:
    texts = [
        cluster.kubectl("create", *words.split(), "--dry-run=client", "-o", "yaml")
        for words in GENERATED
    ]

    first = cluster.sync(*texts)
    again = cluster.sync(*texts)

    assert (first.problems, again.problems) == ((), ())
    assert len(first.report.objects) == len(GENERATED)
    assert set(cluster.actions(first).values()) == {Action.CREATED}
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}
