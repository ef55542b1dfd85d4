"""Our bare clone of the remote: made whole or not at all, brought up to date, healed by replacing.

Nothing in it is dear: every content is at the remote, and what we commit is made again by the next
cycle if it was not pushed. So a clone that is damaged, stale in kind or overfull is dropped.
"""

import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.git.commit import signed
from reconciler.adapters.git.environment import TRACKING
from reconciler.adapters.git.failures import ContentsRefusedError, CorruptCloneError
from reconciler.adapters.git.listing import (
    HEADS,
    Difference,
    File,
    Tip,
    contents_of,
    differences_of,
    files_of,
    heads_of,
    sizes_of,
    tip_of,
)
from reconciler.adapters.git.messages import MAX_MESSAGE_BYTES, chunks, has_parent, message_of
from reconciler.adapters.git.program import GitProgram
from reconciler.core.history import Message
from reconciler.core.message import IMAGE_TRAILER
from reconciler.errors import GitError, ReconcilerError

_MARK = "reconcile-clone"  # says what this is a clone of
_DEPTH = "reconcile-depth"  # how many commits were asked for
_STEP = 4  # times as many commits are known after a look further back,
_FARTHEST = 10  # and so many times as many as are wanted at most
_NO_DEEPENING = "does not support --deepen"  # git, fetch-pack.c
_MAX_PACKS = 200  # every fetch adds one or two, and git looks into each of them for each object
_SAMPLE = "objects/17"  # one of 256 folders; as git does, how full it is tells for all of them
_MAX_SAMPLE = 16  # some 4,000 objects: every commit of ours adds three or more
_SHA256_HEX = 64
_MAX_PATHS_LETTERS = 64 * 1024  # in the arguments of one command
_LEFT_BEHIND = (
    "*.lock",
    "refs/**/*.lock",
    "logs/**/*.lock",
    "fast_import_crash_*",
    "objects/pack/tmp_*",
    "objects/pack/*.lock",
    "objects/??/tmp_obj_*",
    "objects/tmp_objdir-*",
)
_NO_CONTENTS = "--filter=blob:none"
_SMALL_CONTENTS = "--filter=blob:limit=1m"  # as good as all manifests
# By these git takes configuration or contents from elsewhere. We write none of them.
_FOREIGN = ("commondir", "objects/info/alternates", "objects/info/http-alternates")
_FETCH = ("fetch", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no")


@dataclass(slots=True)
class Clone:
    """The clone of one remote, used under the lock only.

    Attributes:
        program: runs git.
        is_whole: whether it has all contents, because the remote hands out no single ones.
        heads: where the remote's branches were when it was asked last.
    """

    program: GitProgram
    is_whole: bool = False
    heads: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where it is, if it is; always complete."""
        return self.program.directory / "clone.git"

    def tip(self) -> Tip:
        """Ask the remote where its branch is; this is all a cycle without news costs.

        Raises:
            NotFoundError: there is no such branch.
        """
        branch = self.program.settings.branch
        which = ("--heads", "origin") if branch else ("--symref", "origin", "HEAD", f"{HEADS}*")
        listing = self.program.with_remote("ls-remote", *which)
        self.heads = heads_of(listing)
        return tip_of(listing, branch, where=self.program.settings.url)

    def bring_to(self, tip: Tip) -> str:
        """Have that commit, or a newer one of its branch, and return which."""
        if not self._is_usable(tip):
            self.discard()
            self._make(tip)
        self._sweep()
        if self._depth() < self.program.settings.history:
            self._deepen(tip)
        elif self._known(tip.branch) != tip.commit:
            self._fetch_branch(self.path, tip.branch)
        return self._known(tip.branch)

    def bring_branch(self, branch: str, commit: str) -> str:
        """Have another branch of the remote at that commit, or a newer one, and return which."""
        if self._known(branch) != commit:
            self._fetch_branch(self.path, branch)
        return self._known(branch)

    def changed(self, commit: str, base: str) -> dict[str, str]:
        """Return the blob by path of what one commit's tree has otherwise than another's."""
        listed = self._git("diff-tree", "-r", "-z", "--no-renames", base, commit, "--")
        found = differences_of(listed)
        return {each.path: each.after.blob if each.after else "" for each in found}

    def has(self, commit: str, other: str) -> bool:
        """Whether a commit is another one or comes after it, as far as the history is known."""
        return not self._git("rev-list", "--max-count=1", other, f"^{commit}", "--")

    def catch_up(self, branch: str) -> str:
        """Have what was just pushed to a branch, with its contents; return its newest commit.

        One request in place of three, for whoever has to be faster than others who push. Empty if
        that cannot be had: then :meth:`tip` and :meth:`bring_to` find out what is to be done.
        """
        try:
            is_usable = self._is_usable(Tip(branch, self._known(branch)))
            if not is_usable or self._depth() < self.program.settings.history:
                return ""
            self._sweep()
            self._fetch_branch(self.path, branch, wanted=_SMALL_CONTENTS)
        except ReconcilerError:
            return ""
        return self._known(branch)

    def files(self, commit: str) -> tuple[File, ...]:
        """Return every file of a commit's tree, sorted by path."""
        return files_of(self._git("ls-tree", "-r", "-z", "--full-tree", commit))

    def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """Return size by blob, having fetched those that are missing, all at once."""
        wanted = list(dict.fromkeys(blobs))
        sizes = self._present(wanted)
        missing = [blob for blob in wanted if blob not in sizes]
        if missing and not self.is_whole:
            self._fetch_blobs(missing)
            sizes |= self._present(missing)
        if len(sizes) < len(wanted):
            raise CorruptCloneError("contents are missing", where=str(self.path))
        return sizes

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """Return the contents of blobs that are there, in the given order."""
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        return contents_of(self._git("cat-file", "--batch", stdin=asked), blobs)

    def messages(self, commit: str, *, after: str = "") -> Iterator[Message]:
        """Return the commits up to one in whose messages a line begins as our trailers do.

        The newest first; a message of more than 16 MiB is nobody's.

        Args:
            commit: the newest.
            after: what leads to this one is left out; empty: nothing is.
        """
        listed = self._git(
            "rev-list", "--topo-order", "--extended-regexp",
            f"--grep=^[[:blank:]]*{IMAGE_TRAILER}:", *_range(commit, after), "--",
        )  # fmt: skip
        yield from self.commits(listed.decode("ascii").split())

    def leads_to(self, commit: str, known: str) -> bool:
        """Whether every way back from a commit leads to a known one before it.

        Not if a merge brought in something that began elsewhere, or where the clone ends before.
        """
        listed = self._git(
            "rev-list", "--parents", "--ignore-missing", *_range(commit, known), "--"
        ).decode("ascii")
        parents = dict(line.partition(" ")[::2] for line in listed.splitlines())
        return bool(parents) and all(
            each and parents.keys() | {known} >= set(each.split()) for each in parents.values()
        )

    def ends(self) -> bytes:
        """Return what tells where the clone's history is cut off; it changes when that does."""
        path = self.path / "shallow"
        return path.read_bytes() if path.is_file() else b""

    def differences(self, commit: str, paths: Collection[str], *, most: int) -> list[Difference]:
        """Return what commits up to one made of some files, the newest first; no content is read.

        Of merges the first parent is followed. So many paths that no command takes them all are
        looked for among all that was changed.
        """
        is_given = sum(map(len, paths)) <= _MAX_PATHS_LETTERS
        listed = self._git(
            "--literal-pathspecs", "log", "--first-parent", "-m", "--raw", "-z", "--no-abbrev",
            "--no-renames", "--format=%H", *([f"--max-count={most}"] if is_given else []), commit,
            "--", *(sorted(paths) if is_given else []),
        )  # fmt: skip
        return [each for each in differences_of(listed) if each.path in paths]

    def commits(self, ids: Iterable[str]) -> Iterator[Message]:
        """Yield commits as they were made; one of more than 16 MiB is left out."""
        for found, raw in self.raw_commits(ids):
            yield message_of(found, raw)

    def raw_commits(self, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Yield commits as git stores them, with their ids; likewise."""
        for some in chunks(self._present(list(ids)), MAX_MESSAGE_BYTES):
            yield from zip(some, self.contents(some), strict=True)

    def known_since(self, commit: str) -> datetime | None:
        """Return when the oldest commit was made that we have, if there are older ones.

        Where the depth is just that of the history, git counts its first commit as cut off, too.
        """
        cut = set(self.ends().decode("ascii").split())
        if not cut:
            return None
        roots = self._git("rev-list", "--max-parents=0", commit, "--").decode("ascii").split()
        ends = self.raw_commits(root for root in roots if root in cut)
        times = [message_of(root, raw).at for root, raw in ends if has_parent(raw)]
        return max(times).astimezone(UTC) if times else None

    def write(self, stream: bytes) -> str:
        """Make the commit that a fast-import stream describes, and return its id."""
        arguments = ("fast-import", "--quiet", "--force", "--done", "--date-format=now")
        return self._git(*arguments, stdin=stream).decode("ascii").strip()

    def sign(self, commit: str, sign: Callable[[bytes], bytes]) -> str:
        """Make a commit like another that has a signature, and return its id.

        Args:
            commit: has none.
            sign: returns the signature of a commit's content.
        """
        raw = self._git("cat-file", "commit", commit)
        made = signed(raw, sign(raw), is_sha256=len(commit) == _SHA256_HEX)
        arguments = ("hash-object", "-t", "commit", "-w", "--stdin")
        return self._git(*arguments, stdin=made).decode("ascii").strip()

    def parent(self, commit: str) -> str:
        """Return the first parent of a commit."""
        return self._revision(f"{commit}^")

    def discard(self) -> None:
        """Remove the clone and what a killed process left of one."""
        _remove(self.path)
        _remove(self._incoming)

    @property
    def _incoming(self) -> Path:
        return self.program.directory / "incoming.git"

    def _make(self, tip: Tip) -> None:
        """Clone beside, and move into place what is complete."""
        new, algorithm = self._incoming, _algorithm(tip)
        arguments = ("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}")
        self.program.on_clone(new, *arguments)
        (new / _MARK).write_bytes(self._mark(new, tip, is_whole=self.is_whole))
        depth = self.program.settings.history
        self._fetch_branch(new, tip.branch, f"--depth={depth}")
        (new / _DEPTH).write_text(f"{depth}\n")
        new.rename(self.path)

    def _mark(self, clone: Path, tip: Tip, *, is_whole: bool) -> bytes:
        """Return what marks a clone as ours: its remote, its kind, and its untouched config.

        A remote that was made anew may name its commits by another algorithm.
        """
        kind = "whole" if is_whole else "contents on demand"
        head = f"{self.program.remote.url}\n{kind}, {_algorithm(tip)}\n".encode()
        return head + (clone / "config").read_bytes()

    def _depth(self) -> int:
        """Return how many commits were asked for; 0 if that is not known."""
        path = self.path / _DEPTH
        text = path.read_bytes().strip() if path.is_file() else b""
        return int(text) if text.isdigit() else 0

    def _deepen(self, tip: Tip) -> None:
        depth = self.program.settings.history
        self._fetch_branch(self.path, tip.branch, f"--depth={depth}")
        (self.path / _DEPTH).write_text(f"{depth}\n")

    def deepen(self, branch: str) -> bool:
        """Have more of a branch's commits; False if there are no more or enough were asked for."""
        depth = self._depth()
        more = min(_STEP * depth, _FARTHEST * self.program.settings.history) - depth
        if more <= 0 or not self.ends():
            return False
        try:
            self._fetch_branch(self.path, branch, f"--deepen={more}")
        except GitError as error:
            if _NO_DEEPENING not in error.message:  # servers older than git 2.11, and some others
                raise
            known = int(self._git("rev-list", "--count", self._known(branch), "--"))
            self._fetch_branch(self.path, branch, f"--depth={known + more}")
        (self.path / _DEPTH).write_text(f"{depth + more}\n")
        return True

    def _fetch_branch(
        self, clone: Path, branch: str, *more: str, wanted: str = _NO_CONTENTS
    ) -> None:
        refspec = f"+{HEADS}{branch}:{TRACKING}{branch}"
        filtering = "--no-filter" if self.is_whole else wanted
        self.program.with_remote(
            *_FETCH, "--no-tags", "--quiet", filtering, *more, "origin", refspec, clone=clone
        )

    def _fetch_blobs(self, blobs: Sequence[str]) -> None:
        """Fetch contents by id, in one request, as git itself does in a partial clone.

        Over protocol 0 (an sshd or a proxy that lets GIT_PROTOCOL not pass) a remote may leave out
        contents and then refuse to hand them out: such a clone has to be made anew with all.
        """
        try:
            self.program.with_remote(
                "-c", "fetch.negotiationAlgorithm=noop",
                *_FETCH, "--no-tags", "--quiet", "--filter=blob:none", "--stdin", "origin",
                clone=self.path,
                stdin="".join(f"{blob}\n" for blob in blobs).encode(),
            )  # fmt: skip
        except ContentsRefusedError as error:
            self.is_whole = True
            raise CorruptCloneError(error.message, where=error.where) from error

    def _present(self, blobs: Sequence[str]) -> dict[str, int]:
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        return sizes_of(self._git("cat-file", "--batch-check", stdin=asked))

    def _known(self, branch: str) -> str:
        """Return where the branch was when we last looked; empty if we never did."""
        name = f"{TRACKING}{branch}"
        listing = self._git("for-each-ref", "--format=%(objectname) %(refname)", name)
        for line in listing.decode().splitlines():
            commit, _, found = line.partition(" ")
            if found == name:
                return commit
        return ""

    def _revision(self, name: str) -> str:
        arguments = ("rev-parse", "--verify", "--end-of-options", name)
        return self._git(*arguments).decode("ascii").strip()

    def _is_usable(self, tip: Tip) -> bool:
        mark, config = self.path / _MARK, self.path / "config"
        if self.path.is_symlink() or not (mark.is_file() and config.is_file()):
            return False
        if any(os.path.lexists(self.path / name) for name in _FOREIGN):
            return False
        found = mark.read_bytes()
        self.is_whole = self.is_whole or found == self._mark(self.path, tip, is_whole=True)
        is_ours = found == self._mark(self.path, tip, is_whole=self.is_whole)
        return is_ours and not self._is_overfull()

    def _is_overfull(self) -> bool:
        """Whether so much has come together that a new clone is better than this one."""
        packs = sum(1 for _ in self.path.glob("objects/pack/*.pack"))
        return packs > _MAX_PACKS or sum(1 for _ in self.path.glob(f"{_SAMPLE}/*")) > _MAX_SAMPLE

    def _sweep(self) -> None:
        """Remove the locks and half-written files of a git that was killed; we hold the lock."""
        for pattern in _LEFT_BEHIND:
            for path in self.path.glob(pattern):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return self.program.on_clone(self.path, *arguments, stdin=stdin)


def _range(commit: str, after: str) -> list[str]:
    return [commit, *([f"^{after}"] if after else [])]


def _algorithm(tip: Tip) -> str:
    return "sha256" if len(tip.commit) == _SHA256_HEX else "sha1"


def _remove(path: Path) -> None:
    """Remove a folder, or what stands in its place; of a link, the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
