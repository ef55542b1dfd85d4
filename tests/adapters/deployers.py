"""A ServiceAccount ``deployer``, and a user who may act as it and has no other right there."""

from dataclasses import replace

from lab.control_plane import ControlPlane
from reconciler.core.objects.account import ServiceAccount
from tests.adapters.cluster_world import Cluster

RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: deployer}
rules:
- apiGroups: ["", apps, batch]
  resources: [configmaps, deployments, jobs]
  verbs: [get, list, watch, create, patch, delete]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: deployer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: deployer}
subjects: [{kind: ServiceAccount, name: deployer, namespace: NAMESPACE}]
"""
OURS = """\
apiVersion: v1
kind: Namespace
metadata: {name: NAMESPACE-state}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: ours, namespace: NAMESPACE-state}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: limited}]
"""
ACTING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: acting}
rules:
- {apiGroups: [""], resources: [serviceaccounts], resourceNames: [deployer], verbs: [impersonate]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: acting}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: acting}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: limited}]
"""


def granted_in(control_plane: ControlPlane) -> Cluster:
    """Syncs as ``deployer`` by a user who may act as it, and has no other right there."""
    cluster = Cluster.fresh(control_plane)
    cluster.kubectl("create", "serviceaccount", "deployer")
    for rights in (RIGHTS, ACTING):
        cluster.kubectl("apply", "-f", "-", stdin=rights.replace("NAMESPACE", cluster.namespace))
    control_plane.kubectl("apply", "-f", "-", stdin=OURS.replace("NAMESPACE", cluster.namespace))
    account = ServiceAccount(cluster.namespace, "deployer")
    settings = replace(cluster.settings, timeout_s=60.0)
    kubeconfig = control_plane.kubeconfig_for("limited")
    return replace(cluster, account=account, settings=settings, kubeconfig=kubeconfig)
