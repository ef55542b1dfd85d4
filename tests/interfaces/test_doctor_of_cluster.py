"""``reconcile doctor`` on a real cluster: what answers, what is served, and what we may do."""

import itertools
import json
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.control_plane import ControlPlane
from lab.ports import free_port
from tests.interfaces.program import Done, program, undocumented
from tests.interfaces.test_doctor_of_git import checks, remedies

pytestmark = pytest.mark.cluster

_numbers = itertools.count(1)
CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: NS}\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: []}
"""
GADGET = "apiVersion: lab.example/v1\nkind: Gadget\nmetadata: {name: g, namespace: NS}\n"
DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.lab.example}
spec:
  group: lab.example
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  versions:
  - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
"""


class Place:
    """A namespace of the cluster, a repository, and who looks at both."""

    def __init__(self, control_plane: ControlPlane, namespace: str, folder: Path) -> None:
        self.cluster = control_plane
        self.namespace = namespace
        self.folder = folder
        self.source = f"{namespace}-{next(_numbers)}"
        self.remote = BareRemote.create(folder / "web.git")
        self.put("a.yaml", CONFIG_MAP)

    def put(self, name: str, text: str) -> None:
        self.remote.put({name: text.replace("NS", self.namespace).encode()})

    def settings(self, **more: str) -> Path:
        file = self.folder / "reconcile.yaml"
        entry = {"name": self.source, "git-url": str(self.remote.path), **more}
        file.write_text(json.dumps({"sources": [entry]}))
        return file

    def doctor(self, *more: str, kubeconfig: Path | None = None, account: str = "") -> Done:
        settings = {"service-account": account} if account else {}
        return program(
            "doctor", "--config", str(self.settings(**settings)),
            "--kubeconfig", str(kubeconfig or self.cluster.kubeconfig),
            "--namespace", self.namespace, "--data-dir", str(self.folder / "data"), *more,
            env={"COLUMNS": "300", "HOME": "/nonexistent"},
        )  # fmt: skip

    def user(self, *rules: str) -> Path:
        """Return a kubeconfig of somebody who may do this, and no more, in the namespace."""
        text = f"""\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: looker}}
rules: [{", ".join(f"{{{rule}}}" for rule in rules)}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: looker}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: looker}}
subjects: [{{kind: ServiceAccount, name: looker, namespace: {self.namespace}}}]
"""
        self.cluster.kubectl("-n", self.namespace, "create", "serviceaccount", "looker")
        self.cluster.kubectl("apply", "-n", self.namespace, "-f", "-", stdin=text)
        token = self.cluster.kubectl("-n", self.namespace, "create", "token", "looker").strip()
        return self.cluster.kubeconfig_for(f"{self.namespace}-looker", token=token)


MEMORY = (
    'apiGroups: [""], resources: [configmaps], verbs: [get, list, create, update, delete]',
    'apiGroups: [""], resources: [secrets], verbs: [get, create, update]',
    "apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, list, create, update]",
)
PATCHING = 'apiGroups: [""], resources: [configmaps], verbs: [patch]'


@pytest.fixture
def place(control_plane: ControlPlane, cluster_namespace: str, tmp_path: Path) -> Place:
    return Place(control_plane, cluster_namespace, tmp_path)


def test_all_is_tried_and_nothing_is_written(place: Place) -> None:
    done = place.doctor()

    assert done.code == 0, done.out + done.err
    found = checks(done)
    assert found["server"].startswith("ok Kubernetes 1.")
    assert found["build"] == "ok 1 object"
    assert found["kinds"] == "ok 1 kind, all of them served"
    assert found["rights"] == "ok who runs this may apply what there is"
    assert found["state"] == f"ok may be written in namespace {place.namespace}; never synced yet"
    assert found["lease"] == "ok nobody leads at present"
    left = place.cluster.kubectl(
        "-n", place.namespace, "get", "configmap,secret,lease", "-o", "name"
    )
    assert "reconcile" not in left


def test_the_document_holds_the_same(place: Place) -> None:
    done = place.doctor("-o", "json")

    assert undocumented(done.json) == set()
    names = [[check["name"] for check in each["checks"]] for each in done.json["checkups"]]
    assert names[0] == ["server", "clock"]
    assert names[1][-5:] == ["build", "kinds", "rights", "state", "lease"]


def test_a_namespace_that_is_not_there_is_no_failure_if_it_may_be_made(place: Place) -> None:
    done = place.doctor("--namespace", f"{place.namespace}-none")

    assert done.code == 0
    made = f"namespace {place.namespace}-none is not there, and may be made"
    assert checks(done)["state"] == f"ok {made}; never synced yet"


def test_rights_that_are_missing_are_told_with_the_rule(place: Place) -> None:
    place.put("b.yaml", DEPLOYMENT)
    kubeconfig = place.user(*MEMORY, PATCHING)

    done = place.doctor(kubeconfig=kubeconfig)

    assert done.code == 3
    found = checks(done)["rights"]
    where = f"in namespace {place.namespace}"
    assert found == f"FAILED who runs this may not create, patch deployments.apps {where}"
    rule = 'apiGroups: ["apps"], resources: [deployments], verbs: [create, patch]'
    assert f"no role with this rule is bound to it there: {rule}" in done.out
    assert remedies(done) == [
        f"kubectl auth can-i create deployments.apps --namespace {place.namespace}"
    ]
    assert checks(done)["state"].startswith("ok")


def test_a_right_for_the_one_object_alone_suffices(place: Place) -> None:
    named = 'apiGroups: [""], resources: [configmaps], resourceNames: [web], verbs: [patch]'

    done = place.doctor(kubeconfig=place.user(*MEMORY, named))

    assert done.code == 0
    assert checks(done)["rights"].startswith("ok")


def test_what_could_not_be_deleted_is_a_warning_unless_nothing_is(place: Place) -> None:
    rules = (
        'apiGroups: [""], resources: [configmaps], verbs: [get, list, create, update, patch]',
        *MEMORY[1:],
    )
    kubeconfig = place.user(*rules)

    pruning = place.doctor(kubeconfig=kubeconfig)
    keeping = place.doctor("--no-prune", kubeconfig=kubeconfig)

    assert pruning.code == 0
    assert "but not delete configmaps" in checks(pruning)["rights"]
    assert checks(pruning)["rights"].startswith("warning")
    assert checks(keeping)["rights"].startswith("ok")


def test_a_memory_that_may_not_be_written_is_a_failure(place: Place) -> None:
    rule = 'apiGroups: [""], resources: [configmaps], verbs: [get, list, patch, create, delete]'

    done = place.doctor(kubeconfig=place.user(rule))

    assert done.code == 3
    assert checks(done)["state"].startswith("FAILED ")
    assert "state-role.yaml" in done.out
    assert checks(done)["lease"].startswith("FAILED ")


def test_a_kind_that_nobody_defines_is_a_failure_and_one_that_git_defines_is_not(
    place: Place,
) -> None:
    place.put("g.yaml", GADGET)
    missing = place.doctor()
    place.put("crd.yaml", DEFINITION)
    defined = place.doctor()

    assert missing.code == 3
    said = "the cluster does not serve Gadget in lab.example/v1"
    assert checks(missing)["kinds"] == f"FAILED g.yaml:1: {said}"
    assert remedies(missing) == ["kubectl api-resources --api-group=lab.example"]
    assert defined.code == 0, defined.out
    assert checks(defined)["kinds"].startswith("ok")


def test_a_source_is_tried_with_the_rights_of_its_service_account(place: Place) -> None:
    place.cluster.kubectl("-n", place.namespace, "create", "serviceaccount", "deployer")

    done = place.doctor(account=f"{place.namespace}/deployer")

    assert done.code == 3
    who = f"serviceaccount {place.namespace}/deployer"
    assert checks(done)["rights"].startswith(f"FAILED {who} may not create, patch configmaps")
    assert f"--as system:serviceaccount:{place.namespace}:deployer" in remedies(done)[-1]
    assert checks(done)["state"].startswith("ok")


def test_an_account_that_we_may_not_act_as_is_told(place: Place) -> None:
    done = place.doctor(
        kubeconfig=place.user(*MEMORY, PATCHING),
        account=f"{place.namespace}/deployer",
    )

    assert done.code == 3
    assert checks(done)["acting"].startswith("FAILED")


def test_who_leads_is_told(place: Place) -> None:
    lease = f"""\
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {{name: reconcile-{place.source}, labels: {{reconcile/lease: "true"}}}}
spec: {{holderIdentity: reconcile-7d-x_1, leaseDurationSeconds: 15}}
"""
    place.cluster.kubectl("apply", "-n", place.namespace, "-f", "-", stdin=lease)

    assert checks(place.doctor())["lease"] == "ok reconcile-7d-x_1 leads"


def test_a_cluster_that_is_down_may_pass_and_git_is_tried_all_the_same(place: Place) -> None:
    config = place.folder / "down"
    config.write_text(f"""\
apiVersion: v1
kind: Config
clusters: [{{name: a, cluster: {{server: "http://127.0.0.1:{free_port()}"}}}}]
users: [{{name: a, user: {{token: canary}}}}]
contexts: [{{name: a, context: {{cluster: a, user: a}}}}]
current-context: a
""")

    done = place.doctor(kubeconfig=config)

    assert done.code == 1
    assert checks(done)["server"].startswith("FAILED ")
    assert checks(done)["push"].startswith("ok ")
    assert checks(done)["rights"] == "skipped the cluster is not reached"
    assert "canary" not in done.out + done.err


def test_a_token_that_is_refused_needs_a_person(place: Place) -> None:
    kubeconfig = place.cluster.kubeconfig_for("stranger", token="canary")

    done = place.doctor(kubeconfig=kubeconfig)

    assert done.code == 3
    assert "is not let in, or has ended" in done.out
    assert "canary" not in done.out + done.err


def test_no_cluster_at_all_is_a_failure_unless_nothing_is_synced(place: Place) -> None:
    arguments = ("--config", str(place.settings()), "--data-dir", str(place.folder / "data"))
    environment = {"COLUMNS": "300", "HOME": "/nonexistent"}

    without = program("doctor", *arguments, env=environment)
    not_synced = program("doctor", "--no-sync", *arguments, env=environment)

    assert without.code == 3
    assert "no cluster: give --kubeconfig or $KUBECONFIG" in checks(without)["server"]
    assert not_synced.code == 0
    assert "server" not in checks(not_synced)


def test_a_hundred_namespaces_are_asked_about(place: Place) -> None:
    texts = [CONFIG_MAP.replace("NS", f"{place.namespace}-{number}") for number in range(100)]
    place.put("many.yaml", "---\n".join(texts))

    done = place.doctor()

    assert done.code == 0
    assert checks(done)["rights"] == "ok who runs this may apply all 101 objects"
