"""A real registry: CNCF Distribution, over plain HTTP on loopback."""

import base64
import hashlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from lab import build
from lab.ports import free_port, is_listening
from lab.process import Process, wait_until

USER = "robot"
PASSWORD = "hunter2"  # noqa: S105 - of a registry that lives for a test
_HTPASSWD = f"{USER}:$2b$05$LabLabLabLabLabLabLabu0p2HiTYLy9wYp0xvudEZxoMjrtwnOcK\n"
"""Bcrypt of the password, cost 5; the standard library cannot make one."""

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_EMPTY_TAR = b"\0" * 1024


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
            LabError: it is not built, or did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        registry = cls(folder, has_password=has_password)
        registry.start()
        return registry

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
        platform: str = "linux/amd64",
    ) -> None:
        """Push a tiny image under each tag, with a creation time and a platform."""
        system, _, architecture = platform.partition("/")
        for tag in tags:
            config = {
                "created": created,
                "os": system,
                "architecture": architecture,
                "config": {"Labels": {"tag": tag}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(_EMPTY_TAR)]},
            }
            encoded = json.dumps(config).encode()
            manifest = {
                "schemaVersion": 2,
                "mediaType": _MANIFEST,
                "config": self._upload(repository, encoded, _CONFIG),
                "layers": [self._upload(repository, _EMPTY_TAR, _LAYER)],
            }
            body = json.dumps(manifest).encode()
            self._ask("PUT", f"/v2/{repository}/manifests/{tag}", body, _MANIFEST)

    def tags(self, repository: str) -> list[str]:
        """Return the tags as the registry lists them."""
        _, body = self._ask("GET", f"/v2/{repository}/tags/list")
        return list(json.loads(body)["tags"] or [])

    def delete(self, repository: str, tag: str) -> None:
        """Take a tag back."""
        self._ask("DELETE", f"/v2/{repository}/manifests/{tag}")

    def _upload(self, repository: str, content: bytes, media_type: str) -> dict[str, object]:
        digest = _digest(content)
        headers, _ = self._ask("POST", f"/v2/{repository}/blobs/uploads/")
        location = headers["Location"].removeprefix(f"http://{self.host}")
        path = f"{location}{'&' if '?' in location else '?'}digest={digest}"
        self._ask("PUT", path, content, "application/octet-stream")
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _ask(
        self, method: str, path: str, body: bytes | None = None, content_type: str = ""
    ) -> tuple[Mapping[str, str], bytes]:
        url = f"http://{self.host}{path}"
        request = urllib.request.Request(url, data=body, method=method)
        if self.has_password:
            pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            request.add_header("Authorization", f"Basic {pair}")
        if content_type:
            request.add_header("Content-Type", content_type)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            return dict(answer.headers.items()), answer.read()

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


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
