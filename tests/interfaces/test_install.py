"""``reconcile install`` and ``uninstall`` on a real cluster, as a user meets them."""

import base64
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.bare_repository import BareRemote
from lab.control_plane import ControlPlane
from lab.process import LabError, wait_until
from lab.ssh_server import SshServer, make_key
from reconciler.core.public_key import public_half
from tests.interfaces.program import Done, on_a_terminal, program, undocumented
from tests.interfaces.test_doctor_of_git import checks
from tests.manifests.installation import MANIFESTS, NAMESPACE, installed

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
    assert "kept" not in again.out
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


def test_logins_of_registries_and_keys_of_manifests_go_where_the_pod_looks_for_them(
    site: Site,
) -> None:
    for name, text in {"config.json": '{"auths": {}}', "ca.pem": "CA", "a.agekey": "KEY"}.items():
        (site.folder / name).write_text(text)

    done = site.install(
        "--docker-config", str(site.folder / "config.json"),
        "--registry-ca-file", str(site.folder / "ca.pem"),
        "--sops-age-key-file", str(site.folder / "a.agekey"), "--detach",
    )  # fmt: skip

    assert done.code == 0, done.err
    assert site.secret("registry") == {".dockerconfigjson": b'{"auths": {}}', "ca.crt": b"CA"}
    assert site.secret("sops") == {"a.agekey": b"KEY"}
    settings = site.get("configmap", "settings")["data"]["reconcile.yaml"]
    assert "docker-config: /etc/reconcile/registry/config.json\n" in settings
    assert "registry-ca-file: /etc/reconcile/registry/ca.crt\n" in settings
    assert "sops-age-key-file:\n- /etc/reconcile/sops/a.agekey\n" in settings
    mounted = site.get("deployment", "reconcile")["spec"]["template"]["spec"]["volumes"]
    keys = next(each["secret"]["items"] for each in mounted if each["name"] == "registry")
    assert {(each["key"], each["path"]) for each in keys} >= {
        (".dockerconfigjson", "config.json"),
        ("ca.crt", "ca.crt"),
    }


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


def test_what_kustomize_installed_is_adopted_and_goes_with_uninstall(
    site: Site, control_plane: ControlPlane
) -> None:
    site.namespace = NAMESPACE
    with installed(control_plane, MANIFESTS / "base"):
        refused = site.install("--detach")
        adopted = site.install("--detach", "--adopt")
        again = site.install("--detach")
        gone = site.uninstall("--yes")

        assert refused.code == 3
        assert "service/reconcile (namespace reconcile) is there, and install did" in refused.err
        assert adopted.code == 0, adopted.err
        assert (again.code, actions(again)) == (0, {"unchanged"})
        assert gone.code == 0, gone.err
        assert "namespace/reconcile kept: was there before" in gone.out
        assert not site.has("clusterrole", "reconcile-workloads")


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


def test_what_was_installed_has_the_rights_that_doctor_asks_for(site: Site) -> None:
    site.install("--detach")
    token = site.cluster.kubectl("-n", site.namespace, "create", "token", "reconcile").strip()
    kubeconfig = site.cluster.kubeconfig_for(f"{site.namespace}-pod", token=token)
    remote = BareRemote.create(site.folder / "web.git")
    manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: NS}\n"
    remote.put({"a.yaml": manifest.replace("NS", site.managed).encode()})
    lease = """\
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: reconcile-default, labels: {reconcile/lease: "true"}}
spec: {holderIdentity: somebody, leaseDurationSeconds: 15}
"""

    def doctor() -> Done:
        return program(
            "doctor", *site.options(kubeconfig), "--git-url", str(remote.path),
            "--data-dir", str(site.folder / "data"), env={"COLUMNS": "300"},
        )  # fmt: skip

    wait_until(lambda: doctor().code == 0, what="the sum of the roles", timeout_s=60)
    site.cluster.kubectl("-n", site.namespace, "apply", "-f", "-", stdin=lease)
    done = doctor()

    assert done.code == 0, done.out
    found = checks(done)
    assert found["rights"] == "ok who runs this may apply what there is"
    assert found["state"].startswith(f"ok may be written in namespace {site.namespace}")
    assert found["lease"] == "ok somebody leads"


def test_the_key_that_was_made_opens_a_remote_that_knows_its_public_half(
    site: Site, ssh_server: SshServer
) -> None:
    remote = BareRemote.create(ssh_server.root / "web.git")
    remote.put({"a.yaml": b"a: 1\n"})
    (site.folder / "known_hosts").write_text(ssh_server.known_hosts)
    url = f"{ssh_server.url}/web.git"

    done = site.install("--detach", url=url)
    ssh_server.authorize(program("identity", *site.options()).out.strip())
    for name, content in site.secret("git").items():
        (site.folder / "pod").mkdir(exist_ok=True)
        (site.folder / "pod" / name).write_bytes(content)
    tried = program(
        "doctor", "--no-sync", "--git-url", url, "--data-dir", str(site.folder / "data"),
        "--git-ssh-key-file", str(site.folder / "pod/identity"),
        "--git-known-hosts-file", str(site.folder / "pod/known_hosts"), env={"COLUMNS": "300"},
    )  # fmt: skip

    assert done.code == 0
    assert tried.code == 0, tried.out
    assert checks(tried)["push"].startswith("ok may push to main")


def test_what_was_deleted_is_made_again_and_the_key_stays(site: Site) -> None:
    site.install("--detach")
    key = site.secret("git")["identity"]
    site.cluster.kubectl("-n", site.namespace, "delete", "service,role", "reconcile")

    done = site.install("--detach")

    made = [line for line in done.out.splitlines() if line.endswith("created")]
    where = f"(namespace {site.namespace})"
    assert made == [
        f"role.rbac.authorization.k8s.io/reconcile {where} created",
        f"service/reconcile {where} created",
    ]
    assert site.secret("git")["identity"] == key


def test_an_install_that_was_cut_off_is_gone_on_with_or_removed(site: Site) -> None:
    quota = (
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {secrets: 0}}\n"
    )
    site.install("--detach")
    site.cluster.kubectl("-n", site.namespace, "delete", "secret,deployment", "--all")
    site.cluster.kubectl("-n", site.namespace, "apply", "-f", "-", stdin=quota)
    wait_until(
        lambda: "hard" in site.get("resourcequota", "none").get("status", {}),
        what="the quota", timeout_s=30,
    )  # fmt: skip

    declined = site.install("--detach")
    gone = site.uninstall("--yes")

    assert declined.code == 3
    assert f"secret/git (namespace {site.namespace}): " in declined.err
    assert "exceeded quota: none" in declined.err
    assert gone.code == 0
    assert not site.has("clusterrole", "reconcile")


def test_a_pod_that_does_not_become_ready_is_told_and_ends_with_its_own_code(site: Site) -> None:
    site.install("--detach")
    quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: 0}}\n"
    site.cluster.kubectl("-n", site.namespace, "apply", "-f", "-", stdin=quota)

    done = site.install("--git-branch", "next", "--ready-timeout", "3s")

    assert done.code == 1, done.out + done.err
    assert "is not ready: " in done.err
    assert f"kubectl logs --namespace {site.namespace} deploy/reconcile" in done.err


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
