"""Our bare clone of the remote: made whole or not at all, brought up to date, healed by replacing.

Nothing in it is dear: every content is at the remote, and what we commit is made again by the next
cycle if it was not pushed. So a clone that is damaged, stale in kind or full of packs is dropped.
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.git.environment import TRACKING
from reconciler.adapters.git.failures import CorruptCloneError
from reconciler.adapters.git.listing import (
    HEADS,
    File,
    Tip,
    contents_of,
    files_of,
    sizes_of,
    tip_of,
)
from reconciler.adapters.git.program import GitProgram

_MARK = "reconcile-clone"  # says what this is a clone of
_MAX_PACKS = 200  # every fetch adds one or two, and git looks into each of them for each object
_SHA256_HEX = 64
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
_FETCH = ("fetch", "--no-write-fetch-head", "--no-auto-maintenance", "--recurse-submodules=no")


@dataclass(slots=True)
class Clone:
    """The clone of one remote, used under the lock only."""

    program: GitProgram

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
        return tip_of(listing, branch, where=self.program.settings.url)

    def bring_to(self, tip: Tip) -> str:
        """Have that commit, or a newer one of its branch, and return which."""
        if not self._is_usable():
            self.discard()
            self._make(tip)
        self._sweep()
        if self._known(tip.branch) != tip.commit:
            self._fetch_branch(self.path, tip.branch)
        return self._known(tip.branch)

    def files(self, commit: str) -> tuple[File, ...]:
        """Return every file of a commit's tree, sorted by path."""
        return files_of(self._git("ls-tree", "-r", "-z", "--full-tree", commit))

    def sizes(self, blobs: Iterable[str]) -> dict[str, int]:
        """Return size by blob, having fetched those that are missing, all at once."""
        wanted = list(dict.fromkeys(blobs))
        sizes = self._present(wanted)
        missing = [blob for blob in wanted if blob not in sizes]
        if missing:
            self._fetch_blobs(missing)
            sizes |= self._present(missing)
        if len(sizes) < len(wanted):
            raise CorruptCloneError("contents are missing", where=str(self.path))
        return sizes

    def contents(self, blobs: Sequence[str]) -> Iterator[bytes]:
        """Return the contents of blobs that are there, in the given order."""
        asked = "".join(f"{blob}\n" for blob in blobs).encode()
        return contents_of(self._git("cat-file", "--batch", stdin=asked), blobs)

    def write(self, stream: bytes) -> str:
        """Make the commit that a fast-import stream describes, and return its id."""
        arguments = ("fast-import", "--quiet", "--force", "--done", "--date-format=now")
        return self._git(*arguments, stdin=stream).decode("ascii").strip()

    def parent(self, commit: str) -> str:
        """Return the first parent of a commit."""
        return self._revision(f"{commit}^")

    def discard(self) -> None:
        """Remove the clone and what a killed process left of one."""
        for path in (self.path, self._incoming):
            if path.exists():
                shutil.rmtree(path)

    @property
    def _incoming(self) -> Path:
        return self.program.directory / "incoming.git"

    @property
    def _mark(self) -> bytes:
        return f"{self.program.remote.url}\n{self.program.settings.history}\n".encode()

    def _make(self, tip: Tip) -> None:
        """Clone beside, and move into place what is complete."""
        algorithm = "sha256" if len(tip.commit) == _SHA256_HEX else "sha1"
        new = self._incoming
        arguments = ("init", "--quiet", "--bare", "--template=", f"--object-format={algorithm}")
        self.program.on_clone(new, *arguments)
        depth = f"--depth={self.program.settings.history}"
        self._fetch_branch(new, tip.branch, depth)
        (new / _MARK).write_bytes(self._mark)
        new.rename(self.path)

    def _fetch_branch(self, clone: Path, branch: str, *more: str) -> None:
        refspec = f"+{HEADS}{branch}:{TRACKING}{branch}"
        self.program.with_remote(
            *_FETCH, "--no-tags", "--quiet", *more, "origin", refspec, clone=clone
        )

    def _fetch_blobs(self, blobs: Sequence[str]) -> None:
        """Fetch contents by id, in one request, as git itself does in a partial clone."""
        self.program.with_remote(
            "-c", "fetch.negotiationAlgorithm=noop",
            *_FETCH, "--no-tags", "--quiet", "--filter=blob:none", "--stdin", "origin",
            clone=self.path,
            stdin="".join(f"{blob}\n" for blob in blobs).encode(),
        )  # fmt: skip

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

    def _is_usable(self) -> bool:
        mark = self.path / _MARK
        packs = sum(1 for _ in self.path.glob("objects/pack/*.pack"))
        return mark.is_file() and mark.read_bytes() == self._mark and packs <= _MAX_PACKS

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
