"""Reads what a registry keeps of an image: indexes, manifests and configs.

OCI image-spec 1.1 and, in the same shape, Docker's manifest list and schema 2. What is read here
was checked against its digest: who pushed it is to blame for it, and not the registry.
"""

import contextlib
import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

import msgspec

from reconciler.adapters.registry.moment import read_moment
from reconciler.core.images.origin import NO_ORIGIN, Origin, origin_of
from reconciler.core.images.platform import Platform
from reconciler.core.images.reference import is_digest
from reconciler.errors import NotFoundError, PolicySyntaxError

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
_INDEXES: Final = frozenset({OCI_INDEX, DOCKER_LIST})
_OLD: Final = "application/vnd.docker.distribution.manifest.v1+"
_CONFIGS: Final = frozenset(
    {
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
    }
)

ACCEPT: Final = f"{OCI_INDEX}, {DOCKER_LIST}, {OCI_MANIFEST}, {DOCKER_MANIFEST}"
MAX_ENTRIES: Final = 1000
OLD_WORDS: Final = "is a Docker schema 1 manifest, which clusters pull no more: push it anew"

_CREATED: Final = "org.opencontainers.image.created"
_BUILD_DATES: Final = (_CREATED, "org.label-schema.build-date")
_UNKNOWN: Final = "unknown"  # the system that BuildKit gives to attestations
_REFERENCE_TYPE: Final = "vnd.docker.reference.type"
_ONE_AT_A_TIME: Final = threading.Lock()
"""A list of tiny entries takes many times its bytes when it is read, and many threads have one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One manifest of an index.

    Attributes:
        digest: its digest.
        platform: what it runs on; None if the index does not say.
    """

    digest: str
    platform: Platform | None


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """What stands for an image's manifests for several platforms, or for further indexes.

    Attributes:
        entries: in its order; without attestations.
        created: when it was built, as its annotations have it.
    """

    entries: tuple[Entry, ...]
    created: datetime | None


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """An image for one platform.

    Attributes:
        config: the digest of its config.
        created: when it was built, as its annotations have it.
    """

    config: str
    created: datetime | None


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """What an image's config says.

    Attributes:
        platform: what it runs on; None if it does not say, or not in words of ours.
        created: when it was built.
        labelled: the same, as its labels have it.
        origin: where it comes from, as its labels have it.
    """

    platform: Platform | None
    created: datetime | None
    labelled: datetime | None
    origin: Origin = NO_ORIGIN


Manifest: TypeAlias = ImageIndex | ImageManifest
_Scalar: TypeAlias = str | int | float | bool | None  # lists in their place would take much memory
_Words: TypeAlias = dict[str, _Scalar] | None


class _Platform(msgspec.Struct, gc=False):
    os: _Scalar = None
    architecture: _Scalar = None
    variant: _Scalar = None


class _Descriptor(msgspec.Struct):
    digest: str
    mediaType: _Scalar = None  # noqa: N815 - OCI's spelling
    platform: _Platform | None = None
    annotations: _Words = None


class _Manifest(msgspec.Struct):
    schemaVersion: _Scalar = None  # noqa: N815 - OCI's spelling
    mediaType: _Scalar = None  # noqa: N815 - OCI's spelling
    config: _Descriptor | None = None
    manifests: list[_Descriptor] | None = None
    annotations: _Words = None


class _Container(msgspec.Struct):
    labels: _Words = msgspec.field(name="Labels", default=None)


class _Config(_Platform):
    created: _Scalar = None
    config: _Container | None = None


_MANIFEST: Final = msgspec.json.Decoder(_Manifest)
_CONFIG: Final = msgspec.json.Decoder(_Config)


class UnreadableError(NotFoundError):
    """Bytes that are no document of the kind that was expected."""


def is_old(media_type: str) -> bool:
    """Whether a media type is one of Docker's first manifests, schema 1."""
    return media_type.strip().startswith(_OLD)


def parse_manifest(body: bytes) -> Manifest:
    """Return the manifest or index that a registry keeps for an image.

    Raises:
        UnreadableError: it is no manifest at all; the message wants a name before it.
        NotFoundError: it is no image; likewise.
    """
    with _ONE_AT_A_TIME:
        try:
            return _manifest(_MANIFEST.decode(body))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise UnreadableError("has a manifest that cannot be read") from error


def parse_config(body: bytes) -> ImageConfig:
    """Return what the config of an image says.

    Raises:
        UnreadableError: it is none; the message wants a name before it.
    """
    with _ONE_AT_A_TIME:
        try:
            found = _CONFIG.decode(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise UnreadableError("has a config that cannot be read") from error
        labels = found.config.labels if found.config else None
        return ImageConfig(
            _platform(found),
            read_moment(found.created),
            _moment(labels, *_BUILD_DATES),
            origin_of(labels) if labels else NO_ORIGIN,
        )


def _manifest(found: _Manifest) -> Manifest:
    media_type = found.mediaType if isinstance(found.mediaType, str) else ""
    if is_old(media_type) or found.schemaVersion == 1:
        raise NotFoundError(OLD_WORDS)
    created = _moment(found.annotations, _CREATED)
    match found.manifests, found.config:
        case list(manifests), None:
            return ImageIndex(_entries(manifests), created)
        case None, _Descriptor(mediaType=str(kind)) as config if kind in _CONFIGS:
            return ImageManifest(_digest(config), created)
        case None, _Descriptor(mediaType=kind):
            raise NotFoundError(f"is no image: its config is {str(kind)[:100]!r}")
        case _:
            raise NotFoundError(f"is no image: its media type is {media_type[:100]!r}")


def _entries(manifests: list[_Descriptor]) -> tuple[Entry, ...]:
    if len(manifests) > MAX_ENTRIES:
        raise NotFoundError(f"lists more than {MAX_ENTRIES:,} manifests")
    images = (each for each in manifests if not _is_attestation(each))
    return tuple(Entry(_digest(each), _entry_platform(each)) for each in images)


def _is_attestation(entry: _Descriptor) -> bool:
    """Whether an entry is what BuildKit says of another one."""
    is_nowhere = entry.platform is not None and entry.platform.os == _UNKNOWN
    return is_nowhere or _REFERENCE_TYPE in (entry.annotations or {})


def _entry_platform(entry: _Descriptor) -> Platform | None:
    is_index = entry.mediaType in _INDEXES
    return None if entry.platform is None or is_index else _platform(entry.platform)


def _platform(found: _Platform) -> Platform | None:
    """Return a platform in words of ours; a variant that is none of ours means any."""
    if found.os == _UNKNOWN:
        return None
    bare = f"{found.os}/{found.architecture}"
    for text in (f"{bare}/{found.variant}", bare):
        with contextlib.suppress(PolicySyntaxError):
            return Platform.parse(text)
    return None


def _digest(descriptor: _Descriptor) -> str:
    if not is_digest(descriptor.digest):
        raise NotFoundError(f"names {descriptor.digest[:100]!r}, which is no digest")
    return descriptor.digest


def _moment(words: _Words, *names: str) -> datetime | None:
    """Return the first of the named annotations or labels that is a moment."""
    found = (read_moment((words or {}).get(name)) for name in names)
    return next(filter(None, found), None)
