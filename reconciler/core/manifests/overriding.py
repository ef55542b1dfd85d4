"""Overriding: images that a kustomization sets in the manifests that it builds upon."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from reconciler.core.manifests.images import FileReport, ImageField
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
    reports: Sequence[FileReport], names: AbstractSet[str], texts: Mapping[str, str]
) -> Mapping[str, Overrides]:
    """Return, for each file that a kustomization reaches, where which image is set.

    Args:
        reports: of all manifests, in the order in which they are named.
        names: of the images that matter; what sets no other is not followed.
        texts: of all manifests by path; patches are among them.
    """
    overlays = [each.overlay for each in reports if each.overlay is not None]
    by_folder = {posixpath.dirname(each.path) or ".": each for each in overlays}
    builds = [_built(each, by_folder, reports) for report in reports for each in report.builds]
    found: dict[str, Overrides] = {}
    for overlay in (*overlays, *builds):
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


def _built(
    build: Overlay, by_folder: Mapping[str, Overlay], reports: Sequence[FileReport]
) -> Overlay:
    """Return what Flux builds, with what it reaches.

    Where a folder has no kustomization, Flux makes one of all manifests below it, and of the
    folders that have one (fluxcd.io, "Kustomization", "Generate kustomization.yaml").
    """
    (folder,) = build.reached
    if folder in by_folder:
        return build
    inner = [each for each in by_folder if _is_below(each, folder)]
    files = (each.path for each in reports if _is_below(each.path, folder))
    plain = (path for path in files if not any(_is_below(path, each) for each in inner))
    return replace(build, reached=(*inner, *plain))


def _is_below(path: str, folder: str) -> bool:
    return folder == "." or path.startswith(f"{folder}/")


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
