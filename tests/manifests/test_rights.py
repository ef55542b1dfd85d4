"""The program with exactly the rights of the base: they suffice, and none is unused."""

from collections.abc import Iterator

import pytest

from lab.control_plane import ControlPlane
from lab.process import wait_until
from lab.story import DEPLOYMENT_PATH
from reconciler.adapters.cluster.cluster import KubernetesCluster
from reconciler.core.objects.identity import ObjectKey
from reconciler.core.objects.inventory import InventoryEntry, SourceState
from reconciler.core.workload_events import WorkloadEvent
from reconciler.settings import ClusterSettings
from tests.e2e.world import World
from tests.manifests.actor import Actor, kinds
from tests.manifests.installation import (
    MANIFESTS,
    NAMESPACE,
    Installation,
    granted_by,
    installed,
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.registry,
    pytest.mark.slow,
    pytest.mark.timeout(600),
]

VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata: {name: kinds-NAMESPACE}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  storageClassName: kinds-by-hand
  hostPath: {path: /nowhere}
"""


@pytest.fixture(scope="module")
def installation(control_plane: ControlPlane) -> Iterator[Installation]:
    with installed(control_plane, MANIFESTS / "base") as installation:
        yield installation


@pytest.fixture
def base(installation: Installation) -> Installation:
    """The base, as if nothing had been synced with it yet."""
    installation.restore()
    return installation


def test_the_base_suffices_for_the_story_in_a_namespace_that_was_given_to_it(
    world: World, base: Installation
) -> None:
    base.grant(world.name)
    give_pull_secret(world)
    actor = Actor(world, base)
    actor.succeed("--git-path", "workloads")
    world.push("v4")

    actor.succeed("--git-path", "workloads")

    assert world.cluster_image() == f"{world.image}:v4"
    uid = world.control_plane.get("namespace", "kube-system")["metadata"]["uid"]
    assert f"Reconcile-By: default@{uid[:8]}" in "\n".join(world.remote.log(form="%B"))
    assert actor.denied() == []
    identity = granted_by(base.rules("clusterrole", "reconcile-identity"))
    assert actor.used("kube-system") == identity


def test_a_namespace_that_was_not_given_to_it_is_left_alone(
    world: World, base: Installation
) -> None:
    done = Actor(world, base).run("--git-path", "workloads", "--no-wait")

    assert done.code == 3
    what = (
        f'cannot patch resource "deployments" in API group "apps" in the namespace "{world.name}"'
    )
    assert what in done.err
    assert world.cluster_image() == ""


def test_a_namespace_can_be_taken_back(world: World, base: Installation) -> None:
    base.grant(world.name)

    base.take_back(world.name)

    wait_until(
        lambda: not base.may("get", "deployments.apps", namespace=world.name),
        what="the end of the right",
        timeout_s=60,
    )


def test_a_kind_outside_of_the_base_is_refused_and_the_rule_for_it_named(
    world: World, base: Installation
) -> None:
    base.grant(world.name)

    done = Actor(world, base).run()

    assert done.code == 3
    assert len(done.err.splitlines()) == 1
    assert "namespaces/web-ns.yaml:" in done.err
    rule = 'apiGroups: [""], resources: [namespaces]'
    verbs = "verbs: [get, list, watch, create, patch, delete]"
    assert f"this rule grants it: {rule}, {verbs}" in done.err
    assert world.cluster_image() == f"{world.image}:v3"


def test_patch_alone_lets_server_side_apply_create_nothing(
    world: World, base: Installation
) -> None:
    base.grant(world.name)
    verbs = '[{"op": "replace", "path": "/rules/1/verbs", "value": ["get", "list", "patch"]}]'
    base.cluster.kubectl("patch", "clusterrole", "reconcile-workloads", "--type=json", "-p", verbs)
    wait_until(
        lambda: not base.may("create", "deployments.apps", namespace=world.name),
        what="the end of the right",
        timeout_s=60,
    )

    done = Actor(world, base).run("--git-path", "workloads", "--no-wait")

    assert done.code == 3
    assert 'cannot create resource "deployments"' in done.err


def test_every_right_in_a_managed_namespace_is_needed_and_none_is_missing(
    world: World, base: Installation
) -> None:
    base.grant(world.name)
    actor, path, everything = Actor(world, base), ("--git-path", "workloads"), kinds("namespaced")
    give_pull_secret(world)
    actor.put(everything)

    waiting = actor.run(*path, "--timeout", "15s")
    assert "kinds-claim" in waiting.err  # it waits for a volume, and we for it
    assert "kinds-job" in waiting.err  # it may not start
    everything = everything.replace("suspend: true", "suspend: false")
    actor.put(everything)
    actor.kubectl("apply", manifests=VOLUME)
    actor.succeed(*path)

    actor.put(everything.replace("step: one", "step: two"))
    assert actor.run(*path, "--dry-run").code == 4
    actor.succeed(*path)

    actor.put(None)
    actor.succeed(*path, "--prune-allow", world.remote.tip())

    settings = ClusterSettings(kubeconfig=base.kubeconfig(), namespace=NAMESPACE)
    cluster = KubernetesCluster.connect(settings)
    workload = ObjectKey("apps", "Deployment", world.name, "nginx-deployment")
    event = WorkloadEvent(workload, "ImageUpdated", "UpdateImage", "as a running process does")
    cluster.events().repeat(event, cluster.events().write(event), 2)
    cluster.close()

    rights = granted_by(base.rules("clusterrole", "reconcile"))
    actor.wait_in_vain(everything, rights)
    actor.kubectl("delete", "--wait=false", manifests=VOLUME)

    assert actor.denied() == []
    assert actor.used(world.name) == rights


def test_every_right_in_its_own_namespace_is_needed_and_none_is_missing(
    world: World, base: Installation
) -> None:
    actor = Actor(world, base)
    settings = ClusterSettings(kubeconfig=base.kubeconfig(), namespace=NAMESPACE)
    cluster = KubernetesCluster.connect(settings)
    damaged = ("create", "secret", "generic", "reconcile-default", "--from-literal=key=short")
    base.cluster.kubectl("-n", NAMESPACE, *damaged)
    ours = ("label", "secret", "reconcile-default", "app.kubernetes.io/managed-by=reconcile")
    base.cluster.kubectl("-n", NAMESPACE, *ours)

    for source in ("default", "other"):
        store = cluster.state(source)
        store.load()
        for count in (1, 6000, 2):  # one part, several, one again
            store.save(state_of(source, count))
    assert set(cluster.sources().values()) == {"default", "other"}
    leases = cluster.leases()
    held = leases.write(world.name, None, "one")  # none of that name was left by other tests
    assert leases.all()[world.name] == held
    leases.write(world.name, held, "")
    cluster.close()

    assert actor.denied() == []
    assert actor.used(NAMESPACE) == granted_by(base.rules("role", "reconcile"))


def give_pull_secret(world: World) -> None:
    """Leave the registry's password where only the workload's pull secret has it."""
    config = world.folder / "config.json"
    made = ("create", "secret", "generic", "regcred", "--type=kubernetes.io/dockerconfigjson")
    world.control_plane.kubectl("-n", world.name, *made, f"--from-file=.dockerconfigjson={config}")
    config.write_text("{}")
    named = "    spec:\n      imagePullSecrets: [{name: regcred}]\n      containers:"
    manifest = world.manifest().replace("    spec:\n      containers:", named)
    world.remote.put({DEPLOYMENT_PATH: manifest.encode()}, "Name the pull secret")


def state_of(source: str, count: int) -> SourceState:
    names = [f"{'a' * 200}-{number}" for number in range(count)]
    keys = [ObjectKey("", "ConfigMap", "web", name) for name in names]
    return SourceState(source, entries={key: InventoryEntry(key, "v1") for key in keys})
