"""A local folder as the stages see it: a branch whose one revision is what stands there now."""

import errno
import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.adapters.local.descent import failure_of, opened_folder, read_file
from reconciler.adapters.local.replacing import Replacement
from reconciler.core.history import NO_HISTORY, History
from reconciler.core.manifests.kustomization import is_kustomization_file
from reconciler.core.manifests.selection import IGNORE_FILES, KUSTOMIZATION, SUFFIXES
from reconciler.core.manifests.tree import MAX_FILE_BYTES, EntryKind, Oversize, Snapshot, TreeEntry
from reconciler.core.retraction import Touch
from reconciler.core.revision import Revision
from reconciler.errors import RemoteMovedError, StalledError

BRANCH: Final = "folder"
MAX_BYTES: Final = 512 * 1024 * 1024  # of all contents together
MAX_FILES: Final = 100_000

_GONE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL})


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands at a path; ``content`` is None if it is too large to be kept."""

    entry: TreeEntry
    raw_path: str  # as the operating system writes it
    size_bytes: int
    content: bytes | None


class FolderRepository:
    """A folder, or one file in it. Not safe for several threads.

    Only what may be a manifest, or lies with a kustomization, is looked at, and nothing in folders
    that begin with a dot. The revision is a hash of it: two folders that say the same are at the
    same revision. To commit is to write the files, all or none; there is nothing to push to.
    """

    def __init__(self, root: Path, *, only: str | None = None) -> None:
        """Take a folder; nothing is read yet.

        Args:
            root: the folder.
            only: the name of the one file in it that counts; None: all.
        """
        self._root = root
        self._only = only
        self._found: dict[str, _Found] = {}

    def fetch(self) -> Snapshot:
        """Read the folder and return its tree.

        Raises:
            AccessDeniedError, TransientError: a folder or file cannot be read.
            StalledError: there is more than is reasonable.
        """
        self._found = {}
        size = 0
        for each in self._below([], only=self._only):
            self._found[each.entry.path] = each
            size += len(each.content or b"")
            if len(self._found) > MAX_FILES or size > MAX_BYTES:
                reason = f"has over {MAX_FILES:,} manifests or {MAX_BYTES:,} bytes of them"
                raise StalledError(f"{reason}: name a smaller folder", where=str(self._root))
        return self._snapshot()

    def history(self, revision: Revision) -> History:
        """Return nothing: a folder has no commits."""
        del revision
        return NO_HISTORY

    def deepen(self, revision: Revision) -> bool:
        """Return False: a folder has no commits."""
        del revision
        return False

    def touches(self, revision: Revision, paths: Collection[str], *, most: int) -> Sequence[Touch]:
        """Return nothing: a folder has no commits."""
        del revision, paths, most
        return ()

    def read(
        self, entries: Sequence[TreeEntry], *, max_bytes: int
    ) -> Iterator[tuple[TreeEntry, bytes | Oversize]]:
        """Yield the content of each entry (of a link: its target) as it was when fetched."""
        for entry in entries:
            found = self._found[entry.path]
            is_small = found.content is not None and found.size_bytes <= max_bytes
            yield entry, (found.content or b"") if is_small else Oversize(found.size_bytes)

    def commit(self, base: Revision, contents: Mapping[str, bytes], message: str) -> Revision:
        """Give the existing files new contents: all of them or, but for a power cut, none.

        Raises:
            RemoteMovedError: one of them is not as it was fetched any more.
            AccessDeniedError: we may not write there.
            TransientError: it cannot be written, e.g. because the disk is full.
        """
        del base, message  # what was fetched last is the base; a folder keeps no log
        with Replacement(self._root) as replacement:
            for path, content in sorted(contents.items()):
                self._replace(replacement, self._found[path], content)
            try:
                replacement.finish()
            except OSError as error:
                raise failure_of(error, doing="cannot write", where=str(self._root)) from error
        return self.fetch().revision

    def push(self, revision: Revision) -> None:
        """Do nothing: what was written is there for all to see."""

    def _replace(self, replacement: Replacement, found: _Found, content: bytes) -> None:
        path = found.entry.path
        try:
            is_as_fetched = replacement.add(found.raw_path, found.content or b"", content)
        except OSError as error:
            if error.errno not in _GONE:
                raise failure_of(error, doing="cannot write", where=path) from error
            is_as_fetched = False
        if not is_as_fetched:
            raise RemoteMovedError("somebody changed it in between", where=path)

    def _below(
        self, steps: list[str], *, only: str | None = None, is_built: bool = False
    ) -> Iterator[_Found]:
        """Yield what may matter in a folder and in those below it, each folder by name.

        Args:
            steps: the folder.
            only: the one name there that counts.
            is_built: whether a folder above is a kustomization, which may load any file.
        """
        where = "/".join([str(self._root), *steps])
        try:
            with opened_folder(self._root, steps) as folder:
                names = [only] if only is not None else _names(folder)
                states = [(name, os.lstat(name, dir_fd=folder)) for name in names]
                is_built = is_built or any(map(is_kustomization_file, names))
                here = [
                    self._look(folder, [*steps, name], state)
                    for name, state in states
                    if _may_matter(name, state, is_built=is_built)
                ]
        except OSError as error:
            raise failure_of(error, doing="cannot read it", where=where) from error
        yield from here
        for name, state in states:
            if stat.S_ISDIR(state.st_mode) and not name.startswith("."):
                yield from self._below([*steps, name], is_built=is_built)

    def _look(self, folder: int, steps: list[str], state: os.stat_result) -> _Found:
        raw_path = "/".join(steps)
        path = os.fsencode(raw_path).decode("utf-8", "backslashreplace")
        if stat.S_ISLNK(state.st_mode):
            target = os.fsencode(os.readlink(steps[-1], dir_fd=folder))
            entry = TreeEntry(path, EntryKind.LINK, _digest(b"link", target))
            return _Found(entry, raw_path, len(target), target)
        content, state = read_file(folder, steps[-1], max_bytes=MAX_FILE_BYTES)
        if len(content) <= MAX_FILE_BYTES:
            entry = TreeEntry(path, EntryKind.FILE, _digest(b"file", content))
            return _Found(entry, raw_path, len(content), content)
        stamp = f"{state.st_size} {state.st_mtime_ns}".encode()
        entry = TreeEntry(path, EntryKind.FILE, _digest(b"large", stamp))
        return _Found(entry, raw_path, state.st_size, None)

    def _snapshot(self) -> Snapshot:
        entries = tuple(sorted(each.entry for each in self._found.values()))
        lines = (f"{entry.blob} {entry.path}\0".encode() for entry in entries)
        return Snapshot(Revision(BRANCH, _digest(b"tree", b"".join(lines))), entries)


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def _may_matter(name: str, state: os.stat_result, *, is_built: bool) -> bool:
    """Whether it is a file or link that may be a manifest, is loaded by one, or says what is none.

    Links are not followed: those that are only loaded do not matter.
    """
    if is_built and stat.S_ISREG(state.st_mode):
        return True
    is_named = name.endswith(SUFFIXES) or name in IGNORE_FILES or name == KUSTOMIZATION
    return is_named and (stat.S_ISREG(state.st_mode) or stat.S_ISLNK(state.st_mode))


def _digest(kind: bytes, content: bytes) -> str:
    return hashlib.sha256(kind + b"\0" + content).hexdigest()
