"""Build: the texts of a revision become the objects it wants."""

import posixpath
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.kustomization import is_kustomization_file
from reconciler.core.manifests.value import to_value
from reconciler.core.objects.desired import DesiredObject, Origin
from reconciler.core.objects.fields import field_of, mapping_of, text_of
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.core.objects.reading import read_object
from reconciler.errors import ManifestError

_DEFINITION = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a revision wants.

    Attributes:
        objects: what is to be applied, in the order of paths and lines.
        ignored: objects marked to be left out of sync; never applied, and never pruned.
        problems: what could not be built; each holds back only itself, and all pruning.
        skipped_documents: how many documents are no Kubernetes objects.
    """

    objects: tuple[DesiredObject, ...] = ()
    ignored: tuple[DesiredObject, ...] = ()
    problems: tuple[ManifestError, ...] = ()
    skipped_documents: int = 0


Found: TypeAlias = DesiredObject | ManifestError | None
"""What a document turns out to be; None: no Kubernetes object."""


def read_file(path: str, text: str) -> Sequence[Found]:
    """Return a file's objects and problems, in the order of lines."""
    return tuple(_read(path, text))


def build(
    texts: Mapping[str, str], *, read: Callable[[str, str], Sequence[Found]] = read_file
) -> BuildResult:
    """Return the objects of the given manifests (path to text).

    Namespaces are as written: whether a kind has one is not known here, see :func:`resolve`.

    A folder with a kustomization file is one build, with all that is below it. Building it is not
    possible yet: that is a problem of its own, and nothing in the folder is applied.

    Args:
        texts: the manifests.
        read: gives what :func:`read_file` gives; it may remember that.
    """
    folders = {
        posixpath.dirname(path): path for path in sorted(texts) if is_kustomization_file(path)
    }
    found: list[Found] = [
        _unbuildable(path) for folder, path in folders.items() if not _inside(folder, folders)
    ]
    for path, text in sorted(texts.items()):
        if not _inside(path, folders):
            found += read(path, text)
    objects = [each for each in found if isinstance(each, DesiredObject)]
    return BuildResult(
        objects=tuple(each for each in objects if not each.is_ignored),
        ignored=tuple(each for each in objects if each.is_ignored),
        problems=tuple(each for each in found if isinstance(each, ManifestError)),
        skipped_documents=found.count(None),
    )


def resolve(
    built: BuildResult,
    *,
    namespaced: Callable[[GroupKind], bool | None],
    default_namespace: str,
) -> BuildResult:
    """Return the build with every object in its namespace and no object twice.

    Objects of namespaced kinds that name none get ``default_namespace``; a namespace written on an
    object of a cluster-scoped kind is taken off, as the API server would. Of objects that are the
    same then, none is applied: they are one problem naming all their places.

    Args:
        built: what :func:`build` gave.
        namespaced: whether a kind has a namespace; None if the cluster does not know the kind.
            Then the build's own definitions are asked; an object of a kind that is defined nowhere
            stays as it is written.
        default_namespace: for objects that name none.
    """
    scopes = dict(_scopes(built.objects))

    def resolved(each: DesiredObject) -> DesiredObject:
        kind = each.key.group_kind
        has_namespace = namespaced(kind)
        if has_namespace is None:
            has_namespace = scopes.get(kind)
        if has_namespace is None:
            return each
        return each.in_namespace((each.key.namespace or default_namespace) if has_namespace else "")

    places: dict[ObjectKey, list[DesiredObject]] = defaultdict(list)
    for each in built.objects:
        one = resolved(each)
        places[one.key].append(one)
    return replace(
        built,
        objects=tuple(same[0] for same in places.values() if len(same) == 1),
        ignored=tuple(map(resolved, built.ignored)),
        problems=(*built.problems, *_duplicates(places.values())),
    )


def _inside(path: str, folders: Collection[str]) -> bool:
    """Whether a path lies below one of the folders; the root is the empty text."""
    while path:
        path = posixpath.dirname(path)
        if path in folders:
            return True
    return False


def _unbuildable(path: str) -> ManifestError:
    folder = posixpath.dirname(path) or "."
    return ManifestError(
        f"kustomizations cannot be built yet: nothing in {folder!r} is applied", where=path
    )


def _read(path: str, text: str) -> Iterator[Found]:
    """Yield a file's objects and problems; None for a document that is no object."""
    is_manifest: bool | None = None  # looked at once: many documents may be broken
    for document in yaml.documents_of(text, path=path):
        if document.error is not None:
            if is_manifest is None:
                is_manifest = yaml.looks_like_manifest(text)
            yield document.error if is_manifest else None
        elif document.root is not None:
            yield from _safely(document.root, path)


def _safely(node: yaml.Node, path: str) -> Iterator[Found]:
    """Yield what a node describes; aliases within aliases can be nested beyond all measure."""
    try:
        yield from list(_objects(node, path))
    except RecursionError:
        yield ManifestError("is nested too deeply", where=f"{path}:{node.line}")


def _objects(node: yaml.Node, path: str) -> Iterator[Found]:
    """Yield what a node describes: an object, or the items of a list one by one."""
    if not _is_object(node):
        yield _half_object(node, path)
        return
    for item in _items(node):
        try:
            yield _object(item, path)
        except ManifestError as error:
            yield error


def _half_object(node: yaml.Node, path: str) -> ManifestError | None:
    """Return the problem of what would be an object but for a slip; else it is none at all.

    To overlook ``apiversion: v1`` would be to find that its object has left Git.
    """
    if not isinstance(node, yaml.Mapping):
        return None
    metadata = node.get("metadata")
    is_named = isinstance(metadata, yaml.Mapping) and metadata.get("name") is not None
    missing = [name for name in ("apiVersion", "kind") if not node.text(name)]
    if not is_named or len(missing) > 1:
        return None
    return ManifestError(f"has a metadata.name but no {missing[0]}", where=f"{path}:{node.line}")


def _object(node: yaml.Node, path: str) -> DesiredObject:
    origin = Origin(path, node.line)
    if not _is_object(node):
        raise ManifestError("is an item of a list without apiVersion or kind", where=str(origin))
    return read_object(mapping_of(to_value(node, path=path)), origin)


def _items(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield the items of a ``List`` (or ``ConfigMapList``), of lists in it too; else the node."""
    items = node.get("items") if isinstance(node, yaml.Mapping) and _is_list(node) else None
    if isinstance(items, yaml.Sequence):
        for item in items.items:
            yield from _items(item)
    else:
        yield node


def _is_list(node: yaml.Mapping) -> bool:
    metadata = node.get("metadata")
    is_named = isinstance(metadata, yaml.Mapping) and metadata.get("name") is not None
    is_encrypted = node.get("sops") is not None
    return node.text("kind").endswith("List") and not is_named and not is_encrypted


def _is_object(node: yaml.Node) -> bool:
    return isinstance(node, yaml.Mapping) and bool(node.text("apiVersion") and node.text("kind"))


def _scopes(objects: Iterable[DesiredObject]) -> Iterator[tuple[GroupKind, bool]]:
    """Yield whether the kinds that the build itself defines have a namespace."""
    for each in objects:
        if each.key.group_kind == _DEFINITION:
            spec = each.body.get("spec")
            group, kind = field_of(spec, "group"), field_of(spec, "names", "kind")
            yield GroupKind(text_of(group), text_of(kind)), field_of(spec, "scope") == "Namespaced"


def _duplicates(places: Iterable[list[DesiredObject]]) -> Iterator[ManifestError]:
    for first, *others in places:
        if others:
            listed = ", ".join(str(each.origin) for each in others)
            message = f"{first.key} stands in {listed} too: none of them is applied"
            yield ManifestError(message, where=str(first.origin))
