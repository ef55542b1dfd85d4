"""Kustomization files: the images that they set, and which manifests they set them in."""

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.manifests.container import Container, WrittenImage, filled
from reconciler.core.manifests.document import Mapping, Node, Scalar, Sequence, documents_of

KUSTOMIZATION_FILES = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})
GROUP = "kustomize.config.k8s.io"
KIND = "Kustomization"
FLUX_GROUP = "kustomize.toolkit.fluxcd.io"

_REACHING = ("resources", "bases", "components")
_BY_MARKS = ("labelSelector", "annotationSelector")
_SETTING = ("newTag", "digest", "newName")


@dataclass(frozen=True, slots=True)
class SetImage:
    """An image that a kustomization sets; ``name`` is without tag, as the manifests write it."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Target:
    """Which objects a patch is applied to: regular expressions for all of a text; empty: any."""

    group: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch that a kustomization applies.

    Attributes:
        line: of its entry.
        text: the patch itself; empty if it is in a file.
        file: the file; empty if it is not in one.
        target: where it is applied; None: to the object that it names itself.
    """

    line: int
    text: str
    file: str
    target: Target | None


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a kustomization file says.

    Attributes:
        path: the file.
        reached: the files and folders that it builds upon, as paths of the repository.
        images: those that it sets.
        patches: those that it applies, and that tell by group, kind and name where.
    """

    path: str
    reached: tuple[str, ...]
    images: tuple[SetImage, ...]
    patches: tuple[Patch, ...] = ()


def is_kustomization_file(path: str) -> bool:
    """Whether a file is what kustomize reads in a folder, by its name."""
    return posixpath.basename(path) in KUSTOMIZATION_FILES


def is_kustomization(root: Mapping, path: str) -> bool:
    """Whether a document is a kustomization; one may leave out ``apiVersion`` and ``kind``.

    The ``Kustomization`` of Flux v2 is another kind: its group is another one.
    """
    if not is_kustomization_file(path):
        return False
    return root.text("apiVersion").partition("/")[0] in ("", GROUP)


def name_of(root: Mapping, path: str) -> str:
    """Return what people call a kustomization: by its own name, or by its folder."""
    return root.mapping("metadata").text("name") or posixpath.dirname(path) or "."


def containers_of(root: Mapping) -> Iterator[Container]:
    """Yield the entries of ``images``, by their ``name``.

    Kustomize replaces the name of an image by ``newName``, and leaves its tag alone where an entry
    has neither ``newTag`` nor ``digest``: then there is nothing here to edit.
    """
    for entry in _entries(root, "images"):
        if isinstance(entry, Mapping):
            image = WrittenImage(
                name=filled(entry.get("newName")),
                tag=filled(entry.get("newTag")),
                digest=filled(entry.get("digest")),
                given_name=entry.text("name"),
            )
            yield Container(entry.text("name"), image, entry.line)


def overlay_of(path: str, text: str) -> Overlay | None:
    """Return what a kustomization file says; None of any other file, and if it cannot be read."""
    if not is_kustomization_file(path):
        return None
    for document in documents_of(text, path=path):
        root = document.root
        if isinstance(root, Mapping) and is_kustomization(root, path):
            reached, images = tuple(_reached(root, path)), tuple(_set_images(root))
            return Overlay(path, reached, images, tuple(_patches(root, path)))
    return None


def flux_overlays_of(path: str, text: str) -> tuple[Overlay, ...]:
    """Return what Flux's Kustomizations in a file set in the folders of this repository.

    That their source is this repository is taken for granted, if it is a GitRepository at all.
    """
    if FLUX_GROUP not in text or not any(key in text for key in ("images:", "patches:")):
        return ()
    found = []
    for document in documents_of(text, path=path, screen=(FLUX_GROUP,)):
        root = document.root
        if isinstance(root, Mapping) and _is_of_flux(root):
            spec = root.mapping("spec")
            folder = posixpath.normpath(spec.text("path").lstrip("/") or ".")
            images, patches = tuple(_set_images(spec)), tuple(_patches(spec, path))
            found += [Overlay(path, (folder,), images, patches)] if images or patches else []
    return tuple(found)


def _is_of_flux(root: Mapping) -> bool:
    is_kind = root.text("kind") == KIND and root.text("apiVersion").startswith(f"{FLUX_GROUP}/")
    return is_kind and root.mapping("spec").mapping("sourceRef").text("kind") == "GitRepository"


def _reached(root: Mapping, path: str) -> Iterator[str]:
    """Yield what kustomize would load; what lies elsewhere (a URL) is the path of no file here."""
    for key in _REACHING:
        for entry in _entries(root, key):
            if isinstance(entry, Scalar):
                yield _beside(path, entry.value)


def _set_images(root: Mapping) -> Iterator[SetImage]:
    for entry in _entries(root, "images"):
        if isinstance(entry, Mapping) and any(entry.text(key) for key in _SETTING):
            yield SetImage(entry.text("name"), entry.line)


def _patches(root: Mapping, path: str) -> Iterator[Patch]:
    """Yield the patches whose objects can be told without looking at labels and annotations."""
    for entry in _entries(root, "patchesStrategicMerge"):
        if isinstance(entry, Scalar):
            is_inline = "\n" in entry.value  # a patch has at least a kind and a name
            file = "" if is_inline else _beside(path, entry.value)
            yield Patch(entry.line, entry.value if is_inline else "", file, None)
    for entry in (*_entries(root, "patches"), *_entries(root, "patchesJson6902")):
        if not isinstance(entry, Mapping):
            continue
        file, target = entry.text("path"), entry.mapping("target")
        if not any(target.text(key) for key in _BY_MARKS):
            named = Target(target.text("group"), target.text("kind"), target.text("name"))
            yield Patch(
                entry.line,
                entry.text("patch"),
                _beside(path, file) if file else "",
                named if entry.get("target") is not None else None,
            )


def _beside(path: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


def _entries(root: Mapping, key: str) -> list[Node]:
    value = root.get(key)
    return value.inside if isinstance(value, Sequence) else []
