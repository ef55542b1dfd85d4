"""Patching: the images that a patch of kustomize sets, and in which objects it sets them.

Patches are strategic merges (a part of an object, whose containers are known by their names) or
JSON patches (RFC 6902: a list of operations with paths), as kustomize tells them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from reconciler.core.images.pattern import Pattern
from reconciler.core.images.reference import ImageReference
from reconciler.core.manifests.document import Mapping, Node, Scalar, Sequence, documents_of
from reconciler.core.manifests.images import ImageField, reference_of
from reconciler.core.manifests.kustomization import Patch
from reconciler.core.manifests.workload import workloads_in
from reconciler.errors import PolicySyntaxError

_WRITING = ("add", "replace")


@dataclass(frozen=True, slots=True)
class PatchedImage:
    """An image that a patch sets.

    Attributes:
        kind, name, namespace: of the object, as the patch writes them; of a JSON patch empty.
        container: its name; of a JSON patch empty.
        image: the reference, as text.
    """

    kind: str
    name: str
    namespace: str
    container: str
    image: str


@dataclass(frozen=True, slots=True)
class PlacedPatch:
    """A patch, where its kustomization names it, and what it sets."""

    place: str
    patch: Patch
    images: tuple[PatchedImage, ...]

    def sets(self, field: ImageField, *, is_alone: bool) -> bool:
        """Whether it sets the image of a field, of a manifest that it is applied to.

        Namespaces are not compared: a kustomization may give all its objects another one.

        Args:
            field: the image.
            is_alone: whether its workload has no other image.
        """
        return any(
            self._is_meant(each, field) and _is_image(each, field, is_alone=is_alone)
            for each in self.images
        )

    def _is_meant(self, image: PatchedImage, field: ImageField) -> bool:
        target, key = self.patch.target, field.workload
        if target is None:
            return (image.kind, image.name) == (key.kind, key.name)
        pairs = ((target.kind, key.kind), (target.name, key.name), (target.group, key.group))
        return all(_fits(pattern, text) for pattern, text in pairs)


@lru_cache(maxsize=512)
def patched_images(text: str) -> tuple[PatchedImage, ...]:
    """Return the images that a patch sets; none if it cannot be read."""
    return tuple(
        image
        for document in documents_of(text, path="")
        if document.root is not None
        for image in _images(document.root)
    )


def _images(root: Node) -> Iterator[PatchedImage]:
    if isinstance(root, Sequence):
        yield from filter(None, map(_of_operation, root.inside))
        return
    for workload in workloads_in(root, default_namespace=""):
        key = workload.key
        for each in workload.containers:
            if each.image is not None and each.image.text:
                yield PatchedImage(key.kind, key.name, key.namespace, each.name, each.image.text)


def _of_operation(node: Node) -> PatchedImage | None:
    if not isinstance(node, Mapping) or node.text("op") not in _WRITING:
        return None
    value = node.get("value")
    if not isinstance(value, Scalar) or not node.text("path").endswith(("/image", "/reference")):
        return None
    return PatchedImage("", "", "", "", value.value)


def _is_image(image: PatchedImage, field: ImageField, *, is_alone: bool) -> bool:
    """Whether the image is the field's; a JSON patch counts containers, which nobody does here."""
    if image.container or image.kind:
        return image.container == field.container
    written, present = reference_of(image.image), field.reference
    if is_alone or present is None or not isinstance(written, ImageReference):
        return is_alone
    return written.name == present.name


def _fits(pattern: str, text: str) -> bool:
    """Whether a selector's pattern is the whole of a text, as kustomize anchors it."""
    try:
        return not pattern or Pattern(f"^(?:{pattern})$").matches(text)
    except PolicySyntaxError:
        return False
