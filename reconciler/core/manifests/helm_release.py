"""Helm releases of Flux v1 and v2: where their values keep images, as Flux v1 looks for them.

The places are those of Flux v1 (fluxcd/flux 1.25, ``FindHelmReleaseContainers``, and its page
"Integration with the Helm operator"), with the digest that newer charts have beside the tag.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.container import Container, WrittenImage, filled
from reconciler.core.manifests.document import Mapping, Node, Scalar
from reconciler.core.manifests.value import is_text
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ReferenceSyntaxError

CHART_IMAGE = "chart-image"
"""The container of an image at the top of the values."""

REPOSITORY, REGISTRY, TAG = MAPPINGS = (
    "repository.fluxcd.io/",
    "registry.fluxcd.io/",
    "tag.fluxcd.io/",
)
"""What stands before a container's name in annotations that say where its image is."""

_KIND = "HelmRelease"
_GROUPS = frozenset({"helm.fluxcd.io", "flux.weave.works", "helm.toolkit.fluxcd.io"})


def is_helm_release(key: ObjectKey) -> bool:
    """Whether an object is a Helm release of one of the two generations of Flux."""
    return key.kind == _KIND and key.group in _GROUPS


def target_namespace(node: Mapping) -> str:
    """Return the namespace that a release is installed in; empty if it is the object's own."""
    return node.mapping("spec").text("targetNamespace")


def containers_of(
    node: Mapping, annotations: Iterable[tuple[Scalar, Node]]
) -> tuple[Container, ...]:
    """Return the images in the values of a release, in the order of the text.

    Those that annotations map overrule those that are found; one whose place does not exist has no
    image.
    """
    values = node.mapping("spec").mapping("values")
    found = {each.name: each for each in _mapped(values, annotations)}
    for each in _found(values):
        found.setdefault(each.name, each)
    return tuple(sorted(found.values(), key=_start))


def _start(container: Container) -> int:
    scalars = container.image.scalars if container.image is not None else ()
    return scalars[0].start if scalars else -1


def _found(values: Mapping) -> Iterator[Container]:
    yield from _container(CHART_IMAGE, values)
    for key, value in values.merged_entries():
        if isinstance(key, Scalar) and isinstance(value, Mapping):
            yield from _container(key.value, value)


def _container(name: str, values: Mapping) -> Iterator[Container]:
    image = values.get("image")
    written = _split(image) if isinstance(image, Mapping) else _beside(image, values)
    if image is not None and written is not None:
        yield Container(name, written, image.line)


def _split(image: Mapping) -> WrittenImage | None:
    """Return an image that is a mapping of its parts."""
    repository = image.get("repository")
    if not _is_word(repository):
        return None
    return _written(
        repository, image.get("registry"), image.get("tag"), filled(image.get("digest"))
    )


def _beside(image: Node | None, values: Mapping) -> WrittenImage | None:
    """Return an image that is a text; registry and tag may stand beside it."""
    if not _is_word(image):
        return None
    written = _written(image, values.get("registry"), values.get("tag"))
    try:
        ImageReference.parse(written.text)
    except ReferenceSyntaxError:  # a key ``image`` may mean anything in a chart
        return written if "$" in written.text or "{{" in written.text else None
    return written


def _written(
    name: Node | None, registry: Node | None, tag: Node | None, digest: Scalar | None = None
) -> WrittenImage:
    scalar = filled(name)
    has_tag = scalar is not None and (":" in scalar.value.rpartition("/")[2] or "@" in scalar.value)
    return WrittenImage(
        name=scalar,
        registry=filled(registry) if _is_word(registry) else None,
        tag=None if has_tag else filled(tag),
        digest=digest,
    )


def _is_word(node: Node | None) -> bool:
    return isinstance(node, Scalar) and bool(node.value) and is_text(node)


@dataclass(slots=True)
class _Paths:
    """Where annotations say that the parts of an image are; by the annotation's prefix."""

    line: int
    by_prefix: dict[str, str]


def _mapped(values: Mapping, annotations: Iterable[tuple[Scalar, Node]]) -> Iterator[Container]:
    mapped: dict[str, _Paths] = {}
    for key, value in annotations:
        prefix = next((each for each in MAPPINGS if key.value.startswith(each)), None)
        if prefix is not None and isinstance(value, Scalar):
            name = key.value.removeprefix(prefix)
            mapped.setdefault(name, _Paths(key.line, {})).by_prefix[prefix] = value.value
    for name, paths in mapped.items():
        yield _mapped_container(name, paths, values)


def _mapped_container(name: str, paths: _Paths, values: Mapping) -> Container:
    at = {prefix: _at(values, path) for prefix, path in paths.by_prefix.items()}
    repository = at.get(REPOSITORY)
    if repository is None or None in at.values() or not _is_word(repository):
        return Container(name, None, paths.line)
    image = WrittenImage(
        name=filled(repository), registry=filled(at.get(REGISTRY)), tag=filled(at.get(TAG))
    )
    return Container(name, image, repository.line)


def _at(values: Mapping, path: str) -> Node | None:
    """Return the value at a path with dots."""
    at: Node | None = values
    for step in path.split("."):
        at = at.get(step) if isinstance(at, Mapping) else None
    return at if isinstance(at, Scalar) else None
