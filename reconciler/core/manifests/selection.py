"""Which files of a Git tree are manifests."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pathspec

from reconciler.core.manifests.tree import EntryKind, TreeEntry

SUFFIXES = (".yaml", ".yml", ".json")
IGNORE_FILES = frozenset({".reconcileignore", ".sourceignore"})
CHART = "Chart.yaml"
KUSTOMIZATION = "Kustomization"  # the one name of a manifest that has no suffix


@dataclass(frozen=True, slots=True)
class ManifestSelection:
    """What is to be read of a tree.

    Attributes:
        files: the manifests, in path order.
        links: links with a manifest's name; never followed.
        missing_paths: configured paths that do not exist in the tree.
    """

    files: tuple[TreeEntry, ...]
    links: tuple[TreeEntry, ...]
    missing_paths: tuple[str, ...]


def select_manifests(
    entries: Sequence[TreeEntry], *, paths: Sequence[str], ignore_files: Mapping[str, str]
) -> ManifestSelection:
    """Return the manifests under the given paths.

    Left out are dot-folders, folders with a ``Chart.yaml``, and what an ignore file names.

    Args:
        entries: the whole tree.
        paths: folders or files, as configured; none: the whole tree.
        ignore_files: texts of the tree's ignore files by path, in gitignore's syntax.
    """
    wanted = [_normalised(path) for path in paths] or [""]
    charts = {posixpath.dirname(e.path) for e in entries if posixpath.basename(e.path) == CHART}
    ignore = _Ignore(ignore_files)
    inside = [
        entry
        for entry in sorted(entries)
        if (entry.path.endswith(SUFFIXES) or posixpath.basename(entry.path) == KUSTOMIZATION)
        and any(_is_below(entry.path, path) for path in wanted)
        and not _is_hidden(entry.path)
        and not any(folder in charts for folder in _folders(entry.path))
        and not ignore.names(entry.path)
    ]
    return ManifestSelection(
        files=tuple(entry for entry in inside if entry.kind is EntryKind.FILE),
        links=tuple(entry for entry in inside if entry.kind is EntryKind.LINK),
        missing_paths=tuple(
            path
            for path, plain in zip(paths, wanted, strict=False)
            if plain and not any(_is_below(entry.path, plain) for entry in entries)
        ),
    )


class _Ignore:
    """Ignore files; a pattern holds below the folder that its file stands in."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._specs = [
            (posixpath.dirname(path), pathspec.GitIgnoreSpec.from_lines(text.splitlines()))
            for path, text in sorted(texts.items())
        ]

    def names(self, path: str) -> bool:
        return any(
            _is_below(path, folder) and spec.match_file(posixpath.relpath(path, folder or "."))
            for folder, spec in self._specs
        )


def _normalised(path: str) -> str:
    """Return a configured path as the tree writes it: ``./deploy/`` is ``deploy``, ``.`` is all."""
    plain = posixpath.normpath(path.strip("/") or ".")
    return "" if plain == "." else plain


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/")[:-1])


def _folders(path: str) -> Iterable[str]:
    folder = posixpath.dirname(path)
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""
