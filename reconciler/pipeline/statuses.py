"""Statuses: what became of the revision that was synced, told to the forge that serves it."""

from dataclasses import dataclass, replace

from reconciler.core.commit_status import CommitStatus, status_of
from reconciler.core.outcome import SYNC, CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError
from reconciler.pipeline.git_port import Forge


@dataclass(slots=True)
class Statuses:
    """The statuses of one source's commits. Not safe for several threads.

    Attributes:
        forge: where they are shown.
        known: what it shows of which commit, as far as this process knows.
    """

    forge: Forge
    known: tuple[str, CommitStatus] | None = None

    def report(self, outcome: CycleOutcome) -> CycleOutcome:
        """Tell the forge what became of a revision, if it does not know; return the outcome.

        That it could not be told is one problem more, which may pass: nothing depends on it.
        """
        status = status_of(outcome)
        if status is None or outcome.revision is None:
            return outcome
        try:
            self._tell(outcome.revision, status)
        except ReconcilerError as error:
            problem = replace(Problem.of(error, stage=SYNC), is_stalled=False)
            message = f"the commit's status was not told: {problem.message}"
            return replace(outcome, problems=(*outcome.problems, replace(problem, message=message)))
        return outcome

    def _tell(self, revision: Revision, status: CommitStatus) -> None:
        """Say it once: a process that is new asks first, as forges keep all that they are told."""
        if self.known is None or self.known[0] != revision.commit:
            shown = self.forge.status_of(revision.commit, status.context)
            self.known = (revision.commit, shown) if shown else None
        if self.known is None or self.known[1] != status:
            self.forge.report(revision, status)
            self.known = (revision.commit, status)
