"""Kustomizations that are synced: which are built, from which files, and what the builds give."""

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from reconciler.core.described import Found, read_file
from reconciler.core.manifests import document as yaml
from reconciler.core.manifests.kustomization import KUSTOMIZATION_FILES, is_kustomization_file
from reconciler.core.manifests.variables import Variables
from reconciler.core.objects.desired import DesiredObject, Origin
from reconciler.core.objects.fields import mapping_of
from reconciler.errors import ManifestError, ReconcilerError

Built: TypeAlias = Mapping[str, Sequence[Found | ReconcilerError]]
"""What is made of each folder that is built for itself."""

_FOLDERS = ("resources", "bases", "components")
_FILES = (
    "crds", "configurations", "generators", "transformers", "validators", "patchesStrategicMerge",
)  # fmt: skip
_PLUGINS = ("generators", "transformers", "validators")
"""Files, each of which may be a folder as well."""

_WITH_A_PATH = ("patches", "patchesJson6902", "replacements")
_GENERATORS = ("configMapGenerator", "secretGenerator")
_ORIGIN = "config.kubernetes.io/origin"
_METADATA = "buildMetadata"
_ORIGINS = "originAnnotations"


@dataclass(frozen=True, slots=True)
class Remote:
    """What looks as if it lies elsewhere.

    Attributes:
        text: as it is written.
        line: where.
        path: what it is if it is here after all, as ``v1.2/base`` may be.
    """

    text: str
    line: int
    path: str


@dataclass(frozen=True, slots=True)
class Loading:
    """What a kustomization file says that it loads.

    Attributes:
        folders: what its ``resources``, ``bases`` and ``components`` name, as paths of the
            repository: files too.
        remotes: what lies elsewhere, but for what is a file or folder here.
        is_component: whether it is a part of others, which nobody builds for itself.
        problem: why it cannot be told what it loads.
    """

    folders: tuple[str, ...] = ()
    remotes: tuple[Remote, ...] = ()
    is_component: bool = False
    problem: ManifestError | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A kustomization that is built for itself.

    Attributes:
        folder: where it is; the root is the empty text.
        path: its file.
        loaded: the folders from which its files come: its own, and those that it builds upon.
    """

    folder: str
    path: str
    loaded: frozenset[str]


def kustomization_folders(paths: Iterable[str]) -> Mapping[str, str]:
    """Return the folders that have a kustomization file, each with its path."""
    return {posixpath.dirname(path): path for path in sorted(paths) if is_kustomization_file(path)}


def file_names(folder: str) -> tuple[str, ...]:
    """Return the paths that a folder's kustomization file may have."""
    return tuple(posixpath.join(folder, name) for name in sorted(KUSTOMIZATION_FILES))


def is_inside(path: str, folders: Collection[str]) -> bool:
    """Whether a path lies below one of the folders; the root is the empty text."""
    while path:
        path = posixpath.dirname(path)
        if path in folders:
            return True
    return False


def loading_of(path: str, text: str) -> Loading:
    """Return what a kustomization file loads; nothing if it is no mapping: kustomize will tell."""
    documents = _documents(path, text)[:1]  # what follows kustomize does not read
    root = documents[0].root if documents else None
    if not isinstance(root, yaml.Mapping):
        return Loading(problem=documents[0].error if documents else None)
    folder = posixpath.dirname(path)
    named = [each for key in _FOLDERS for each in _scalars_at(root, key)]
    remotes = [each for each in named if _is_elsewhere(each.value)]
    plugins = [each for key in _PLUGINS for each in _scalars_at(root, key)]
    remotes += [each for each in (*named, *plugins) if _is_outside(folder, each)]
    remotes += [each for each in _files_of(root) if "://" in each.value.rpartition("=")[2]]
    return Loading(
        folders=tuple(_joined(folder, each.value) for each in named),
        remotes=tuple(
            Remote(each.value, each.line, _joined(folder, each.value)) for each in remotes
        ),
        is_component=any(each.value == "Component" for each in _scalars_at(root, "kind")),
    )


def targets_of(
    own: Mapping[str, str],
    loadings: Mapping[str, Loading],
    *,
    exists: Callable[[str], bool] = lambda _path: False,
) -> tuple[tuple[Target, ...], Mapping[str, ManifestError]]:
    """Return the kustomizations that are built for themselves, and why others cannot be, by folder.

    These are the source's own, but for those that lie in the folder of another or are loaded by
    another, and but for components.

    Args:
        own: the source's folders with a kustomization file, each with its path.
        loadings: of these, and of all folders that they reach.
        exists: whether there is a file or folder of that path.
    """
    used = {
        each
        for folder in own
        for each in _reached(folder, loadings)
        if each != folder and folder not in _reached(each, loadings)
    }
    tops = [
        folder
        for folder in sorted(own)
        if folder not in used and not is_inside(folder, own) and not loadings[folder].is_component
    ]
    targets = [Target(folder, own[folder], _reached(folder, loadings)) for folder in tops]
    problems = {
        each.folder: problem
        for each in targets
        if (problem := _remote_problem(each, own, loadings, exists)) is not None
    }
    return tuple(each for each in targets if each.folder not in problems), problems


def with_origins(path: str, text: str) -> str:
    """Return a kustomization file with the wish that kustomize says where each object is from.

    Without it all is built the same; so it is left out where there is no easy place for it.
    """
    before = _only_mapping(path, text)
    with_wish = f"{text}\n{_METADATA}: [{_ORIGINS}]\n"
    after = _only_mapping(path, with_wish)
    if before is None or after is None or any(_values(before, _METADATA)):
        return text
    return with_wish if len(after.inside) == len(before.inside) + 2 else text


def read_built(
    target: Target,
    output: str,
    *,
    variables: Variables | None = None,
    line_of: Callable[[str, DesiredObject], int] = lambda _path, _object: 1,
) -> Sequence[Found]:
    """Return what kustomize made of a target: objects that stand where they came from.

    Args:
        target: what was built.
        output: documents of YAML, some with kustomize's annotation of their origin.
        variables: what to fill in; None: nothing.
        line_of: tells at which line of a file an object stands.
    """

    def placed(found: Found) -> Found:
        if isinstance(found, ManifestError):
            return ManifestError(f"in what it builds: {found.message}", where=target.path)
        if found is None:
            return None
        origin = _origin_of(found, target)
        stripped = _without_origin(found)
        line = line_of(origin, stripped) if origin != target.path else 1
        return replace(stripped, origin=Origin(origin, line))

    return tuple(placed(each) for each in read_file(target.path, output, variables))


def _only_mapping(path: str, text: str) -> yaml.Mapping | None:
    """Return the root of a text's one document."""
    documents = _documents(path, text)
    root = documents[0].root if len(documents) == 1 else None
    return root if isinstance(root, yaml.Mapping) else None


def _documents(path: str, text: str) -> list[yaml.Document]:
    """Return the documents of a text that are not empty."""
    try:
        found = list(yaml.documents_of(text, path=path))
    except RecursionError:
        found = [yaml.Document(1, None, ManifestError("is nested too deeply", where=f"{path}:1"))]
    return [each for each in found if each.root is not None or each.error is not None]


def _reached(folder: str, loadings: Mapping[str, Loading]) -> frozenset[str]:
    """Return a folder and all those that it builds upon."""
    seen = {folder}
    left = [folder]
    while left:
        for each in loadings.get(left.pop(), Loading()).folders:
            if each in loadings and each not in seen:
                seen.add(each)
                left.append(each)
    return frozenset(seen)


def _remote_problem(
    target: Target,
    own: Mapping[str, str],
    loadings: Mapping[str, Loading],
    exists: Callable[[str], bool],
) -> ManifestError | None:
    for folder in sorted(target.loaded):
        problem = loadings[folder].problem
        if problem is not None:
            return problem
        remotes = (each for each in loadings[folder].remotes if not exists(each.path))
        for each in remotes:
            return ManifestError(
                f"{each.text[:200]!r} lies elsewhere, and nothing is fetched: copy it into the "
                f"repository; nothing in {target.folder or '.'!r} is applied",
                where=f"{own.get(folder, folder or '.')}:{each.line}",
            )
    return None


def _is_outside(folder: str, named: yaml.Scalar) -> bool:
    """Whether a path leads out of the repository, where kustomize would build what it finds."""
    path = _joined(folder, named.value)
    is_veiled = "binary" in (named.tag or "")  # in base64
    return is_veiled or path == ".." or path.startswith(("../", "/"))


def _is_elsewhere(text: str) -> bool:
    """Whether kustomize would fetch it: a URL, or git's short form of one."""
    host = text.partition("/")[0]
    is_host = "/" in text and "." in host.strip(".") and ":" not in text
    return "://" in text or "?ref=" in text or text.startswith("git@") or is_host


def _files_of(root: yaml.Mapping) -> Iterator[yaml.Scalar]:
    for key in _FILES:
        yield from _scalars_at(root, key)
    for key in _WITH_A_PATH:
        for entry in _mappings_at(root, key):
            yield from _scalars_at(entry, "path")
    for key in _GENERATORS:
        for entry in _mappings_at(root, key):
            for name in ("files", "envs", "env"):
                yield from _scalars_at(entry, name)
    for schema in _values(root, "openapi"):
        if isinstance(schema, yaml.Mapping):
            yield from _scalars_at(schema, "path")


def _values(mapping: yaml.Mapping, key: str) -> Iterator[yaml.Node]:
    """Yield what kustomize may find at a key: Go's JSON reads keys in any case, and one wins."""
    for name, value in mapping.merged_entries():
        if isinstance(name, yaml.Scalar) and name.value.casefold() == key.casefold():
            yield value


def _scalars_at(mapping: yaml.Mapping, key: str) -> Iterator[yaml.Scalar]:
    for node in _values(mapping, key):
        for each in node.inside if isinstance(node, yaml.Sequence) else [node]:
            if isinstance(each, yaml.Scalar):
                yield each


def _mappings_at(mapping: yaml.Mapping, key: str) -> Iterator[yaml.Mapping]:
    for node in _values(mapping, key):
        for each in node.inside if isinstance(node, yaml.Sequence) else ():
            if isinstance(each, yaml.Mapping):
                yield each


def _joined(folder: str, path: str) -> str:
    joined = posixpath.normpath(posixpath.join(folder, path))
    return "" if joined == "." else joined


def _origin_of(found: DesiredObject, target: Target) -> str:
    """Return the file that an object is from; of a generated one: where it is generated."""
    text = found.annotations.get(_ORIGIN, "")
    for document in yaml.documents_of(text, path=target.path):
        if isinstance(document.root, yaml.Mapping):
            path = document.root.text("path") or document.root.text("configuredIn")
            if path:
                return _joined(target.folder, path)
    return target.path


def _without_origin(found: DesiredObject) -> DesiredObject:
    if _ORIGIN not in found.annotations:
        return found
    metadata = dict(mapping_of(found.body.get("metadata")))
    annotations = dict(mapping_of(metadata.pop("annotations")))
    del annotations[_ORIGIN]
    if annotations:
        metadata["annotations"] = annotations
    return replace(found, body={**found.body, "metadata": metadata})
