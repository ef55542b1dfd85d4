"""What is not granted fails alone, and the rule that would grant it is named."""

from dataclasses import replace

import pytest

from lab.control_plane import ControlPlane
from lab.process import wait_until
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.report import Action
from reconciler.errors import AccessDeniedError
from tests.adapters.cluster_world import Cluster, config_map, deployment

pytestmark = pytest.mark.cluster

VERBS = ("get", "list", "watch", "create", "patch", "delete")
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: NAME}
rules:
- {apiGroups: ["", apps], resources: [configmaps, deployments, secrets], verbs: [VERBS]}
MORE
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: NAME}
subjects: [{kind: ServiceAccount, name: NAME, namespace: NAMESPACE}]
"""
HANDING_OUT = """\
- {apiGroups: [rbac.authorization.k8s.io], resources: [roles, rolebindings], verbs: [VERBS]}"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {key: value}
"""
CLASS = """\
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: too-much}
value: 1
"""
MORE_RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: more}
rules:
- {apiGroups: [""], resources: [nodes], verbs: [get]}
"""
MORE_BOUND = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: more}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default}]
"""


@pytest.fixture(scope="module")
def whole(control_plane: ControlPlane) -> Cluster:
    return Cluster.fresh(control_plane)


def acting(whole: Cluster, name: str, *, without: str = "", more: str = "") -> Cluster:
    """Return syncs as an account of that name, which has all verbs but one."""
    verbs = ", ".join(verb for verb in VERBS if verb != without)
    role = ROLE.replace("MORE", more).replace("NAMESPACE", whole.namespace)
    role = role.replace("NAME", name).replace("VERBS", verbs)
    whole.kubectl("create", "serviceaccount", name)
    whole.kubectl("apply", "-f", "-", stdin=role)
    account = ServiceAccount(whole.namespace, name)
    may = ("auth", "can-i", "list" if without != "list" else "patch", "configmaps")
    wait_until(
        lambda: "yes" in whole.kubectl(*may, f"--as={account.user}"), what="rights", timeout_s=60
    )
    return replace(whole, account=account, source=f"{whole.namespace}-{name}")


@pytest.mark.parametrize("verb", ["get", "list"])
def test_one_of_get_and_list_is_enough_to_apply_and_look(whole: Cluster, verb: str) -> None:
    limited = acting(whole, f"without-{verb}", without=verb)
    wanted = config_map(f"{verb}-a"), config_map(f"{verb}-b")

    first, again = limited.sync(*wanted), limited.sync(*wanted)

    assert first.problems == again.problems == ()
    assert set(limited.actions(first).values()) == {Action.CREATED}
    assert set(limited.actions(again).values()) == {Action.UNCHANGED}


@pytest.mark.parametrize("verb", ["create", "patch"])
def test_what_cannot_be_written_is_told_with_the_rule(whole: Cluster, verb: str) -> None:
    limited = acting(whole, f"without-{verb}", without=verb)

    synced = limited.sync(config_map(f"no-{verb}"), deployment(f"no-{verb}"))

    problems = sorted(synced.problems, key=str)
    assert [each.where for each in problems] == ["file0.yaml:1", "file1.yaml:1"]
    assert limited.account is not None
    for problem, resource in zip(problems, ("configmaps", "deployments"), strict=True):
        assert isinstance(problem, AccessDeniedError)
        assert f'User "{limited.account.user}" cannot {verb} resource "{resource}"' in str(problem)
        assert f"resources: [{resource}], verbs: [{', '.join(VERBS)}]" in str(problem)
    assert f"no-{verb}" not in limited.names("configmap")


def test_what_cannot_be_watched_is_applied_and_told_with_the_rule(whole: Cluster) -> None:
    limited = acting(whole, "without-watch", without="watch")

    never_ready = deployment("unwatched").replace(
        "{containers", "{nodeSelector: {a: b}, containers"
    )

    synced = limited.sync(never_ready, config_map("needs-no-watch"))

    assert set(limited.actions(synced).values()) == {Action.CREATED}
    denied = [each for each in synced.problems if isinstance(each, AccessDeniedError)]
    (told,) = denied
    assert 'cannot watch resource "deployments"' in str(told)
    assert 'apiGroups: ["apps"], resources: [deployments], verbs: [watch]' in str(told)


def test_what_cannot_be_deleted_is_kept_and_told_with_the_rule(whole: Cluster) -> None:
    limited = acting(whole, "without-delete", without="delete")
    limited.sync(config_map("stays"), config_map("goes"))

    synced = limited.sync(config_map("stays"))

    assert limited.actions(synced)["configmap/goes"] is Action.KEPT
    (told,) = synced.problems
    assert 'cannot delete resource "configmaps"' in str(told)
    assert 'apiGroups: [""], resources: [configmaps], verbs: [delete]' in str(told)
    assert "goes" in limited.names("configmap")


def test_outside_of_its_namespace_a_role_grants_nothing(whole: Cluster) -> None:
    limited = acting(whole, "narrow")
    elsewhere = config_map("elsewhere", extra="  namespace: default\n")

    synced = limited.sync(CLASS, elsewhere, config_map("inside"))

    told = {each.where: str(each) for each in synced.problems}
    assert set(told) == {"file0.yaml:1", "file1.yaml:1"}
    assert "at the cluster scope" in told["file0.yaml:1"]
    rule = 'apiGroups: ["scheduling.k8s.io"], resources: [priorityclasses]'
    assert f"this rule grants it: {rule}" in told["file0.yaml:1"]
    assert 'in the namespace "default"' in told["file1.yaml:1"]
    assert limited.actions(synced)["configmap/inside"] is Action.CREATED


def test_rights_that_it_has_not_cannot_be_handed_out_through_git(whole: Cluster) -> None:
    limited = acting(whole, "upstart", more=HANDING_OUT)

    synced = limited.sync(MORE_RIGHTS, MORE_BOUND)

    role, binding = sorted(str(each) for each in synced.problems)
    assert "is attempting to grant RBAC permissions not currently held" in role
    assert "resources: [roles], resourceNames: [more], verbs: [escalate]" in role
    assert "is attempting to grant RBAC permissions not currently held" in binding
    assert "resourceNames: [the role that is bound], verbs: [bind]" in binding
    assert "more" not in limited.names("role")


def test_secrets_are_got_by_name_where_they_may_not_be_listed(whole: Cluster) -> None:
    limited = acting(whole, "unlisting", without="list")

    first, again = limited.sync(SECRET), limited.sync(SECRET)

    assert first.problems == again.problems == ()
    assert limited.actions(again) == {"secret/token": Action.UNCHANGED}


def test_without_rights_to_its_memory_nothing_is_touched_and_the_rule_named(
    whole: Cluster, control_plane: ControlPlane
) -> None:
    limited = replace(whole, kubeconfig=control_plane.kubeconfig_for("limited"))

    with pytest.raises(AccessDeniedError) as caught:
        limited.sync(config_map("no-memory"))

    assert f'in the namespace "{whole.namespace}-state"' in str(caught.value)
    assert 'this rule grants it: apiGroups: [""], resources: [secrets], verbs: [get]' in str(
        caught.value
    )
    assert "no-memory" not in whole.names("configmap")
