"""The objects that this process runs from."""

import os
from pathlib import Path
from typing import Final

from reconciler.core.objects.identity import ObjectKey

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_RBAC: Final = "rbac.authorization.k8s.io"
_RIGHTS: Final = ("", "-admin", "-cluster-wide", "-identity", "-secrets", "-workloads")
"""Ends of the names of our cluster-wide roles and bindings, as ``manifests/`` has them."""


def keys_of_ours(namespace: str) -> frozenset[ObjectKey]:
    """Return what must never be deleted, whoever has it in Git.

    The namespaces of our state and of our pod, and, in a pod, the ServiceAccount, the Deployment
    and the rights that go by our name.

    Args:
        namespace: of our state.
    """
    keys = {ObjectKey("", "Namespace", "", namespace)}
    if SERVICE_ACCOUNT.is_file():
        own = SERVICE_ACCOUNT.read_text().strip()
        name = os.environ.get("HOSTNAME", "").rsplit("-", 2)[0] or "reconcile"
        keys |= {
            ObjectKey("", "Namespace", "", own),
            ObjectKey("", "ServiceAccount", own, name),
            ObjectKey("apps", "Deployment", own, name),
            ObjectKey(_RBAC, "Role", own, name),
            ObjectKey(_RBAC, "RoleBinding", own, name),
        }
        for kind in ("ClusterRole", "ClusterRoleBinding"):
            keys |= {ObjectKey(_RBAC, kind, "", f"{name}{end}") for end in _RIGHTS}
    return frozenset(keys)
