"""Tiny images, pushed to a registry over the OCI distribution API."""

import base64
import contextlib
import hashlib
import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab.process import LabError

_INDEX = "application/vnd.oci.image.index.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"
_EMPTY_TAR = b"\0" * 1024
_TIMEOUT_S = 30.0

Descriptor = dict[str, object]
"""What refers to a blob or manifest: media type, digest, size."""


@dataclass(frozen=True)
class Answer:
    """What a registry answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Images:
    """The images of one registry.

    Attributes:
        host: with the port.
        user: for a registry that wants a password.
        password: that user's.
        token_for: gives a token for a repository, for a registry that wants one.
        trust: whom to trust, for a registry that speaks TLS.
    """

    host: str
    user: str = ""
    password: str = ""
    token_for: Callable[[str], str] | None = None
    trust: ssl.SSLContext | None = None

    def push(
        self, repository: str, tags: Sequence[str], *, created: str, platforms: Sequence[str]
    ) -> dict[str, str]:
        """Push an image under each tag; return the digests by tag, all different.

        One platform makes an image manifest, several make an index of them.
        """
        with self._session(repository) as session:
            variants = [session.upload_image(created, platform) for platform in platforms]
            return {tag: session.put_tag(tag, variants) for tag in tags}

    def tags(self, repository: str) -> list[str]:
        """Return the tags as the registry lists them."""
        with self._session(repository) as session:
            return list(json.loads(session.ask("GET", "tags/list").body)["tags"] or [])

    def delete(self, repository: str, tag: str) -> None:
        """Take a tag back."""
        with self._session(repository) as session:
            session.ask("DELETE", f"manifests/{tag}")

    @contextlib.contextmanager
    def _session(self, repository: str) -> Iterator["_Session"]:
        """One connection for many requests."""
        connection = (
            http.client.HTTPSConnection(self.host, timeout=_TIMEOUT_S, context=self.trust)
            if self.trust is not None
            else http.client.HTTPConnection(self.host, timeout=_TIMEOUT_S)
        )
        authorization = self._authorization(repository)
        headers = {"Authorization": authorization} if authorization else {}
        try:
            yield _Session(connection, repository, headers)
        finally:
            connection.close()

    def _authorization(self, repository: str) -> str:
        if self.token_for is not None:
            return f"Bearer {self.token_for(repository)}"
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return f"Basic {pair}" if self.user else ""


@dataclass(frozen=True)
class _Session:
    connection: http.client.HTTPConnection
    repository: str
    authorization: Mapping[str, str]

    def upload_image(self, created: str, platform: str) -> "_Variant":
        """Upload the blobs of an image for one platform."""
        config = {
            "created": created,
            **_platform(platform),
            "rootfs": {"type": "layers", "diff_ids": [_digest(_EMPTY_TAR)]},
        }
        encoded = json.dumps(config).encode()
        return _Variant(platform, self._blob(encoded, _CONFIG), self._blob(_EMPTY_TAR, _LAYER))

    def put_tag(self, tag: str, variants: Sequence["_Variant"]) -> str:
        """Tag one image, or an index of several; return its digest."""
        manifests = [_manifest(tag, variant) for variant in variants]
        if len(manifests) == 1:
            return str(self._put_manifest(manifests[0], tag)["digest"])
        entries = [
            {**self._put_manifest(manifest), "platform": _platform(variant.platform)}
            for manifest, variant in zip(manifests, variants, strict=True)
        ]
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
        return str(self._put_manifest(index, tag)["digest"])

    def _put_manifest(self, manifest: Mapping[str, object], tag: str = "") -> Descriptor:
        body, media_type = json.dumps(manifest).encode(), str(manifest["mediaType"])
        descriptor = _descriptor(body, media_type)
        path = f"manifests/{tag or descriptor['digest']}"
        self.ask("PUT", path, body, content_type=media_type)
        return descriptor

    def _blob(self, content: bytes, media_type: str) -> Descriptor:
        """Upload a blob, unless the registry has it."""
        descriptor = _descriptor(content, media_type)
        digest = str(descriptor["digest"])
        if self.ask("HEAD", f"blobs/{digest}", accepted=(200, 404)).status == http.HTTPStatus.OK:
            return descriptor
        location = self.ask("POST", "blobs/uploads/").headers["Location"]
        path = location[location.index("/v2/") :]  # it may be a whole URL
        self.ask("PUT", f"{path}{'&' if '?' in path else '?'}digest={digest}", content)
        return descriptor

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/octet-stream",
        accepted: Sequence[int] = (200, 201, 202),
    ) -> Answer:
        """Ask something, at a path that is the repository's unless it begins with a slash."""
        path = path if path.startswith("/") else f"/v2/{self.repository}/{path}"
        headers = {**self.authorization, "Content-Type": content_type}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise LabError(f"{method} {path}: {error!r}") from error
        if answer.status not in accepted:
            raise LabError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return Answer(answer.status, dict(answer.headers.items()), content)


@dataclass(frozen=True)
class _Variant:
    """An image for one platform, uploaded but not tagged."""

    platform: str
    config: Descriptor
    layer: Descriptor


def _manifest(tag: str, variant: _Variant) -> dict[str, object]:
    """Compose an image manifest that names its tag, so that no two have the same digest."""
    return {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": variant.config,
        "layers": [variant.layer],
        "annotations": {"org.opencontainers.image.version": tag},
    }


def _platform(text: str) -> dict[str, str]:
    """Return a platform as OCI writes it: ``linux/arm/v7`` has an architecture and a variant."""
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def _descriptor(content: bytes, media_type: str) -> Descriptor:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
