"""Build: the texts of a revision become the objects it wants."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.core.described import Found, read_file
from reconciler.core.kustomized import Built, is_inside, kustomization_folders
from reconciler.core.objects.desired import DesiredObject
from reconciler.core.objects.fields import field_of, text_of
from reconciler.core.objects.identity import GroupKind, ObjectKey
from reconciler.errors import ManifestError, ReconcilerError

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
    problems: tuple[ReconcilerError, ...] = ()
    skipped_documents: int = 0


def build(
    texts: Mapping[str, str],
    *,
    read: Callable[[str, str], Sequence[Found]] = read_file,
    kustomized: Built | None = None,
) -> BuildResult:
    """Return the objects of the given manifests (path to text).

    Namespaces are as written: whether a kind has one is not known here, see :func:`resolve`.

    A folder with a kustomization file is one build, with all that is below it.

    Args:
        texts: the manifests.
        read: gives what :func:`read_file` gives; it may remember that.
        kustomized: what kustomize makes of the folders that are built for themselves; None: there
            is no kustomize, and each such folder is a problem.
    """
    folders = kustomization_folders(texts)
    if kustomized is None:
        outermost = (folder for folder in folders if not is_inside(folder, folders))
        kustomized = {folder: (_unbuilt(folder, folders[folder]),) for folder in outermost}
    found: list[Found | ReconcilerError] = []
    for _, given in sorted(kustomized.items()):
        found += given
    for path, text in sorted(texts.items()):
        if not is_inside(path, folders):
            found += read(path, text)
    objects = [each for each in found if isinstance(each, DesiredObject)]
    return BuildResult(
        objects=tuple(each for each in objects if not each.is_ignored),
        ignored=tuple(each for each in objects if each.is_ignored),
        problems=tuple(each for each in found if isinstance(each, ReconcilerError)),
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


def _unbuilt(folder: str, path: str) -> ManifestError:
    return ManifestError(
        f"kustomizations are not built here: nothing in {folder or '.'!r} is applied", where=path
    )


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
