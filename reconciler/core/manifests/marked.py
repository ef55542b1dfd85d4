"""Marked: the values of a manifest that stand before a marker, as images."""

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from reconciler.core.images.pull_secret import Puller
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.container import WrittenImage
from reconciler.core.manifests.document import Node, Scalar
from reconciler.core.manifests.edit import is_editable
from reconciler.core.manifests.marker import (
    FoundMarker,
    Marker,
    OwnMarker,
    Part,
    PolicyMarker,
    markers_in,
)
from reconciler.core.manifests.puller import puller_of
from reconciler.core.manifests.workload import Workload, workloads_in
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError

SCREEN = '"$image'
"""A text without it has no markers."""

_FILE = "File"  # stands for a kind, in a document that is no object
_BLOCKS = ("|", ">")
_FARTHEST = 1000  # characters between a value and its marker
_BETWEEN = re.compile(r"[,\]} \t]*[ \t]")


@dataclass(frozen=True, slots=True)
class MarkedImage:
    """An image whose values are marked.

    Attributes:
        line: of the value that changes.
        owner: the object that it stands in; a file has the kind ``File``.
        pointer: where in its document (RFC 6901).
        marker: what is to stand there.
        written: its values; the name of the image may not be known yet.
        puller: who pulls it, as far as the manifest tells.
        is_editable: whether its values can be replaced in place.
        is_encrypted: whether its file is.
    """

    line: int
    owner: ObjectKey
    pointer: str
    marker: Marker
    written: WrittenImage
    puller: Puller
    is_editable: bool
    is_encrypted: bool


def file_key(path: str) -> ObjectKey:
    """Return what owns the values of a document that is no object: its file."""
    return ObjectKey("", _FILE, "", path)


class _Place(NamedTuple):
    """A value of a document, and where it stands."""

    scalar: Scalar
    pointer: str
    workload: Workload | None


_Parts: TypeAlias = dict[Part, tuple[_Place, Marker]]


class _Groups:
    """Marked values by the image that they are parts of: side by side, and about the same."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], _Parts] = {}
        self.parts: list[_Parts] = []

    def add(self, place: _Place, marker: Marker) -> None:
        """Add a value to its image; what that has already begins another one."""
        subject = marker.policy if isinstance(marker, PolicyMarker) else marker.name
        key = (place.pointer.rpartition("/")[0], subject)
        parts = {} if marker.part is Part.WHOLE else self._open.get(key, {})
        if not parts or marker.part in parts:
            parts = {}
            self.parts.append(parts)
            if marker.part is not Part.WHOLE:
                self._open[key] = parts
        parts[marker.part] = place, marker


class Marks:
    """The markers of one file, as its documents are read. What is wrong is collected."""

    def __init__(self, path: str, text: str, *, default_namespace: str) -> None:
        """Look for markers; there is nothing to do if there are none.

        Args:
            path: the manifest.
            text: what it says.
            default_namespace: of objects that name none.
        """
        self._path = path
        self._text = text
        self._default_namespace = default_namespace
        self._waiting = deque(markers_in(text, path=path) if SCREEN in text else ())
        self._left: list[FoundMarker] = []
        self.images: list[MarkedImage] = []
        self.problems: list[ManifestError] = []

    def take(self, root: Node | None) -> None:
        """Find the values of a document that are marked."""
        if not self._waiting:
            return
        objects = {
            id(each.node): each
            for each in workloads_in(
                root, default_namespace=self._default_namespace, path=self._path
            )
        }
        places = sorted(_places(root, "", None, objects, set()), key=lambda each: each.scalar.start)
        groups = _Groups()
        for place, found in self._taken(places):
            if isinstance(found.marker, ManifestError):
                self.problems.append(found.marker)
            else:
                groups.add(place, found.marker)
        is_encrypted = isinstance(root, yaml.Mapping) and root.get("sops") is not None
        for parts in groups.parts:
            self.images.append(self._image(parts, is_encrypted=is_encrypted))

    def _taken(self, places: Sequence[_Place]) -> Iterator[tuple[_Place, FoundMarker]]:
        """Yield the markers that stand behind one of the values; none of them waits any longer."""
        starts = [each.scalar.start for each in places]
        end = self._text.find("\n", places[-1].scalar.end) if places else -1
        end = len(self._text) if end < 0 else end
        while places and self._waiting and self._waiting[0].start < end:
            found = self._waiting.popleft()
            index = bisect_right(starts, found.start) - 1
            place = places[index] if index >= 0 else None
            if place is not None and self._is_behind(place.scalar, found.start):
                yield place, found
            elif place is None or not self._is_inside(place.scalar, found.start):
                self._left.append(found)

    def _is_inside(self, scalar: Scalar, start: int) -> bool:
        """Whether a text is about a marker; behind the head of a block one is a comment."""
        is_head = scalar.style in _BLOCKS and "\n" not in self._text[scalar.start : start]
        return start < scalar.end and not is_head

    def _is_behind(self, scalar: Scalar, start: int) -> bool:
        is_near = start - scalar.end <= _FARTHEST
        return is_near and _BETWEEN.fullmatch(self._text, scalar.end, start) is not None

    def end(self) -> None:
        """Complain of the markers that stand behind no value; within other comments they may."""
        by_line = {each.line: each for each in (*self._waiting, *reversed(self._left))}
        self.problems += [
            ManifestError("a marker stands behind no value", where=f"{self._path}:{line}")
            for line, each in sorted(by_line.items())
            if self._text.find(" #", each.line_start, each.start) < 0
        ]

    def _image(self, by_part: _Parts, *, is_encrypted: bool) -> MarkedImage:
        order = (Part.WHOLE, Part.TAG, Part.DIGEST, Part.NAME)
        place, marker = next(by_part[each] for each in order if each in by_part)
        scalars = {part: each.scalar for part, (each, _) in by_part.items()}
        whole = scalars.get(Part.WHOLE)
        written = WrittenImage(
            name=scalars.get(Part.NAME) if whole is None else whole,
            tag=scalars.get(Part.TAG),
            digest=scalars.get(Part.DIGEST),
            given_name=marker.name if isinstance(marker, OwnMarker) else "",
            may_get_tag=whole is not None,
        )
        owner = place.workload
        namespace = self._default_namespace
        return MarkedImage(
            line=place.scalar.line,
            owner=owner.key if owner else file_key(self._path),
            pointer=place.pointer,
            marker=marker,
            written=written,
            puller=puller_of(owner) if owner else Puller(namespace),
            is_editable=all(is_editable(self._text, each) for each in written.scalars),
            is_encrypted=is_encrypted,
        )


def _places(
    node: Node | None,
    pointer: str,
    around: Workload | None,
    objects: dict[int, Workload],
    seen: set[int],
) -> Iterator[_Place]:
    """Yield the values of a document, each once: aliases have no place of their own."""
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    workload = objects.get(id(node), around)
    if isinstance(node, Scalar):
        yield _Place(node, pointer, workload)
    elif isinstance(node, yaml.Sequence):
        for index, item in enumerate(node.inside):
            yield from _places(item, f"{pointer}/{index}", workload, objects, seen)
    else:
        for key, value in node.entries:
            name = key.value if isinstance(key, Scalar) else ""
            step = name.replace("~", "~0").replace("/", "~1")
            yield from _places(value, f"{pointer}/{step}", workload, objects, seen)
