"""What one cycle did, what it left alone, and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.core.decision import Change, Skip
from reconciler.core.objects.control import Suspension
from reconciler.core.objects.report import SyncReport
from reconciler.core.proposal import Proposal
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError, StalledError
from reconciler.exit_codes import BUG, OK, PENDING, STALLED, TRANSIENT, USAGE

READ = "read"
UPDATE = "update"
SYNC = "sync"
_RANK = (BUG, USAGE, STALLED, TRANSIENT, PENDING, OK)
_RESULTS = {BUG: "bug", STALLED: "stalled", TRANSIENT: "transient", PENDING: "pending", OK: "ok"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong.

    Attributes:
        where: ``path:line``, a URL or an object; may be empty.
        message: what is wrong.
        is_stalled: whether a person must change something; else it may pass by itself.
        kind: what failed, in one of a few words (see ``errors.py``); ``bug`` for a bug of ours.
        stage: where it showed: ``read``, ``update`` or ``sync``; empty for a bug.
    """

    where: str
    message: str
    is_stalled: bool
    kind: str = field(default="other", compare=False)
    stage: str = field(default="", compare=False)

    @classmethod
    def of(cls, error: ReconcilerError, *, stage: str = "") -> "Problem":
        """Return the problem that an error tells of."""
        is_stalled = isinstance(error, StalledError)
        return cls(error.where, error.message, is_stalled, kind=error.kind, stage=stage)

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


@dataclass(frozen=True, slots=True)
class Lap:
    """One time that a stage of a cycle ran.

    Attributes:
        stage: its name, as in the durations.
        after_s: seconds from the beginning of the cycle to its own.
        seconds: how long it took.
    """

    stage: str
    after_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class CycleOutcome:
    """One cycle of one source, from beginning to end.

    Attributes:
        source: the source's name.
        url: its remote, without credentials.
        is_dry_run: whether everything below is what *would* have happened.
        fetched: the branch as it was found.
        revision: the branch as it was left: our commit, or the same as ``fetched``.
        pushed: our commit, if there is one; its branch may be that of proposals.
        changes: the image fields that changed on the branch.
        pending: those that are due and were not changed there: they wait on the branch of
            proposals, or nothing may be pushed.
        proposal: what stands on the branch of proposals; None: there is none.
        skips: those that stayed, each with its reason.
        commit_diff: the unified diff of the commit.
        sync: what was done to the cluster; None if the cycle did not come to it.
        problems: what went wrong, in the order of the stages.
        is_bug: whether it ended by an error of ours that nobody foresaw.
        finished: the stages that came to their end, and so told all their problems.
        suspension: who has suspended the source, and why; nothing was done then. None: nobody.
        is_stopped: whether it ended early because the process was asked to end.
        attempts: how often it was tried to publish; more than once if somebody pushed in between.
        durations: seconds by stage: ``read``, ``scan``, ``gather``, ``update`` (with both),
            ``sync``, and ``all`` of it.
        laps: the same one by one, in the order in which they ended, without ``all``.
    """

    source: str
    url: str
    is_dry_run: bool = False
    fetched: Revision | None = None
    revision: Revision | None = None
    pushed: Revision | None = None
    changes: tuple[Change, ...] = ()
    pending: tuple[Change, ...] = ()
    proposal: Proposal | None = None
    skips: tuple[Skip, ...] = ()
    commit_diff: str = ""
    sync: SyncReport | None = None
    problems: tuple[Problem, ...] = ()
    is_bug: bool = False
    finished: frozenset[str] = frozenset()
    suspension: Suspension | None = None
    is_stopped: bool = False
    attempts: int = 0
    durations: Mapping[str, float] = field(default_factory=dict, compare=False)
    laps: tuple[Lap, ...] = field(default=(), compare=False)

    @property
    def result(self) -> str:
        """The outcome in one word, for logs and metrics."""
        if self.suspension is not None:
            return "suspended"
        return "stopped" if self.is_stopped else _RESULTS[self.exit_code]

    @property
    def has_pending(self) -> bool:
        """Whether something is due that a dry run, or a remote that is only read, holds up.

        What is proposed is done: the rest is left to people.
        """
        if self.pending and self.proposal is None:
            return True
        return self.is_dry_run and bool(self.changes or (self.sync and self.sync.has_changes))

    @property
    def exit_code(self) -> int:
        """The exit code that this outcome alone calls for."""
        if self.is_bug:
            return BUG
        code = exit_code_of(self.problems)
        if code == OK and self.is_stopped:
            return TRANSIENT
        return PENDING if code == OK and self.has_pending else code


def exit_code_of(problems: Iterable[Problem]) -> int:
    """Return the exit code that problems alone call for."""
    codes = {STALLED if problem.is_stalled else TRANSIENT for problem in problems}
    return worst(codes)


def worst(exit_codes: Iterable[int]) -> int:
    """Return the exit code that several outcomes call for together: 70 > 2 > 3 > 1 > 4 > 0."""
    return min(exit_codes, key=_RANK.index, default=OK)
