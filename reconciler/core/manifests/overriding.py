"""Overriding: images that a kustomization sets in the manifests that it builds upon."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from reconciler.core.manifests.images import ImageField
from reconciler.core.manifests.kustomization import Overlay
from reconciler.core.manifests.patching import PlacedPatch, patched_images


@dataclass(frozen=True, slots=True)
class Overrides:
    """Where the images of one file are set.

    Attributes:
        by_name: their places, ``path:line``, by the images' names without tag.
        patches: those that are applied to it and set images.
    """

    by_name: dict[str, str] = field(default_factory=dict)
    patches: list[PlacedPatch] = field(default_factory=list)

    def place_of(self, image: ImageField, *, is_alone: bool) -> str | None:
        """Return where an image is set; None if it is not.

        Args:
            image: where it stands.
            is_alone: whether its workload has no other one.
        """
        name = image.reference.name if image.reference else ""
        patches = (each.place for each in self.patches if each.sets(image, is_alone=is_alone))
        return next(patches, self.by_name.get(name))


def overridden(
    overlays: Sequence[Overlay], names: AbstractSet[str], texts: Mapping[str, str]
) -> Mapping[str, Overrides]:
    """Return, for each file that a kustomization reaches, where which image is set.

    Args:
        overlays: all of them, in the order in which they are named.
        names: of the images that matter; what sets no other is not followed.
        texts: of all manifests by path; patches are among them.
    """
    by_folder = {posixpath.dirname(each.path) or ".": each for each in overlays}
    found: dict[str, Overrides] = {}
    for overlay in overlays:
        places = {
            each.name: f"{overlay.path}:{each.line}"
            for each in reversed(overlay.images)
            if each.name in names
        }
        patches = list(_patches(overlay, texts))
        for path in _below(overlay, by_folder) if places or patches else ():
            overrides = found.setdefault(path, Overrides())
            overrides.patches.extend(patches)
            for name, place in places.items():
                overrides.by_name.setdefault(name, place)
    return found


def _patches(overlay: Overlay, texts: Mapping[str, str]) -> Iterator[PlacedPatch]:
    for patch in overlay.patches:
        images = patched_images(patch.text or texts.get(patch.file, ""))
        if images:
            yield PlacedPatch(f"{overlay.path}:{patch.line}", patch, images)


def _below(overlay: Overlay, by_folder: Mapping[str, Overlay]) -> Iterator[str]:
    """Yield the files that a kustomization builds upon, through others, each once."""
    seen = {overlay.path}
    awaiting = list(overlay.reached)
    while awaiting:
        path = awaiting.pop()
        inner = by_folder.get(path)
        if inner is not None:
            path = inner.path
        if path not in seen:
            seen.add(path)
            awaiting += inner.reached if inner is not None else ()
            yield path
