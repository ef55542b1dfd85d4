"""A branch beside the one that is read, which holds what we propose and is ours to move."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from reconciler.adapters.git.clone import Clone
from reconciler.adapters.git.messages import committer_of, parents_of
from reconciler.adapters.git.program import GitProgram
from reconciler.adapters.git.push import push_arguments, push_failure, require_push
from reconciler.core.proposal import BranchTip
from reconciler.core.revision import Revision
from reconciler.errors import NotFoundError, RemoteMovedError

# Without that git takes it that the remote has only what its branches point at just now. Where the
# one that is read moved on, it would send everything, contents included, which it fetches first.
_NEGOTIATED = ("-c", "push.negotiate=true")


class SideBranch:
    """A branch of the remote, through the clone of another one. Not safe for several threads."""

    def __init__(
        self,
        name: str,
        *,
        program: GitProgram,
        clone: Clone,
        author: str,
        exclusively: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """Do nothing yet.

        Args:
            name: of the branch, checked.
            program: runs git.
            clone: of the branch that is read.
            author: who we are as a committer: ``Name <address>``.
            exclusively: locks the clone.
        """
        self._name = name
        self._program = program
        self._clone = clone
        self._author = author
        self._exclusively = exclusively
        self._seen: tuple[str, str, BranchTip] | None = None

    @property
    def name(self) -> str:
        """What it is called."""
        return self._name

    @property
    def url(self) -> str:
        """The remote, for messages."""
        return self._program.settings.url

    def proposed(self, base: Revision) -> BranchTip | None:
        """Return its tip as the newest fetch saw it; None: it was not there.

        Nothing is asked of the remote while the branch stands where it stood.

        Args:
            base: what the newest fetch returned.

        Raises:
            RemoteMovedError: it was removed since.
            GitError: it could not be fetched.
        """
        commit = self._clone.heads.get(self._name)
        if commit is None:
            return None
        if self._seen is None or self._seen[:2] != (commit, base.commit):
            with self._exclusively():
                self._seen = (commit, base.commit, self._look(commit, base.commit))
        return self._seen[2]

    def propose(self, revision: Revision | None, *, seen: str) -> None:
        """Let the branch hold a commit (None: remove it), if it is where we saw it.

        Args:
            revision: the commit, which is in the clone.
            seen: the tip that may be thrown away; empty: the branch is not there.

        Raises:
            RemoteMovedError: the branch is not where we saw it.
            RefusedError: a hook or a rule of the remote declined it; carries the remote's words.
            AccessDeniedError: the credentials do not permit pushing.
            GitError: the remote failed; whether the push arrived is found out by fetching.
        """
        require_push(self._program.settings, self._name)
        commit, options = revision.commit if revision else "", self._program.settings.push_options
        arguments = push_arguments(commit, seen, self._name, options=options)
        clone = self._clone.path
        with self._exclusively():
            output = self._program.try_with_remote(*_NEGOTIATED, *arguments, clone=clone)
        if output.status:
            raise push_failure(output, where=self.url)

    def _look(self, listed: str, base: str) -> BranchTip:
        try:
            commit = self._clone.bring_branch(self._name, listed)
        except NotFoundError as error:
            message = f"the branch {self._name!r} was removed meanwhile ({error.message})"
            raise RemoteMovedError(message, where=self.url) from error
        raw = next(
            (raw for _, raw in self._clone.raw_commits([commit])), b""
        )  # of 16 MiB: nobody's
        return BranchTip(
            commit=commit,
            parents=parents_of(raw),
            is_by_us=committer_of(raw) == self._author,
            is_merged=self._clone.has(base, commit),
            message=raw.partition(b"\n\n")[2].decode("utf-8", "replace"),
            changed=self._clone.changed(commit, base),
        )
