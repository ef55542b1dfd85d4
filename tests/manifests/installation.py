"""The reconciler's manifests on a real API server, and the program with exactly their rights."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.cluster import Cluster
from lab.process import LabError, wait_until

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests"
OVERLAYS = ("base", "cluster-wide", "admin")
NAMESPACE = "reconcile"
USER = f"system:serviceaccount:{NAMESPACE}:reconcile"
PATIENCE_S = 60.0

Grant = tuple[str, str, str]
"""What a rule grants: API group, resource, verb."""


def granted_by(rules: Sequence[Mapping[str, Any]]) -> set[Grant]:
    """Return what RBAC rules grant, one by one."""
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def overlay(folder: Path, *, resources: Sequence[Path], components: Sequence[Path] = ()) -> Path:
    """Write a kustomization of our manifests into a folder, as users do; return the folder."""
    lines = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization"]
    for key, paths in (("resources", resources), ("components", components)):
        lines.append(f"{key}: [{', '.join(os.path.relpath(path, folder) for path in paths)}]")
    (folder / "kustomization.yaml").write_text("\n".join(lines) + "\n")
    return folder


@dataclass(frozen=True)
class Installation:
    """What one overlay installed."""

    cluster: Cluster
    folder: Path

    def restore(self) -> None:
        """Forget what was synced, and have every object as the manifests say."""
        ours = ("-l", "app.kubernetes.io/managed-by=reconcile")
        self.cluster.kubectl("-n", NAMESPACE, "delete", "configmap,secret", *ours)
        self.cluster.kubectl("apply", "-k", str(self.folder))

    def grant(self, namespace: str) -> None:
        """Give it a namespace, as the documentation says."""
        self.cluster.kubectl("apply", "-n", namespace, "-k", str(MANIFESTS / "namespace"))
        self.await_right("delete", "deployments.apps", namespace)

    def take_back(self, namespace: str) -> None:
        """Take the namespace back."""
        self.cluster.kubectl("delete", "-n", namespace, "-k", str(MANIFESTS / "namespace"))

    def await_right(self, verb: str, resource: str, namespace: str, *, user: str = USER) -> None:
        """Wait until the API server knows of a right: roles are summed up by a controller."""
        wait_until(
            lambda: self.may(verb, resource, namespace=namespace, user=user),
            what=f"the right to {verb} {resource}",
            timeout_s=PATIENCE_S,
        )

    def may(self, *right: str, namespace: str, user: str = USER) -> bool:
        """Whether it, or another user, has a right: verb, resource, maybe ``--subresource=…``."""
        try:
            self.cluster.kubectl("auth", "can-i", *right, f"--as={user}", "-n", namespace)
        except LabError:
            return False
        return True

    def kubeconfig(self) -> Path:
        """Return a kubeconfig with a token of its ServiceAccount, and no other right."""
        token = self.cluster.kubectl("-n", NAMESPACE, "create", "token", "reconcile").strip()
        return self.cluster.kubeconfig_for("reconcile", token=token)

    def rules(self, kind: str, name: str) -> list[dict[str, Any]]:
        """Return the rules of a role as the API server has them."""
        rules: list[dict[str, Any]] = self.cluster.get("-n", NAMESPACE, kind, name)["rules"]
        return rules


@contextlib.contextmanager
def installed(cluster: Cluster, folder: Path) -> Iterator[Installation]:
    """Install an overlay while the block runs, by the commands that the documentation gives."""
    cluster.kubectl("apply", "-k", str(folder))
    try:
        yield Installation(cluster, folder)
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "-k", str(folder))
