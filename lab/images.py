"""Tiny images, pushed to a registry over the OCI distribution API."""

import base64
import contextlib
import http.client
import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lab.image_content import Content, Image, Recipe
from lab.process import LabError

_TIMEOUT_S = 30.0


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

    def push(self, repository: str, recipes: Mapping[str, Recipe]) -> dict[str, str]:
        """Push an image by the recipe for each tag; return the digests by tag."""
        made = {tag: recipe.make() for tag, recipe in recipes.items()}
        with self._session(repository) as session:
            for tag, image in made.items():
                session.put(image, tag)
        return {tag: image.digest for tag, image in made.items()}

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
    uploaded: set[str] = field(default_factory=set)  # digests of blobs

    def put(self, image: Image, tag: str) -> None:
        """Upload an image, and tag it."""
        for blob in image.blobs:
            self._put_blob(blob)
        for manifest in image.manifests[:-1]:
            self._put_manifest(manifest, manifest.digest)
        self._put_manifest(image.manifests[-1], tag)

    def _put_manifest(self, manifest: Content, name: str) -> None:
        self.ask("PUT", f"manifests/{name}", manifest.body, content_type=manifest.media_type)

    def _put_blob(self, blob: Content) -> None:
        """Upload a blob, unless the registry has it."""
        path = f"blobs/{blob.digest}"
        if blob.digest in self.uploaded:
            return
        self.uploaded.add(blob.digest)
        if self.ask("HEAD", path, accepted=(200, 404)).status == http.HTTPStatus.OK:
            return
        location = self.ask("POST", "blobs/uploads/").headers["Location"]
        path = location[location.index("/v2/") :]  # it may be a whole URL
        self.ask("PUT", f"{path}{'&' if '?' in path else '?'}digest={blob.digest}", blob.body)

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
