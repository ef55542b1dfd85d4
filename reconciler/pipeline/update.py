"""Update: choose new tags, edit the manifests, and have that published."""

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from reconciler.core.decision import Decisions, KnowledgeOf, decide
from reconciler.core.images.reference import Repository
from reconciler.core.plan import UpdatePlan, make_plan, pullers
from reconciler.errors import ReconcilerError, RemoteMovedError
from reconciler.pipeline.depth import look_back
from reconciler.pipeline.events import Planned, Progress, Scanning
from reconciler.pipeline.gather import Gatherer
from reconciler.pipeline.git_port import ManifestRepository
from reconciler.pipeline.listings import Listings
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.publish import PUSH_ATTEMPTS, pause
from reconciler.pipeline.publisher import Publisher, Updated
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.read import Reader
from reconciler.pipeline.registry_port import TagSource
from reconciler.pipeline.scan import PullSecretsOf, Tags, scan
from reconciler.pipeline.selections import Selections
from reconciler.pipeline.stopwatch import Stopwatch
from reconciler.pipeline.view import View
from reconciler.stop import Stop


@dataclass(frozen=True, slots=True)
class Updater:
    """What an update needs from the outside, and who it says it is.

    Attributes:
        repository: how far back its history is known.
        gatherer: what this cycle knows of single images.
        selections: what was selected before.
        listings: the tags that were heard before.
        asked: repositories whose tags are to be asked for, ``host/path``; None: all.
        pull_secrets: the registry secrets of this cycle.
        reader: reads the branch once more, and what is to be edited from its text.
        publisher: does with a plan what is wanted of it.
        jitter: gives fractions from 0 to 1.
        stop: asks to end early.
        watch: measures the parts.
    """

    repository: ManifestRepository
    registries: TagSource
    gatherer: Gatherer
    selections: Selections
    listings: Listings
    asked: frozenset[str] | None
    pull_secrets: PullSecrets
    reader: Reader
    publisher: Publisher
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
            view, plan, problem = self._settled(view, tags)
            if dry_run or problem:
                return Updated(view, view, plan, problem=problem, attempts=attempt)
            if plan.changes:
                self.stop.check()
                if not attempt:
                    self.progress.tell(Planned(plan.changes))
            attempt += 1
            try:
                return replace(self.publisher.publish(view, plan), attempts=attempt)
            except RemoteMovedError as error:
                if attempt == PUSH_ATTEMPTS:
                    return Updated(view, view, plan, problem=error, attempts=attempt)
                pause(attempt, clock=self.clock, jitter=self.jitter)
            except ReconcilerError as error:
                return Updated(view, view, plan, problem=error, attempts=attempt)
            try:
                view = self.reader.read()
            except ReconcilerError as error:
                return Updated(view, view, plan, problem=error, attempts=attempt)

    def _settled(
        self, view: View, tags: dict[Repository, Tags]
    ) -> tuple[View, UpdatePlan, ReconcilerError | None]:
        """Return what is to be done, by as much of the history as it depends on.

        And what kept us from looking so far back, or from reading what is to be edited; then it
        must not be done. What an earlier process found in a content is enough to leave it alone,
        and no more: a row in a cache that is wrong after all costs time, and edits nothing.
        """
        while True:
            who = pullers(view.reports)
            logins = self.pull_secrets.by_repository(who)
            tags.update(self.listings.known(who.keys() - tags.keys(), asked=self.asked))
            tags.update(self._scan(who.keys() - tags.keys(), logins))
            decided, knowledge = self._decisions(view, tags, logins)
            self.listings.keep(tags, knowledge)
            plan = UpdatePlan()
            try:
                if recalled := decided.changed & view.recalled:
                    view = self.reader.read_anew(recalled)
                    continue
                plan = make_plan(view.reports, view.texts, decided)
                reports = look_back(self.repository, view.revision, view.reports, plan.changes)
            except ReconcilerError as error:
                return view, plan, error
            if reports is None:
                return view, plan, None
            view = replace(view, reports=reports)

    def _decisions(
        self, view: View, tags: Mapping[Repository, Tags], logins: PullSecretsOf
    ) -> tuple[Decisions, KnowledgeOf]:
        with self.watch.stage("gather"):
            return self.gatherer.settle(
                lambda knowledge: decide(
                    view.reports, tags, knowledge, choose=self.selections.select
                ),
                tags=tags,
                pull_secrets=logins,
            )

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
