"""An in-memory ManifestRepository, with a remote that others push to and that can be difficult."""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.core.history import History, Message, history_of
from reconciler.core.manifests.tree import EntryKind, Oversize, Snapshot, TreeEntry
from reconciler.core.retraction import Touch
from reconciler.core.revision import Revision
from reconciler.errors import GitError, NotFoundError, ReconcilerError, RemoteMovedError
from tests.fakes.images import NEW_YEAR

A_PERSON = "a <a@example.org>"


@dataclass(frozen=True, slots=True)
class FakeFile:
    """A file of the fake remote: its bytes (of a link: the target), and what it is."""

    content: bytes
    kind: EntryKind = EntryKind.FILE

    @property
    def blob(self) -> str:
        """An id that only equal contents share."""
        return hashlib.sha1(self.content, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class FakeCommit:
    """A commit of the fake remote."""

    id: str
    parent: str
    message: str
    files: Mapping[str, FakeFile]
    author: str


@dataclass(slots=True)
class FakeGit:
    """A branch of a remote, and our clone of it.

    Attributes:
        url: what errors name.
        branch: the branch's name.
        commits: all that were ever made, pushed or not, by id.
        tip: the remote branch's commit; empty while the repository is.
        others_push: commits that somebody else pushes just before each of our next pushes.
        failures: by method name (``fetch``, ``read``, ``commit``, ``push``), errors to raise from
            its next calls, one a call; a push that fails so did not arrive.
        lost_answers: how many of the next pushes arrive and fail all the same.
        pushes: the commits that arrived, in order.
        fetches: how often we fetched.
        depth: how many commits we know; 0: all.
        farthest: how many of them may be asked for.
        deepened: how often more were asked for.
        reads: the paths whose contents we read, in order.
    """

    url: str = "https://git.example/acme/web"
    branch: str = "main"
    commits: dict[str, FakeCommit] = field(default_factory=dict)
    tip: str = ""
    others_push: list[Mapping[str, bytes]] = field(default_factory=list)
    failures: dict[str, list[ReconcilerError]] = field(default_factory=dict)
    lost_answers: int = 0
    pushes: list[str] = field(default_factory=list)
    fetches: int = 0
    reads: list[str] = field(default_factory=list)
    depth: int = 0
    farthest: int = 1000
    deepened: int = 0

    def put(
        self,
        files: Mapping[str, bytes | FakeFile | None],
        message: str = "by a person",
        *,
        author: str = A_PERSON,
    ) -> str:
        """Commit at the remote, as somebody else: new contents by path, None to delete."""
        changed = dict(self.commits[self.tip].files) if self.tip else {}
        for path, content in files.items():
            if content is None:
                changed.pop(path)
            else:
                changed[path] = content if isinstance(content, FakeFile) else FakeFile(content)
        self.tip = self._add(self.tip, changed, message, author)
        return self.tip

    def files(self) -> dict[str, bytes]:
        """Return the contents at the remote's tip."""
        return {path: file.content for path, file in self.commits[self.tip].files.items()}

    def log(self) -> list[str]:
        """Return the messages of the remote's commits, newest first."""
        messages, commit = [], self.tip
        while commit:
            messages.append(self.commits[commit].message)
            commit = self.commits[commit].parent
        return messages

    def fetch(self) -> Snapshot:
        """See the port."""
        self._fail("fetch")
        self.fetches += 1
        if not self.tip:
            raise NotFoundError("the repository is empty", where=self.url)
        files = self.commits[self.tip].files
        entries = (TreeEntry(path, file.kind, file.blob) for path, file in files.items())
        return Snapshot(Revision(self.branch, self.tip), tuple(sorted(entries, key=_path)))

    def read(
        self, entries: Sequence[TreeEntry], *, max_bytes: int
    ) -> Iterator[tuple[TreeEntry, bytes | Oversize]]:
        """See the port."""
        self._fail("read")
        known = {
            file.blob: file.content
            for commit in self.commits.values()
            for file in commit.files.values()
            if file.kind is not EntryKind.SUBMODULE
        }
        for entry in entries:
            if entry.blob not in known:
                raise GitError("a content could not be had", where=entry.path)
            self.reads.append(entry.path)
            content = known[entry.blob]
            yield entry, content if len(content) <= max_bytes else Oversize(len(content))

    def history(self, revision: Revision) -> History:
        """See the port."""
        self._fail("history")
        messages: list[Message] = []
        commit = revision.commit
        while commit:
            found = self.commits[commit]
            messages.append(Message(commit, NEW_YEAR, found.author, found.message))
            commit = found.parent
            if self.depth and len(messages) == self.depth and commit:
                return history_of(messages, NEW_YEAR)
        return history_of(messages, None)

    def deepen(self, revision: Revision) -> bool:
        """See the port."""
        self._fail("deepen")
        if self.history(revision).since is None or self.depth >= self.farthest:
            return False
        self.depth = min(4 * self.depth, self.farthest)
        self.deepened += 1
        return True

    def touches(self, revision: Revision, paths: Collection[str], *, most: int) -> Sequence[Touch]:
        """See the port."""
        self._fail("touches")
        touches: list[Touch] = []
        left = Counter(dict.fromkeys(paths, most))
        commit = revision.commit
        while commit:
            found = self.commits[commit]
            before = self.commits[found.parent].files if found.parent else {}
            message = Message(commit, NEW_YEAR, found.author, found.message)
            for path in sorted(paths):
                old, new = before.get(path), found.files.get(path)
                if old != new and left[path] > 0:
                    left[path] -= 1
                    touches.append(Touch(message, path, _entry(path, old), _entry(path, new)))
            commit = found.parent
        return touches

    def commit(self, base: Revision, contents: Mapping[str, bytes], message: str) -> Revision:
        """See the port."""
        self._fail("commit")
        files = dict(self.commits[base.commit].files)
        for path, content in contents.items():
            if path not in files or files[path].kind is not EntryKind.FILE:
                raise GitError(f"no such file in {base.short}", where=path)
            files[path] = FakeFile(content)
        return Revision(
            base.branch, self._add(base.commit, files, message, "reconcile <r@localhost>")
        )

    def push(self, revision: Revision) -> None:
        """See the port."""
        self._fail("push")
        if self.others_push:
            self.put(self.others_push.pop(0), "pushed in between")
        if self.commits[revision.commit].parent != self.tip:
            raise RemoteMovedError("somebody pushed in between", where=self.url)
        self.tip = revision.commit
        self.pushes.append(revision.commit)
        if self.lost_answers:
            self.lost_answers -= 1
            raise GitError("the remote end hung up unexpectedly", where=self.url)

    def _add(self, parent: str, files: Mapping[str, FakeFile], message: str, author: str) -> str:
        content = repr((parent, message, sorted((p, f.blob) for p, f in files.items())))
        commit = hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest()
        self.commits[commit] = FakeCommit(commit, parent, message, dict(files), author)
        return commit

    def _fail(self, method: str) -> None:
        if self.failures.get(method):
            raise self.failures[method].pop(0)


def _entry(path: str, file: FakeFile | None) -> TreeEntry | None:
    return TreeEntry(path, file.kind, file.blob) if file else None


def _path(entry: TreeEntry) -> str:
    return entry.path
