"""The program with exactly the rights of the overlays and the component."""

from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from tests.e2e.world import World
from tests.manifests.actor import Actor, kinds
from tests.manifests.installation import MANIFESTS, NAMESPACE, granted_by, installed, overlay

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.registry,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

TOO_MUCH = (
    ("create", "roles.rbac.authorization.k8s.io"),
    ("patch", "clusterroles.rbac.authorization.k8s.io"),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io"),
    ("create", "mutatingwebhookconfigurations.admissionregistration.k8s.io"),
    ("create", "pods", "--subresource=exec"),
    ("impersonate", "serviceaccounts"),
    ("create", "serviceaccounts", "--subresource=token"),
    ("list", "secrets"),
    ("patch", "secrets"),
    ("delete", "namespaces"),
)
"""What would hand out rights, show Secrets, or take much away at once."""

WIDGETS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: reconcile-widgets
  labels: {reconcile/grant: "true"}
rules:
- apiGroups: [kinds-NAMESPACE.example]
  resources: [widgets]
  verbs: [get, list, watch, create, patch, delete]
"""
WIDGET = """\
apiVersion: kinds-NAMESPACE.example/v1
kind: Widget
metadata: {name: widget, namespace: NAMESPACE}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: kinds-secret, namespace: NAMESPACE, labels: {step: one}}
stringData: {key: value}
"""
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: kinds-role, namespace: NAMESPACE}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get]}
"""


def test_cluster_wide_suffices_for_the_story_with_its_namespace_and_for_custom_kinds(
    world: World, control_plane: ControlPlane
) -> None:
    everything = kinds("cluster-wide")
    with installed(control_plane, MANIFESTS / "cluster-wide") as installation:
        installation.await_right("delete", "deployments.apps", "default")
        actor = Actor(world, installation)
        actor.put(everything)
        actor.succeed()
        actor.put(everything.replace("step: one", "step: two"))
        assert actor.run("--dry-run").code == 4
        actor.succeed()

        actor.kubectl("apply", manifests=WIDGETS)
        installation.await_right("delete", f"widgets.kinds-{world.name}.example", world.name)
        actor.put(WIDGET, name="widget")
        actor.succeed()
        actor.put(None, name="widget")

        actor.put(None)
        actor.succeed("--prune-allow", world.remote.tip())
        own = granted_by(installation.rules("clusterrole", "reconcile-cluster-wide"))
        actor.wait_in_vain(everything, own)
        actor.kubectl("delete", manifests=WIDGETS)

        assert actor.denied() == []
        assert [each for each in TOO_MUCH if installation.may(*each, namespace=world.name)] == []
        used = {
            (each.group, each.resource, each.verb)
            for each in actor.asked()
            if each.name not in ("kube-system", NAMESPACE)
        }
        assert own - used == set()


def test_secrets_of_git_need_the_component_and_no_more(
    world: World, control_plane: ControlPlane, tmp_path: Path
) -> None:
    (tmp_path / "overlay").mkdir()
    folder = overlay(
        tmp_path / "overlay", resources=[MANIFESTS / "base"], components=[MANIFESTS / "secrets"]
    )
    path = ("--git-path", "workloads")
    with installed(control_plane, folder) as installation:
        installation.grant(world.name)
        installation.await_right("delete", "secrets", world.name)
        actor = Actor(world, installation)
        actor.put(SECRET)
        actor.succeed(*path)
        actor.put(SECRET.replace("step: one", "step: two"))
        actor.succeed(*path)
        actor.put(None)
        actor.succeed(*path)

        assert {(each.resource, each.verb) for each in actor.denied()} == {("secrets", "list")}
        used = {grant for grant in actor.used(world.name) if grant[1] == "secrets"}
        assert used == granted_by(installation.rules("clusterrole", "reconcile-secrets"))


def test_admin_may_sync_whatever_stands_in_git(world: World, control_plane: ControlPlane) -> None:
    with installed(control_plane, MANIFESTS / "admin") as installation:
        installation.await_right("create", "nodes", "default")
        actor = Actor(world, installation)
        actor.put(f"{ROLE}---\n{SECRET}")

        actor.succeed()

        assert [each for each in actor.asked() if each.status == 403] == []
    assert world.cluster_image() == f"{world.image}:v3"
