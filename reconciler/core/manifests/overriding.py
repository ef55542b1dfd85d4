"""Overriding: images that a kustomization sets in the manifests that it builds upon."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TypeAlias

from reconciler.core.manifests.kustomization import Overlay

Places: TypeAlias = Mapping[str, str]
"""Where images are set, by their names without tag: ``path:line``."""


def overridden(overlays: Sequence[Overlay], names: AbstractSet[str]) -> Mapping[str, Places]:
    """Return, for each file that a kustomization reaches, where which image is set.

    Args:
        overlays: all of them, in the order in which they are named.
        names: of the images that matter; what sets no other is not followed.
    """
    by_folder = {posixpath.dirname(each.path) or ".": each for each in overlays}
    found: dict[str, dict[str, str]] = {}
    for overlay in overlays:
        places = {
            each.name: f"{overlay.path}:{each.line}"
            for each in reversed(overlay.images)
            if each.name in names
        }
        for path in _below(overlay, by_folder) if places else ():
            for name, place in places.items():
                found.setdefault(path, {}).setdefault(name, place)
    return found


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
