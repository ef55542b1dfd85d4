"""A source that acts as the ServiceAccount of the overlay `tenant` has that one's rights alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.control_plane import ControlPlane
from lab.process import wait_until
from tests.e2e.world import World
from tests.manifests.actor import Actor
from tests.manifests.installation import (
    MANIFESTS,
    NAMESPACE,
    USER,
    installed,
    overlay,
)
from tests.manifests.test_rights import give_pull_secret

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.registry,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

ELSEWHERE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: trespasser, namespace: default}
"""
SECRET = """\
apiVersion: v1
kind: Secret
metadata: {name: kinds-secret, namespace: NAMESPACE}
stringData: {key: value}
"""


@dataclass
class Tenant(Actor):
    """One who syncs as the ServiceAccount ``deployer`` of the story's namespace."""

    folder: Path | None = None

    @property
    def user(self) -> str:
        return f"system:serviceaccount:{self.world.name}:deployer"

    def who(self) -> tuple[str, ...]:
        """Return the options that make a command run as the installation does."""
        return "--kubeconfig", str(self.installation.kubeconfig()), "--namespace", NAMESPACE

    def sync(self, *more: str) -> tuple[str, ...]:
        account = f"{self.world.name}/deployer"
        return "--git-path", "workloads", "--service-account", account, *more


@pytest.fixture
def tenant(world: World, control_plane: ControlPlane, tmp_path: Path) -> Iterator[Tenant]:
    (tmp_path / "tenant").mkdir()
    folder = overlay(tmp_path / "tenant", resources=[MANIFESTS / "tenant"])
    with (folder / "kustomization.yaml").open("a") as file:
        file.write(f"namespace: {world.name}\n")
    with installed(control_plane, MANIFESTS / "base") as installation:
        installation.cluster.kubectl("apply", "-k", str(folder))
        tenant = Tenant(world, installation, folder=folder)
        installation.await_right("delete", "deployments.apps", world.name, user=tenant.user)
        yield tenant


def test_it_suffices_for_the_story_and_for_nothing_in_other_namespaces(
    world: World, tenant: Tenant
) -> None:
    give_pull_secret(world)
    world.push("v4")

    assert tenant.run(*tenant.sync("--dry-run")).code == 4
    tenant.succeed(*tenant.sync())

    assert world.cluster_image() == f"{world.image}:v4"
    assert tenant.denied() == []
    asked = [each for each in tenant.asked() if each.namespace == world.name]
    assert {each.acting_as for each in asked} == {tenant.user}
    ours = [each for each in tenant.asked() if each.namespace == NAMESPACE]
    assert {each.acting_as for each in ours} == {""}
    assert not tenant.installation.may("get", "deployments.apps", namespace=world.name)

    done = tenant.world.call("doctor", *tenant.who(), *tenant.sync())
    may = f"can act as {world.name}/deployer, which may apply Deployments in namespace {world.name}"
    assert may in " ".join(done.out.split())

    tenant.put(ELSEWHERE)
    done = tenant.run(*tenant.sync("--no-wait"))

    assert done.code == 3
    denied = f'User "{tenant.user}" cannot patch resource "configmaps" in API group ""'
    assert f'{denied} in the namespace "default"' in done.err
    assert "this rule grants it: " in done.err


def test_secrets_are_never_listed_and_one_that_stands_in_git_is_asked_for_by_its_name(
    world: World, tenant: Tenant
) -> None:
    role = ("create", "role", "secrets", "--verb=get,create,patch,delete", "--resource=secrets")
    cluster = tenant.installation.cluster
    cluster.kubectl("-n", world.name, *role)
    account = f"--serviceaccount={world.name}:deployer"
    cluster.kubectl("-n", world.name, "create", "rolebinding", "secrets", "--role=secrets", account)
    tenant.put(SECRET)
    tenant.succeed(*tenant.sync())
    tenant.succeed(*tenant.sync())
    tenant.put(None)
    tenant.succeed(*tenant.sync())

    asked = [each for each in tenant.asked() if each.resource == "secrets"]
    assert {each.status for each in asked if each.verb in ("list", "watch")} == {403}
    theirs = [each for each in asked if each.acting_as and each.status != 403]
    assert {each.name for each in theirs} == {"kinds-secret"}
    assert {each.verb for each in theirs} == {"get", "create", "patch", "delete"}
    assert {each.name for each in asked if not each.acting_as} == {"reconcile-default"}


def test_without_the_right_to_act_as_it_the_rule_is_named_and_nothing_is_done(
    world: World, tenant: Tenant
) -> None:
    cluster = tenant.installation.cluster
    cluster.kubectl("-n", world.name, "delete", "rolebinding", "reconcile-as-deployer")
    probe = ("impersonate", "serviceaccounts/deployer")
    wait_until(
        lambda: not tenant.installation.may(*probe, namespace=world.name),
        what="the end of the right",
        timeout_s=60,
    )

    done = tenant.run(*tenant.sync("--no-wait"))

    assert done.code == 3
    (line,) = done.err.splitlines()
    assert f'User "{USER}" cannot impersonate resource "serviceaccounts"' in line
    rule = 'apiGroups: [""], resources: [serviceaccounts], resourceNames: [deployer]'
    assert f"this rule grants it: {rule}, verbs: [impersonate]" in line
    seen = tenant.world.call("doctor", *tenant.who(), *tenant.sync())
    assert seen.code == 3
    assert "FAILED acting" in " ".join(seen.out.split())
    granted = [each for each in tenant.asked() if each.status != 403]
    assert [each for each in granted if each.namespace == world.name] == []
