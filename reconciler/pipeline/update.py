"""Update: choose new tags, edit the manifests, commit and push."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from reconciler.core.decision import decide
from reconciler.core.images.reference import Repository
from reconciler.core.message import compose
from reconciler.core.plan import UpdatePlan, make_plan, pullers
from reconciler.core.revision import Revision
from reconciler.errors import ReconcilerError, RemoteMovedError
from reconciler.pipeline.events import Planned, Progress, Pushed, Scanning
from reconciler.pipeline.gather import Gatherer
from reconciler.pipeline.ports import Clock, ManifestRepository, TagSource
from reconciler.pipeline.publish import PUSH_ATTEMPTS, pause, push
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.read import View
from reconciler.pipeline.scan import PullSecretsOf, Tags, scan
from reconciler.pipeline.selections import Selections
from reconciler.pipeline.stopwatch import Stopwatch
from reconciler.stop import Stop


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did.

    Attributes:
        found: the branch that the plan is about; somebody may have pushed since it was first read.
        view: the branch after it: with our commit if it was pushed, else as it was found.
        plan: what changed, or would have, and what stays as it is, with reasons.
        pushed: our commit, if there is one and the remote has it.
        problem: why the plan could not be published.
    """

    found: View
    view: View
    plan: UpdatePlan
    pushed: Revision | None = None
    problem: ReconcilerError | None = None


@dataclass(frozen=True, slots=True)
class Updater:
    """What an update needs from the outside, and who it says it is.

    Attributes:
        gatherer: what this cycle knows of single images.
        selections: what was selected before.
        pull_secrets: the registry secrets of this cycle.
        read_again: fetches the branch once more.
        signature: stands in the commit's ``Reconcile-By`` trailer: ``default@1f3a9c02``.
        jitter: gives fractions from 0 to 1.
        stop: asks to end early.
        watch: measures the parts.
    """

    repository: ManifestRepository
    registries: TagSource
    gatherer: Gatherer
    selections: Selections
    pull_secrets: PullSecrets
    read_again: Callable[[], View]
    signature: str
    clock: Clock
    jitter: Callable[[], float]
    progress: Progress
    stop: Stop
    watch: Stopwatch

    def update(self, view: View, *, dry_run: bool) -> Updated:
        """Bring the images of ``view`` up to date on the remote.

        When somebody else pushes in between, the branch is read again and everything is decided
        anew on top of their commit: no rebase, no merge, no force.

        Raises:
            StoppedError: the process is to end, and nothing was published.
        """
        self.selections.next_cycle()
        tags: dict[Repository, Tags] = {}
        attempt = 0
        while True:
            who = pullers(view.reports)
            logins = self.pull_secrets.by_repository(who)
            tags.update(self._scan(who.keys() - tags.keys(), logins))
            plan = self._plan(view, tags, logins)
            if dry_run or not plan.changes:
                return Updated(view, view, plan)
            self.stop.check()
            if not attempt:
                self.progress.tell(Planned(plan.changes))
            attempt += 1
            try:
                return self._publish(view, plan)
            except RemoteMovedError as error:
                if attempt == PUSH_ATTEMPTS:
                    return Updated(view, view, plan, problem=error)
                pause(attempt, clock=self.clock, jitter=self.jitter)
            except ReconcilerError as error:
                return Updated(view, view, plan, problem=error)
            try:
                view = self.read_again()
            except ReconcilerError as error:
                return Updated(view, view, plan, problem=error)

    def _plan(
        self, view: View, tags: Mapping[Repository, Tags], logins: PullSecretsOf
    ) -> UpdatePlan:
        with self.watch.stage("gather"):
            decided, _ = self.gatherer.settle(
                lambda knowledge: decide(
                    view.reports, tags, knowledge, choose=self.selections.select
                ),
                tags=tags,
                pull_secrets=logins,
            )
        return make_plan(view.reports, view.texts, decided)

    def _scan(
        self, wanted: AbstractSet[Repository], logins: PullSecretsOf
    ) -> Mapping[Repository, Tags]:
        if not wanted:
            return {}
        self.progress.tell(Scanning(len(wanted)))
        with self.watch.stage("scan"):
            return scan(
                wanted,
                self.registries,
                pull_secrets=logins,
                clock=self.clock,
                jitter=self.jitter,
                stop=self.stop,
            )

    def _publish(self, view: View, plan: UpdatePlan) -> Updated:
        contents = {path: text.encode() for path, text in plan.contents.items()}
        message = compose(plan.changes, by=self.signature)
        revision = self.repository.commit(view.revision, contents, message)
        push(self.repository, revision)
        self.progress.tell(Pushed(revision))
        return Updated(view, self._after(view, plan, revision), plan, pushed=revision)

    def _after(self, view: View, plan: UpdatePlan, revision: Revision) -> View:
        """Return the view with our commit on top; its reports are those that we acted upon."""
        return replace(view, revision=revision, texts={**view.texts, **plan.contents})
