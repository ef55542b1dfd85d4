"""Images in memory."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from reconciler.core.images.knowledge import Fact
from reconciler.core.images.origin import NO_ORIGIN, Origin
from reconciler.core.images.platform import Platform
from reconciler.core.images.pull_secret import PullCredential
from reconciler.core.images.reference import Repository
from reconciler.errors import NotFoundError, ReconcilerError
from tests.fakes.login import log_in

Known = TypeVar("Known")
AMD64 = frozenset({Platform("linux", "amd64")})
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def digest_for(text: str) -> str:
    """Return a digest that is this text's own."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class FakeImage:
    """What is known of an image; an error in place of a fact is raised for it."""

    digest: str | ReconcilerError
    platforms: frozenset[Platform] | ReconcilerError = AMD64
    created: datetime | ReconcilerError | None = NEW_YEAR
    origin: Origin | ReconcilerError = NO_ORIGIN


@dataclass
class FakeImages:
    """An ImageSource over a mapping of ``host/path:tag`` to images, or to the error to raise.

    Attributes:
        images: what each tag names; may be changed at any time, as tags are moved.
        logins: by ``host/path``, the text that the content of a pull secret must be; the others are
            anybody's.
        own_logins: those that we have ourselves, as from a docker config.
        asked: which fact of what, in the order of asking; ``host/path:tag`` for the digest and
            ``host/path@digest`` for the others.
        asked_origins: ``host/path@digest`` of the images whose origin was asked for.
        looked_at: by ``host/path``, the pull secrets that were looked at before one was accepted.
    """

    images: Mapping[str, FakeImage | ReconcilerError] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)
    own_logins: frozenset[str] = frozenset()
    asked: list[tuple[Fact, str]] = field(default_factory=list)
    asked_origins: list[str] = field(default_factory=list)
    looked_at: dict[str, list[PullCredential]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def digest_of(
        self, repository: Repository, tag: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> str:
        """Return the digest that a tag names now, or raise what was put there."""
        name = f"{repository}:{tag}"
        self._enter(Fact.DIGEST, name, repository, pull_secrets)
        found = self.images.get(name)
        if found is None:
            raise NotFoundError(f"no tag {tag!r}", where=str(repository))
        return _given(found.digest if isinstance(found, FakeImage) else found)

    def platforms_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> frozenset[Platform]:
        """Return what an image runs on, or raise what was put there."""
        self._enter(Fact.PLATFORMS, f"{repository}@{digest}", repository, pull_secrets)
        return _given(self._image(repository, digest).platforms)

    def created_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> datetime | None:
        """Return when an image was built, or raise what was put there."""
        self._enter(Fact.CREATED, f"{repository}@{digest}", repository, pull_secrets)
        return _given(self._image(repository, digest).created)

    def origin_of(
        self, repository: Repository, digest: str, *, pull_secrets: Iterable[PullCredential] = ()
    ) -> Origin:
        """Return where an image comes from, or raise what was put there."""
        with self._lock:
            self.asked_origins.append(f"{repository}@{digest}")
        self._log_in(repository, pull_secrets)
        return _given(self._image(repository, digest).origin)

    def _enter(
        self, fact: Fact, what: str, repository: Repository, pull_secrets: Iterable[PullCredential]
    ) -> None:
        with self._lock:
            self.asked.append((fact, what))
        self._log_in(repository, pull_secrets)

    def _log_in(self, repository: Repository, pull_secrets: Iterable[PullCredential]) -> None:
        wanted = self.logins.get(str(repository))
        if wanted is not None:
            seen = self.looked_at.setdefault(str(repository), [])
            is_ours = wanted in self.own_logins
            log_in(repository, pull_secrets, wanted=wanted, is_ours=is_ours, seen=seen)

    def _image(self, repository: Repository, digest: str) -> FakeImage:
        """Return an image of this repository: digests of others are not found in it."""
        for name, image in self.images.items():
            is_here = name.rpartition(":")[0] == str(repository)
            if is_here and isinstance(image, FakeImage) and image.digest == digest:
                return image
        raise NotFoundError(f"no image {digest!r}", where=str(repository))


def _given(fact: Known | ReconcilerError) -> Known:
    if isinstance(fact, ReconcilerError):
        raise fact
    return fact
