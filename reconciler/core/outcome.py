"""What one cycle did, what it left alone, and why."""

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.core.objects.report import SyncReport
from reconciler.core.plan import Change, Skip
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError, StalledError

OK = 0
TRANSIENT = 1
USAGE = 2
STALLED = 3
PENDING = 4
BUG = 70
_RANK = (BUG, USAGE, STALLED, TRANSIENT, PENDING, OK)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong.

    Attributes:
        where: ``path:line``, a URL or an object; may be empty.
        message: what is wrong.
        is_stalled: whether a person must change something; else it may pass by itself.
    """

    where: str
    message: str
    is_stalled: bool

    @classmethod
    def of(cls, error: ReconcilerError) -> "Problem":
        """Return the problem that an error tells of."""
        return cls(error.where, error.message, isinstance(error, StalledError))

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


@dataclass(frozen=True, slots=True)
class CycleOutcome:
    """One cycle of one source, from beginning to end.

    Attributes:
        source: the source's name.
        url: its remote, without credentials.
        is_dry_run: whether everything below is what *would* have happened.
        fetched: the branch as it was found.
        revision: the branch as it was left: our commit, or the same as ``fetched``.
        pushed: our commit, if there is one.
        changes: the image fields that changed.
        skips: those that stayed, each with its reason.
        commit_diff: the unified diff of the commit.
        sync: what was done to the cluster; None if the cycle did not come to it.
        problems: what went wrong, in the order of the stages.
        is_bug: whether it ended by an error of ours that nobody foresaw.
    """

    source: str
    url: str
    is_dry_run: bool = False
    fetched: Revision | None = None
    revision: Revision | None = None
    pushed: Revision | None = None
    changes: tuple[Change, ...] = ()
    skips: tuple[Skip, ...] = ()
    commit_diff: str = ""
    sync: SyncReport | None = None
    problems: tuple[Problem, ...] = ()
    is_bug: bool = False

    @property
    def has_pending(self) -> bool:
        """Whether a dry run found something to change."""
        return self.is_dry_run and bool(self.changes or (self.sync and self.sync.has_changes))

    @property
    def exit_code(self) -> int:
        """The exit code that this outcome alone calls for."""
        if self.is_bug:
            return BUG
        if any(problem.is_stalled for problem in self.problems):
            return STALLED
        if self.problems:
            return TRANSIENT
        return PENDING if self.has_pending else OK


def worst(exit_codes: Iterable[int]) -> int:
    """Return the exit code that several outcomes call for together: 70 > 2 > 3 > 1 > 4 > 0."""
    return min(exit_codes, key=_RANK.index, default=OK)
