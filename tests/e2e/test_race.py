"""Somebody pushes between our fetch and our push: their commit and ours both stand."""

import random
from collections.abc import Mapping

import pytest

from lab import story
from reconciler.adapters.git.repository import GitRepository
from reconciler.adapters.registry.client import RegistryClient
from reconciler.adapters.registry.credentials import Keychain
from reconciler.bootstrap import SystemClock
from reconciler.core.revision import Revision
from reconciler.pipeline import cycle
from reconciler.pipeline.parts import Parts
from reconciler.settings import GitSettings, RegistrySettings, SourceSettings, SyncSettings
from tests.adapters.cluster_world import Recorder
from tests.e2e.world import World

pytestmark = [pytest.mark.cluster, pytest.mark.registry]


class Overtaken(GitRepository):
    """A real repository whose remote somebody pushes to right before our first pushes."""

    world: World
    others: list[Mapping[str, bytes | None]]

    def push(self, revision: Revision) -> None:
        if self.others:
            self.world.remote.put(self.others.pop(0), "by somebody else")
        super().push(revision)


def test_both_commits_stand_whatever_the_other_one_touched(world: World) -> None:
    world.push("v4")
    git = GitSettings(url=world.git_url)
    repository = Overtaken(git, world.folder / "clone")
    repository.world = world
    edited = world.manifest().replace("replicas: 2", "replicas: 3").encode()
    repository.others = [{"README.md": b"hello\n"}, {story.DEPLOYMENT_PATH: edited}]
    parts = Parts(
        repository=repository,
        registries=RegistryClient(
            RegistrySettings(), Keychain.from_file(world.folder / "config.json")
        ),
        cluster=None,
        clock=SystemClock(),
        jitter=random.random,
        progress=Recorder(),
    )

    outcome = cycle.run(SourceSettings("default", git, SyncSettings(), is_synced=False), parts)

    assert outcome.exit_code == 0
    assert world.tags_committed() == [
        "Deploy nginx v3",
        "by somebody else",
        "by somebody else",
        "Update nginx to v4",
    ]
    assert "replicas: 3" in world.manifest()
    assert f"{world.image}:v4" in world.manifest()
    assert world.remote.files()["README.md"] == b"hello\n"
