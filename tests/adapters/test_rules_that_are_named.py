"""Who grants what the messages name, one after the other, comes to a sync that works."""

import re
from dataclasses import dataclass, field, replace

import pytest

from lab.control_plane import ControlPlane
from lab.process import wait_until
from reconciler.core.objects.account import ServiceAccount
from reconciler.errors import AccessDeniedError, ImpersonationError
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

DENIED = re.compile(
    r'User "([^"]+)" cannot .* in the namespace "([^"]+)"; this rule grants it: (.+)'
)
GRANT = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: NAME, namespace: NAMESPACE}
rules:
- {RULE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: NAME, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: NAME}
subjects: [{kind: User, apiGroup: rbac.authorization.k8s.io, name: "USER"}]
"""


@dataclass
class Obedience:
    """Syncs, and grants what it is told."""

    cluster: Cluster
    granted: list[tuple[str, str, str]] = field(default_factory=list)

    def step(self) -> bool:
        """Sync; return whether nothing is left to grant."""
        try:
            problems = self.cluster.sync(config_map("web"), deployment("web")).problems
            told = [each.message for each in problems]
        except (AccessDeniedError, ImpersonationError) as error:
            told = [error.message]
        found = [match.groups() for each in told if (match := DENIED.search(each))]
        for user, namespace, rule in found:
            if (user, namespace, rule) not in self.granted:  # else it is not in effect yet
                self.granted.append((user, namespace, rule))
                self._grant(user, namespace, rule)
        return not told

    def _grant(self, user: str, namespace: str, rule: str) -> None:
        text = GRANT.replace("NAMESPACE", namespace).replace("NAME", f"r{len(self.granted)}")
        text = text.replace("RULE", rule).replace("USER", user)
        self.cluster.control_plane.kubectl("apply", "-f", "-", stdin=text)


def test_from_no_right_at_all_the_messages_lead_to_all_that_are_needed(
    control_plane: ControlPlane,
) -> None:
    fresh = Cluster.fresh(control_plane)
    state = f"{fresh.namespace}-state"
    control_plane.kubectl("create", "namespace", state)
    account = ServiceAccount(fresh.namespace, "deployer")
    kubeconfig = control_plane.kubeconfig_for("limited")
    obedience = Obedience(replace(fresh, account=account, kubeconfig=kubeconfig))

    wait_until(obedience.step, what="a sync that works", timeout_s=120)

    ours = {rule for user, namespace, rule in obedience.granted if namespace == state}
    assert {user for user, namespace, _ in obedience.granted if namespace == state} == {"limited"}
    core = 'apiGroups: [""], resources'
    assert ours >= {
        f"{core}: [secrets], verbs: [get]",
        f"{core}: [secrets], verbs: [create]",
        f"{core}: [configmaps], verbs: [get]",
        f"{core}: [configmaps], verbs: [create]",
        f"{core}: [configmaps], verbs: [update]",
        f"{core}: [namespaces], verbs: [get]",
    }
    theirs = {(user, rule) for user, where, rule in obedience.granted if where != state}
    verbs = "verbs: [get, list, watch, create, patch, delete]"
    acting = f"{core}: [serviceaccounts], resourceNames: [deployer], verbs: [impersonate]"
    assert theirs >= {
        ("limited", acting),
        (account.user, f"{core}: [configmaps], {verbs}"),
        (account.user, f'apiGroups: ["apps"], resources: [deployments], {verbs}'),
    }
    assert fresh.names("deployment") == ["web"]
