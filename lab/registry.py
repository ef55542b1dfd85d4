"""A real registry: CNCF Distribution, over plain HTTP on loopback."""

import base64
import json
import os
from collections.abc import Sequence
from pathlib import Path

from lab import build
from lab.images import Images
from lab.ports import free_port, is_listening
from lab.process import Process, wait_until

USER = "robot"
PASSWORD = "hunter2"  # noqa: S105 - of a registry that lives for a test
_HTPASSWD = f"{USER}:$2b$05$LabLabLabLabLabLabLabu0p2HiTYLy9wYp0xvudEZxoMjrtwnOcK\n"
"""Bcrypt of the password, cost 5; the standard library cannot make one."""


class Registry:
    """A registry that can be stopped and started again with all it holds."""

    def __init__(self, folder: Path, *, has_password: bool) -> None:
        self.folder = folder
        self.has_password = has_password
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self._binary = build.require("registry")
        self._process: Process | None = None

    @classmethod
    def launch(cls, folder: Path, *, has_password: bool) -> "Registry":
        """Make a registry in an empty folder and start it.

        Raises:
            MissingPartError: it is not built.
            LabError: it did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        registry = cls(folder, has_password=has_password)
        registry.start()
        return registry

    @property
    def pid(self) -> int:
        """Its process id; 0 while it is stopped."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it, at the same port as before."""
        config = self.folder / "config.yml"
        config.write_text(json.dumps(self._config()))
        (self.folder / "htpasswd").write_text(_HTPASSWD)
        self._process = Process(
            "registry",
            [str(self._binary), "serve", str(config)],
            self.folder / "registry.log",
            environment={"PATH": os.environ.get("PATH", ""), "OTEL_TRACES_EXPORTER": "none"},
        )
        wait_until(
            lambda: is_listening(self.port),
            what="the registry",
            timeout_s=20,
            processes=[self._process],
        )

    def stop(self) -> None:
        """Stop it; what it holds stays."""
        if self._process is not None:
            self._process.stop()
            self._process = None

    def docker_config(self, folder: Path, *, password: str = PASSWORD) -> Path:
        """Write a docker ``config.json`` with the password into a folder, and return its path."""
        encoded = base64.b64encode(f"{USER}:{password}".encode()).decode()
        path = folder / "config.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"auths": {self.host: {"auth": encoded}}}))
        return path

    def push(
        self,
        repository: str,
        *tags: str,
        created: str = "2026-01-01T00:00:00Z",
        platforms: Sequence[str] = ("linux/amd64",),
    ) -> dict[str, str]:
        """Push a tiny image under each tag; return the digests by tag, all different.

        One platform makes an image manifest, several make an index of them.
        """
        return self._images().push(repository, tags, created=created, platforms=platforms)

    def tags(self, repository: str) -> list[str]:
        """Return the tags as the registry lists them."""
        return self._images().tags(repository)

    def delete(self, repository: str, tag: str) -> None:
        """Take a tag back; what it named stays."""
        self._images().delete(repository, tag)

    def _images(self) -> Images:
        return Images(self.host, USER, PASSWORD) if self.has_password else Images(self.host)

    def _config(self) -> dict[str, object]:
        auth = {"htpasswd": {"realm": "lab", "path": str(self.folder / "htpasswd")}}
        storage = {
            "filesystem": {"rootdirectory": str(self.folder / "data")},
            "delete": {"enabled": True},
        }
        return {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": storage,
            "http": {"addr": self.host, "secret": "lab"},
            **({"auth": auth} if self.has_password else {}),
        }
