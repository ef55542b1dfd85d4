"""A branch of a Git remote as the stages see it: fetch, read, commit, push."""

import contextlib
import errno
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from reconciler.adapters.git.checkup import GitProbe
from reconciler.adapters.git.clone import Clone
from reconciler.adapters.git.commit import commit_stream
from reconciler.adapters.git.failures import CorruptCloneError
from reconciler.adapters.git.listing import File
from reconciler.adapters.git.lock import exclusive
from reconciler.adapters.git.past import Past
from reconciler.adapters.git.program import GitProgram, check_author, check_identity
from reconciler.adapters.git.push import (
    check_push_options,
    push_arguments,
    push_failure,
    require_push,
)
from reconciler.adapters.git.remote import check_branch, remote_of
from reconciler.adapters.git.side_branch import SideBranch
from reconciler.adapters.git.signing import signer_of
from reconciler.core.history import History
from reconciler.core.manifests.tree import EntryKind, Oversize, Snapshot, TreeEntry
from reconciler.core.retraction import Touch
from reconciler.core.revision import Revision
from reconciler.errors import GitError, RemoteMovedError, SettingsError
from reconciler.settings import GitSettings
from reconciler.stop import Stop

_LOCK_WAIT_S = 10.0
_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CHUNK_BYTES = 16 * 1024 * 1024  # of contents that are in memory at once

T = TypeVar("T")


class GitRepository:
    """A branch of a Git remote, through a bare clone of our own; there is no work tree.

    The clone is locked while a method works (and by any git that outlives a killed process), so
    that several processes may share it. Not safe for several threads.
    """

    def __init__(
        self,
        settings: GitSettings,
        directory: Path,
        *,
        lock_wait_s: float = _LOCK_WAIT_S,
        stop: Stop | None = None,
    ) -> None:
        """Check the settings; nothing is read, written or asked yet.

        Args:
            settings: the remote.
            directory: a folder for this remote alone; made when needed, may be deleted any time.
            lock_wait_s: how long to wait for another process that uses the folder.
            stop: ends what is being read from the remote; then also what is being written, if
                that is insisted on.

        Raises:
            SettingsError: URL, branch, author or what is said of signatures are not what git can
                be given.
        """
        remote = remote_of(settings.url, insecure=settings.insecure)
        for branch in filter(None, (settings.branch, settings.push_branch)):
            check_branch(branch)
        check_push_options(settings.push_options)
        self._committer = check_identity(settings)
        self._author = check_author(settings)
        self._directory = directory.absolute()
        self._program = GitProgram(settings, remote, self._directory, stop or Stop())
        self._clone = Clone(self._program)
        self._signer = signer_of(settings, self._program)
        self._lock_wait_s = lock_wait_s
        self._listed: tuple[str, tuple[File, ...]] | None = None
        self._past = Past(self._clone)
        self._branch = ""  # that was fetched
        self._is_overtaken = False  # somebody pushed to it before us

    def fetch(self) -> Snapshot:
        """Bring the clone up to the remote's branch (cloning first if need be); return its tree.

        Raises:
            GitError: the remote failed or did not answer in time.
            AccessDeniedError: the remote refused our credentials.
            NotFoundError: no such repository or branch, or the repository is empty.
            TransientError: another process uses the clone.
        """
        with self._exclusively():
            return self._healing(self._snapshot)

    def read(
        self, entries: Sequence[TreeEntry], *, max_bytes: int
    ) -> Iterator[tuple[TreeEntry, bytes | Oversize]]:
        """Yield the content of each entry (of a link: its target), in the given order.

        What the clone lacks is fetched first, all at once; a content over ``max_bytes`` is never
        loaded, and never more than some 16 MiB (or one content) are in memory.

        Raises:
            GitError: a content could not be had, e.g. because the entry is a submodule.
        """
        for entry in entries:
            if entry.kind is EntryKind.SUBMODULE:
                raise GitError("a submodule has no content here", where=entry.path)
        if not entries:
            return
        with self._exclusively():
            sizes = self._healing(lambda: self._clone.sizes(entry.blob for entry in entries))
        for chunk in _chunks(entries, sizes, max_bytes):
            blobs = [entry.blob for entry in chunk if sizes[entry.blob] <= max_bytes]
            contents = self._contents(tuple(dict.fromkeys(blobs)))
            for entry in chunk:
                size = sizes[entry.blob]
                yield entry, Oversize(size) if size > max_bytes else contents[entry.blob]

    def history(self, revision: Revision) -> History:
        """Return what our commits up to a revision say that they wrote, as far as we know them.

        It is read once, from the commits alone; of a revision that came later, what is newer.

        Raises:
            GitError: the git program failed.
        """
        with self._exclusively():
            return self._healing(lambda: self._past.up_to(revision.commit))

    def deepen(self, revision: Revision) -> bool:
        """Have more of the commits before a revision than now; :meth:`history` is longer after it.

        Four times as many, and ten times as many as the settings want at most; those stay.

        Raises:
            GitError: the remote failed or did not answer in time.
            AccessDeniedError: the remote refused our credentials.
        """
        with self._exclusively():
            return self._clone.deepen(check_branch(revision.branch))

    def touches(self, revision: Revision, paths: Collection[str], *, most: int) -> Sequence[Touch]:
        """Return the known commits up to a revision that changed some files, the newest first.

        Of merges the first parent is followed. Their messages and trees are in the clone, the files
        as they were need not be; :meth:`read` fetches them in one request.

        Raises:
            GitError: the git program failed.
        """
        with self._exclusively():
            found = self._healing(
                lambda: self._clone.differences(revision.commit, paths, most=most * len(paths))
            )
            ids = dict.fromkeys(each.commit for each in found)
            messages = {each.commit: each for each in self._clone.commits(ids)}
        left = Counter(dict.fromkeys(paths, most))
        touches = []
        for each in found:
            if each.commit in messages and left[each.path] > 0:
                left[each.path] -= 1
                message = messages[each.commit]
                touches.append(Touch(message, each.path, each.before, each.after))
        return touches

    def commit(self, base: Revision, contents: Mapping[str, bytes], message: str) -> Revision:
        """Make a commit on ``base`` in which the given existing files have new contents.

        Nothing is published, file modes stay as they are, and no work tree is involved. With a
        signing key the commit is signed, or there is none.

        Raises:
            SettingsError: it cannot be signed with the key and passphrase that are given.
            GitError: the git program failed, e.g. because the disk is full, or the base has no
                such file.
        """
        with self._exclusively():
            files = {file.entry.path: file for file in self._files(base.commit)}
            for path in contents:
                if path not in files or files[path].entry.kind is not EntryKind.FILE:
                    raise GitError(f"no such file in {base.short}", where=path)
            changes = [(files[path], contents[path]) for path in sorted(contents)]
            stream = commit_stream(
                changes,
                base=base.commit,
                author=self._author,
                committer=self._committer,
                message=message,
            )
            made = self._clone.write(stream)
            if self._signer is not None:
                made = self._clone.sign(made, self._signer.sign)
            return Revision(base.branch, made)

    def push(self, revision: Revision) -> None:
        """Publish a commit as the new tip of its branch, never by force.

        Raises:
            RemoteMovedError: the branch is not where the commit's parent is any more.
            RefusedError: a hook or a rule of the remote declined it; carries the remote's words.
            AccessDeniedError: the credentials do not permit pushing.
            GitError: the remote failed; whether the push arrived is found out by fetching.
            SettingsError: the settings permit no push there.
        """
        branch = check_branch(revision.branch)
        require_push(self._program.settings, branch)
        with self._exclusively():
            parent = self._clone.parent(revision.commit)
            arguments = push_arguments(
                revision.commit, parent, branch, options=self._program.settings.push_options
            )
            output = self._program.try_with_remote(*arguments, clone=self._clone.path)
        if output.status:
            error = push_failure(output, where=self._program.settings.url)
            is_moved = isinstance(error, RemoteMovedError)
            self._is_overtaken = is_moved and branch == self._branch
            raise error

    def side_branch(self, name: str) -> SideBranch:
        """Return another branch of the same remote, which is ours to move.

        Raises:
            SettingsError: no branch can be called that.
        """
        return SideBranch(
            check_branch(name),
            program=self._program,
            clone=self._clone,
            author=self._committer,
            exclusively=self._exclusively,
        )

    def probe(self) -> GitProbe:
        """Return what tries the access to the remote."""
        return GitProbe(self._program, self._clone, exclusively=self._exclusively)

    def _snapshot(self) -> Snapshot:
        commit = self._newest()
        entries = tuple(file.entry for file in self._files(commit))
        return Snapshot(Revision(self._branch, commit), entries)

    def _newest(self) -> str:
        """Return the branch's newest commit, of which we have at least the names of the files."""
        is_overtaken, self._is_overtaken = self._is_overtaken, False
        if is_overtaken and (commit := self._clone.catch_up(self._branch)):
            return commit
        tip = self._clone.tip()
        commit = self._clone.bring_to(tip)
        self._branch = tip.branch
        return commit

    def _files(self, commit: str) -> tuple[File, ...]:
        if self._listed is None or self._listed[0] != commit:
            self._listed = (commit, self._clone.files(commit))
        return self._listed[1]

    def _contents(self, blobs: Sequence[str]) -> dict[str, bytes]:
        if not blobs:
            return {}
        with self._exclusively():
            return dict(zip(blobs, self._clone.contents(blobs), strict=True))

    def _healing(self, action: Callable[[], T]) -> T:
        """Do it, and once more on a fresh clone if ours is damaged."""
        try:
            return action()
        except CorruptCloneError:
            self._forget()
            self._clone.bring_to(self._clone.tip())
            return action()

    @contextlib.contextmanager
    def _exclusively(self) -> Iterator[None]:
        """Hold the lock; a clone that turns out damaged meanwhile is not there any more after."""
        with contextlib.ExitStack() as stack:
            try:
                self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock = exclusive(self._directory / "lock", wait_s=self._lock_wait_s)
                self._program.lock = stack.enter_context(lock)
                stack.callback(setattr, self._program, "lock", -1)
                self._program.prepare()
            except OSError as error:
                if error.errno in _DISK_FULL:
                    raise self._no_space() from error
                reason = f"cannot use the folder for clones: {error.strerror}"
                raise SettingsError(reason, where=str(self._directory)) from error
            try:
                yield
            except CorruptCloneError:
                self._forget()
                raise
            except OSError as error:
                if error.errno in _DISK_FULL:
                    raise self._no_space() from error
                reason = f"cannot use the clone: {error.strerror}"
                raise GitError(reason, where=str(self._directory)) from error

    def _no_space(self) -> GitError:
        return GitError("no space left on the disk", where=str(self._directory))

    def _forget(self) -> None:
        self._listed = None
        self._past = Past(self._clone)
        self._clone.discard()


def _chunks(
    entries: Sequence[TreeEntry], sizes: Mapping[str, int], max_bytes: int
) -> Iterator[list[TreeEntry]]:
    """Cut a list that is not empty so that the contents that will be loaded fit a chunk."""
    chunk: list[TreeEntry] = []
    loaded = 0
    for entry in entries:
        size = sizes[entry.blob] if sizes[entry.blob] <= max_bytes else 0
        if chunk and loaded + size > _CHUNK_BYTES:
            yield chunk
            chunk, loaded = [], 0
        chunk.append(entry)
        loaded += size
    yield chunk
