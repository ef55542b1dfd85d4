"""The objects that this process runs from."""

import os
from pathlib import Path
from typing import Final

from reconciler.core.objects.identity import ObjectKey

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_RBAC: Final = "rbac.authorization.k8s.io"


def keys_of_ours(namespace: str) -> frozenset[ObjectKey]:
    """Return what must never be deleted, whoever has it in Git.

    The namespaces of our state and of our pod, and, in a pod, the ServiceAccount, Role and
    Deployment that go by our name.

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
            ObjectKey(_RBAC, "ClusterRole", "", name),
            ObjectKey(_RBAC, "ClusterRoleBinding", "", name),
        }
    return frozenset(keys)
