"""Fields that nobody can change any more: told with both values, or made anew where marked."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, RefusedError
from reconciler.pipeline.contention import Contention
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: login, NOTES}
immutable: true
stringData: {password: VALUE}
"""
STATEFUL_SET = """\
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: store, NOTES}
spec:
  serviceName: VALUE
  selector: {matchLabels: {app: store}}
  template:
    metadata: {labels: {app: store}}
    spec: {containers: [{name: store, image: "redis:7"}]}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once, NOTES}
spec:
  template:
    spec:
      restartPolicy: Never
      containers: [{name: work, image: "busybox:VALUE"}]
"""
BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: read, NOTES}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: VALUE}
subjects: [{kind: ServiceAccount, name: default}]
"""
SELECTED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, NOTES}
spec:
  selector: {matchLabels: {app: VALUE}}
  template:
    metadata: {labels: {app: VALUE}}
    spec: {containers: [{name: web, image: "nginx:1"}]}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: disk, NOTES}
spec:
  accessModes: [VALUE]
  resources: {requests: {storage: 1Gi}}
"""


@dataclass(frozen=True)
class Case:
    """An object, two values of a field that cannot be changed, and what is told of them."""

    template: str
    old: str
    new: str
    told: str

    @property
    def kind(self) -> str:
        return self.template.partition("kind: ")[2].partition("\n")[0].lower()


CASES = [
    pytest.param(
        Case(SECRET, "one", "two", "data.password is *** in the cluster, and *** in Git"),
        id="secret",
    ),
    pytest.param(
        Case(STATEFUL_SET, "a", "b", 'spec.serviceName is "a" in the cluster, and "b" in Git'),
        id="stateful-set",
    ),
    pytest.param(
        Case(
            JOB,
            "1",
            "2",
            "spec.template.spec.containers[0].image "
            'is "busybox:1" in the cluster, and "busybox:2" in Git',
        ),
        id="job",
    ),
    pytest.param(
        Case(BINDING, "one", "two", 'roleRef.name is "one" in the cluster, and "two" in Git'),
        id="role-binding",
    ),
    pytest.param(
        Case(
            SELECTED,
            "one",
            "two",
            'spec.selector.matchLabels.app is "one" in the cluster, and "two" in Git',
        ),
        id="selector",
    ),
]


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    found = Cluster.fresh(control_plane)
    found.settings = replace(found.settings, wait=False)
    return found


def text(template: str, value: str, *, is_forced: bool = False) -> str:
    notes = "annotations: {reconcile/force: enabled}" if is_forced else "labels: {}"
    return template.replace("VALUE", value).replace("NOTES", notes)


def uid(cluster: Cluster, kind: str) -> str:
    (found,) = [
        each
        for each in json.loads(cluster.kubectl("get", kind, "-o", "json"))["items"]
        if each["metadata"]["name"] != "kube-root-ca.crt"
    ]
    return str(found["metadata"]["uid"])


@pytest.mark.parametrize("case", CASES)
def test_it_is_stalled_with_both_values(cluster: Cluster, case: Case) -> None:
    assert cluster.sync(text(case.template, case.old)).problems == ()
    before = uid(cluster, case.kind)

    synced = cluster.sync(text(case.template, case.new), config_map("beside"))

    (problem,) = synced.problems
    assert isinstance(problem, RefusedError)
    assert "cannot be changed: " in str(problem)
    assert case.told in str(problem)
    assert str(problem).endswith(
        "mark it reconcile/force: enabled to have it deleted and made anew"
    )
    assert uid(cluster, case.kind) == before
    assert cluster.actions(synced)["configmap/beside"] is Action.CREATED


@pytest.mark.parametrize("case", CASES)
def test_where_it_is_marked_it_is_made_anew(cluster: Cluster, case: Case) -> None:
    cluster.sync(text(case.template, case.old, is_forced=True))
    before = uid(cluster, case.kind)

    looked = cluster.sync(text(case.template, case.new, is_forced=True), dry_run=True)
    assert looked.problems == ()
    assert uid(cluster, case.kind) == before

    synced = cluster.sync(text(case.template, case.new, is_forced=True))

    assert synced.problems == ()
    assert uid(cluster, case.kind) != before
    (report,) = synced.report.objects
    assert report.action is Action.CONFIGURED
    assert report.reason.startswith("made anew, since it cannot be changed: ")
    assert case.told in report.reason
    again = cluster.sync(text(case.template, case.new, is_forced=True))
    assert set(cluster.actions(again).values()) == {Action.UNCHANGED}


def test_an_object_with_another_mistake_is_not_deleted(cluster: Cluster) -> None:
    cluster.sync(text(SELECTED, "one", is_forced=True))
    before = uid(cluster, "deployment")
    wrong = text(SELECTED, "two", is_forced=True).replace('"nginx:1"', '""')

    (problem,) = cluster.sync(wrong).problems

    assert "cannot be changed" not in str(problem)
    assert uid(cluster, "deployment") == before


def test_another_mistake_with_the_servers_own_words_in_it_is_another_mistake(
    cluster: Cluster,
) -> None:
    cluster.sync(text(JOB, "1", is_forced=True))
    before = uid(cluster, "job")
    wrong = text(JOB, "1", is_forced=True).replace("name: work", "name: immutable_work")

    (problem,) = cluster.sync(wrong).problems

    assert "immutable_work" in str(problem)
    assert uid(cluster, "job") == before


def test_what_is_never_to_be_pruned_is_not_deleted_to_be_made_anew_either(
    cluster: Cluster,
) -> None:
    cluster.sync(text(SELECTED, "one", is_forced=True))
    cluster.kubectl("annotate", "deployment/web", "reconcile/prune=disabled")
    before = uid(cluster, "deployment")

    (problem,) = cluster.sync(text(SELECTED, "two", is_forced=True)).problems

    assert "cannot be changed, and is marked never to be pruned: " in str(problem)
    assert uid(cluster, "deployment") == before


def test_what_we_run_from_is_not_deleted(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "namespace").write_text(cluster.namespace)
    monkeypatch.setattr("reconciler.adapters.cluster.own.SERVICE_ACCOUNT", tmp_path / "namespace")
    monkeypatch.setenv("HOSTNAME", "read-5d4f8-x2x")
    cluster.sync(text(BINDING, "one", is_forced=True))
    before = uid(cluster, "rolebinding")

    (problem,) = cluster.sync(text(BINDING, "two", is_forced=True)).problems

    assert "cannot be changed, and we run from it: roleRef.name is " in str(problem)
    assert uid(cluster, "rolebinding") == before


def test_what_holds_data_is_never_deleted(cluster: Cluster) -> None:
    cluster.sync(text(CLAIM, "ReadWriteOnce", is_forced=True))
    before = uid(cluster, "pvc")

    (problem,) = cluster.sync(text(CLAIM, "ReadWriteMany", is_forced=True)).problems

    assert "cannot be changed, and a PersistentVolumeClaim is never deleted: " in str(problem)
    assert uid(cluster, "pvc") == before


def test_what_is_not_ours_yet_is_not_deleted(cluster: Cluster) -> None:
    cluster.kubectl("create", "-f", "-", stdin=text(SELECTED, "theirs"))
    before = uid(cluster, "deployment")

    (problem,) = cluster.sync(text(SELECTED, "ours", is_forced=True)).problems

    assert "cannot be changed, and is not ours to delete: " in str(problem)
    assert uid(cluster, "deployment") == before


def test_one_that_a_finalizer_holds_is_made_anew_when_it_has_gone(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.adapters.cluster.renewal.GONE_WITHIN_S", 1.0)
    cluster.sync(text(SECRET, "one", is_forced=True))
    hold = '{"metadata":{"finalizers":["lab.example/hold"]}}'
    cluster.kubectl("patch", "secret", "login", "-p", hold)

    (problem,) = cluster.sync(text(SECRET, "two", is_forced=True)).problems
    assert isinstance(problem, ClusterError)
    assert "is being deleted; it is made anew when it has gone" in str(problem)

    cluster.kubectl("patch", "secret", "login", "-p", '{"metadata":{"finalizers":null}}')
    assert cluster.sync(text(SECRET, "two", is_forced=True)).problems == ()
    secret = json.loads(cluster.kubectl("get", "secret", "login", "-o", "json"))
    assert secret["data"] == {"password": "dHdv"}


def test_fields_of_a_manager_that_is_named_are_taken(cluster: Cluster) -> None:
    theirs = config_map("a", "theirs")
    cluster.kubectl("apply", "--server-side", "--field-manager=helm", "-f", "-", stdin=theirs)

    assert cluster.sync(config_map("a", "ours"), take_over=("argocd",)).problems
    looked = cluster.sync(config_map("a", "ours"), take_over=("helm",), dry_run=True)
    assert looked.problems == ()
    synced = cluster.sync(config_map("a", "ours"), take_over=("helm",))

    assert synced.problems == ()
    assert cluster.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.key}") == "ours"


def test_one_of_two_managers_that_is_not_named_keeps_all(cluster: Cluster) -> None:
    for manager, image in (("helm", "nginx:1"), ("argocd", "nginx:1")):
        cluster.kubectl(
            "apply", "--server-side", f"--field-manager={manager}", "-f", "-",
            stdin=deployment("web", image),
        )  # fmt: skip

    (problem,) = cluster.sync(deployment("web", "nginx:2"), take_over=("helm",)).problems

    assert "conflicts with" in str(problem)
    assert "'argocd'" in str(problem)


def test_a_manager_that_takes_a_field_again_and_again_is_named_and_the_object_held(
    cluster: Cluster,
) -> None:
    contention = Contention()

    def rival(value: str) -> None:
        cluster.kubectl(
            "apply", "--server-side", "--force-conflicts", "--field-manager=helm", "-f", "-",
            stdin=config_map("a", value),
        )  # fmt: skip

    cluster.sync(config_map("a", "ours"), contention=contention)
    for number in range(3):
        rival(f"theirs{number}")
        synced = cluster.sync(config_map("a", "ours"), contention=contention)
        assert synced.problems == ()
    rival("theirs at last")

    synced = cluster.sync(config_map("a", "ours"), config_map("b"), contention=contention)

    (problem,) = synced.problems
    assert "held: 'helm' changes fields of ours again and again" in str(problem)
    assert (
        cluster.kubectl("get", "configmap", "a", "-o", "jsonpath={.data.key}") == "theirs at last"
    )
    assert cluster.actions(synced)["configmap/b"] is Action.CREATED


def test_a_person_is_never_a_rival(cluster: Cluster) -> None:
    contention = Contention()
    for _ in range(5):
        cluster.sync(config_map("a"), contention=contention)
        cluster.kubectl("patch", "configmap", "a", "-p", '{"data":{"key":"drift"}}')

    assert cluster.sync(config_map("a"), contention=contention).problems == ()
