"""Known images: what is known of one repository's images in the course of a cycle."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.core.images.facts import Facts
from reconciler.core.images.knowledge import Fact, Knowledge, Want
from reconciler.core.images.origin import Origin
from reconciler.core.images.platform import Platform
from reconciler.errors import NotFoundError, ReconcilerError

RECHECKS = 10
"""How many images of a repository whose platforms are known are looked at anew in one cycle before
the others are believed to have those that they had. The best ones come first, and a tag gets its
other platforms soon after it was pushed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a registry says of a tag: its digest, and perhaps one more thing of its image."""

    digest: str
    created: datetime | None = None
    platforms: frozenset[Platform] | None = None


@dataclass(slots=True)
class KnownImages:
    """What is known of a repository's images: some from earlier cycles, some read in this one.

    Attributes:
        asked: the facts that were asked for in this cycle, whatever came of it.
        is_short: whether more is wanted than one cycle may ask for.
    """

    asked: set[Want] = field(default_factory=set)
    is_short: bool = False
    _tags: dict[str, str] = field(default_factory=dict)  # those looked at last come last
    _recallable: frozenset[str] = frozenset()
    _built: dict[str, datetime | None] = field(default_factory=dict)
    _runs_on: dict[str, frozenset[Platform]] = field(default_factory=dict)
    _failed: set[str] = field(default_factory=set)
    _origins: Mapping[str, Origin] = field(default_factory=dict)  # others read them; kept as is
    _digests: dict[str, str | ReconcilerError] = field(default_factory=dict)
    _platforms: dict[str, frozenset[Platform] | ReconcilerError] = field(default_factory=dict)
    _created: dict[str, ReconcilerError] = field(default_factory=dict)

    @classmethod
    def of(cls, facts: Facts) -> "KnownImages":
        """Return what earlier cycles know."""
        return cls(
            _tags=dict(facts.digests),
            _recallable=frozenset(
                tag for tag, digest in facts.digests.items() if digest in facts.platforms
            ),
            _built=dict(facts.created),
            _runs_on=dict(facts.platforms),
            _failed=set(facts.failed),
            _origins=facts.origins,
        )

    @property
    def facts(self) -> Facts:
        """What is worth keeping; while more is wanted than may be asked for, by age."""
        tags = dict(self._tags) if self.is_short else dict(sorted(self._tags.items()))
        failed = frozenset(self._failed)
        return Facts(tags, dict(self._built), dict(self._runs_on), failed, self._origins)

    @property
    def knowledge(self) -> Knowledge:
        """What a decision can go by.

        Digests and platforms are those of this cycle: both are about what a tag names *now*. When
        enough images were looked at anew, the others have the platforms that they had.
        """
        built = {tag: self._built[at] for tag, at in self._tags.items() if at in self._built}
        checked = {tag for tag, digest in self._digests.items() if isinstance(digest, str)}
        recalled = self._recalled()
        return Knowledge(
            digests=dict(self._digests),
            platforms={**recalled, **self._platforms},
            created={**built, **self._created},
            remembered=frozenset(built.keys() - checked),
            recalled=frozenset(recalled),
        )

    def count(self, fact: Fact) -> int:
        """Return how many of one fact were asked for in this cycle, and not merely looked at anew.

        Looking at platforms anew is one request that no registry counts, and has its own limit.
        """
        return sum(want.fact is fact and not self.is_recheck(want) for want in self.asked)

    def is_recheck(self, want: Want) -> bool:
        """Whether this was known before, and is only to be looked at anew."""
        return want.fact is Fact.PLATFORMS and want.tag in self._recallable

    def by_age(self, wants: Iterable[Want]) -> list[Want]:
        """Return the wants of which the least is known first; what failed the last time is last."""
        ages = {tag: age for age, tag in enumerate(self._tags)}
        return sorted(wants, key=lambda want: (want.tag in self._failed, ages.get(want.tag, -1)))

    def _recalled(self) -> dict[str, frozenset[Platform]]:
        """Return the platforms by which images may be turned down without a look at them."""
        anew = sum(self.is_recheck(want) for want in self.asked)
        if anew < RECHECKS:
            return {}
        return {
            tag: self._runs_on[self._tags[tag]]
            for tag in self._recallable
            if tag not in self._platforms and tag not in self._digests
        }

    def digest(self, tag: str) -> str | None:
        """Return the digest of a tag as it was read in this cycle."""
        digest = self._digests.get(tag)
        return digest if isinstance(digest, str) else None

    def found(self, fact: Fact, digest: str) -> Found | None:
        """Return what is known of an image, if the fact is."""
        if fact is Fact.DIGEST:
            return Found(digest)
        if fact is Fact.CREATED and digest in self._built:
            return Found(digest, created=self._built[digest])
        if fact is Fact.PLATFORMS and digest in self._runs_on:
            return Found(digest, platforms=self._runs_on[digest])
        return None

    def take(self, want: Want, answer: Found | ReconcilerError) -> None:
        """Take down what came of a question."""
        self.asked.add(want)
        if isinstance(answer, ReconcilerError):
            self._failed.add(want.tag)
            self._take_failure(want, answer)
            return
        self._failed.discard(want.tag)
        self._tags.pop(want.tag, None)
        self._digests[want.tag] = self._tags[want.tag] = answer.digest
        if want.fact is Fact.CREATED:
            self._built[answer.digest] = answer.created
        if answer.platforms is not None:
            self._platforms[want.tag] = self._runs_on[answer.digest] = answer.platforms

    def _take_failure(self, want: Want, error: ReconcilerError) -> None:
        match want.fact:
            case Fact.DIGEST:
                self._digests[want.tag] = error
                if isinstance(error, NotFoundError):  # nor is there what was created once
                    self._created[want.tag] = error
            case Fact.PLATFORMS:
                self._platforms[want.tag] = error
            case Fact.CREATED:
                self._created[want.tag] = error
