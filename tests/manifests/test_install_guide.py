"""The commands of the guide do what it says: install, give a namespace, uninstall."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from lab.cluster import Cluster
from lab.control_plane import ControlPlane, program
from lab.process import LabError
from lab.ssh_server import make_key
from tests.e2e.world import World
from tests.manifests.actor import Actor
from tests.manifests.installation import NAMESPACE, ROOT, Installation

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.registry,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

GUIDE = (ROOT / "docs" / "guide" / "install.md").read_text()
LABEL = "applyset.kubernetes.io/part-of"


def blocks(section: str, language: str) -> list[str]:
    """Return the fenced blocks of a section of the guide."""
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return re.findall(rf"^```{language}\n(.*?)^```", found[1], re.DOTALL | re.MULTILINE)


@pytest.fixture
def desk(tmp_path: Path, control_plane: ControlPlane) -> Path:
    """A folder as the guide wants it: a checkout, the two files, the credentials, kubectl."""
    desk = tmp_path / "desk"
    (desk / "cluster").mkdir(parents=True)
    (desk / "reconcile").symlink_to(ROOT)
    for text in blocks("Installing", "yaml"):
        path = re.match(r"# (\S+)\n", text)
        assert path is not None
        (desk / path[1]).write_text(text)
    make_key(desk / "identity")
    (desk / "known_hosts").write_text("git.example ssh-ed25519 AAAA\n")
    (desk / "bin").mkdir()
    kubectl = [*program("kubectl"), "--kubeconfig", str(control_plane.kubeconfig)]
    (desk / "bin" / "kubectl").write_text(f'#!/bin/sh\nexec {" ".join(kubectl)} "$@"\n')
    (desk / "bin" / "kubectl").chmod(0o755)
    return desk


def follow(desk: Path, section: str, *, namespace: str) -> None:
    """Type the commands of a section, with another namespace than its ``web``."""
    script = "set -eu\n" + "\n".join(blocks(section, "sh"))
    done = subprocess.run(
        ["bash", "-c", script.replace("--namespace web ", f"--namespace {namespace} ")],
        cwd=desk,
        env={"PATH": f"{desk / 'bin'}:{os.environ['PATH']}", "HOME": str(desk)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr


def of_ours(cluster: Cluster) -> str:
    """Return the names of what is not in a namespace and is ours, and of our bindings."""
    kinds = "namespaces,clusterroles,clusterrolebindings,rolebindings"
    ours = ("-l", "app.kubernetes.io/name=reconcile")
    return cluster.kubectl("get", kinds, *ours, "--all-namespaces", "-o", "name")


def test_followed_to_the_end_it_leaves_the_workloads_and_nothing_else(
    world: World, control_plane: ControlPlane, desk: Path
) -> None:
    follow(desk, "Installing", namespace=world.name)
    installation = Installation(control_plane, desk / "cluster")
    installation.await_right("delete", "deployments.apps", world.name)
    Actor(world, installation).succeed("--git-path", "workloads")
    objects = ("get", "deployments,services,pods", "-n", world.name, "-o", "name")
    before = control_plane.kubectl(*objects)
    labelled = (*objects, "-l", LABEL)
    assert control_plane.kubectl(*labelled).split() == [
        "deployment.apps/nginx-deployment",
        "service/nginx-service",
    ]
    key = control_plane.get("-n", NAMESPACE, "secret", "git")["data"]
    assert set(key) == {"identity", "known_hosts"}
    image = control_plane.get("-n", NAMESPACE, "deployment", "reconcile")["spec"]["template"]
    assert image["spec"]["containers"][0]["image"] == "registry.example/acme/reconcile:0.1.0"

    follow(desk, "Uninstalling", namespace=world.name)

    assert of_ours(control_plane) == ""
    with pytest.raises(LabError, match="NotFound"):
        control_plane.kubectl("get", "namespace", NAMESPACE)
    assert control_plane.kubectl(*objects) == before
    assert control_plane.kubectl(*labelled) == ""


def test_moved_to_another_namespace_it_is_whole(control_plane: ControlPlane, desk: Path) -> None:
    kustomization = desk / "cluster" / "kustomization.yaml"
    kustomization.write_text(f"namespace: tools\n{kustomization.read_text()}")

    built = control_plane.kubectl("kustomize", str(desk / "cluster"))

    assert set(re.findall(r"^ *namespace: (.+)$", built, re.MULTILINE)) == {"tools"}
    assert "kind: Namespace\nmetadata:\n" in built
    assert f"  name: {NAMESPACE}\n  namespace: tools\n" in built


def test_the_example_of_one_more_kind_is_taken(control_plane: ControlPlane) -> None:
    (role,) = blocks("What it may manage", "yaml")

    said = control_plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=role)

    assert (
        said
        == "clusterrole.rbac.authorization.k8s.io/reconcile-certificates created (server dry run)\n"
    )
