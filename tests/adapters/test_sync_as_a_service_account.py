"""Sources that act as a ServiceAccount: they can do what it can do, and nothing else."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.audit import Write
from lab.control_plane import ControlPlane
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.report import Action
from reconciler.errors import AccessDeniedError, ImpersonationError, SettingsError
from reconciler.settings import ClusterSettings
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.adapters.deployers import granted_in

pytestmark = pytest.mark.cluster

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: once, annotations: {reconcile/force: enabled}}
spec:
  template:
    spec: {restartPolicy: Never, containers: [{name: work, image: "busybox:VALUE"}]}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: token}
stringData: {key: value}
"""


@pytest.fixture(scope="module")
def granted(control_plane: ControlPlane) -> Cluster:
    return granted_in(control_plane)


def writes_of(cluster: Cluster, mark: int) -> tuple[list[Write], list[Write]]:
    """Return our writes since a mark: of our memory, and of all else."""
    writes = cluster.control_plane.writes(since=mark)
    state = f"{cluster.namespace}-state"
    return (
        [each for each in writes if each.namespace == state],
        [each for each in writes if each.namespace == cluster.namespace],
    )


def test_its_objects_are_written_as_the_account_and_our_memory_as_ourselves(
    granted: Cluster, control_plane: ControlPlane
) -> None:
    granted.kubectl("apply", "-f", "-", stdin=config_map("taken", extra="  labels: {old: one}\n"))
    mark = control_plane.mark()
    first = (deployment("web"), config_map("taken"), config_map("old"), JOB.replace("VALUE", "1"))

    synced = granted.sync(*first)  # created, and taken over from kubectl
    assert synced.problems == ()
    granted.kubectl("patch", "configmap", "taken", "--patch", '{"data": {"key": "drifted"}}')
    forced = (deployment("web"), config_map("taken"), JOB.replace("VALUE", "2"))
    preview = granted.sync(*forced, dry_run=True)
    assert preview.problems == ()
    again = granted.sync(*forced)  # mended, made anew, pruned

    assert again.problems == ()
    actions = granted.actions(again)
    assert actions["configmap/taken"] is Action.CONFIGURED
    assert actions["configmap/old"] is Action.DELETED
    assert granted.kubectl("get", "job", "once", "-o", "jsonpath={..image}") == "busybox:2"
    ours, theirs = writes_of(granted, mark)
    assert {(each.user, each.acting_as) for each in ours} == {("limited", "")}
    assert granted.account is not None
    assert {(each.user, each.acting_as) for each in theirs} == {("limited", granted.account.user)}
    deleted = {(each.resource, each.name) for each in theirs if each.verb == "delete"}
    assert deleted == {("configmaps", "old"), ("jobs", "once")}
    patches = [each for each in theirs if (each.verb, each.name) == ("patch", "taken")]
    statuses = [each.status for each in patches]
    assert statuses == [200, 200, 200, 409, 200]  # applied, taken over, applied; refused, mended
    assert all(each.status != 403 for each in theirs)


def test_what_the_account_may_not_do_is_refused_though_we_might(
    granted: Cluster, control_plane: ControlPlane
) -> None:
    elsewhere = config_map("web", extra="  namespace: default\n")
    admin = replace(granted, kubeconfig=control_plane.kubeconfig, source=f"{granted.namespace}-a")

    synced = admin.sync(SECRET, elsewhere)

    told = {each.where: each.message for each in synced.problems}
    assert set(told) == {"file0.yaml:1", "file1.yaml:1"}
    assert granted.account is not None
    who = f'User "{granted.account.user}" cannot patch resource'
    rule = "verbs: [get, list, watch, create, patch, delete]"
    for resource, message in (
        ("secrets", told["file0.yaml:1"]),
        ("configmaps", told["file1.yaml:1"]),
    ):
        assert f'{who} "{resource}"' in message
        assert f'this rule grants it: apiGroups: [""], resources: [{resource}], {rule}' in message
    assert granted.names("secret") == []


def test_an_account_that_is_not_there_may_do_nothing(
    granted: Cluster, control_plane: ControlPlane
) -> None:
    account = ServiceAccount(granted.namespace, "nobody")
    admin = replace(
        granted,
        account=account,
        kubeconfig=control_plane.kubeconfig,
        source=f"{granted.namespace}-n",
    )

    synced = admin.sync(config_map("web"))

    assert any(f'User "{account.user}" cannot' in each.message for each in synced.problems)
    assert "web" not in granted.names("configmap")


def test_who_may_not_act_as_it_is_told_the_rule_that_would_permit_it(granted: Cluster) -> None:
    other = replace(
        granted,
        account=ServiceAccount(granted.namespace, "default"),
        source=f"{granted.namespace}-d",
    )

    with pytest.raises(ImpersonationError) as caught:
        other.sync(config_map("web"), deployment("other"))

    rule = 'apiGroups: [""], resources: [serviceaccounts], resourceNames: [default]'
    message = caught.value.message
    assert 'User "limited" cannot impersonate resource "serviceaccounts"' in message
    assert f"this rule grants it: {rule}, verbs: [impersonate]" in message


@pytest.fixture
def connected(granted: Cluster) -> Iterator[Callable[[Path], KubernetesCluster]]:
    opened: list[KubernetesCluster] = []

    def connect(kubeconfig: Path) -> KubernetesCluster:
        settings = ClusterSettings(kubeconfig, namespace=f"{granted.namespace}-state")
        opened.append(KubernetesCluster.connect(settings))
        return opened[-1]

    yield connect
    for each in opened:
        each.close()


def test_values_are_read_as_the_account_and_in_its_namespace(
    granted: Cluster, connected: Callable[[Path], KubernetesCluster]
) -> None:
    granted.kubectl("create", "configmap", "zone", "--from-literal=ZONE=north")
    granted.kubectl("create", "secret", "generic", "keys", "--from-literal=KEY=hunter2")
    assert granted.kubeconfig is not None
    assert granted.account is not None
    acting = connected(granted.kubeconfig).acting_as(granted.account)

    assert acting.values("configmap", "zone") == {"ZONE": "north"}
    with pytest.raises(AccessDeniedError, match=f'User "{granted.account.user}" cannot get'):
        acting.values("secret", "keys")


def test_registry_logins_are_read_as_the_account(
    granted: Cluster, connected: Callable[[Path], KubernetesCluster], control_plane: ControlPlane
) -> None:
    account = ServiceAccount(granted.namespace, "deployer")
    secrets = connected(control_plane.kubeconfig).acting_as(account).pull_secrets()

    with pytest.raises(AccessDeniedError) as caught:
        secrets.pull_secret("default", "regcred")

    wanted = f"grant get on secrets in namespace default, to the ServiceAccount {account}"
    assert caught.value.message == f"we are not permitted to read it: {wanted}"
    stranger = connected(control_plane.kubeconfig_for("limited"))
    other = stranger.acting_as(ServiceAccount(granted.namespace, "default"))
    with pytest.raises(ImpersonationError, match="cannot impersonate"):
        other.pull_secrets().pull_secret("default", "regcred")


def as_somebody(control_plane: ControlPlane, folder: Path, **user: object) -> Path:
    """Write a kubeconfig whose user acts as somebody else, as ``kubectl`` understands it."""
    config: dict[str, Any] = json.loads(control_plane.kubeconfig.read_text())
    config["users"][0]["user"] |= user
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def test_a_kubeconfig_that_acts_as_somebody_is_obeyed(
    control_plane: ControlPlane, granted: Cluster, tmp_path: Path
) -> None:
    kubeconfig = as_somebody(
        control_plane,
        tmp_path,
        **{"as": "jane", "as-uid": "7", "as-groups": ["one", "system:masters"]},
        **{"as-user-extra": {"example.org/why": ["a", "b"]}},
    )
    by_jane = replace(granted, account=None, kubeconfig=kubeconfig, source=f"{granted.namespace}-j")
    mark = control_plane.mark()

    synced = by_jane.sync(config_map("by-jane"))

    assert synced.problems == ()
    _, theirs = writes_of(granted, mark)
    assert {(each.user, each.acting_as) for each in theirs} == {("admin", "jane")}
    log = (control_plane.folder / "audit.log").read_text()
    told = [line for line in log.splitlines() if "by-jane" in line]
    acting = json.loads(told[-1])["impersonatedUser"]
    assert acting["groups"] == ["one", "system:masters", "system:authenticated"]
    assert acting["uid"] == "7"
    assert acting["extra"] == {"example.org/why": ["a", "b"]}


def test_nobody_can_act_as_two(
    control_plane: ControlPlane,
    connected: Callable[[Path], KubernetesCluster],
    tmp_path: Path,
) -> None:
    cluster = connected(as_somebody(control_plane, tmp_path, **{"as": "jane"}))

    with pytest.raises(SettingsError, match="an API server takes one of them"):
        cluster.acting_as(ServiceAccount("web", "deployer"))


@pytest.mark.parametrize(
    ("user", "words"),
    [
        pytest.param({"as": "jane\r\nX-Other: 1"}, "fits no Impersonate-User", id="two lines"),
        pytest.param({"as": "j\u00e4ne"}, "fits no Impersonate-User", id="not ASCII"),
        pytest.param({"as-groups": ["one"]}, "and no 'as'", id="groups alone"),
    ],
)
def test_whoever_cannot_be_acted_as_is_refused(
    control_plane: ControlPlane, tmp_path: Path, user: dict[str, object], words: str
) -> None:
    kubeconfig = as_somebody(control_plane, tmp_path, **user)

    with pytest.raises(SettingsError, match=words):
        KubernetesCluster.connect(ClusterSettings(kubeconfig))
