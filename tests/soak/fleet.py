"""A branch with many workloads, the registry of their images, and the program at work on both."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.bare_repository import BareRemote
from lab.git_server import USER, GitHttpServer
from lab.registry import Registry

PASSWORD = "soak-password"
MANIFEST = """\
# {name}, {{"kept": "as it is"}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  annotations:
    fluxcd.io/automated: "true"
    note: "{note}"
spec:
  template:
    spec:
      containers:
        - name: {name}
          image: '{image}:{tag}'  # the only word of ours
          args: ["{name}", "--{name}"]
"""


@dataclass(frozen=True)
class Fleet:
    """Workloads ``w0``, ``w1`` … in manifests of their own, each with an image of its own.

    Attributes:
        folder: where clones and logs are.
        remote: what the server serves as ``fleet.git``.
        prefix: of the image repositories.
    """

    folder: Path
    remote: BareRemote
    server: GitHttpServer
    registry: Registry
    size: int
    prefix: str

    @classmethod
    def create(
        cls, folder: Path, server: GitHttpServer, registry: Registry, *, size: int
    ) -> "Fleet":
        """Commit the manifests, all at ``v1``, and push those images; the server has a password."""
        remote = BareRemote.create(server.root / "fleet.git")
        prefix = f"fleet-{os.getpid()}-{time.monotonic_ns()}"
        fleet = cls(folder, remote, server, registry, size, prefix)
        registry.docker_config(folder)
        (folder / "password").write_text(server.password or "")
        (folder / "password").chmod(0o600)
        fleet.push("v1")
        files: dict[str, bytes | None] = {
            fleet.path(number): fleet.manifest(number, "v1", "").encode() for number in range(size)
        }
        remote.put(files, "the beginning")
        return fleet

    def name(self, number: int) -> str:
        """Return a workload's name."""
        return f"w{number}"

    def path(self, number: int) -> str:
        """Return its manifest's path."""
        return f"apps/{self.name(number)}/deployment.yaml"

    def image(self, number: int) -> str:
        """Return its image without a tag."""
        return f"{self.registry.host}/{self.prefix}/{self.name(number)}"

    def manifest(self, number: int, tag: str, note: str) -> str:
        """Return its manifest."""
        name = self.name(number)
        return MANIFEST.format(name=name, note=note, image=self.image(number), tag=tag)

    def push(self, tag: str) -> None:
        """Push a new image of every workload."""
        for number in range(self.size):
            self.registry.push(f"{self.prefix}/{self.name(number)}", tag)

    @property
    def url(self) -> str:
        """The remote, as we are told of it."""
        return f"{self.server.url}/fleet.git"

    @property
    def writers_url(self) -> str:
        """The remote with the password in it, as people have it."""
        return self.url.replace("://", f"://{USER}:{self.server.password}@")

    def arguments(self, *more: str, name: str = "default") -> list[str]:
        """Return what the program is given.

        Args:
            more: options.
            name: of the source, and behind a slash what tells this one of several like it.
        """
        source = {"name": name.partition("/")[0], "git-url": self.url}
        place = name.replace("/", "-")
        config = self.folder / f"{place}.yaml"
        config.write_text(json.dumps({"sources": [source]}))
        return [
            "--config", str(config),
            "--git-username", USER,
            "--git-password-file", str(self.folder / "password"),
            "--docker-config", str(self.folder / "config.json"),
            "--data-dir", str(self.folder / f"data-{place}"),
            "--no-sync",
            *more,
        ]  # fmt: skip

    def command(self, *more: str, name: str = "default") -> list[str]:
        """Return the program's command line."""
        return [sys.executable, "-m", "reconciler", *self.arguments(*more, name=name)]

    def once(self, *more: str, name: str = "default") -> "subprocess.CompletedProcess[str]":
        """Run one cycle."""
        return subprocess.run(
            self.command("--once", *more, name=name),
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            env=environment(),
        )


def environment(**more: str) -> Mapping[str, str]:
    """Return this process's environment without a cluster, and with more."""
    mine = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    return {**mine, **more}
