"""Kustomize: what the kustomizations of a branch build, anew only where a file has changed."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from reconciler.core.described import Found, read_file
from reconciler.core.encrypted.keys import Keys
from reconciler.core.kustomized import (
    Built,
    Loading,
    Target,
    file_names,
    is_inside,
    kustomization_folders,
    read_built,
    targets_of,
    with_origins,
)
from reconciler.core.manifests.tree import MAX_FILE_BYTES, EntryKind, Oversize, TreeEntry
from reconciler.core.manifests.variables import Variables
from reconciler.core.objects.desired import DesiredObject
from reconciler.errors import (
    GitError,
    ManifestError,
    ReconcilerError,
    StoppedError,
    TransientError,
)
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.kustomize_memory import KustomizeMemory
from reconciler.pipeline.ports import Kustomize
from reconciler.pipeline.unsealed import Unsealed

_AFTER_SLASH = chr(ord("/") + 1)

MAX_FILES = 20_000
MAX_BYTES = 256 * 1024 * 1024
"""Of one kustomization: all that lies in the folders from which it loads."""


@dataclass(frozen=True, slots=True)
class Kustomizations:
    """Builds the kustomizations of one revision.

    Attributes:
        entries: the tree of the revision.
        texts: the source's manifests, with the changes that are not in the tree yet.
        repository: gives the contents of other files.
        kustomize: builds.
        memory: of the source.
        variables: what to fill into what is built; None: nothing.
        keys: what opens files that SOPS has encrypted; None: nothing does.
    """

    entries: Sequence[TreeEntry]
    texts: Mapping[str, str]
    repository: ManifestRepository
    kustomize: Kustomize
    memory: KustomizeMemory
    variables: Variables | None = None
    keys: Keys | None = None

    def build(self) -> Built:
        """Return what each kustomization gives that is built for itself.

        What goes wrong with one is its result, and leaves the others unharmed.

        Raises:
            GitError: the contents of files could not be had.
            StoppedError: this process is to end.
        """
        own = kustomization_folders(self.texts)
        if not own:
            self.memory.keep((), ())
            return {}
        files = _Files(self.entries)
        loadings, paths = self._loadings(own, files)
        targets, problems = targets_of(own, loadings, exists=files.has)
        self.memory.keep((each.folder for each in targets), paths)
        built: dict[str, Sequence[Found | ReconcilerError]] = {
            folder: (problem,) for folder, problem in problems.items()
        }
        for target in targets:
            built[target.folder] = self._build(target, files)
        return built

    def _loadings(
        self, own: Mapping[str, str], files: "_Files"
    ) -> tuple[Mapping[str, Loading], frozenset[str]]:
        """Return what the source's kustomizations load, and those that they reach, by folder.

        Those that are not the source's are read level by level, all of a level at once.
        """
        loadings: dict[str, Loading] = {}
        paths = dict(own)
        texts = {path: self.texts[path] for path in own.values()}
        level = set(own)
        while level:
            for folder in level:
                path = paths[folder]
                loadings[folder] = self.memory.loading(path, texts[path])
            reached = {each for folder in level for each in loadings[folder].folders}
            found = {
                folder: path
                for folder in reached - loadings.keys()
                for path in file_names(folder)
                if path in files.by_path
            }
            texts = self._texts([files.by_path[path] for path in found.values()])
            paths |= found
            level = {folder for folder, path in found.items() if path in texts}
        return loadings, frozenset(paths.values())

    def _texts(self, entries: Sequence[TreeEntry]) -> dict[str, str]:
        contents = self.repository.read(entries, max_bytes=MAX_FILE_BYTES)
        return {
            entry.path: content.decode("utf-8", "replace")
            for entry, content in contents
            if not isinstance(content, Oversize)
        }

    def _build(self, target: Target, files: "_Files") -> Sequence[Found | ReconcilerError]:
        wanted = files.below(target.loaded)
        if len(wanted) > MAX_FILES:
            return (_too_much(target, f"{len(wanted):,} files; the limit is {MAX_FILES:,}"),)
        try:
            facts = (self._digest(wanted), self.keys)
            return self.memory.built(target, facts, lambda: self._made(target, wanted))
        except (GitError, StoppedError):
            raise
        except (ManifestError, TransientError) as error:
            return (error,)

    def _digest(self, wanted: Sequence[TreeEntry]) -> bytes:
        """Return a hash of all that a build can depend on."""
        given = self.variables and sorted(self.variables.values.items())
        secret = self.variables and sorted(self.variables.secret)
        digest = sha256(repr((given, secret)).encode())
        for entry in wanted:
            text = self.texts.get(entry.path)
            said = entry.blob if text is None else sha256(text.encode()).hexdigest()
            digest.update(f"{entry.path}\0{said}\0".encode())
        return digest.digest()

    def _made(self, target: Target, wanted: Sequence[TreeEntry]) -> Sequence[Found]:
        contents = {
            entry.path: self.texts[entry.path].encode()
            for entry in wanted
            if entry.path in self.texts
        }
        size = sum(map(len, contents.values()))
        others = [entry for entry in wanted if entry.path not in contents]
        for entry, content in self.repository.read(others, max_bytes=MAX_FILE_BYTES):
            if isinstance(content, Oversize):
                continue  # kustomize says so if it wants it
            contents[entry.path] = content
            size += len(content)
            if size > MAX_BYTES:
                raise _too_much(target, f"more than {MAX_BYTES:,} bytes")
        contents[target.path] = with_origins(target.path, self.texts[target.path]).encode()
        opened = Unsealed.of(contents, self.keys)
        output = opened.built(
            lambda files: self.kustomize.build(files, target.folder, is_secret=opened.is_secret)
        )
        lines = _Lines(contents, self.keys)
        found = read_built(
            target, output, variables=opened.sparing(self.variables), line_of=lines.of
        )
        return [opened.veiled(each) for each in found]


class _Files:
    """The files of a tree."""

    def __init__(self, entries: Iterable[TreeEntry]) -> None:
        files = (each for each in entries if each.kind is EntryKind.FILE)
        self.by_path = {each.path: each for each in sorted(files)}
        self._paths = list(self.by_path)

    def has(self, path: str) -> bool:
        """Whether there is a file or a folder of that path."""
        at = bisect_left(self._paths, f"{path}/")
        is_folder = at < len(self._paths) and self._paths[at].startswith(f"{path}/")
        return is_folder or path in self.by_path

    def below(self, folders: Collection[str]) -> list[TreeEntry]:
        """Return what lies in folders and below them, in path order."""
        found: list[str] = []
        for folder in sorted(folders):
            if not folder:
                return list(self.by_path.values())
            if not is_inside(folder, folders):
                start = bisect_left(self._paths, f"{folder}/")
                found += self._paths[start : bisect_left(self._paths, f"{folder}{_AFTER_SLASH}")]
        return [self.by_path[path] for path in found]


class _Lines:
    """Finds the line at which an object stands in the file that it is from."""

    def __init__(self, contents: Mapping[str, bytes], keys: Keys | None) -> None:
        self._contents = contents
        self._keys = keys
        self._known: dict[str, Sequence[Found]] = {}

    def of(self, path: str, wanted: DesiredObject) -> int:
        """Return the line; that of an object of the kind, if its name was changed; else 1."""
        if path not in self._known:
            text = self._contents.get(path, b"").decode("utf-8", "replace")
            self._known[path] = read_file(path, text, keys=self._keys)
        alike = [
            each
            for each in self._known[path]
            if isinstance(each, DesiredObject) and each.key.group_kind == wanted.key.group_kind
        ]
        named = [each for each in alike if each.key.name == wanted.key.name]
        named += [each for each in alike if each.key.name in wanted.key.name]
        return named[0].origin.line if named else 1


def _too_much(target: Target, words: str) -> ManifestError:
    return ManifestError(f"the folders from which it loads have {words}", where=target.path)
