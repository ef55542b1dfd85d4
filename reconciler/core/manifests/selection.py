"""Which files of a Git tree are manifests."""

import posixpath
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pathspec

from reconciler.core.manifests.tree import EntryKind, TreeEntry
from reconciler.errors import ManifestError

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
        missing: configured paths that are not in the tree or not followed, each with the reason.
        problems: lines of ignore files that are no patterns; the other lines hold.
    """

    files: tuple[TreeEntry, ...]
    links: tuple[TreeEntry, ...]
    missing: tuple[tuple[str, str], ...]
    problems: tuple[ManifestError, ...] = ()


def select_manifests(
    entries: Sequence[TreeEntry], *, paths: Sequence[str], ignore_files: Mapping[str, str]
) -> ManifestSelection:
    """Return the manifests under the given paths.

    Left out are dot-folders (unless the path itself leads into one), folders with a
    ``Chart.yaml``, and what an ignore file names.

    Args:
        entries: the whole tree.
        paths: folders or files, as configured; none: the whole tree.
        ignore_files: texts of the tree's ignore files by path, in gitignore's syntax.
    """
    wanted = [_normalised(path) for path in paths] or [""]
    in_chart = _Charts(entries).hold
    ignore = _Ignore(ignore_files)
    inside = [
        entry
        for entry in sorted(entries)
        if (entry.path.endswith(SUFFIXES) or posixpath.basename(entry.path) == KUSTOMIZATION)
        and any(_is_visible(entry.path, path) for path in wanted)
        and not in_chart(posixpath.dirname(entry.path))
        and not ignore.names(entry.path)
    ]
    return ManifestSelection(
        files=tuple(entry for entry in inside if entry.kind is EntryKind.FILE),
        links=tuple(entry for entry in inside if entry.kind is EntryKind.LINK),
        missing=tuple(
            (path, reason)
            for path, plain in zip(paths, wanted, strict=False)
            if plain and (reason := _absence(plain, entries))
        ),
        problems=tuple(ignore.problems),
    )


class _Charts:
    """The folders of Helm charts; each folder is looked at once, however many files it has."""

    def __init__(self, entries: Iterable[TreeEntry]) -> None:
        self._charts = {
            posixpath.dirname(entry.path)
            for entry in entries
            if entry.path.endswith(CHART) and posixpath.basename(entry.path) == CHART
        }
        self._known: dict[str, bool] = {}

    def hold(self, folder: str) -> bool:
        """Whether a folder is a chart's, or lies in one."""
        if folder not in self._known:
            self._known[folder] = any(each in self._charts for each in _with_parents(folder))
        return self._known[folder]


class _Ignore:
    """Ignore files; a pattern holds below the folder that its file stands in."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.problems: list[ManifestError] = []
        self._specs = [
            (posixpath.dirname(path), pathspec.GitIgnoreSpec.from_lines(self._patterns(path, text)))
            for path, text in sorted(texts.items())  # a folder's before those of its subfolders
        ]

    def names(self, path: str) -> bool:
        """Whether a path is ignored: the last pattern that matches decides, as in Git."""
        is_ignored = False
        for folder, spec in self._specs:
            if _is_below(path, folder):
                verdict = spec.check_file(path[len(folder) :].removeprefix("/")).include
                is_ignored = is_ignored if verdict is None else verdict
        return is_ignored

    def _patterns(self, path: str, text: str) -> Iterator[str]:
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
            try:
                pathspec.GitIgnoreSpec.from_lines([line])
            except (ValueError, re.error):
                self.problems.append(
                    ManifestError(f"{line[:80]!r} is no pattern", where=f"{path}:{number}")
                )
            else:
                yield line


def is_within(path: str, paths: Sequence[str]) -> bool:
    """Whether a file is under one of the given paths; without any, every file is.

    Args:
        path: of the file, from the root of the tree.
        paths: folders or files, as configured.
    """
    return not paths or any(_is_below(path, _normalised(each)) for each in paths)


def _absence(folder: str, entries: Sequence[TreeEntry]) -> str:
    """Return why there is nothing to be read in a folder; empty if there is something."""
    for entry in entries:
        if entry.kind is not EntryKind.FILE and _is_below(folder, entry.path):
            which = "is" if entry.path == folder else f"lies behind {entry.path!r},"
            return f"{which} a {entry.kind.value}, which is not followed,"
        if _is_below(entry.path, folder):
            return ""
    form = unicodedata.normalize("NFC", folder)
    if any(_is_below(unicodedata.normalize("NFC", entry.path), form) for entry in entries):
        return "only one that looks the same, of letters composed otherwise (NFC or NFD), is there"
    return "no such folder"


def _normalised(path: str) -> str:
    """Return a configured path as the tree writes it: ``./deploy/`` is ``deploy``, ``.`` is all."""
    plain = posixpath.normpath(path.strip("/") or ".")
    return "" if plain == "." else plain


def _is_below(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(f"{folder}/")


def _is_visible(path: str, folder: str) -> bool:
    """Whether a path lies below a folder, and no dot-folder in between."""
    between = path[len(folder) :].split("/")[:-1]
    return _is_below(path, folder) and not any(part.startswith(".") for part in between)


def _with_parents(folder: str) -> Iterator[str]:
    while folder:
        yield folder
        folder = posixpath.dirname(folder)
    yield ""
