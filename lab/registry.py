"""A real registry: CNCF Distribution, on loopback, of its third series or its second."""

import base64
import json
import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab import build
from lab.authority import Authority
from lab.image_content import CREATED, Recipe
from lab.images import Images
from lab.ports import free_port, is_listening
from lab.process import Process, wait_until

USER = "robot"
PASSWORD = "hunter2"  # noqa: S105 - of a registry that lives for a test
_HTPASSWD = f"{USER}:$2b$05$LabLabLabLabLabLabLabu0p2HiTYLy9wYp0xvudEZxoMjrtwnOcK\n"
"""Bcrypt of the password, cost 5; the standard library cannot make one."""


PROGRAMS = {"3": "registry", "2.8": "registry2"}


class Registry:
    """A registry that can be stopped and started again with all it holds.

    It speaks TLS if it is given an authority, else plain HTTP.

    Attributes:
        client_pem: the certificate that it wants to see, with its key; None: it wants none.
    """

    def __init__(
        self,
        folder: Path,
        *,
        has_password: bool,
        authority: Authority | None = None,
        wants_certificate: bool = False,
        version: str = "3",
    ) -> None:
        self.folder = folder
        self.has_password = has_password
        self.authority = authority
        self.client_pem = (
            authority.certificate(folder / "client.pem", name=USER)
            if authority is not None and wants_certificate
            else None
        )
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self._notified: tuple[str, str] | None = None
        self._binary = build.require(PROGRAMS[version])
        self._process: Process | None = None

    @classmethod
    def launch(
        cls, folder: Path, *, has_password: bool, authority: Authority | None = None
    ) -> "Registry":
        """Make a registry in an empty folder and start it.

        Raises:
            MissingPartError: it is not built.
            LabError: it did not start.
        """
        folder.mkdir(parents=True, exist_ok=True)
        registry = cls(folder, has_password=has_password, authority=authority)
        registry.start()
        return registry

    def notify(self, url: str, secret: str) -> None:
        """Have it tell a URL of what is pushed, from its next start."""
        self._notified = (url, secret)

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
        created: str = CREATED,
        platforms: Sequence[str] = ("linux/amd64",),
    ) -> dict[str, str]:
        """Push a tiny image under each tag; return the digests by tag, all different.

        One platform makes an image manifest, several make an index of them.
        """
        recipes = {tag: Recipe(platforms, created, version=tag) for tag in tags}
        return self.images().push(repository, recipes)

    def push_by(self, repository: str, tag: str, recipe: Recipe) -> str:
        """Push an image of any kind under a tag; return its digest."""
        return self.images().push(repository, {tag: recipe})[tag]

    def tags(self, repository: str) -> list[str]:
        """Return the tags as the registry lists them."""
        return self.images().tags(repository)

    def delete(self, repository: str, tag: str) -> None:
        """Take a tag back; what it named stays."""
        self.images().delete(repository, tag)

    def images(self) -> Images:
        """Return its images, for whoever may do everything."""
        user, password = (USER, PASSWORD) if self.has_password else ("", "")
        return Images(self.host, user, password, trust=self.trust)

    @property
    def trust(self) -> ssl.SSLContext | None:
        """What a client needs that is to be trusted and to trust; None for plain HTTP."""
        if self.authority is None:
            return None
        trust = self.authority.trust
        if self.client_pem is not None:
            trust.load_cert_chain(self.client_pem)
        return trust

    def auth(self) -> Mapping[str, object]:
        """Return how its configuration tells who may do what; nothing if everybody may."""
        if not self.has_password:
            return {}
        return {"htpasswd": {"realm": "lab", "path": str(self.folder / "htpasswd")}}

    def _config(self) -> dict[str, object]:
        storage = {
            "filesystem": {"rootdirectory": str(self.folder / "data")},
            "delete": {"enabled": True},
        }
        auth = self.auth()
        return {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": storage,
            "http": {"addr": self.host, "secret": "lab", **self._tls()},
            **({"auth": auth} if auth else {}),
            **self._notifications(),
        }

    def _notifications(self) -> Mapping[str, object]:
        if self._notified is None:
            return {}
        url, secret = self._notified
        endpoint = {
            "name": "reconcile",
            "url": url,
            "headers": {"Authorization": [f"Bearer {secret}"]},
            "timeout": "10s",
            "threshold": 3,
            "backoff": "1s",
        }
        return {"notifications": {"endpoints": [endpoint]}}

    def _tls(self) -> Mapping[str, object]:
        if self.authority is None:
            return {}
        pem = str(self.authority.certificate(self.folder / "registry.pem"))
        wanted = {"clientcas": [str(self.authority.ca_file)]} if self.client_pem else {}
        return {"tls": {"certificate": pem, "key": pem, **wanted}}
