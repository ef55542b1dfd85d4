"""Linking: what one manifest says of the images in another."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.core.manifests.images import FileReport, ImageField, Obstacle, SkipReason
from reconciler.core.manifests.kustomization import Overlay


def link(reports: Sequence[FileReport]) -> tuple[FileReport, ...]:
    """Return the reports of all manifests, with what they say of each other.

    An image that a kustomization sets is not updated where it stands: nobody would run it.

    Args:
        reports: of single files; those that nobody else says anything of come back as they are.
    """
    setting = _setting([each.overlay for each in reports if each.overlay is not None])
    if not setting:
        return tuple(reports)
    return tuple(_linked(each, setting.get(each.path, {})) for each in reports)


def _setting(overlays: Sequence[Overlay]) -> Mapping[str, Mapping[str, str]]:
    """Return, for each file that a kustomization reaches, where which image is set."""
    by_folder = {posixpath.dirname(each.path) or ".": each for each in overlays}
    found: dict[str, dict[str, str]] = {}
    for overlay in overlays:
        places = {each.name: f"{overlay.path}:{each.line}" for each in reversed(overlay.images)}
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


def _linked(report: FileReport, places: Mapping[str, str]) -> FileReport:
    fields = tuple(_overridden(each, places) for each in report.fields)
    is_same = all(new is old for new, old in zip(fields, report.fields, strict=True))
    return report if is_same else replace(report, fields=fields)


def _overridden(field: ImageField, places: Mapping[str, str]) -> ImageField:
    place = places.get(field.reference.name) if field.reference else None
    if place is None or field.obstacle is not None:
        return field
    return replace(field, obstacle=Obstacle(SkipReason.OVERRIDDEN, f"is set in {place}"))
