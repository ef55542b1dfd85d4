"""What tiny images are made of: configs, manifests and indexes, of OCI's kinds and of Docker's."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CREATED = "2026-01-01T00:00:00Z"
EMPTY_TAR = b"\0" * 1024


@dataclass(frozen=True)
class Kinds:
    """Media types that go together."""

    index: str
    manifest: str
    config: str
    layer: str


_OCI = "application/vnd.oci.image."
_DOCKER = "application/vnd.docker."
OCI = Kinds(
    f"{_OCI}index.v1+json",
    f"{_OCI}manifest.v1+json",
    f"{_OCI}config.v1+json",
    f"{_OCI}layer.v1.tar",
)
DOCKER = Kinds(
    f"{_DOCKER}distribution.manifest.list.v2+json",
    f"{_DOCKER}distribution.manifest.v2+json",
    f"{_DOCKER}container.image.v1+json",
    f"{_DOCKER}image.rootfs.diff.tar",
)


@dataclass(frozen=True)
class Content:
    """Bytes that a registry keeps by their digest."""

    media_type: str
    body: bytes

    @classmethod
    def of(cls, media_type: str, document: Mapping[str, object]) -> "Content":
        """Return a document as JSON."""
        return cls(media_type, json.dumps(document).encode())

    @property
    def digest(self) -> str:
        """What names it."""
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, object]:
        """What refers to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}


@dataclass(frozen=True)
class Image:
    """What is to be uploaded, in this order; a tag names the last of the manifests."""

    blobs: tuple[Content, ...]
    manifests: tuple[Content, ...]

    @property
    def digest(self) -> str:
        """What names the image."""
        return self.manifests[-1].digest


@dataclass(frozen=True)
class Recipe:
    """How to make an image. One platform makes an image manifest, several make an index of them.

    Attributes:
        platforms: what it runs on.
        created: when it was built, as its config has it; None: it does not say.
        kinds: OCI's media types or Docker's.
        version: makes it differ from others: an annotation, or a label where Docker has none.
        labels: of its config.
        annotations: of what its tag names; OCI only.
        has_attestation: whether an index also holds what BuildKit says of its first manifest.
        config_type: the media type of its config, if it is no image.
    """

    platforms: Sequence[str] = ("linux/amd64",)
    created: str | None = CREATED
    kinds: Kinds = OCI
    version: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    has_attestation: bool = False
    config_type: str = ""

    def make(self) -> Image:
        """Return the image."""
        layer = Content(self.kinds.layer, EMPTY_TAR)
        configs = [self._config(platform) for platform in self.platforms]
        is_index = len(configs) > 1 or self.has_attestation
        annotations = {} if is_index else self.annotations
        manifests = [self._manifest(each, layer, annotations) for each in configs]
        blobs = (layer, *configs)
        if not is_index:
            return Image(blobs, tuple(manifests))
        entries = [
            {**manifest.descriptor, "platform": platform_of(platform)}
            for manifest, platform in zip(manifests, self.platforms, strict=True)
        ]
        if self.has_attestation:
            manifests.append(self._attestation(layer, configs[0]))
            entries.append(_attested(manifests[-1], manifests[0]))
        index = index_of(entries, self.kinds, {**self._version(), **self.annotations})
        return Image(blobs, (*manifests, index))

    def _config(self, platform: str) -> Content:
        is_docker = self.kinds == DOCKER
        labels = {**self.labels, **({"version": self.version} if is_docker else {})}
        document = {
            **({"created": self.created} if self.created is not None else {}),
            **platform_of(platform),
            "config": {"Labels": labels or None},
            "rootfs": {
                "type": "layers",
                "diff_ids": [f"sha256:{hashlib.sha256(EMPTY_TAR).hexdigest()}"],
            },
        }
        return Content.of(self.config_type or self.kinds.config, document)

    def _manifest(self, config: Content, layer: Content, annotations: Mapping[str, str]) -> Content:
        return manifest_of(config, [layer], self.kinds, {**self._version(), **annotations})

    def _attestation(self, layer: Content, config: Content) -> Content:
        annotations = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
        return manifest_of(config, [layer], self.kinds, annotations)

    def _version(self) -> Mapping[str, str]:
        return {"org.opencontainers.image.version": self.version} if self.kinds == OCI else {}


def manifest_of(
    config: Content,
    layers: Iterable[Content],
    kinds: Kinds = OCI,
    annotations: Mapping[str, str] | None = None,
) -> Content:
    """Return an image manifest."""
    document = {
        "schemaVersion": 2,
        "mediaType": kinds.manifest,
        "config": config.descriptor,
        "layers": [each.descriptor for each in layers],
        **({"annotations": annotations} if annotations else {}),
    }
    return Content.of(kinds.manifest, document)


def index_of(
    entries: Sequence[Mapping[str, object]],
    kinds: Kinds = OCI,
    annotations: Mapping[str, str] | None = None,
) -> Content:
    """Return an index of manifests, each a descriptor and perhaps a platform."""
    document = {
        "schemaVersion": 2,
        "mediaType": kinds.index,
        "manifests": entries,
        **({"annotations": annotations} if annotations else {}),
    }
    return Content.of(kinds.index, document)


def platform_of(text: str) -> dict[str, str]:
    """Return a platform as OCI writes it: ``linux/arm/v7`` has an architecture and a variant."""
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def _attested(attestation: Content, manifest: Content) -> dict[str, object]:
    return {
        **attestation.descriptor,
        "platform": {"os": "unknown", "architecture": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": manifest.digest,
        },
    }
