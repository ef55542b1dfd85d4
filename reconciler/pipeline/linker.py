"""Linker: finds for changes where a person can read what the new images bring."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.core.decision import Change
from reconciler.core.images.facts import NO_FACTS, Facts
from reconciler.core.images.origin import Origin, link_between
from reconciler.core.images.pull_secret import Puller
from reconciler.core.images.reference import ImageReference, Repository
from reconciler.errors import ReconcilerError
from reconciler.pipeline.events import Progress, Reading
from reconciler.pipeline.gather import READS
from reconciler.pipeline.inquiry import inquire
from reconciler.pipeline.ports import Clock
from reconciler.pipeline.pull_secrets import PullSecrets
from reconciler.pipeline.registry_port import FactStore, ImageSource
from reconciler.stop import Stop

MAX_ORIGINS = 200  # of one repository that are kept: the new image of today is tomorrow's old one


@dataclass(frozen=True, slots=True)
class _Image:
    """One image of a repository: by its digest where Git has that, else by its tag."""

    repository: Repository
    tag: str
    digest: str | None

    @classmethod
    def of(cls, reference: ImageReference) -> "_Image":
        return cls(reference.repository, reference.effective_tag, reference.digest)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was read of an image; ``is_new``: it was not known by its digest."""

    digest: str
    origin: Origin
    is_new: bool


@dataclass(slots=True)
class Linker:
    """Reads where images come from. What cannot be read gives no link, and is no problem.

    Attributes:
        source: whom to ask.
        store: keeps what was read, by digest; None: nothing does.
        pull_secrets: the cluster's logins.
        clock: tells how long it takes.
        jitter: gives fractions from 0 to 1.
        progress: hears how much is read.
        stop: asks to end early.
    """

    source: ImageSource
    store: FactStore | None
    pull_secrets: PullSecrets
    clock: Clock
    jitter: Callable[[], float]
    progress: Progress
    stop: Stop
    _known: dict[_Image, Origin | None] = field(default_factory=dict)

    def linked(self, changes: Sequence[Change]) -> tuple[Change, ...]:
        """Return the changes with links; of many, as many images are read as a cycle may ask for.

        Raises:
            StoppedError: the process is to end.
        """
        due = self._due(changes)
        if due:
            self._read(due, _pullers(changes))
        return tuple(
            replace(each, link=link_between(self._origin(each.old), self._origin(each.new)))
            for each in changes
        )

    def _origin(self, reference: ImageReference) -> Origin | None:
        return self._known.get(_Image.of(reference))

    def _due(self, changes: Sequence[Change]) -> list[_Image]:
        """Return the images to read, each once, new ones first: old ones alone give no link."""
        left: dict[Repository, int] = {}
        due: dict[_Image, None] = {}
        for reference in [*(each.new for each in changes), *(each.old for each in changes)]:
            image = _Image.of(reference)
            room = left.get(image.repository, READS)
            if image not in self._known and image not in due and room:
                left[image.repository] = room - 1
                due[image] = None
        return list(due)

    def _read(self, due: Sequence[_Image], pullers: Mapping[Repository, Sequence[Puller]]) -> None:
        facts = {each.repository: self._load(each.repository) for each in due}
        logins = self.pull_secrets.by_repository(pullers)

        def ask(image: _Image) -> _Found:
            repository = image.repository
            digest = image.digest or self.source.digest_of(
                repository, image.tag, pull_secrets=logins(repository)
            )
            known = facts[repository].origins.get(digest)
            if known is not None:
                return _Found(digest, known, is_new=False)
            origin = self.source.origin_of(repository, digest, pull_secrets=logins(repository))
            return _Found(digest, origin, is_new=True)

        self.progress.tell(Reading(len(due)))
        answers = inquire(
            {each: each.repository for each in due},
            ask,
            clock=self.clock,
            jitter=self.jitter,
            stop=self.stop,
        )
        for image, answer in answers.items():
            self._known[image] = None if isinstance(answer, ReconcilerError) else answer.origin
        self._keep(answers)

    def _load(self, repository: Repository) -> Facts:
        return self.store.load(repository) if self.store else NO_FACTS

    def _keep(self, answers: Mapping[_Image, _Found | ReconcilerError]) -> None:
        news: dict[Repository, dict[str, Origin]] = {}
        for image, answer in answers.items():
            if isinstance(answer, _Found) and answer.is_new:
                news.setdefault(image.repository, {})[answer.digest] = answer.origin
        if self.store is None:
            return
        for repository, origins in news.items():
            facts = self.store.load(repository)
            kept = list({**facts.origins, **origins}.items())[-MAX_ORIGINS:]
            self.store.save(repository, replace(facts, origins=dict(kept)))


def _pullers(changes: Iterable[Change]) -> Mapping[Repository, Sequence[Puller]]:
    found: dict[Repository, dict[Puller, None]] = {}
    for each in changes:
        found.setdefault(each.new.repository, {})[each.field.puller] = None
    return {repository: tuple(each) for repository, each in found.items()}
