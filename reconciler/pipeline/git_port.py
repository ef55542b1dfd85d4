"""What the stages need from a Git remote and its forge, in their own words."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from reconciler.core.change_request import ChangeRequest, RequestText
from reconciler.core.commit_status import CommitStatus
from reconciler.core.history import History
from reconciler.core.manifests.reading import Reading, Terms
from reconciler.core.manifests.tree import Oversize, Snapshot, TreeEntry
from reconciler.core.proposal import BranchTip
from reconciler.core.retraction import Touch
from reconciler.core.revision import Revision


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

    def history(self, revision: Revision) -> History:
        """Return what our commits up to a revision say that they wrote, as far as we know them.

        Raises:
            GitError: it could not be read.
        """
        ...

    def deepen(self, revision: Revision) -> bool:
        """Have more of the commits before a revision than now; :meth:`history` is longer after it.

        False if there are no more, or as many are known as may be.

        Raises:
            GitError: the remote failed or did not answer in time.
            AccessDeniedError: the remote refused our credentials.
        """
        ...

    def touches(self, revision: Revision, paths: Collection[str], *, most: int) -> Sequence[Touch]:
        """Return the known commits up to a revision that changed some files, the newest first.

        Of merges the first parent is followed; a file that was renamed is another one. What a file
        was before and after can be had by :meth:`read`.

        Args:
            revision: where to begin.
            paths: the files.
            most: commits of each file, the newest.

        Raises:
            GitError: they could not be read.
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


class ProposalBranch(Protocol):
    """A branch of the same remote to which our commits go instead; not safe for several threads."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def url(self) -> str:
        """The remote, for messages."""
        ...

    def proposed(self, base: Revision) -> BranchTip | None:
        """Return its tip as the newest fetch saw it; None: it was not there.

        Args:
            base: what the newest fetch returned.

        Raises:
            RemoteMovedError: it moved since.
            GitError: it could not be fetched.
        """
        ...

    def propose(self, revision: Revision | None, *, seen: str) -> None:
        """Let the branch hold a commit (None: remove it), if it is where we saw it.

        Args:
            revision: made by :meth:`ManifestRepository.commit`.
            seen: the tip that may be thrown away; empty: the branch is not there.

        Raises:
            RemoteMovedError: the branch is not where we saw it.
            RefusedError, AccessDeniedError, GitError: see :meth:`ManifestRepository.push`.
        """
        ...


class Forge(Protocol):
    """One repository at GitHub, GitLab, Gitea or the like; not safe for several threads.

    Raises:
        ForgeError: from each of its methods: it failed, did not answer in time, or asks for time.
        AccessDeniedError: likewise: our token is not accepted, or lacks a right; says which.
        NotFoundError: likewise: there is no such repository, as far as our token may see.
        RefusedError: likewise: it declined what was asked; carries its words.
        SettingsError, StalledError: likewise: it cannot be spoken to as the settings say.
    """

    def newest_request(self, *, head: str, base: str) -> ChangeRequest | None:
        """Return the open request to merge a branch of it into another, else the newest closed."""
        ...

    def open_request(self, text: RequestText, *, head: str, base: str) -> ChangeRequest:
        """Open a request; a RefusedError if one is open already."""
        ...

    def edit_request(self, number: int, text: RequestText) -> ChangeRequest:
        """Give an open request another text."""
        ...

    def close_request(self, number: int, *, body: str, comment: str) -> None:
        """Close an open request unmerged, give it another body, and then comment on it."""
        ...

    def status_of(self, commit: str, context: str) -> CommitStatus | None:
        """Return the newest status of a commit in a context; None: there is none."""
        ...

    def report(self, revision: Revision, status: CommitStatus) -> None:
        """Give a commit a status."""
        ...


class MessageTemplate(Protocol):
    """Words the commits that change images, as a person wants it."""

    @property
    def name(self) -> str:
        """Return where it was read, for messages."""
        ...

    def render(self, data: Mapping[str, object]) -> str:
        """Return what it makes of data, see :data:`reconciler.core.message_data.MessageData`.

        Raises:
            SettingsError: it fails, or makes too much of them; with the line.
        """
        ...


class ReadingStore(Protocol):
    """Keeps what contents of Git say about images, to save the reading. For any number of sources.

    It may forget everything at any time, and never fails: what cannot be kept is not. What cannot
    be what was kept is not given back.
    """

    def load(self, entries: Sequence[TreeEntry], terms: Terms) -> Mapping[str, Reading]:
        """Return by path what is kept of these contents, for files at these paths."""
        ...

    def save(self, readings: Mapping[TreeEntry, Reading], terms: Terms) -> None:
        """Keep what these contents say, in place of what was kept before."""
        ...
