"""Propose: a plan goes to a branch of its own and waits there for people; or nowhere."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from reconciler.core.change_request import ChangeRequest
from reconciler.core.decision import Skip
from reconciler.core.manifests.images import FieldKey, SkipReason
from reconciler.core.plan import UpdatePlan
from reconciler.core.proposal import BranchTip, Proposal, ProposalState
from reconciler.core.proposing import (
    Step,
    Wanted,
    next_step,
    proposed_fields,
    undecided_fields,
)
from reconciler.core.revision import Revision
from reconciler.errors import GitError, ReconcilerError, RefusedError, RemoteMovedError
from reconciler.pipeline.events import Progress, Proposed
from reconciler.pipeline.git_port import ManifestRepository, ProposalBranch
from reconciler.pipeline.publisher import DirectPublisher, Publisher, Updated, bytes_of
from reconciler.pipeline.requests import Requests, turned_down
from reconciler.pipeline.view import View
from reconciler.pipeline.wording import Wording


class Withholder:
    """Publishes nothing: the remote is there to be read."""

    def publish(self, view: View, plan: UpdatePlan) -> Updated:
        """See :class:`Publisher`."""
        return Updated(view, view, plan, is_withheld=True)


@dataclass(frozen=True, slots=True)
class Proposer:
    """Keeps one commit with all that is due on a branch of its own, above the one that was read.

    Attributes:
        repository: where commits are made.
        branch: where they go; ours to move as long as nobody else commits there.
        signature: stands in the commit's ``Reconcile-By`` trailer.
        wording: how that is worded.
        progress: hears of the push.
        requests: shows what is proposed at a forge; None: nobody does.
    """

    repository: ManifestRepository
    branch: ProposalBranch
    signature: str
    wording: Wording
    progress: Progress
    requests: Requests | None = None

    def publish(self, view: View, plan: UpdatePlan) -> Updated:
        """See :class:`Publisher`."""
        tip = self.branch.proposed(view.revision)
        wanted = Wanted(
            base=view.revision,
            contents=bytes_of(plan),
            signature=self.signature,
            undecided=frozenset(_undecided(view, plan, tip)),
        )
        found = self._found(view, is_of_interest=bool(plan.changes) or tip is not None)
        updated = Updated(view, view, plan)
        if plan.changes and found is not None and found.answers(plan.changes):
            return self._turned_down(updated, found, tip)
        step = next_step(tip, wanted)
        if self.requests and found is not None and found.is_open and _is_moot(step, tip):
            self.requests.close(found)  # before its branch is gone
        return self._shown(self._step(step, updated, wanted, tip), step, found)

    def _step(self, step: Step, updated: Updated, wanted: Wanted, tip: BranchTip | None) -> Updated:
        """Do to the branch what is to be done."""
        match step:
            case Step.MOVE:
                return self._move(updated, wanted, seen=tip.commit if tip else "")
            case Step.REMOVE if tip:
                self._push(None, seen=tip.commit)
                return replace(updated, proposal=self._left(ProposalState.WITHDRAWN))
            case Step.KEEP | Step.WAIT if tip:
                return replace(updated, proposal=self._left(ProposalState.WAITING, tip.commit))
            case Step.BLOCKED if tip:
                proposal = self._left(ProposalState.BLOCKED, tip.commit)
                return replace(updated, proposal=proposal, problem=self._blocked(tip))
            case _:
                return updated

    def _found(self, view: View, *, is_of_interest: bool) -> ChangeRequest | None:
        """Return the request of the branch; where there can be none, nobody is asked."""
        if self.requests is None or not (is_of_interest or self.requests.is_open):
            return None
        return self.requests.find(view.revision.branch)

    def _shown(self, updated: Updated, step: Step, found: ChangeRequest | None) -> Updated:
        """Let the request show what is proposed; the branch holds it, come what may."""
        if self.requests is None or updated.proposal is None:
            return updated
        shown = found if found is not None and found.is_open else None
        try:
            if step in (Step.MOVE, Step.KEEP):
                shown = self.requests.show(
                    found,
                    updated.plan.changes,
                    message=self._message(updated),
                    base=updated.view.revision.branch,
                )
        except ReconcilerError as error:
            return replace(updated, problem=error)
        url = shown.url if shown else ""
        is_gone = updated.proposal.state is ProposalState.WITHDRAWN
        return replace(updated, proposal=replace(updated.proposal, request="" if is_gone else url))

    def _turned_down(
        self, updated: Updated, found: ChangeRequest, tip: BranchTip | None
    ) -> Updated:
        """Leave all as it is: a branch that stands may still be looked at, and merged."""
        plan, reason = updated.plan, turned_down(found)
        skips = (Skip(change.field, SkipReason.TURNED_DOWN, reason) for change in plan.changes)
        state, commit = ProposalState.TURNED_DOWN, tip.commit if tip else ""
        return replace(
            updated,
            plan=replace(plan, changes=(), contents={}, skips=(*plan.skips, *skips)),
            proposal=replace(self._left(state, commit), request=found.url),
        )

    def _message(self, updated: Updated) -> str:
        return self.wording.of_update(
            updated.plan.changes, by=self.signature, branch=updated.view.revision.branch
        )

    def _move(self, updated: Updated, wanted: Wanted, *, seen: str) -> Updated:
        message = self._message(updated)
        made = self.repository.commit(wanted.base, wanted.contents, message)
        self._push(made, seen=seen)
        pushed = Revision(self.branch.name, made.commit)
        self.progress.tell(Proposed(pushed))
        proposal = self._left(ProposalState.PUSHED, made.commit)
        return replace(updated, pushed=pushed, proposal=proposal)

    def _push(self, made: Revision | None, *, seen: str) -> None:
        """Move the branch (None: remove it); when the answer was lost, look what became of it."""
        try:
            self.branch.propose(made, seen=seen)
        except RemoteMovedError:
            raise
        except GitError:
            now = self.branch.proposed(self.repository.fetch().revision)
            if (now.commit if now else "") != (made.commit if made else ""):
                raise

    def _left(self, state: ProposalState, commit: str = "") -> Proposal:
        return Proposal(self.branch.name, state, commit)

    def _blocked(self, tip: BranchTip) -> RefusedError:
        return RefusedError(
            f"the branch {self.branch.name!r} has commit {tip.short}, which is not ours, and lacks "
            "what is due now: merge the branch, or delete it",
            where=self.branch.url,
        )


@dataclass(frozen=True, slots=True)
class Chooser:
    """Proposes, unless the branch of proposals is the very branch that was read."""

    direct: DirectPublisher
    proposer: Proposer

    def publish(self, view: View, plan: UpdatePlan) -> Updated:
        """See :class:`Publisher`."""
        is_same = view.revision.branch == self.proposer.branch.name
        chosen: Publisher = self.direct if is_same else self.proposer
        return chosen.publish(view, plan)


def _is_moot(step: Step, tip: BranchTip | None) -> bool:
    """Whether a request is about nothing any more; with people's commits it is about those."""
    return step is Step.REMOVE or (step is Step.NOTHING and tip is None)


def _undecided(view: View, plan: UpdatePlan, tip: BranchTip | None) -> Iterable[FieldKey]:
    """Yield the fields of which nobody knows yet what becomes of them, those in unread files too.

    A registry that is down, or a file that cannot be read, takes no proposal back.
    """
    yield from undecided_fields(plan.skips)
    unread = {problem.where.rpartition(":")[0] for problem in view.problems}
    unread |= {problem.where for problem in view.problems}
    for key in proposed_fields(tip.message) if tip else ():
        path = key[0].partition("#")[0]
        if path in unread and path not in view.files:
            yield key
