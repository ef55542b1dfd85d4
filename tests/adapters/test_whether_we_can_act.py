"""What doctor finds of the ServiceAccount that a source acts as, on a real API server."""

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from reconciler.cluster_parts import acting
from reconciler.core.checkup import Check, Health
from reconciler.core.objects.account import ServiceAccount
from reconciler.pipeline.acting import examine_account
from reconciler.settings import ClusterSettings, RegistrySettings, Settings
from tests.adapters.cluster_world import Cluster
from tests.adapters.deployers import granted_in

pytestmark = pytest.mark.cluster

Examine = Callable[[Path, ServiceAccount], Check]


@pytest.fixture(scope="module")
def granted(control_plane: ControlPlane) -> Cluster:
    return granted_in(control_plane)


def examine(kubeconfig: Path | None, account: ServiceAccount | None) -> Check:
    settings = Settings((), RegistrySettings(), ClusterSettings(kubeconfig), data_dir=Path())
    assert account is not None
    with acting(settings, account) as probe:
        return examine_account(account, probe)


def test_an_account_that_may_deploy_is_well(granted: Cluster) -> None:
    check = examine(granted.kubeconfig, granted.account)

    where = f"may apply Deployments in namespace {granted.namespace}"
    assert check.health is Health.OK
    assert check.detail == f"can act as {granted.account}, which {where}"


def test_one_that_may_not_and_one_that_is_not_there_are_a_warning(
    granted: Cluster, control_plane: ControlPlane
) -> None:
    idle = ServiceAccount(granted.namespace, "default")
    nobody = ServiceAccount(granted.namespace, "nobody")
    granted.control_plane.kubectl(
        *("create", "clusterrolebinding", f"look-{granted.namespace}", "--clusterrole=view"),
        f"--serviceaccount={granted.namespace}:nobody",
    )

    checks = [examine(control_plane.kubeconfig, each) for each in (idle, nobody)]

    assert [each.health for each in checks] == [Health.WARNING] * 2
    assert "may not apply Deployments" in checks[0].detail
    assert checks[1].detail == f"there is no ServiceAccount {nobody}"
    assert checks[1].remedy == (
        f"kubectl create serviceaccount nobody --namespace {granted.namespace}"
    )


def test_one_that_we_may_not_act_as_is_a_failure_with_the_rule(granted: Cluster) -> None:
    check = examine(granted.kubeconfig, ServiceAccount(granted.namespace, "default"))

    assert check.health is Health.FAILED
    assert not check.may_pass
    assert "resourceNames: [default], verbs: [impersonate]" in check.detail
    who = f"serviceaccounts/default --namespace {granted.namespace}"
    assert check.remedy == f"kubectl auth can-i impersonate {who}"


def test_no_cluster_is_a_failure(tmp_path: Path) -> None:
    check = examine(tmp_path / "none", ServiceAccount("web", "deployer"))

    assert check.health is Health.FAILED
    assert "no such file" in check.detail
