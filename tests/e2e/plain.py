"""A place without a cluster: a registry, a remote, and the program as users run it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import story
from lab.bare_repository import BareRemote
from lab.registry import Registry
from tests.e2e.world import Done


@dataclass
class Plain:
    """A repository with the story's manifests, whose image has its own name in the registry."""

    folder: Path
    registry: Registry
    remote: BareRemote
    repository: str
    url: str = ""
    flags: tuple[str, ...] = ()

    @classmethod
    def create(cls, name: str, folder: Path, registry: Registry) -> "Plain":
        """Push v3 and v4, and commit the story's manifests."""
        registry.push(f"{name}/nginx", "v3", "v4")
        registry.docker_config(folder)
        image = f"{registry.host}/{name}/nginx"
        remote = story.create(folder / "git" / "web.git", image=image, namespace=name)
        return cls(folder, registry, remote, f"{name}/nginx", url=str(remote.path))

    @property
    def image(self) -> str:
        """The image without a tag."""
        return f"{self.registry.host}/{self.repository}"

    def run(self, *more: str, command: str = "--once") -> Done:
        """Run the program; nothing is synced."""
        arguments = [
            command, "--no-sync", "--git-url", self.url, *self.flags,
            "--docker-config", str(self.folder / "config.json"),
            "--data-dir", str(self.folder / "data"), *more,
        ]  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={key: value for key, value in os.environ.items() if key != "KUBECONFIG"},
        )
        return Done(done.returncode, done.stdout, done.stderr)
