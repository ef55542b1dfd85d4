"""Board: what people may see of the sources of this process. It shows, and changes nothing."""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from reconciler.core.gallery import Exhibit, exhibits, judged
from reconciler.core.history import History, Standing, Write, standings
from reconciler.core.objects.report import Action
from reconciler.core.outcome import UPDATE, CycleOutcome, Problem
from reconciler.core.revision import Revision
from reconciler.core.survey import SurveyedImage
from reconciler.pipeline.demand import Demand
from reconciler.pipeline.memory import Memory
from reconciler.pipeline.selections import Selections
from reconciler.settings import SourceSettings

MAX_CYCLES: Final = 50
"""Of each source that are remembered, beside the last ones that did something."""

MAX_EVENTFUL: Final = 50


@dataclass(frozen=True, slots=True)
class CycleRecord:
    """What is remembered of one cycle when its outcome has gone.

    Attributes:
        number: of the source's cycles in this process, from 1.
        why: what asked for it: ``schedule``, ``webhook``.
        began: when.
        result: the outcome in one word.
        revision: the branch as it was left; None if it could not be read.
        pushed: our commit; None if there was none.
        changes: how many images it changed.
        actions: how many objects were written to, by what was done; empty ones are left out.
        problem: the first thing that went wrong; None if nothing did.
        durations: seconds by stage, see :class:`CycleOutcome`.
    """

    number: int
    why: str
    began: datetime
    result: str
    revision: Revision | None
    pushed: Revision | None
    changes: int
    actions: Mapping[str, int]
    problem: Problem | None
    durations: Mapping[str, float]

    @property
    def is_eventful(self) -> bool:
        """Whether something changed or went wrong."""
        return bool(self.changes or self.pushed or self.actions or self.problem)


@dataclass(frozen=True, slots=True)
class Shown:
    """What is known of one source at a moment.

    Attributes:
        settings: what it is.
        outcome: of its last cycle; None before the first one has ended.
        looked: of the last cycle that decided about images; None if none did.
        cycles: the newest first: all of late, and before them those that were eventful.
        running: what asked for the cycle that runs now; empty if none does.
        leads: whether this process runs its cycles; None: there is nobody else.
        looked_at: when the last cycle ended.
        version: grows with each change of this.
    """

    settings: SourceSettings
    outcome: CycleOutcome | None = None
    looked: CycleOutcome | None = None
    cycles: tuple[CycleRecord, ...] = ()
    running: str = ""
    leads: bool | None = None
    looked_at: datetime | None = None
    version: int = 0

    @property
    def name(self) -> str:
        """The source's name."""
        return self.settings.name

    @property
    def state(self) -> str:
        """How it stands: ``follows`` another process, ``waiting`` for a first cycle, or a result.

        A cycle that was only stopped says nothing of the source.
        """
        if self.leads is False:
            return "follows"
        return self.outcome.result if self.outcome else "waiting"


@dataclass(frozen=True, slots=True)
class Portrait:
    """One image from near by.

    Attributes:
        exhibit: the image.
        judged: the same with a verdict on each tag; without, if its tags were not kept.
        writes: what commits of ours wrote there, the oldest first, each with what became of it.
        since: from when on commits are known; None: from the beginning.
    """

    exhibit: Exhibit
    judged: SurveyedImage
    writes: tuple[tuple[Write, Standing], ...]
    since: datetime | None


@dataclass(slots=True)
class _Source:
    """What is kept of one source; guarded by the board's lock."""

    shown: Shown
    memory: Memory
    began: datetime | None = None
    count: int = 0
    recent: deque[CycleRecord] = field(default_factory=lambda: deque(maxlen=MAX_CYCLES))
    eventful: deque[CycleRecord] = field(default_factory=lambda: deque(maxlen=MAX_EVENTFUL))
    gallery: tuple[CycleOutcome, tuple[Exhibit, ...]] | None = None
    selections: Selections = field(default_factory=Selections)


class Board:
    """Hears of cycles, and shows what is known of all sources. Safe to use from many threads.

    Attributes:
        id: of this board and of no other: its versions mean nothing elsewhere.
    """

    def __init__(
        self,
        sources: Iterable[SourceSettings],
        memories: Mapping[str, Memory] = MappingProxyType({}),
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Know of nothing yet but what there is.

        Args:
            sources: all that are shown.
            memories: of their cycles, by name.
            now: tells the time.
        """
        self._now = now
        self._lock = threading.Lock()
        self._looking = threading.Lock()  # one gallery is made at a time: it takes its time
        self._of = {
            each.name: _Source(Shown(each), memories.get(each.name, Memory())) for each in sources
        }
        self.id = uuid.uuid4().hex[:8]
        self._is_closed = False
        self._version = 0
        self._watchers: set[Callable[[], None]] = set()

    def started(self, source: str, demand: Demand) -> None:
        """Take in that a cycle begins."""
        with self._lock:
            kept = self._of[source]
            kept.began = self._now()
            kept.shown = replace(kept.shown, running=str(demand))
        self._changed(source)

    def ended(self, outcome: CycleOutcome) -> None:
        """Take in how it ended."""
        outcome = replace(outcome, commit_diff="")
        now = self._now()
        with self._lock:
            kept = self._of[outcome.source]
            kept.count += 1
            record = _record(kept, outcome, began=kept.began or now)
            if record.is_eventful:
                kept.eventful.append(record)
            kept.recent.append(record)
            oldest = kept.recent[0].number
            before = [each for each in kept.eventful if each.number < oldest]
            is_told = not outcome.is_stopped or kept.shown.outcome is None
            kept.shown = replace(
                kept.shown,
                outcome=outcome if is_told else kept.shown.outcome,
                looked=outcome if UPDATE in outcome.finished else kept.shown.looked,
                cycles=tuple(reversed((*before, *kept.recent))),
                running="",
                looked_at=now,
            )
        self._changed(outcome.source)

    def on_lead(self, source: str, is_led: bool) -> None:
        """Take in that this process leads a source, or does not."""
        with self._lock:
            kept = self._of[source]
            kept.shown = replace(kept.shown, leads=is_led)
        self._changed(source)

    @property
    def sources(self) -> tuple[Shown, ...]:
        """All sources, in the order of the settings."""
        with self._lock:
            return tuple(each.shown for each in self._of.values())

    def source(self, name: str) -> Shown | None:
        """Return one source; None: there is none of that name."""
        with self._lock:
            kept = self._of.get(name)
            return kept.shown if kept else None

    def images(self, name: str) -> tuple[Exhibit, ...]:
        """Return the images of a source, as the last cycle left them that decided about any."""
        with self._lock:
            kept = self._of.get(name)
        if kept is None or kept.shown.looked is None:
            return ()
        with self._looking:
            looked = kept.shown.looked
            if kept.gallery is None or kept.gallery[0] is not looked:
                listings = kept.memory.listings
                kept.selections.next_cycle()
                made = exhibits(
                    looked, listings.kept, listings.knowledge, choose=kept.selections.select
                )
                kept.gallery = looked, made
            return kept.gallery[1]

    def find(self, names: Iterable[str], *, words: str, state: str) -> list[Exhibit]:
        """Return the images of some sources that are in a state and have all of some words.

        Args:
            names: of the sources.
            words: what must stand somewhere in what is shown; empty: anything.
            state: the one that is wanted; empty: any.
        """
        wanted = words.lower().split()
        return [
            each
            for name in names
            for each in self.images(name)
            if state in ("", each.state.value) and each.matches(wanted)
        ]

    def portrait(self, name: str, image: str) -> Portrait | None:
        """Return one image of a source; None: there is none of that id."""
        exhibit = next((each for each in self.images(name) if each.id == image), None)
        if exhibit is None:
            return None
        memory = self._of[name].memory
        listings, seen = memory.listings, memory.seen
        key = exhibit.surveyed.field.key
        history = seen.history if seen else History()
        writes = tuple(each for each in history.writes if each.trailer.key == key)
        reports = [
            report
            for report in (seen.view.reports if seen else ())
            if any(field.key == key for field in report.fields)
        ]
        return Portrait(
            exhibit,
            judged(exhibit, listings.kept, listings.knowledge),
            standings(History(writes, history.since), reports),
            history.since,
        )

    def now(self) -> datetime:
        """Return the time."""
        return self._now()

    @property
    def is_closed(self) -> bool:
        """Whether another board has taken its place."""
        return self._is_closed

    def close(self) -> None:
        """Have those who watch look elsewhere."""
        self._is_closed = True
        self._tell()

    def watch(self, watcher: Callable[[], None]) -> Callable[[], None]:
        """Have somebody called at each change, from whatever thread; return what ends that."""
        with self._lock:
            self._watchers.add(watcher)

        def end() -> None:
            with self._lock:
                self._watchers.discard(watcher)

        return end

    def _changed(self, source: str) -> None:
        with self._lock:
            self._version += 1
            kept = self._of[source]
            kept.shown = replace(kept.shown, version=self._version)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            watchers = tuple(self._watchers)
        for each in watchers:
            each()


def _record(kept: _Source, outcome: CycleOutcome, *, began: datetime) -> CycleRecord:
    counts = outcome.sync.counts if outcome.sync else {}
    written = (Action.CREATED, Action.CONFIGURED, Action.DELETED)
    return CycleRecord(
        number=kept.count,
        why=kept.shown.running,
        began=began,
        result=outcome.result,
        revision=outcome.revision,
        pushed=outcome.pushed,
        changes=len(outcome.changes),
        actions={each.value: counts[each] for each in written if counts.get(each)},
        problem=outcome.problems[0] if outcome.problems else None,
        durations=dict(outcome.durations),
    )
