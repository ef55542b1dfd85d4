"""Reads from a registry what digests name, and takes nothing else for it."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from reconciler.adapters.registry.auth import Visit
from reconciler.adapters.registry.failures import failure, lied
from reconciler.adapters.registry.image_manifest import (
    ACCEPT,
    OLD_WORDS,
    ImageConfig,
    ImageIndex,
    Manifest,
    UnreadableError,
    is_old,
    parse_config,
    parse_manifest,
)
from reconciler.adapters.registry.kept import Kept
from reconciler.adapters.registry.request import Request, without_query
from reconciler.adapters.registry.transport import Response
from reconciler.core.images.reference import Repository, is_digest
from reconciler.errors import NotFoundError, RegistryError

MAX_MANIFEST_BYTES: Final = 4 * 1024 * 1024  # what Distribution takes
MAX_CONFIG_BYTES: Final = 8 * 1024 * 1024
MAX_READS: Final = 32  # for one fact of one image
MAX_KEPT: Final = 20_000  # manifests, an index counting as many as it has entries; and configs

_UNSURE: Final = frozenset({200, 400, 404, 405, 501})
"""Answers to a HEAD that a GET may better: some proxies know no HEAD, some leave out the digest."""

Parsed = TypeVar("Parsed")


class Memory:
    """Manifests and configs that were read before."""

    def __init__(self) -> None:
        self.manifests: Kept[Manifest] = Kept(most=MAX_KEPT)
        self.configs: Kept[ImageConfig] = Kept(most=MAX_KEPT)


class Contents:
    """What one repository holds, read on one visit for one fact.

    Attributes:
        name: what is asked for, for messages: ``acme/web@sha256:…``.
    """

    def __init__(self, visit: Visit, repository: Repository, memory: Memory, *, name: str) -> None:
        self.name = name
        self._visit = visit
        self._repository = repository
        self._memory = memory
        self._reads = 0

    def digest_of(self, tag: str) -> str:
        """Return the digest that a tag names now, by a HEAD if that suffices.

        OCI distribution-spec 1.1, "Pulling manifests": a registry "SHOULD" send the digest in
        ``Docker-Content-Digest``; where it does not, the digest is that of the body, if that is a
        manifest and not the page of some proxy.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            NotFoundError: there is no such tag, or what it names is no image.
        """
        request = Request(f"{self._visit.base}/manifests/{tag}", "HEAD", ACCEPT)
        answer = self._visit.ask(request)
        digest = answer.headers.get("Docker-Content-Digest", "")
        if answer.status == HTTPStatus.OK and is_digest(digest):
            self._refuse_old(answer)
            return digest
        if answer.status not in _UNSURE:
            raise failure(answer)
        answer = self._got(f"manifests/{tag}", MAX_MANIFEST_BYTES)
        self._refuse_old(answer)
        digest = answer.headers.get("Docker-Content-Digest", "")
        digest = digest if is_digest(digest) else _digest(answer.body)
        try:
            self._keep(digest, self._parsed(answer, digest, parse_manifest))
        except UnreadableError as error:  # no digest says that somebody pushed it
            raise lied(answer.url, "answered with something that is no manifest") from error
        return digest

    def manifest(self, digest: str) -> Manifest:
        """Return what a digest names.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            NotFoundError: it is not there, or is no image.
        """
        found = self._memory.manifests.get(self._repository, digest)
        if found is None:
            path = f"manifests/{digest}"
            found = self._read(path, digest, MAX_MANIFEST_BYTES, parse_manifest)
            self._keep(digest, found)
        return found

    def config(self, digest: str) -> ImageConfig:
        """Return the config that a digest names.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            NotFoundError: it is not there, or is no config.
        """
        found = self._memory.configs.get(self._repository, digest)
        if found is None:
            found = self._read(f"blobs/{digest}", digest, MAX_CONFIG_BYTES, parse_config)
            self._memory.configs.put(self._repository, digest, found, weight=1)
        return found

    def no_image(self, why: str) -> NotFoundError:
        """Return the error for what is there and is no image."""
        return NotFoundError(f"{self.name!r} {why}", where=self._visit.base)

    def lied(self, what: str) -> RegistryError:
        """Return the error for what no registry has for good reasons."""
        return lied(self._visit.base, what)

    def _read(
        self, path: str, digest: str, most_bytes: int, parse: Callable[[bytes], Parsed]
    ) -> Parsed:
        if self._reads == MAX_READS:
            raise self.lied(f"has {self.name!r} in more than {MAX_READS} parts")
        self._reads += 1
        return self._parsed(self._got(path, most_bytes), digest, parse)

    def _parsed(self, answer: Response, digest: str, parse: Callable[[bytes], Parsed]) -> Parsed:
        """Return what an answer holds, if it is what the digest names."""
        if _digest(answer.body, digest.partition(":")[0]) != digest:
            raise lied(answer.url, f"answered with something that is not {digest}")
        try:
            return parse(answer.body)
        except NotFoundError as error:
            raise type(error)(f"{self.name!r} {error.message}", where=self._visit.base) from error

    def _keep(self, digest: str, manifest: Manifest) -> None:
        weight = 1 + len(manifest.entries) if isinstance(manifest, ImageIndex) else 1
        self._memory.manifests.put(self._repository, digest, manifest, weight=weight)

    def _got(self, path: str, most_bytes: int) -> Response:
        accept = ACCEPT if path.startswith("manifests/") else ""
        url = f"{self._visit.base}/{path}"
        answer = self._visit.ask(Request(url, accept=accept, max_body_bytes=most_bytes))
        match answer.status:
            case HTTPStatus.OK:
                return answer
            case HTTPStatus.NOT_FOUND:
                lost = "" if accept else "the config of "
                message = f"the registry does not have {lost}{self.name!r}"
                raise NotFoundError(message, where=without_query(answer.url))
            case _:
                raise failure(answer)

    def _refuse_old(self, answer: Response) -> None:
        if is_old(answer.headers.get("Content-Type", "")):
            raise self.no_image(OLD_WORDS)


def _digest(body: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, body).hexdigest()}"
