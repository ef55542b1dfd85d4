"""A place where the story plays: registry, remote and cluster, and the program as users run it."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab import story
from lab.bare_repository import BareRemote
from lab.control_plane import ControlPlane
from lab.registry import Registry

DRIVER = Path(__file__).parent / "killed.py"


@dataclass(frozen=True)
class Done:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was printed
        return json.loads(self.out)


@dataclass
class World:
    """One story. Namespaces and image names are its own, so that stories can share the parts."""

    name: str
    folder: Path
    control_plane: ControlPlane
    registry: Registry
    remote: BareRemote
    git_url: str
    git_flags: tuple[str, ...] = ()

    @classmethod
    def create(
        cls,
        name: str,
        folder: Path,
        control_plane: ControlPlane,
        registry: Registry,
        *,
        pod_lines: Sequence[str] = (),
    ) -> "World":
        """Push v3, and commit the story's manifests to a repository that is reached by its path."""
        image = f"{registry.host}/{name}/nginx"
        registry.push(f"{name}/nginx", "v3")
        registry.docker_config(folder)
        remote = story.create(
            folder / "git" / "web.git", image=image, namespace=name, pod_lines=pod_lines
        )
        return cls(name, folder, control_plane, registry, remote, str(remote.path))

    @property
    def image(self) -> str:
        return f"{self.registry.host}/{self.name}/nginx"

    def arguments(self, *more: str) -> list[str]:
        return [
            "--once",
            "--git-url",
            self.git_url,
            *self.git_flags,
            "--docker-config",
            str(self.folder / "config.json"),
            "--kubeconfig",
            str(self.control_plane.kubeconfig),
            "--namespace",
            f"{self.name}-state",
            "--data-dir",
            str(self.folder / "data"),
            "--timeout",
            "30s",
            *more,
        ]

    def call(self, command: str, *more: str, stdin: str = "") -> Done:
        """Run one of the program's commands with the story's settings."""
        settings = self.arguments()[1:]  # all but --once
        return self._run([sys.executable, "-m", "reconciler", command, *settings, *more], stdin)

    def run(self, *more: str, program: Sequence[str] = ("-m", "reconciler")) -> Done:
        """Run the program as a user would."""
        return self._run([sys.executable, *program, *self.arguments(*more)])

    def _run(self, command: Sequence[str], stdin: str = "") -> Done:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env={key: value for key, value in os.environ.items() if key != "KUBECONFIG"},
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def push(self, *tags: str) -> None:
        """Push tags to the registry."""
        self.registry.push(f"{self.name}/nginx", *tags)

    def manifest(self) -> str:
        """Return the Deployment's manifest as the remote has it."""
        return self.remote.content(f"main:{story.DEPLOYMENT_PATH}").decode()

    def cluster_image(self) -> str:
        """Return the image of the cluster's Deployment; nothing while there is none."""
        return self.control_plane.kubectl(
            *("get", "-n", self.name, "deployment", "nginx-deployment", "--ignore-not-found"),
            *("-o", "jsonpath={.spec.template.spec.containers[0].image}"),
        )

    def tags_committed(self) -> list[str]:
        """Return the subjects of the remote's commits, oldest first."""
        return self.remote.log()[::-1]
