"""Gather: read what decisions want to know of single images, within a budget, and decide again."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.core.decision import Decisions, KnowledgeOf, Tags, Wants
from reconciler.core.images.facts import NO_FACTS
from reconciler.core.images.knowledge import NOTHING_KNOWN, Fact, Knowledge, Want
from reconciler.core.images.reference import Repository
from reconciler.errors import ReconcilerError
from reconciler.pipeline.events import Progress, Reading
from reconciler.pipeline.inquiry import inquire
from reconciler.pipeline.known_images import Found, KnownImages
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.registry_port import FactStore, ImageSource
from reconciler.pipeline.scan import PullSecretsOf
from reconciler.stop import Stop

READS = 50  # of each fact, in one repository and cycle: registries count requests
PATIENCE_S = 60.0  # after which a cycle goes on with what it knows; others wait for its commit
KEPT_UNLISTED = 100  # tags that are not listed any more, of one repository
PART = 256  # facts that are read before what was read is kept


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Where what is to be known of single images comes from.

    Attributes:
        source: whom to ask; None: nobody, and what is given is all.
        store: keeps what was read; None: nothing does.
        given: what stands for every repository where nobody is asked.
    """

    source: ImageSource | None = None
    store: FactStore | None = None
    given: Knowledge = NOTHING_KNOWN


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of one repository."""

    repository: Repository
    want: Want


@dataclass(slots=True)
class Gatherer:
    """What one cycle knows of single images. Nothing is read twice in it.

    Attributes:
        facts: where it comes from.
        clock: tells how long it takes.
        jitter: gives fractions from 0 to 1.
        progress: hears how much is read.
        stop: asks to end early.
    """

    facts: ImageFacts
    clock: Clock
    jitter: Callable[[], float]
    progress: Progress
    stop: Stop
    _known: dict[Repository, KnownImages] = field(default_factory=dict)
    _began: float | None = None

    def settle(
        self, decide: Callable[[KnowledgeOf], Decisions], *, tags: Tags, pull_secrets: PullSecretsOf
    ) -> tuple[Decisions, KnowledgeOf]:
        """Decide, read what is wanted and decide again, until no more can be had or it takes long.

        What is still wanted then waits for the next cycle.

        Args:
            decide: decides by what is known.
            tags: what the registries list; nothing else is kept for long.
            pull_secrets: gives the cluster's logins for a repository.

        Returns:
            What was decided, and by which knowledge.

        Raises:
            StoppedError: the process is to end.
        """
        source = self.facts.source
        if source is None:
            known = dict.fromkeys(tags, self.facts.given)
            return decide(known), known
        while True:
            knowledge = {each: known.knowledge for each, known in self._known.items()}
            decided = decide(knowledge)
            if self._recall(decided.wants):
                continue
            due = list(self._due(decided.wants))
            if not due or self._takes_long():
                return decided, knowledge
            self._began = self.clock.now() if self._began is None else self._began
            self.progress.tell(Reading(len(due)))
            for start in range(0, len(due), PART):
                if self._takes_long():
                    break
                part = due[start : start + PART]
                self._read(part, source, pull_secrets)
                self._keep({each.repository for each in part}, tags, decided.present)

    def _takes_long(self) -> bool:
        """Whether enough time was spent on reading in this cycle."""
        return self._began is not None and self.clock.now() - self._began >= PATIENCE_S

    def _recall(self, wants: Wants) -> bool:
        """Take in what earlier cycles knew; return whether anything was added."""
        is_news = False
        for repository in wants.keys() - self._known.keys():
            facts = self.facts.store.load(repository) if self.facts.store else NO_FACTS
            self._known[repository] = KnownImages.of(facts)
            is_news |= facts != NO_FACTS
        return is_news

    def _due(self, wants: Wants) -> Iterator[_Question]:
        """Yield what is to be asked next: what is known least comes first, what failed last.

        Of one tag one thing at a time, so that all of it is about the same image.
        """
        for repository, wanted in wants.items():
            known = self._known[repository]
            left = {fact: READS - known.count(fact) for fact in Fact}
            tags: set[str] = set()
            for want in known.by_age(want for want in wanted if want not in known.asked):
                is_new = not known.is_recheck(want)
                if left[want.fact] <= 0 and is_new:
                    known.is_short = True
                elif want.tag not in tags:
                    tags.add(want.tag)
                    left[want.fact] -= is_new
                    yield _Question(repository, want)

    def _read(
        self, due: Collection[_Question], source: ImageSource, pull_secrets: PullSecretsOf
    ) -> None:
        def ask(question: _Question) -> Found:
            repository, want = question.repository, question.want
            known = self._known[repository]
            digest = known.digest(want.tag) or source.digest_of(
                repository, want.tag, pull_secrets=pull_secrets(repository)
            )
            return known.found(want.fact, digest) or _found(
                source, question, digest, pull_secrets=pull_secrets
            )

        answers = inquire(
            {each: each.repository for each in due},
            ask,
            clock=self.clock,
            jitter=self.jitter,
            stop=self.stop,
        )
        for question in due:
            self._known[question.repository].take(question.want, answers[question])

    def _keep(
        self,
        repositories: Collection[Repository],
        tags: Tags,
        present: Mapping[Repository, Collection[str]],
    ) -> None:
        """Keep what is about tags that are listed, or stand in Git though they are not any more.

        And some of the others: the store is shared, and another source may stand on them.
        """
        if self.facts.store is None:
            return
        for repository in repositories:
            listed = tags[repository]
            if not isinstance(listed, ReconcilerError):
                wanted = frozenset(listed).union(present.get(repository, ()))
                facts = self._known[repository].facts
                others = [tag for tag in facts.digests if tag not in wanted]
                self.facts.store.save(
                    repository, facts.of_tags(wanted.union(others[-KEPT_UNLISTED:]))
                )


def _found(
    source: ImageSource, question: _Question, digest: str, *, pull_secrets: PullSecretsOf
) -> Found:
    repository = question.repository
    logins = pull_secrets(repository)
    if question.want.fact is Fact.PLATFORMS:
        platforms = source.platforms_of(repository, digest, pull_secrets=logins)
        return Found(digest, platforms=platforms)
    return Found(digest, created=source.created_of(repository, digest, pull_secrets=logins))
