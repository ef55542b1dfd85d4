"""``reconcile install`` and ``uninstall`` on a real cluster, as a user meets them."""

import base64
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.control_plane import ControlPlane
from lab.process import LabError
from lab.ssh_server import make_key
from reconciler.core.public_key import public_half
from tests.interfaces.program import Done, on_a_terminal, program, undocumented

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

_numbers = itertools.count(1)
IMAGE = "registry.example/acme/reconcile:0.1.0"
URL = "ssh://git@git.example/acme/web"
KNOWN_HOSTS = "git.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==\n"
CLUSTER_WIDE = "clusterrole,clusterrolebinding"


class Site:
    """A cluster, a namespace for the reconciler, and one for it to manage."""

    def __init__(self, cluster: ControlPlane, managed: str, folder: Path) -> None:
        self.cluster = cluster
        self.namespace = f"tools-{os.getpid()}-{next(_numbers)}"
        self.managed = managed
        self.folder = folder
        (folder / "known_hosts").write_text(KNOWN_HOSTS)

    def options(self, kubeconfig: Path | None = None) -> tuple[str, ...]:
        path = kubeconfig or self.cluster.kubeconfig
        return "--kubeconfig", str(path), "--namespace", self.namespace

    def install(
        self, *more: str, url: str = URL, hosts: bool = True, kubeconfig: Path | None = None
    ) -> Done:
        known = ("--git-known-hosts-file", str(self.folder / "known_hosts")) if hosts else ()
        return program(
            "install", *self.options(kubeconfig), "--image", IMAGE, "--git-url", url, *known,
            "--manage", self.managed, *more, env={"HOME": "/nonexistent"},
        )  # fmt: skip

    def uninstall(self, *more: str) -> Done:
        return program("uninstall", *self.options(), *more, env={"HOME": "/nonexistent"})

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any]:
        where = () if kind.startswith("cluster") else ("-n", namespace or self.namespace)
        found: dict[str, Any] = self.cluster.get(*where, kind, name)
        return found

    def has(self, kind: str, name: str, namespace: str = "") -> bool:
        try:
            self.get(kind, name, namespace)
        except LabError:
            return False
        return True

    def secret(self, name: str) -> dict[str, bytes]:
        data = self.get("secret", name).get("data", {})
        return {key: base64.b64decode(value) for key, value in data.items()}

    def clean(self) -> None:
        label = ("-l", "reconcile/installed-in", "--ignore-not-found")
        self.cluster.kubectl("delete", CLUSTER_WIDE, *label)
        self.cluster.kubectl("delete", "rolebinding,role", "-A", *label)
        self.cluster.kubectl(
            "delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false"
        )


@pytest.fixture
def site(control_plane: ControlPlane, cluster_namespace: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(control_plane, cluster_namespace, tmp_path)
    yield site
    site.clean()


def actions(done: Done) -> set[str]:
    """Return what was done to objects, by their words."""
    words = ("created", "configured", "unchanged", "deleted")
    return {line.rsplit(" ", 1)[1] for line in done.out.splitlines() if line.endswith(words)}


def test_an_installation_is_made_is_ready_is_unchanged_and_goes(site: Site) -> None:
    made = site.install()
    again = site.install()
    other = site.install("--git-branch", "next")

    assert made.code == 0, made.out + made.err
    assert actions(made) == {"created"}
    assert "Ready. 'reconcile status" in made.out
    assert f"deployment.apps/reconcile (namespace {site.namespace}) created" in made.out
    assert again.code == 0
    assert actions(again) == {"unchanged"}
    assert "a deploy key" not in again.out
    changed = [line for line in other.out.splitlines() if line.endswith("configured")]
    assert changed == [
        f"configmap/settings (namespace {site.namespace}) configured",
        f"deployment.apps/reconcile (namespace {site.namespace}) configured",
    ]
    settings = site.get("configmap", "settings")["data"]["reconcile.yaml"]
    assert settings == (
        "git-branch: next\n"
        "git-known-hosts-file: /etc/reconcile/git/known_hosts\n"
        "git-ssh-key-file: /etc/reconcile/git/identity\n"
        f"git-url: {URL}\n"
    )
    binding = site.get("rolebinding", "reconcile", site.managed)
    assert binding["subjects"][0]["namespace"] == site.namespace

    gone = site.uninstall("--yes")

    assert gone.code == 0, gone.out + gone.err
    assert actions(gone) == {"deleted"}
    assert f"namespace/{site.namespace} deleted" in gone.out
    assert "remove it from the repository, too" in gone.err
    for kind, name in (("clusterrole", "reconcile"), ("clusterrolebinding", "reconcile-identity")):
        assert not site.has(kind, name)
    assert not site.has("rolebinding", "reconcile", site.managed)


def test_a_deploy_key_is_made_in_the_cluster_and_only_its_public_half_is_shown(
    site: Site,
) -> None:
    done = site.install("--detach")

    private = site.secret("git")["identity"].decode()
    public = public_half(private)
    assert public is not None
    assert f"a deploy key was made: {public} reconcile\n" in done.out
    assert f"{public.fingerprint}, of secret/git (namespace {site.namespace})" in done.err
    assert "as a deploy key that may write" in done.err
    body = private.splitlines()[2]
    assert body not in done.out + done.err
    assert site.secret("git")["known_hosts"].decode() == KNOWN_HOSTS
    shown = program("identity", *site.options(), env={"HOME": "/nonexistent"})
    assert shown.out == f"{public} reconcile\n"


def test_a_key_and_a_password_that_are_files_here_go_into_the_secret(site: Site) -> None:
    make_key(site.folder / "key")
    (site.folder / "token").write_text("canary\n")

    done = site.install(
        "--git-ssh-key-file", str(site.folder / "key"),
        "--git-api-token-file", str(site.folder / "token"), "--detach",
    )  # fmt: skip

    assert done.code == 0, done.err
    held = site.secret("git")
    assert held["identity"] == (site.folder / "key").read_bytes()
    assert held["api-token"] == b"canary\n"
    settings = site.get("configmap", "settings")["data"]["reconcile.yaml"]
    assert "git-api-token-file: /etc/reconcile/git/api-token\n" in settings
    assert "canary" not in done.out + done.err + settings


def test_a_secret_that_somebody_made_is_used_and_stays(site: Site) -> None:
    make_key(site.folder / "identity")
    site.cluster.kubectl("create", "namespace", site.namespace)
    files = [f"--from-file={site.folder / name}" for name in ("identity", "known_hosts")]
    site.cluster.kubectl("-n", site.namespace, "create", "secret", "generic", "git", *files)

    done = site.install("--detach", hosts=False)
    gone = site.uninstall("--yes")

    assert done.code == 0, done.err
    assert "secret/git" not in done.out
    assert "a deploy key" not in done.out
    assert gone.code == 0
    assert site.secret("git")["known_hosts"].decode() == KNOWN_HOSTS
    assert f"namespace/{site.namespace} kept: was there before" in gone.out


def test_what_somebody_has_made_is_refused_before_anything_is_touched(site: Site) -> None:
    site.cluster.kubectl("create", "namespace", site.namespace)
    site.cluster.kubectl("-n", site.namespace, "create", "serviceaccount", "reconcile")
    site.cluster.kubectl("-n", site.namespace, "create", "configmap", "settings")

    refused = site.install("--detach")
    left = site.cluster.kubectl("-n", site.namespace, "get", "all,secret,role", "-o", "name")
    adopted = site.install("--detach", "--adopt")

    assert refused.code == 3
    assert f"serviceaccount/reconcile (namespace {site.namespace}) is there" in refused.err
    assert f"configmap/settings (namespace {site.namespace}) is there" in refused.err
    assert left == ""
    assert adopted.code == 0, adopted.err


def test_a_second_installation_in_the_cluster_is_refused(site: Site) -> None:
    assert site.install("--detach").code == 0
    first, site.namespace = site.namespace, f"{site.namespace}-b"

    done = site.install("--detach", "--adopt")

    assert done.code == 3
    assert f"belongs to the installation in namespace {first}" in done.err
    assert not site.has("namespace", site.namespace)
    site.namespace = first


def test_rights_that_are_missing_are_told_and_nothing_is_touched(site: Site) -> None:
    site.cluster.kubectl("-n", site.managed, "create", "serviceaccount", "nobody")
    token = site.cluster.kubectl("-n", site.managed, "create", "token", "nobody").strip()
    kubeconfig = site.cluster.kubeconfig_for(f"{site.managed}-nobody", token=token)

    done = site.install(kubeconfig=kubeconfig)

    assert done.code == 3
    assert "rights are missing; nothing was touched:" in done.err
    rbac = "rbac.authorization.k8s.io"
    for what in (
        "get namespaces",
        f"create, get, patch clusterroles.{rbac}",
        f"create, get, patch deployments.apps in namespace {site.namespace}",
        f"create, get, patch rolebindings.{rbac} in namespace {site.managed}",
    ):
        assert f"you may not {what}\n" in done.err
    assert not site.has("namespace", site.namespace)


def test_who_may_not_hand_out_rights_is_told_before_anything_is_touched(site: Site) -> None:
    name = f"{site.managed}-maker"
    rights = f"""\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {name}}}
rules:
- apiGroups: ["", apps, rbac.authorization.k8s.io]
  resources: [namespaces, serviceaccounts, clusterroles, clusterrolebindings, roles, rolebindings,
    configmaps, secrets, services, deployments]
  verbs: [get, create, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: {name}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}
subjects: [{{kind: ServiceAccount, name: maker, namespace: {site.managed}}}]
"""
    site.cluster.kubectl("-n", site.managed, "create", "serviceaccount", "maker")
    site.cluster.kubectl("apply", "-f", "-", stdin=rights)
    token = site.cluster.kubectl("-n", site.managed, "create", "token", "maker").strip()

    done = site.install(kubeconfig=site.cluster.kubeconfig_for(name, token=token))

    site.cluster.kubectl("delete", "clusterrole,clusterrolebinding", name)
    assert done.code == 3
    assert "clusterrole.rbac.authorization.k8s.io/reconcile-workloads: " in done.err
    assert "who hands out rights must have them" in done.err
    assert not site.has("namespace", site.namespace)
    assert not site.has("clusterrole", "reconcile")


def test_a_dry_run_says_what_would_be_and_changes_nothing(site: Site) -> None:
    fresh = site.install("--dry-run")
    assert not site.has("namespace", site.namespace)
    site.install("--detach")
    same = site.install("--dry-run")
    other = site.install("--dry-run", "--git-path", "deploy")

    assert fresh.code == 4, fresh.err
    assert actions(fresh) == {"created"}
    assert f"a deploy key would be made, in secret/git (namespace {site.namespace})" in fresh.out
    assert (same.code, actions(same)) == (0, {"unchanged"})
    assert (other.code, actions(other)) == (4, {"unchanged", "configured"})
    assert "git-path" not in site.get("configmap", "settings")["data"]["reconcile.yaml"]


def test_what_is_not_asked_for_any_more_is_told_and_left(site: Site) -> None:
    site.install("--detach", "--sync-secrets")

    done = site.install("--detach")

    kept = "clusterrole.rbac.authorization.k8s.io/reconcile-secrets kept: is not asked for any more"
    assert kept in done.out
    assert site.uninstall("--yes").code == 0
    assert not site.has("clusterrole", "reconcile-secrets")


def test_the_document_holds_the_same(site: Site) -> None:
    made = site.install("-o", "json")
    plan = site.uninstall("--dry-run", "-o", "json")
    gone = site.uninstall("--yes", "-o", "json")

    assert (made.json["version"], made.json["exitCode"], made.json["isReady"]) == (1, 0, True)
    assert len(made.json["publicKeys"]) == 1
    assert plan.code == 4
    for document in (made.json, plan.json, gone.json):
        assert undocumented(document) == set()
    assert {each["action"] for each in gone.json["objects"]} == {"deleted"}


def test_overlays_give_other_rights(site: Site) -> None:
    done = site.install("--detach", "--cluster-wide", "--tenant", site.managed)

    assert done.code == 0, done.err
    assert site.has("clusterrole", "reconcile-cluster-wide")
    assert site.has("serviceaccount", "deployer", site.managed)
    acting = site.get("rolebinding", "reconcile-as-deployer", site.managed)
    assert acting["subjects"][0]["namespace"] == site.namespace


def test_a_namespace_that_is_not_there_cannot_be_managed(site: Site) -> None:
    done = site.install("--manage", f"{site.managed}-none")

    assert done.code == 3
    assert f"there is no namespace '{site.managed}-none': make it first" in done.err
    assert not site.has("namespace", site.namespace)


def test_uninstall_takes_the_memory_of_its_sources_and_leaves_all_else(site: Site) -> None:
    site.install("--detach")
    state = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: reconcile-default, labels: {app.kubernetes.io/managed-by: reconcile}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: reconcile-default.1, labels: {app.kubernetes.io/managed-by: reconcile}}
---
apiVersion: v1
kind: Secret
metadata: {name: reconcile-default, labels: {app.kubernetes.io/managed-by: reconcile}}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: reconcile-default, labels: {app.kubernetes.io/managed-by: reconcile}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: reconcile-elsewhere, labels: {app.kubernetes.io/managed-by: reconcile}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a-persons}
"""
    workload = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: synced}\n"
    site.cluster.kubectl("-n", site.namespace, "apply", "-f", "-", stdin=state)
    site.cluster.kubectl("-n", site.managed, "apply", "-f", "-", stdin=workload)
    site.cluster.kubectl("label", "clusterrole", "reconcile-identity", "reconcile/installed-in-")

    done = site.uninstall("--yes")

    assert done.code == 0, done.out + done.err
    for kind, name in (
        ("configmap", "reconcile-default"),
        ("configmap", "reconcile-default.1"),
        ("secret", "reconcile-default"),
        ("lease.coordination.k8s.io", "reconcile-default"),
    ):
        assert f"{kind}/{name} (namespace {site.namespace}) deleted" in done.out
    assert site.has("configmap", "synced", site.managed)
    assert site.has("configmap", "a-persons")
    assert "reconcile-elsewhere (namespace" in done.out
    assert "kept: is of no source of this installation" in done.out
    assert "reconcile-identity kept: is somebody else's now" in done.out
    assert f"namespace/{site.namespace} kept: is not empty: configmap/" in done.out
    assert site.has("clusterrole", "reconcile-identity")
    site.cluster.kubectl("delete", "clusterrole", "reconcile-identity")


def test_a_namespace_is_deleted_with_all_that_is_in_it_if_that_is_wanted(site: Site) -> None:
    site.install("--detach")
    site.cluster.kubectl("-n", site.namespace, "create", "configmap", "a-persons")

    done = site.uninstall("--yes", "--delete-namespace")

    assert f"namespace/{site.namespace} deleted" in done.out


def test_it_is_asked_before_anything_goes(site: Site) -> None:
    site.install("--detach")

    unheard = site.uninstall()
    planned = site.uninstall("--dry-run")
    refused = on_a_terminal("uninstall", *site.options(), stdin="n\n")
    present = site.has("deployment", "reconcile")
    agreed = on_a_terminal("uninstall", *site.options(), stdin="y\n")

    assert unheard.code == 2
    assert "nobody is there to be asked: give --yes" in unheard.err
    assert planned.code == 4
    assert "deployment.apps/reconcile (namespace" in planned.out
    assert "would be deleted" in planned.out
    assert (refused.code, present) == (130, True)
    assert agreed.code == 0
    assert not site.has("deployment", "reconcile")


def test_where_install_made_nothing_uninstall_removes_nothing(site: Site) -> None:
    done = site.uninstall("--yes")

    assert done.code == 3
    assert f"has made nothing in namespace {site.namespace}" in done.err
