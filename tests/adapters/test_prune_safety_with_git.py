"""Prune safety where the slip is made in Git: cycles over a real repository and API server."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lab.bare_repository import BareRemote
from lab.control_plane import ControlPlane
from reconciler.bootstrap import running
from reconciler.core.outcome import CycleOutcome
from reconciler.pipeline.cycle import run
from reconciler.settings import (
    ClusterSettings,
    GitSettings,
    RegistrySettings,
    Settings,
    SourceSettings,
    SyncSettings,
)
from tests.adapters.cluster_world import Cluster, Recorder, config_map

pytestmark = pytest.mark.cluster

NAMES = [f"config{number:02}" for number in range(12)]


@dataclass
class World:
    """A repository, and the sources that are synced from it, each cycle by a fresh process."""

    cluster: Cluster
    remote: BareRemote
    folder: Path

    def put(self, files: Mapping[str, str | None], branch: str = "main") -> None:
        """Commit manifests by path; None deletes one."""
        contents = {path: text.encode() if text else None for path, text in files.items()}
        self.remote.put(contents, branch=branch)

    def cycle(
        self,
        *names: str,
        paths: Mapping[str, tuple[str, ...]] | None = None,
        branch: str = "main",
        of_head: str = "",
    ) -> list[CycleOutcome]:
        """Run a cycle of each source, in this order, as sources of one process.

        Args:
            names: of the sources.
            paths: that they read, by name.
            branch: that they read.
            of_head: the one that does not name it.
        """
        sources = tuple(
            SourceSettings(
                name=name,
                git=GitSettings(
                    url=str(self.remote.path), branch=None if name == of_head else branch
                ),
                sync=SyncSettings(timeout_s=20.0),
                paths=(paths or {}).get(name, ()),
                is_updated=False,
                default_namespace=self.cluster.namespace,
            )
            for name in names
        )
        kubeconfig = self.cluster.control_plane.kubeconfig
        state = ClusterSettings(kubeconfig=kubeconfig, namespace=f"{self.cluster.namespace}-state")
        settings = Settings(sources, RegistrySettings(), state, self.folder / "data")
        with running(settings, progress=Recorder()) as parts_of:
            return [run(source, parts_of(source)) for source in sources]

    def uids(self) -> Mapping[str, str]:
        """Return the uids of all our ConfigMaps."""
        items = self.cluster.control_plane.get("-n", self.cluster.namespace, "configmap")["items"]
        found = {item["metadata"]["name"]: item["metadata"]["uid"] for item in items}
        return {name: uid for name, uid in found.items() if name != "kube-root-ca.crt"}


@pytest.fixture
def world(control_plane: ControlPlane, tmp_path: Path) -> World:
    """A repository with twelve manifests in ``a`` that are applied, and one elsewhere."""
    world = World(Cluster.fresh(control_plane), BareRemote.create(tmp_path / "web.git"), tmp_path)
    world.put({f"a/{name}.yaml": config_map(name) for name in NAMES})
    (outcome,) = world.cycle("web")
    assert outcome.problems == ()
    assert world.uids().keys() == set(NAMES)
    return world


def told(outcomes: list[CycleOutcome]) -> str:
    return "\n".join(str(problem) for outcome in outcomes for problem in outcome.problems)


def test_emptied_repository(world: World) -> None:
    before = world.uids()
    world.put({f"a/{name}.yaml": None for name in NAMES})

    emptied = world.cycle("web")
    assert "prune held: the build is empty" in told(emptied)
    assert world.uids() == before
    world.put({"README.md": "Nothing is here any more.\n"})
    assert "prune held: the build is empty" in told(world.cycle("web"))
    assert world.uids() == before


def test_wrong_branch(world: World) -> None:
    before = world.uids()
    world.put({"b/other.yaml": config_map("other")}, branch="wrong")
    world.put({f"a/{name}.yaml": config_map(name) for name in NAMES[:3]}, branch="behind")

    assert "has left Git at once" in told(world.cycle("web", branch="wrong"))
    assert world.uids().items() >= before.items()
    assert "'nowhere'" in told(world.cycle("web", branch="nowhere"))
    assert world.uids().items() >= before.items()
    assert "from another remote, branch or path" in told(world.cycle("web")), "other is not in Git"
    assert world.cycle("web")[0].problems == (), "on the right one again, nothing is amiss"
    assert "from another remote, branch or path" in told(world.cycle("web", branch="behind"))
    assert world.uids().items() >= before.items()


def test_wrong_path(world: World) -> None:
    before = world.uids()
    world.put({"b/other.yaml": config_map("other")})

    assert told(world.cycle("web", paths={"web": ("nowhere",)}))
    assert world.uids() == before
    assert "has left Git at once" in told(world.cycle("web", paths={"web": ("b",)}))
    assert world.uids().items() >= before.items()


def test_two_reconcilers_with_a_source_of_the_same_name(world: World) -> None:
    shared = {"a/shared.yaml": config_map("shared"), "b/shared.yaml": config_map("shared")}
    world.put({"b/one.yaml": config_map("one"), "b/two.yaml": config_map("two"), **shared})
    first, second = {"web": ("a",)}, {"web": ("b",)}
    world.cycle("web", paths=first)

    for paths in (second, first, first, second, second, first):
        world.cycle("web", paths=paths)

    assert world.uids().keys() == {*NAMES, "shared", "one", "two"}
    world.put({"a/config00.yaml": None})
    assert world.cycle("web", paths=first)[0].problems == ()
    assert world.uids().keys() == {*NAMES[1:], "shared", "one", "two"}


def test_moved_files_and_folders(world: World) -> None:
    before = world.uids()
    moved: dict[str, str | None] = {f"a/{name}.yaml": None for name in NAMES}
    moved |= {"b/c/all.yaml": "---\n".join(map(config_map, NAMES))}
    world.put(moved)

    (outcome,) = world.cycle("web")

    assert outcome.problems == ()
    assert world.uids() == before


@pytest.mark.parametrize("of_head", ["", "b"], ids=["same-branch", "one-names-no-branch"])
@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")], ids=["loser-first", "gainer-first"])
def test_moved_from_source_to_source(world: World, order: tuple[str, str], of_head: str) -> None:
    paths = {"a": ("a",), "b": ("b",), "web": ("a",)}
    world.put({"b/other.yaml": config_map("other")})
    assert world.cycle("web", paths=paths)[0].is_bug is False
    world = replace(world, cluster=Cluster.fresh(world.cluster.control_plane))
    assert told(world.cycle("a", "b", paths=paths, of_head=of_head)) == ""
    before = world.uids()
    moved: dict[str, str | None] = {f"a/{name}.yaml": None for name in NAMES[:4]}
    moved |= {f"b/{name}.yaml": config_map(name) for name in NAMES[:4]}
    world.put(moved)

    world.cycle(*order, paths=paths, of_head=of_head)
    assert world.uids() == before
    assert told(world.cycle(*order, paths=paths, of_head=of_head)) == ""
    assert world.uids() == before
    world.put({f"a/{name}.yaml": None for name in NAMES[8:10]})
    world.cycle(*order, paths=paths, of_head=of_head)
    assert told(world.cycle(*order, paths=paths, of_head=of_head)) == ""
    assert world.uids().keys() == before.keys() - set(NAMES[8:10])


def test_a_renamed_source(world: World) -> None:
    before = world.uids()

    assert told(world.cycle("shop")) == ""

    assert world.uids() == before
    world.put({"a/config00.yaml": None})
    assert told(world.cycle("shop")) == ""
    assert world.uids().keys() == before.keys() - {"config00"}
