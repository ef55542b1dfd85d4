"""What the stages need from the outside, in their own words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from reconciler.core.images.reference import Repository
from reconciler.core.manifests.tree import Oversize, Snapshot, TreeEntry
from reconciler.core.revision import Revision


class TagSource(Protocol):
    """Lists the tags of a repository. Safe to call from many threads."""

    def list_tags(self, repository: Repository) -> Sequence[str]:
        """Return every tag, in no promised order, duplicates left out.

        One attempt: whether and when to try again is the caller's business
        (``RegistryError.is_retryable`` and ``retry_after_s``).

        Raises:
            RegistryError: the registry failed, lied, or did not answer in time.
            AccessDeniedError: it refused our credentials, or wants some.
            NotFoundError: there is no such repository.
        """
        ...


class ManifestRepository(Protocol):
    """A branch of a Git remote, through a clone of our own. Not safe for several threads."""

    def fetch(self) -> Snapshot:
        """Bring the clone up to the remote's branch (cloning first if need be) and return its tree.

        Raises:
            GitError: the remote failed or did not answer in time.
            AccessDeniedError: the remote refused our credentials.
            NotFoundError: no such repository or branch, or the repository is empty.
        """
        ...

    def read(
        self, entries: Sequence[TreeEntry], *, max_bytes: int
    ) -> Iterator[tuple[TreeEntry, bytes | Oversize]]:
        """Yield the content of each entry (of a link: its target), in the given order.

        Raises:
            GitError: a content could not be had.
        """
        ...

    def commit(self, base: Revision, contents: Mapping[str, bytes], message: str) -> Revision:
        """Make a commit on ``base`` in which the given existing files have new contents.

        Nothing is published, file modes stay as they are, and no work tree is involved.

        Raises:
            GitError: the git program failed, e.g. because the disk is full.
        """
        ...

    def push(self, revision: Revision) -> None:
        """Publish a commit as the new tip of its branch, never by force.

        Raises:
            RemoteMovedError: the branch is not where the commit's parent is any more.
            RefusedError: a hook or a rule of the remote declined it; carries the remote's words.
            AccessDeniedError: the credentials do not permit pushing.
            GitError: the remote failed; whether the push arrived is found out by fetching.
        """
        ...


class Clock(Protocol):
    """Time, injectable."""

    def now(self) -> float:
        """Return seconds of a monotonic clock."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait that long; returns early when the process is asked to stop."""
        ...
