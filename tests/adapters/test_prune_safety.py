"""Prune safety: what is never deleted, scenario by scenario, each asserted on a real API server.

Those that begin in Git are in ``test_prune_safety_with_git.py``.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.report import Action
from reconciler.core.objects.state_codec import encode
from reconciler.pipeline.sync import Synced
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.simulators.fault_proxy import Answer, Cut, FaultProxy

pytestmark = pytest.mark.cluster

A, B = config_map("a"), config_map("b")
UNHEALTHY = deployment("bad", labels=', lab/fail: "true"')
BROKEN = "a: [\napiVersion: v1\n"
INVALID = config_map("x", extra="  unknown: x\n")
RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
- {apiGroups: [""], resources: [RESOURCES], verbs: [get, list, create, patchVERBS]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{kind: ServiceAccount, name: deployer, namespace: NAMESPACE}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: NAMESPACE}
spec: {accessModes: [ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /none}}
"""
SPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NAMESPACE-extra}\n"
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: NAMEs.lab.example}
spec:
  group: lab.example
  scope: Namespaced
  names: {plural: NAMEs, singular: NAME, kind: NAME}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
OWN = """\
apiVersion: v1
kind: ServiceAccount
metadata: {name: read}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: read}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: read}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: read}
subjects: [{kind: ServiceAccount, name: read}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: read}
rules: []
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: read}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: read}
subjects: []
"""


@pytest.fixture
def cluster(control_plane: ControlPlane) -> Cluster:
    """A source that has applied ``a`` and ``b``."""
    cluster = Cluster.fresh(control_plane)
    assert cluster.sync(A, B).problems == ()
    return cluster


def uids(cluster: Cluster, kinds: str = "configmap") -> Mapping[str, str]:
    """Return the uids of all objects of the namespace but what Kubernetes makes itself."""
    items = cluster.control_plane.get("-n", cluster.namespace, kinds)["items"]
    found = {item["metadata"]["name"]: str(item["metadata"]["uid"]) for item in items}
    found.pop("kube-root-ca.crt", None)
    return found


def reasons(synced: Synced) -> Mapping[str, str]:
    """Return why objects that left Git were kept, by name."""
    kept = (each for each in synced.report.objects if each.action is Action.KEPT)
    return {each.key.name: each.reason for each in kept}


def label_of(cluster: Cluster, name: str = "a") -> str:
    """Return our label with its value, as it stands on an object of ours."""
    item = cluster.control_plane.get("-n", cluster.namespace, "configmap", name)
    return f"{PART_OF_LABEL}={item['metadata']['labels'][PART_OF_LABEL]}"


def state(cluster: Cluster, *command: str) -> str:
    """Run kubectl where the state object is; ``NAME`` stands for it."""
    name = f"reconcile-{cluster.namespace}"
    words = [word.replace("NAME", name) for word in command]
    return cluster.control_plane.kubectl("-n", f"{cluster.namespace}-state", *words)


def test_what_left_git_is_deleted_once_all_else_is_well(cluster: Cluster) -> None:
    before = uids(cluster)

    synced = cluster.sync(A)

    assert cluster.actions(synced)["configmap/b"] is Action.DELETED
    assert uids(cluster) == {"a": before["a"]}
    assert list(cluster.actions(cluster.sync(A))) == ["configmap/a"]


def test_parse_error(cluster: Cluster) -> None:
    before = uids(cluster)

    assert cluster.sync(A, BROKEN).problems
    assert uids(cluster) == before
    assert cluster.sync(A, is_complete=False).problems == ()
    assert uids(cluster) == before
    assert cluster.sync(A).problems == ()
    assert "b" not in uids(cluster), "what was held is done when the doubt is over"


def test_apply_error(cluster: Cluster) -> None:
    before = uids(cluster)

    synced = cluster.sync(A, INVALID)

    assert uids(cluster) == before
    assert reasons(synced)["b"] == "prune held: not everything could be built and applied"


def test_rbac_denied_half_way(control_plane: ControlPlane) -> None:
    cluster = Cluster.fresh(control_plane)
    cluster = replace(cluster, account=ServiceAccount(cluster.namespace, "deployer"))
    cluster.kubectl("create", "serviceaccount", "deployer")

    def grant(verbs: str, resources: str = "configmaps, services") -> None:
        rights = RIGHTS.replace("NAMESPACE", cluster.namespace).replace("VERBS", verbs)
        cluster.kubectl("apply", "-f", "-", stdin=rights.replace("RESOURCES", resources))

    grant(", delete", "configmaps")
    assert cluster.sync(A, B).problems == ()
    before = uids(cluster)
    assert cluster.sync(A, config_map("new"), SERVICE).problems, "it may not make a Service"
    assert uids(cluster).keys() == {"a", "b", "new"}
    grant("")
    assert cluster.sync(A, config_map("new")).problems, "it may not delete"
    assert uids(cluster)["b"] == before["b"]
    grant(", delete")
    assert cluster.sync(A, config_map("new")).problems == ()
    assert uids(cluster).keys() == {"a", "new"}, "it was not forgotten"


def test_api_server_restarted_half_way(
    cluster: Cluster, authority: Authority, tmp_path: Path
) -> None:
    before = uids(cluster)
    with FaultProxy(cluster.control_plane.kubeconfig, authority, tmp_path) as proxy:
        through = replace(cluster, kubeconfig=proxy.kubeconfig)
        proxy.on("PATCH", "/configmaps/new", Cut())
        assert through.sync(A, config_map("new")).problems
        cluster.control_plane.stop_apiserver()
        cluster.control_plane.start_apiserver()
        assert uids(cluster) == before
        proxy.reset()
        proxy.on("DELETE", "/configmaps/b", Cut(is_forwarded=True), times=1)
        through.sync(A, config_map("new"))

    assert cluster.sync(A, config_map("new")).problems == ()
    assert uids(cluster).keys() == {"a", "new"}


def test_a_kind_that_cannot_be_listed(
    cluster: Cluster, authority: Authority, tmp_path: Path
) -> None:
    before = uids(cluster)
    with FaultProxy(cluster.control_plane.kubeconfig, authority, tmp_path) as proxy:
        proxy.on("GET", r"/configmaps\?", Answer(500))
        synced = replace(cluster, kubeconfig=proxy.kubeconfig).sync(SERVICE)

    assert synced.problems
    assert uids(cluster) == before


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(["delete", "configmap", "NAME"], id="deleted"),
        pytest.param(
            ["patch", "configmap", "NAME", "-p", '{"data":{"state.0.json":"{"}}'], id="bad-json"
        ),
        pytest.param(["patch", "configmap", "NAME", "-p", '{"data":null}'], id="emptied"),
    ],
)
def test_state_object_deleted_or_damaged(cluster: Cluster, damage: list[str]) -> None:
    before = uids(cluster)
    state(cluster, *damage)

    cluster.sync(A)

    assert uids(cluster) == before
    cluster.sync(A, config_map("c"))
    assert cluster.actions(cluster.sync(A))["configmap/c"] is Action.DELETED
    assert uids(cluster) == before, "what was forgotten is nobody's"


@pytest.mark.parametrize("part", ["", ".1", ".2"])
def test_one_of_several_state_objects_deleted(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    small = partial(encode, max_bytes=600)
    monkeypatch.setattr("reconciler.adapters.cluster.store.encode", small)
    many = [A, B, *map(config_map, "cdefghij")]
    assert cluster.sync(*many).problems == ()
    assert state(cluster, "get", "configmap", "NAME.3"), "there are several"
    before = uids(cluster)
    state(cluster, "delete", "configmap", f"NAME{part}")

    lost = cluster.sync(*many[1:])

    assert [str(each) for each in lost.problems if "the inventory was lost" not in str(each)] == []
    assert len(lost.problems) == 1
    assert uids(cluster) == before
    assert cluster.sync(*many[1:]).problems == ()
    assert cluster.actions(cluster.sync(*many[1:9]))["configmap/j"] is Action.DELETED


def test_state_object_edited_by_hand(cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "foreign")
    cluster.kubectl("create", "configmap", "foreign-with-label")
    cluster.kubectl("label", "configmap", "foreign-with-label", label_of(cluster))
    before = uids(cluster)
    text = state(cluster, "get", "configmap", "NAME", "-o", r"jsonpath={.data.state\.0\.json}")
    written = json.loads(text)
    space, foreign = cluster.namespace, before["foreign"]
    written["objects"] += [
        ["", "ConfigMap", space, "foreign", "v1", foreign, "digest", "entry"],
        ["", "ConfigMap", space, "foreign-with-label", "v1", "", "", ""],
        ["", "ConfigMap", space, "never-there", "v1", "x", "", ""],
        ["", "Nothing", space, "no-kind", "v1", "x", "", ""],
    ]
    patch = json.dumps({"data": {"state.0.json": json.dumps(written)}})
    state(cluster, "patch", "configmap", "NAME", "-p", patch)

    synced = cluster.sync(A, B)

    assert synced.problems == ()
    assert uids(cluster) == before
    assert reasons(synced) == {"foreign-with-label": "was never applied by us"}


def test_state_object_of_another_tool(cluster: Cluster) -> None:
    before = uids(cluster)
    tool = "applyset.kubernetes.io/tooling=kubectl/v1.35"
    state(cluster, "annotate", "--overwrite", "configmap", "NAME", tool)

    with pytest.raises(Exception, match="is another tool's"):
        cluster.sync(A)

    assert uids(cluster) == before


def test_state_object_of_a_later_release(cluster: Cluster) -> None:
    before = uids(cluster)
    text = state(cluster, "get", "configmap", "NAME", "-o", r"jsonpath={.data.state\.0\.json}")
    written = json.loads(text)
    marked = [[*row, 0, "a later mark"] for row in written["objects"]]

    def put(**changes: object) -> str:
        changed = json.dumps({**written, **changes})
        patch = json.dumps({"data": {"state.0.json": changed}})
        return state(cluster, "patch", "configmap", "NAME", "-p", patch) and changed

    put(objects=marked, gates=["open"])
    synced = cluster.sync(A)
    assert uids(cluster) == before
    assert "later release" in reasons(synced)["b"]
    text = state(cluster, "get", "configmap", "NAME", "-o", r"jsonpath={.data.state\.0\.json}")
    assert json.loads(text)["gates"] == ["open"]
    assert [row[8:] for row in json.loads(text)["objects"]] == [[0, "a later mark"]] * 2

    refused = put(v=2)
    with pytest.raises(Exception, match=r"newer release of reconcile .*run that release"):
        cluster.sync(A)
    assert uids(cluster) == before
    text = state(cluster, "get", "configmap", "NAME", "-o", r"jsonpath={.data.state\.0\.json}")
    assert text == refused


def test_copied_labels_on_foreign_objects(cluster: Cluster) -> None:
    whole = cluster.control_plane.get("-n", cluster.namespace, "configmap", "b")
    metadata = {"name": "copy", "labels": whole["metadata"]["labels"]}
    cluster.kubectl("create", "-f", "-", stdin=json.dumps({**whole, "metadata": metadata}))
    before = uids(cluster)

    assert cluster.sync(A).problems == ()

    assert uids(cluster) == {name: before[name] for name in ("a", "copy")}


def test_an_object_whose_label_somebody_took_off(cluster: Cluster) -> None:
    before = uids(cluster)
    cluster.kubectl("label", "configmap", "b", f"{PART_OF_LABEL}-")

    assert cluster.sync(A).problems == ()

    assert uids(cluster) == before


def test_object_recreated_by_someone_with_another_uid(cluster: Cluster) -> None:
    label = label_of(cluster)
    cluster.kubectl("delete", "configmap", "b")
    cluster.kubectl("create", "configmap", "b")
    cluster.kubectl("label", "configmap", "b", label)
    before = uids(cluster)

    synced = cluster.sync(A)

    assert uids(cluster) == before
    assert reasons(synced) == {"b": "was deleted and created again by somebody"}


def test_ignored_owned_and_disabled_objects(cluster: Cluster) -> None:
    def marked(name: str, annotation: str) -> str:
        return config_map(name, extra=f"  annotations: {{{annotation}}}\n")

    disabled = marked("disabled", "reconcile/prune: disabled")
    names = ("owned", "ignored-later", "ignored-in-git", "disabled-by-hand")
    cluster.sync(A, B, disabled, *map(config_map, names))
    before = uids(cluster)
    cluster.kubectl("annotate", "configmap", "ignored-later", "fluxcd.io/ignore=true")
    cluster.kubectl("annotate", "configmap", "disabled-by-hand", "reconcile/prune=disabled")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": before["a"]}
    owned = json.dumps({"metadata": {"ownerReferences": [owner]}})
    cluster.kubectl("patch", "configmap", "owned", "-p", owned)

    synced = cluster.sync(A, B, marked("ignored-in-git", 'reconcile/ignore: "true"'))

    assert uids(cluster) == before
    assert reasons(synced) == {
        "disabled": "is marked never to be pruned",
        "disabled-by-hand": "is marked never to be pruned",
        "ignored-in-git": "is marked to be ignored",
        "ignored-later": "is marked to be ignored",
        "owned": "is owned by another object",
    }


def test_namespace_crd_and_volume_removal(cluster: Cluster) -> None:
    name = cluster.namespace.replace("-", "")
    custom = f"apiVersion: lab.example/v1\nkind: {name}\nmetadata: {{name: one}}\n"
    precious = [
        text.replace("NAMESPACE", cluster.namespace).replace("NAME", name)
        for text in (SPACE, VOLUME, CLAIM, DEFINITION)
    ]
    cluster.sync(A, B, *precious, custom, wait=False)
    kinds = f"crd/{name}s.lab.example", f"namespace/{cluster.namespace}-extra"
    looked_at = ("get", *kinds, f"pv/{cluster.namespace}", "-o", "jsonpath={..metadata.uid}")
    before = cluster.control_plane.kubectl(*looked_at), uids(cluster, f"pvc,{name}s.lab.example")

    synced = cluster.sync(A, B, custom)

    assert synced.problems == ()
    after = cluster.control_plane.kubectl(*looked_at), uids(cluster, f"pvc,{name}s.lab.example")
    assert after == before
    assert {reason.partition(":")[0] for reason in reasons(synced).values()} == {"left behind"}
    assert len(reasons(synced)) == 4


def test_an_object_whose_kind_went_away_with_its_definition(cluster: Cluster) -> None:
    name = cluster.namespace.replace("-", "")
    custom = f"apiVersion: lab.example/v1\nkind: {name}\nmetadata: {{name: one}}\n"
    cluster.sync(A, B, DEFINITION.replace("NAME", name), custom)
    cluster.control_plane.kubectl("delete", "crd", f"{name}s.lab.example")
    before = uids(cluster)

    assert cluster.sync(A, B).problems == ()

    assert uids(cluster) == before


def test_moved_files(cluster: Cluster) -> None:
    before = uids(cluster)
    mark = cluster.control_plane.mark()

    synced = cluster.sync(B + "---\n" + A)

    assert set(cluster.actions(synced).values()) == {Action.UNCHANGED}
    assert uids(cluster) == before
    assert {each.resource for each in cluster.control_plane.writes(since=mark)} == {"configmaps"}


def test_an_object_that_is_served_under_two_groups(cluster: Cluster) -> None:
    old = """\
apiVersion: v1
kind: Event
metadata: {name: told, namespace: NAMESPACE}
involvedObject: {kind: ConfigMap, name: a, namespace: NAMESPACE}
"""
    new = """\
apiVersion: events.k8s.io/v1
kind: Event
metadata: {name: told, namespace: NAMESPACE}
regarding: {kind: ConfigMap, name: a, namespace: NAMESPACE}
"""
    cluster.sync(A, B, old.replace("NAMESPACE", cluster.namespace))
    before = uids(cluster, "events.v1.")

    synced = cluster.sync(A, B, new.replace("NAMESPACE", cluster.namespace))

    assert uids(cluster, "events.v1.") == before
    assert reasons(synced)["told"] == "is still wanted, under another group or kind"
    cluster.sync(A, B, new.replace("NAMESPACE", cluster.namespace))
    assert uids(cluster, "events.v1.") == before


def test_everything_or_nothing(cluster: Cluster) -> None:
    before = uids(cluster)

    assert "the build is empty" in str(cluster.sync().problems)
    assert uids(cluster) == before
    assert "has left Git at once" in str(cluster.sync(config_map("other")).problems)
    again = cluster.sync(config_map("other"), config_map("more"), prune_allow=f"{4:040x}")
    assert uids(cluster).items() >= before.items()
    assert set(reasons(again)) == {"a", "b"}


def test_budget_exceeded_and_permitted(cluster: Cluster) -> None:
    many = [config_map(f"many{number}") for number in range(20)]
    cluster.sync(A, B, *many)
    before = uids(cluster)

    refused = cluster.sync(A, B, *many[:5])
    assert "15 objects would be deleted, over the limit of 5" in str(refused.problems[0])
    assert uids(cluster) == before
    assert cluster.sync(A, B, *many[:5], prune_allow=f"{5:040x}").problems, "it is for another"
    assert uids(cluster) == before

    permitted = cluster.sync(A, B, *many[:5], prune_allow=f"{5:040x}")
    assert permitted.problems == ()
    assert uids(cluster).keys() == {"a", "b", *(f"many{number}" for number in range(5))}


def test_unhealthy_new_objects(cluster: Cluster) -> None:
    before = uids(cluster)

    failed = cluster.sync(A, UNHEALTHY, timeout_s=1.0)
    assert uids(cluster) == before
    assert reasons(failed)["b"].startswith("prune held by deployment.apps/bad")
    cluster.sync(A, UNHEALTHY, wait=False)
    assert uids(cluster) == before, "another revision, in which it is the same, lets nothing go"
    assert cluster.sync(A, deployment("good")).problems == ()
    assert "b" not in uids(cluster)


def test_an_object_with_a_finalizer(cluster: Cluster) -> None:
    held = config_map("held", extra="  finalizers: [lab.example/hold]\n")
    cluster.sync(A, B, held)

    gone = cluster.sync(A, B)
    assert cluster.actions(gone)["configmap/held"] is Action.DELETED
    assert "held" in uids(cluster), "its finalizer has the last word"
    cluster.sync(A, B, held)
    patch = '{"metadata":{"finalizers":null}}'
    cluster.kubectl("patch", "configmap", "held", "--type=merge", "-p", patch)

    assert cluster.sync(A, B, held).problems == ()
    assert "held" in uids(cluster)
    cluster.kubectl("patch", "configmap", "held", "--type=merge", "-p", patch)


def test_what_we_run_from(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "namespace").write_text(cluster.namespace)
    monkeypatch.setattr("reconciler.adapters.cluster.own.SERVICE_ACCOUNT", tmp_path / "namespace")
    monkeypatch.setenv("HOSTNAME", "read-5d4f8-x2x")
    kinds = "serviceaccount,deployment,role,rolebinding"
    space = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: {cluster.namespace}}}\n"
    cluster.sync(A, B, space, OWN, deployment("read"), *map(config_map, "cdefgh"))
    before = uids(cluster, kinds)

    synced = cluster.sync(A, B, *map(config_map, "cdefgh"))

    assert synced.problems == ()
    assert uids(cluster, kinds) == before
    assert cluster.control_plane.get("clusterrole", "read")
    assert cluster.control_plane.get("clusterrolebinding", "read")
    assert cluster.control_plane.get("namespace", cluster.namespace)["status"]["phase"] == "Active"
    assert {"we run from it"} == set(reasons(synced).values())


def test_pruning_that_is_switched_off(cluster: Cluster) -> None:
    before = uids(cluster)

    assert cluster.sync(A, prune=False).problems == ()
    assert uids(cluster) == before
    preview = cluster.sync(A, dry_run=True)
    assert cluster.actions(preview)["configmap/b"] is Action.DELETED
    assert uids(cluster) == before
    cluster.sync(A)
    assert "b" not in uids(cluster)
