"""A source that has got another name adopts its objects, on a real API server."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lab.authority import Authority
from lab.control_plane import ControlPlane
from reconciler.core.manifests.variables import Variable
from reconciler.core.objects.account import ServiceAccount
from reconciler.core.objects.applyset import PART_OF_LABEL
from reconciler.core.objects.report import Action
from reconciler.errors import ClusterError, RefusedError
from reconciler.pipeline.adoption import identity_of
from reconciler.pipeline.neighbours import Kin
from reconciler.settings import GitSettings, SourceSettings, SyncSettings
from tests.adapters.cluster_world import Cluster, config_map, deployment
from tests.simulators.fault_proxy import FaultProxy

pytestmark = pytest.mark.cluster

SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {key: value}\n"
KEPT = config_map("kept", extra="  annotations: {reconcile/prune: disabled}\n")
ALL = [config_map("a"), config_map("b"), SECRET, deployment("web"), KEPT]
LATER = [*ALL[:1], *ALL[2:4], config_map("new")]


@pytest.fixture
def old(control_plane: ControlPlane) -> Cluster:
    """A source ``before`` that has applied something, and of which ``kept`` has left Git."""
    cluster = replace(Cluster.fresh(control_plane), url="https://git.example/shop", source="before")
    assert cluster.sync(*ALL).problems == ()
    assert cluster.sync(*ALL[:4]).problems == ()
    return cluster


def objects(cluster: Cluster) -> Mapping[str, tuple[str, str]]:
    """Return uid and set of all labelled objects of the namespace."""
    items = cluster.control_plane.get(
        "-n", cluster.namespace, "configmap,secret,deployment", "-l", PART_OF_LABEL
    )["items"]
    return {
        f"{item['kind']}/{item['metadata']['name']}": (
            item["metadata"]["uid"],
            item["metadata"]["labels"][PART_OF_LABEL],
        )
        for item in items
    }


def states(cluster: Cluster) -> list[str]:
    """Return the names of all state objects and keys."""
    items = cluster.control_plane.get("-n", f"{cluster.namespace}-state", "configmap,secret")
    names = [item["metadata"]["name"] for item in items["items"]]
    return sorted(name for name in names if name.startswith("reconcile"))


def test_a_renamed_source_goes_on_with_its_objects(old: Cluster) -> None:
    before, new = objects(old), replace(old, source="after")

    preview = new.sync(*LATER, dry_run=True)
    assert preview.problems == ()
    assert new.actions(preview)["configmap/b"] is Action.DELETED
    assert new.actions(preview)["configmap/a"] is Action.UNCHANGED
    assert objects(old) == before
    synced = new.sync(*LATER)

    assert synced.problems == ()
    assert new.actions(synced)["configmap/b"] is Action.DELETED
    assert new.actions(synced)["configmap/kept"] is Action.KEPT
    after = objects(old)
    assert after.keys() == before.keys() - {"ConfigMap/b"} | {"ConfigMap/new"}
    assert all(after[name][0] == before[name][0] for name in after.keys() & before.keys())
    assert len({part_of for _, part_of in after.values()}) == 1
    assert {part_of for _, part_of in after.values()} != {part_of for _, part_of in before.values()}
    assert states(old) == ["reconcile-after", "reconcile-after"]
    mark = old.control_plane.mark()
    again = new.sync(*LATER, revision=new.revision)
    assert again.problems == ()
    assert old.control_plane.writes(since=mark) == []


@pytest.mark.parametrize("is_forwarded", [False, True], ids=["unheard", "carried-out"])
def test_an_adoption_that_is_cut_off_again_and_again_loses_nothing(
    old: Cluster, authority: Authority, tmp_path: Path, is_forwarded: bool
) -> None:
    before = objects(old)
    cuts = 0
    with FaultProxy(old.control_plane.kubeconfig, authority, tmp_path / "proxy") as proxy:
        new = replace(old, source="after", kubeconfig=proxy.kubeconfig)
        while True:
            cuts += 1
            proxy.reset()
            proxy.die_at(cuts, is_forwarded=is_forwarded)
            try:
                problems = new.sync(*ALL[:4]).problems
            except ClusterError:
                continue
            uids = {name: uid for name, (uid, _) in objects(old).items()}
            assert uids == {name: uid for name, (uid, _) in before.items()}
            if not problems:
                break

    assert cuts > 12
    assert {part_of for _, part_of in objects(old).values()}.isdisjoint(
        part_of for _, part_of in before.values()
    )
    assert states(old) == ["reconcile-after", "reconcile-after"]
    pruned = replace(old, source="after").sync(ALL[0], *ALL[2:4])
    assert old.actions(pruned)["configmap/b"] is Action.DELETED


def test_what_the_old_name_had_and_lost_is_not_taken(old: Cluster) -> None:
    old.kubectl("delete", "configmap", "b")
    old.kubectl("create", "configmap", "b")
    part_of = next(iter(objects(old).values()))[1]
    old.kubectl("label", "configmap", "b", f"{PART_OF_LABEL}={part_of}")
    new = replace(old, source="after")

    synced = new.sync(ALL[0], *ALL[2:4])

    assert synced.problems == ()
    assert objects(old)["ConfigMap/b"][1] == part_of


@pytest.mark.parametrize(
    ("changes", "kin"),
    [
        pytest.param({"url": "https://git.example/other"}, Kin(), id="another-remote"),
        pytest.param({}, Kin(frozenset({"before", "after"})), id="both-are-configured"),
        pytest.param({}, Kin(is_local=True), id="a-folder"),
    ],
)
def test_the_objects_of_another_source_are_not_adopted(
    old: Cluster, changes: dict[str, str], kin: Kin
) -> None:
    before, new = objects(old), replace(old, source="after", **changes)  # type: ignore[arg-type]  # by name

    synced = new.sync(*ALL[:4], kin=kin)

    assert len(synced.problems) == 4
    assert "belongs to source 'before', and source 'after' wants it" in str(synced.problems[0])
    assert objects(old) == before
    assert old.sync(*ALL[:4]).problems == ()


def test_a_folder_is_not_adopted(control_plane: ControlPlane) -> None:
    cluster = Cluster.fresh(control_plane)
    old = replace(cluster, url="./deploy", source="local-a")
    assert old.sync(*ALL, kin=Kin(is_local=True)).problems == ()
    before = objects(old)

    synced = replace(old, source="local-b").sync(config_map("c"))

    assert synced.problems == ()
    assert objects(old).items() >= before.items()
    assert old.sync(*ALL, kin=Kin(is_local=True)).problems == ()
    assert objects(old).keys() == before.keys() | {"ConfigMap/c"}


def test_where_two_sources_could_be_meant_nothing_is_done(old: Cluster) -> None:
    replace(old, source="twin").sync(config_map("twin"), kin=Kin(frozenset({"before", "twin"})))
    before, new = objects(old), replace(old, source="after")

    with pytest.raises(RefusedError, match="it is not clear which source 'after' was before: "):
        new.sync(*ALL[:4])

    assert objects(old) == before
    assert "reconcile-after" not in states(old)


def test_a_source_that_gets_its_old_name_back_is_adopted_back(old: Cluster) -> None:
    before = objects(old)
    replace(old, source="after").sync(*ALL[:4])

    assert old.sync(*ALL[:4]).problems == ()
    assert objects(old) == before
    assert states(old) == ["reconcile-before", "reconcile-before"]


def test_the_same_manifests_for_another_place_are_another_source() -> None:
    source = SourceSettings("x", GitSettings("https://git.example/x"), SyncSettings())
    variable = Variable("ZONE", "north")
    others = [
        replace(source, default_namespace="staging"),
        replace(source, variables=(variable,)),
        replace(source, variables=(replace(variable, value="south"),)),
        replace(source, service_account=ServiceAccount("web", "deployer")),
    ]

    assert len({identity_of(each) for each in [source, *others]}) == 5
    assert identity_of(replace(source, name="y")) == identity_of(source)


def test_where_a_source_reads_from_is_told_without_credentials() -> None:
    def source(
        url: str, *paths: str, branch: str | None = None, namespace: str = "default"
    ) -> SourceSettings:
        git = GitSettings(url, branch)
        return SourceSettings("x", git, SyncSettings(), paths=paths, default_namespace=namespace)

    same = {
        identity_of(source("https://a:b@git.example/x", "b", "a")),
        identity_of(source("https://git.example/x", "a", "b")),
    }
    others = {
        identity_of(source("https://git.example/x", "a")),
        identity_of(source("https://git.example/y", "a", "b")),
        identity_of(source("https://git.example/x", "a", "b", branch="main")),
        identity_of(source("git@git.example:x", "a", "b")),
        identity_of(source("https://git.example/x", "a", "b", namespace="shop")),
    }
    assert len(same) == 1
    assert len(others) == 5
    assert same.isdisjoint(others)
