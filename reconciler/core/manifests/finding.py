"""Finds the object that a person means in a manifest, and edits its annotations there."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.manifests.annotating import remove_annotation, set_annotation
from reconciler.core.manifests.document import Mapping, documents_of
from reconciler.core.manifests.parser import Part, cut
from reconciler.core.manifests.value import to_value
from reconciler.core.manifests.workload import Workload, workloads_in
from reconciler.core.objects.identity import ObjectKey
from reconciler.errors import ManifestError


@dataclass(frozen=True, slots=True)
class AnnotationEdit:
    """One annotation that is to have a value; None: that is not to be there."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """An object in a manifest.

    Attributes:
        path: the manifest.
        workload: the object; its offsets and lines are those in its part.
        root: of its document.
        part: the piece of the text that it stands in.
    """

    path: str
    workload: Workload
    root: Mapping
    part: Part

    @property
    def where(self) -> str:
        """``path:line`` of the object's first line."""
        return f"{self.path}:{self.part.line + self.workload.node.line - 1}"


def objects_of(
    path: str, text: str, *, default_namespace: str, screen: Collection[str] = ()
) -> Iterator[Found]:
    """Yield the objects of a manifest; what cannot be read has none.

    Args:
        path: the manifest.
        text: what it says.
        default_namespace: of objects that name none.
        screen: documents that hold none of these words are left out, unparsed.
    """
    for part in cut(text):
        for document in documents_of(part.text, path=path, screen=screen):
            root = document.root
            if not isinstance(root, Mapping):
                continue
            for workload in workloads_in(root, default_namespace=default_namespace, path=path):
                yield Found(path, workload, root, part)


def find_one(path: str, text: str, key: ObjectKey, *, default_namespace: str) -> Found:
    """Return the one object of a manifest with that key.

    Raises:
        ManifestError: it is not there, or stands there twice.
    """
    found = [
        each
        for each in objects_of(path, text, default_namespace=default_namespace, screen=(key.name,))
        if each.workload.key == key
    ] or [
        each
        for each in objects_of(path, text, default_namespace=default_namespace)
        if each.workload.key == key
    ]
    if len(found) != 1:
        raise ManifestError(f"{key.workload} stands there {len(found)} times", where=path)
    return found[0]


def edit_annotations(
    path: str,
    text: str,
    key: ObjectKey,
    edits: Iterable[AnnotationEdit],
    *,
    default_namespace: str,
) -> str:
    """Return the text of a manifest in which an object's annotations are as wanted.

    Raises:
        ManifestError: the object is not there once, is encrypted or no valid manifest, or its
            annotations cannot be edited exactly.
    """
    for edit in edits:
        found = find_one(path, text, key, default_namespace=default_namespace)
        _check(found)
        part = found.part
        at = found.workload.node.inside[0]
        try:
            after = _edited(part.text, getattr(at, "start", -1), edit, path)
        except ManifestError as error:
            raise _moved(error, part) from error
        text = f"{text[: part.start]}{after}{text[part.start + len(part.text) :]}"
    return text


def _edited(text: str, at: int, edit: AnnotationEdit, path: str) -> str:
    if edit.value is None:
        return remove_annotation(text, at=at, key=edit.key, path=path)
    return set_annotation(text, at=at, key=edit.key, value=edit.value, path=path)


def _check(found: Found) -> None:
    if found.root.get("sops") is not None:
        raise ManifestError("its file is encrypted", where=found.where)
    try:
        to_value(found.workload.node, path=found.path)
    except ManifestError as error:
        raise _moved(error, found.part) from error


def _moved(error: ManifestError, part: Part) -> ManifestError:
    """Return an error about a line of a part, with the line of the whole text."""
    path, _, line = error.where.rpartition(":")
    where = f"{path}:{int(line) + part.line - 1}" if line.isdigit() else error.where
    return ManifestError(error.message, where=where)
