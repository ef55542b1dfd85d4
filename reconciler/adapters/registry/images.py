"""Reads single images: which digest a tag names, what it runs on, when it was built."""

import contextlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

from reconciler.adapters.registry.auth import Visit
from reconciler.adapters.registry.contents import Contents, Memory
from reconciler.adapters.registry.image_manifest import Entry, ImageIndex
from reconciler.adapters.registry.registries import Registries
from reconciler.adapters.registry.scope import READING
from reconciler.core.images.origin import Origin
from reconciler.core.images.platform import Platform
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository, is_digest
from reconciler.errors import NotFoundError

MAX_DEPTH: Final = 3  # of indexes in indexes
_USUAL: Final = Platform("linux", "amd64")

Found = TypeVar("Found")


class RegistryImages:
    """Single images of all registries. Safe to use from many threads.

    A manifest or config that was read by its digest is kept: what an image runs on and when it was
    built take the same manifest.
    """

    def __init__(self, registries: Registries) -> None:
        """Share connections and logins with whatever else asks these registries."""
        self._registries = registries
        self._memory = Memory()

    def digest_of(
        self, repository: Repository, tag: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> str:
        """Return the digest that a tag names now: of the index, where there is one.

        One attempt: trying again is the caller's business.

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            AccessDeniedError: it refused our credentials, or wants some.
            ClusterError: likewise, and some of the cluster's could not be read for now.
            NotFoundError: there is no such tag, or what it names is no image.
        """
        name = f"{repository.path}:{tag}"
        return self._read(repository, name, pull_secrets, lambda each: each.digest_of(tag))

    def platforms_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> frozenset[Platform]:
        """Return what an image runs on; of an index: all that its manifests run on.

        Raises:
            RegistryError: likewise; also if the content is not what the digest says.
            AccessDeniedError, ClusterError: likewise.
            NotFoundError: there is no such image, or it is no image.
        """

        def read(contents: Contents) -> frozenset[Platform]:
            found = frozenset(_platforms(contents, digest))
            if not found:
                raise contents.no_image("is no image: it runs on no platform")
            return found

        return self._read(repository, _name(repository, digest), pull_secrets, read)

    def created_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> datetime | None:
        """Return when an image was built, in UTC; None if it does not say.

        Of an index that is when its manifest for linux/amd64 was built, or else the first by
        platform and digest. The first of these that is a time after 1 January 1980: the config's
        ``created``, the annotation ``org.opencontainers.image.created`` of the manifest, of the
        index, the labels of that name and ``org.label-schema.build-date``.

        Raises:
            RegistryError: likewise; also if the content is not what the digest says.
            AccessDeniedError, ClusterError: likewise.
            NotFoundError: there is no such image, or it is no image.
        """
        name = _name(repository, digest)
        return self._read(repository, name, pull_secrets, lambda each: _created(each, digest))

    def origin_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Origin:
        """Return where an image comes from, as the labels of its config have it.

        Of an index they are those of the manifest that tells when it was built.

        Raises:
            RegistryError: likewise; also if the content is not what the digest says.
            AccessDeniedError, ClusterError: likewise.
            NotFoundError: there is no such image, or it is no image.
        """
        name = _name(repository, digest)
        return self._read(repository, name, pull_secrets, lambda each: _origin(each, digest))

    def _read(
        self,
        repository: Repository,
        name: str,
        pull_secrets: Iterable[PullCredential],
        read: Callable[[Contents], Found],
    ) -> Found:
        return self._registries.visit(
            repository,
            lambda visit: read(Contents(visit, repository, self._memory, name=name)),
            pull_secrets=pull_secrets,
            doing=READING,
        )


def digest_on(visit: Visit, tag: str) -> str:
    """Return the digest that a tag names now, read on a visit and not kept.

    Raises:
        RegistryError: the registry failed, lied, or did not answer in time.
        NotFoundError: there is no such tag, or what it names is no image.
    """
    repository = visit.repository
    return Contents(visit, repository, Memory(), name=f"{repository.path}:{tag}").digest_of(tag)


def _name(repository: Repository, digest: str) -> str:
    name = f"{repository.path}@{digest[:200]}"
    if not is_digest(digest):
        raise NotFoundError(f"{name!r} is no image: that is no digest", where=str(repository))
    return name


def _platforms(contents: Contents, digest: str, depth: int = 0) -> set[Platform]:
    """Return what an image runs on; entries that are no images run on nothing."""
    manifest = contents.manifest(digest)
    if not isinstance(manifest, ImageIndex):
        platform = contents.config(manifest.config).platform
        return {platform} if platform else set()
    _check_depth(contents, depth)
    found = {entry.platform for entry in manifest.entries if entry.platform}
    for entry in manifest.entries:
        if entry.platform is None:
            with contextlib.suppress(NotFoundError):
                found |= _platforms(contents, entry.digest, depth + 1)
    return found


def _created(contents: Contents, digest: str) -> datetime | None:
    manifest = contents.manifest(digest)
    annotated: list[datetime | None] = []
    while isinstance(manifest, ImageIndex):
        _check_depth(contents, len(annotated))
        annotated.insert(0, manifest.created)
        manifest = contents.manifest(_first(manifest, contents).digest)
    config = contents.config(manifest.config)
    told = (config.created, manifest.created, *annotated, config.labelled)
    return next(filter(None, told), None)


def _origin(contents: Contents, digest: str) -> Origin:
    manifest = contents.manifest(digest)
    depth = 0
    while isinstance(manifest, ImageIndex):
        _check_depth(contents, depth)
        depth += 1
        manifest = contents.manifest(_first(manifest, contents).digest)
    return contents.config(manifest.config).origin


def _first(index: ImageIndex, contents: Contents) -> Entry:
    """Return the entry that stands for an index."""
    if not index.entries:
        raise contents.no_image("is no image: its index is empty")
    return min(index.entries, key=_order)


def _order(entry: Entry) -> tuple[bool, bool, str, str]:
    is_usual = entry.platform is not None and _USUAL.is_served_by(entry.platform)
    return not is_usual, entry.platform is None, str(entry.platform), entry.digest


def _check_depth(contents: Contents, depth: int) -> None:
    if depth == MAX_DEPTH:
        raise contents.lied(f"has {contents.name!r} in indexes more than {MAX_DEPTH} deep")
