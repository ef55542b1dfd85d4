"""Publisher: what becomes of a plan once it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from reconciler.core.decision import Change
from reconciler.core.plan import UpdatePlan
from reconciler.core.proposal import Proposal
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError
from reconciler.pipeline.events import Progress, Pushed
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.publish import push
from reconciler.pipeline.view import View
from reconciler.pipeline.wording import Wording


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did.

    Attributes:
        found: the branch that the plan is about; somebody may have pushed since it was first read.
        view: the branch after it: with our commit if it was pushed there, else as it was found.
        plan: what changed, or would have, and what stays as it is, with reasons.
        pushed: our commit, if there is one and the remote has it.
        problem: why the plan could not be published.
        proposal: what stands on the branch of proposals; None: there is no such branch.
        is_withheld: whether nothing may be pushed.
        attempts: how often it was tried; more than once if somebody pushed in between.
    """

    found: View
    view: View
    plan: UpdatePlan
    pushed: Revision | None = None
    problem: ReconcilerError | None = None
    proposal: Proposal | None = None
    is_withheld: bool = False
    attempts: int = 0

    @property
    def changes(self) -> tuple[Change, ...]:
        """What changed on the branch that was read; in a dry run, what would have."""
        is_elsewhere = self.is_withheld or self.proposal is not None
        return () if is_elsewhere or self.problem is not None else self.plan.changes

    @property
    def pending(self) -> tuple[Change, ...]:
        """What is due and left to people."""
        return self.plan.changes if self.is_withheld or self.proposal is not None else ()


class Publisher(Protocol):
    """Does with a plan what the settings want of it."""

    def publish(self, view: View, plan: UpdatePlan) -> Updated:
        """Publish a plan for a view, which may have no changes; safe to repeat.

        Raises:
            RemoteMovedError: somebody pushed in between: read and plan again.
            ReconcilerError: it failed, see :meth:`ManifestRepository.push`.
        """
        ...


@dataclass(frozen=True, slots=True)
class DirectPublisher:
    """Commits and pushes to the branch that was read.

    Attributes:
        repository: the branch.
        signature: stands in the commit's ``Reconcile-By`` trailer: ``default@1f3a9c02``.
        wording: how that is worded.
        progress: hears of the push.
    """

    repository: ManifestRepository
    signature: str
    wording: Wording
    progress: Progress

    def publish(self, view: View, plan: UpdatePlan) -> Updated:
        """See :class:`Publisher`."""
        if not plan.changes:
            return Updated(view, view, plan)
        message = self.wording.of_update(
            plan.changes, by=self.signature, branch=view.revision.branch
        )
        revision = self.repository.commit(view.revision, bytes_of(plan), message)
        push(self.repository, revision)
        self.progress.tell(Pushed(revision))
        after = replace(view, revision=revision, texts={**view.texts, **plan.contents})
        return Updated(view, after, plan, pushed=revision)


def bytes_of(plan: UpdatePlan) -> Mapping[str, bytes]:
    """Return the new contents of the files that change, by path."""
    return {path: text.encode() for path, text in plan.contents.items()}
